"""What tests of dunning do again and again: have a settlement come due or be declined, let time pass, read mail."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core import mail

from accounts.models import Membership, Organization
from inventory.models import BlockHour
from marketplace.db import database_now
from settlements.models import Dunning, Notice, PaymentMethod, Settlement
from settlements.operations.charging import charge_settlement
from settlements.operations.draw_up import settle_window
from settlements.operations.dunning import take_step
from settlements.operations.notices import send_notice
from settlements.queries.due import due_steps
from tests.factories import BlockFactory, BuyerFactory, LotFactory, MembershipFactory, WindowFactory
from tests.integration.settlements.steps import mark_cleared, put_on_file, win

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

SOFT = "pm_card_chargeCustomerFail"


def due_settlement(
    buyer: Organization | None = None, *, cents: int = 10_000, starts_in: timedelta = 10 * DAY
) -> Settlement:
    """Draw up a settlement for a lot delivered from ``starts_in`` on, in whole hours."""
    starts_at = (database_now() + starts_in).replace(minute=0, second=0, microsecond=0)
    window = WindowFactory()
    lot = LotFactory(window=window, block=BlockFactory(starts_at=starts_at))
    win(buyer or BuyerFactory(), cents * 100, window=window, lot=lot)
    BlockHour.objects.filter(block=lot.block).update(sold_units=1)
    (settlement,) = settle_window(window_id=mark_cleared(window).pk)
    return settlement


def declined(card: str = SOFT, **terms: timedelta) -> Settlement:
    """Have a settlement's first charge fail."""
    buyer = BuyerFactory()
    MembershipFactory(organization=buyer, role=Membership.Role.OWNER)
    put_on_file(buyer, card)
    settlement = due_settlement(buyer, **terms)
    charge_settlement(settlement_id=settlement.pk)
    settlement.refresh_from_db()
    return settlement


def lose_the_card(settlement: Settlement, code: str = "LostCard") -> None:
    """Have the card on file reported lost: Stripe's number for it cannot be saved, only charged."""
    PaymentMethod.objects.filter(organization=settlement.organization).update(
        stripe_id=f"pm_card_visa_chargeDeclined{code}"
    )


def run_until(now: datetime) -> int:
    """Take every step that is due at ``now``, in order."""
    return sum(take_step(step_id=step_id, now=now) for step_id in due_steps(now))


def deadline_of(settlement: Settlement) -> datetime:
    return Dunning.objects.get(pk=settlement.pk).deadline_at


def send_all() -> list[str]:
    """Send every e-mail that waits; return all subjects so far."""
    for notice_id in Notice.objects.filter(ended_at=None).order_by("id").values_list("id", flat=True):
        send_notice(notice_id=notice_id, now=database_now())
    return [message.subject for message in mail.outbox]


def plan_of(settlement: Settlement) -> list[tuple[str, timedelta]]:
    dunning = Dunning.objects.get(pk=settlement.pk)
    steps = dunning.steps.filter(taken_at=None).order_by("due_at", "id")
    return [(step.kind, step.due_at - dunning.opened_at) for step in steps]
