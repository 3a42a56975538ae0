"""Everything that a feed may say is on offer to webhooks, so that no event is left out of code and docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from auctions.models import StandingOrder
from notifications.kinds import DESK_KINDS, KINDS
from notifications.webhook_events import EVENTS
from settlements.models import Delivery, Dispute, Lease, Outage, PrepaidReturn, Refund

ROOT = Path(__file__).resolve().parents[3]
STAGES = ("accounts", "auctions", "settlements")
FAMILIES = "bid|settlement|lease|limit|prepayment|payment_method|block|transfer|payouts|delivery|outage"
NOT_OF_THE_FEED = {"events.py"}  # Stripe's own events
NAMES_OF_COLUMNS = {"block.unit_step", "delivery.delivered_at"}
NOT_CODE_OF_OURS = {"migrations", "stripe_sandbox"}


def test_holds_every_event_that_code_names():
    files = [
        path
        for stage in STAGES
        for path in (ROOT / stage).rglob("*.py")
        if path.name not in NOT_OF_THE_FEED and not NOT_CODE_OF_OURS & set(path.parts)
    ]
    named = {name for path in files for name in re.findall(rf'"((?:{FAMILIES})\.[a-z_]+)"', path.read_text())}

    assert {"bid.placed", "settlement.paid", "limit.raised"} <= named
    assert named - set(DESK_KINDS) - NAMES_OF_COLUMNS <= set(EVENTS)


@pytest.mark.parametrize(
    ("family", "model", "silent"),
    [
        ("delivery", Delivery, {"awaiting_payment"}),
        ("outage", Outage, {"open"}),
        ("refund", Refund, {"proposed"}),
        ("dispute", Dispute, set()),
        ("lease", Lease, {"active"}),
        ("standing_order", StandingOrder, set()),
        ("prepaid_return", PrepaidReturn, set()),
    ],
)
def test_holds_every_state_that_is_told(family, model, silent):
    told = {f"{family}.{state}" for state in set(model.Status.values) - silent}

    assert told <= set(EVENTS)


def test_what_people_hear_of_programs_can_too():
    own = {event for kind in KINDS if kind.audience in ("buyer", "seller") for event in kind.events}

    assert own <= set(EVENTS)
