"""Reads of refunds: finance's list, one in full, and a buyer's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Prefetch, Q, QuerySet

from accounts.models import Organization
from auctions.models import StandingOrder
from marketplace.hours import n_hours
from settlements.models import (
    Entry,
    Refund,
    RefundAttempt,
    RefundLine,
    SettlementLine,
    Transaction,
    TransferReversal,
)
from settlements.queries.queue import PAGE_SIZE

WAITING = (Refund.Status.PROPOSED, Refund.Status.FAILED)
NEXT_ACTIONS = {
    Refund.Status.PROPOSED: "Another finance person approves or drops it.",
    Refund.Status.APPROVED: "Nothing to do: it is sent in a moment.",
    Refund.Status.SENDING: "Nothing to do: Stripe and the bank are at it, and we keep asking.",
    Refund.Status.FAILED: "Try again, or credit it to the prepaid balance.",
}

TAKE_BACK = "The buyer has it. Take the seller's part back again below, or leave it to be set off."


@dataclass(frozen=True, slots=True)
class RefundPage:
    """Refunds in order; ``next_before`` is the id of the last one, None at the end."""

    refunds: list[Refund]
    next_before: int | None


def listed_refunds() -> QuerySet[Refund]:
    """Return refunds with what a list row shows."""
    return Refund.objects.select_related(
        "settlement__organization", "proposed_by", "decided_by", "credited_by"
    )


def refund_page(refunds: QuerySet[Refund], *, before: int | None, size: int = PAGE_SIZE) -> RefundPage:
    """Return the page of ``refunds`` older than the id ``before``."""
    older = refunds if before is None else refunds.filter(pk__lt=before)
    rows = list(older.order_by("-id")[: size + 1])
    return RefundPage(rows[:size], rows[size - 1].pk if len(rows) > size else None)


def refund_lines(refund: Refund) -> list[RefundLine]:
    """Return a refund's lines with what each was for."""
    lines = refund.lines.select_related("line__seller", "line__award__lot__block__resource_type")
    return list(lines.order_by("id"))


def refund_attempts(refund: Refund) -> list[RefundAttempt]:
    """Return the tries to send a refund, oldest first."""
    return list(refund.attempts.order_by("number"))


def reversals_of(refund: Refund) -> list[TransferReversal]:
    """Return what was taken back of the sellers of a refund's lines, for it or for another."""
    reversals = TransferReversal.objects.filter(transfer__delivery__line__refund_lines__refund=refund)
    return list(reversals.select_related("transfer__seller").order_by("id"))


def failed_reversals(refund: Refund) -> QuerySet[TransferReversal]:
    """Return what Stripe refused to take back of the sellers of a refund's lines."""
    return TransferReversal.objects.filter(
        transfer__delivery__line__refund_lines__refund=refund, status=TransferReversal.Status.FAILED
    )


def next_action(refund: Refund) -> str:
    """Say what happens next with a refund, and by whom; empty when nothing does."""
    if refund.status == Refund.Status.SUCCEEDED and failed_reversals(refund).exists():
        return TAKE_BACK
    return NEXT_ACTIONS.get(Refund.Status(refund.status), "")


def booked_under(reference: str) -> list[Transaction]:
    """Return the ledger transactions of a reference and of what followed from it, oldest first, with their entries."""
    entries = Entry.objects.select_related("account__organization").order_by("id")
    transactions = Transaction.objects.filter(
        Q(reference=reference) | Q(reference__startswith=f"{reference}:")
    )
    return list(transactions.order_by("id").prefetch_related(Prefetch("entries", entries)))


def own_refunds(organization: Organization | int) -> QuerySet[Refund]:
    """Return the refunds of an organization's settlements that were decided."""
    return Refund.objects.filter(settlement__organization=organization, status__in=Refund.BOOKED)


@dataclass(slots=True)
class GivenBack:
    """What was decided to go back of what a standing order won: cents, by bid too, and unit-hours refunded in full."""

    cents: int = 0
    unit_hours_in_full: int = 0
    by_bid: dict[int, int] = field(default_factory=dict)


def given_back_by_order(orders: Iterable[StandingOrder]) -> dict[int, GivenBack]:
    """Add up what was refunded of what ``orders`` won, by order; those without a refund are left out."""
    found: dict[int, GivenBack] = {}
    lines = SettlementLine.objects.filter(
        award__bid__standing_order__in=[order.pk for order in orders], refunded_cents__gt=0
    )
    for line in lines.select_related("award__bid").order_by("id"):
        bid = line.award.bid
        assert bid.standing_order_id is not None
        given_back = found.setdefault(bid.standing_order_id, GivenBack())
        given_back.cents += line.refunded_cents
        given_back.by_bid[bid.pk] = given_back.by_bid.get(bid.pk, 0) + line.refunded_cents
        if line.refunded_cents == line.amount_cents:
            given_back.unit_hours_in_full += line.award.units * n_hours(line.starts_at, line.ends_at)
    return found
