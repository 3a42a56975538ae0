"""Every event that people hear of can be put in words and leads somewhere."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from notifications.kinds import DESK_KINDS, KINDS, kind_of
from notifications.sentences import MANY
from notifications.wording import put

AT = datetime(2026, 3, 1, 12, tzinfo=UTC).isoformat()
IDS = (
    "bid window award settlement delivery block transfer refund change organization outage mismatch dispute units"
    " endpoint standing_order"
)
FACTS = dict.fromkeys(IDS.split(), 7) | {
    "amount_cents": 123_456,
    "credit_cents": 5_000_00,
    "limit_cents": 6_000_00,
    "refund_cents": 100,
    "to_pay_cents": 100_000_000,
    "starts_at": AT,
    "ends_at": AT,
    "pay_by": AT,
    "answer_by": AT,
    "message": "It was refused.",
    "what": "Lines do not add up",
    "subject": "settlement:7",
    "name": "Scheduler",
    "detail": "7 of 8",
    "organization_name": "Meridian",
}


@pytest.mark.parametrize(
    ("kind", "event"),
    [(kind, event) for kind in KINDS for event in kind.events],
    ids=lambda each: str(each)[:40],
)
def test_every_event_has_words_and_a_page(kind, event):
    said = put(event, FACTS | {"side": kind.side} if kind.side else FACTS)

    assert said.title[0].isupper() or said.title[0] in "$0123456789"
    assert "{" not in said.title + said.text
    assert said.path.startswith("/")


@pytest.mark.parametrize("event", MANY)
def test_several_are_counted(event):
    said = put(event, FACTS, n=1_200)

    assert "1,200" in said.title + said.text


def test_money_and_times_are_shown_with_their_units():
    said = put("settlement.declined", FACTS)

    assert said.title == "Your card was declined for $1,234.56"
    assert said.text == "It was refused. Pay by 1 Mar 2026 12:00 UTC, or the award is cancelled."


@pytest.mark.parametrize(("units", "words"), [(1, "1 unit"), (1_200, "1,200 units")])
def test_units_are_counted_in_words(units, words):
    said = put("bid.won", FACTS | {"units": units})

    assert f": {words} for " in said.title


def test_an_event_belongs_to_one_kind_of_its_side():
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert kind_of("delivery.missed", {"side": "buyer"}).name == "handover_missed"
    assert kind_of("delivery.missed", {"side": "seller"}).name == "sale_missed"
    assert kind_of("delivery.handed_over", {"side": "seller"}) is None
    assert kind_of("bid.placed", {}) is None
    assert DESK_KINDS["refund.failed"].audience == "finance"
