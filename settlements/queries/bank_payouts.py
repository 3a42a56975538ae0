"""Reads of payouts to our bank: the list, and one with the movements that Stripe says it holds."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Sum

from settlements.models import BalanceMovement, BankPayout, Entry, Mismatch, PayoutMovement, Transaction
from settlements.queries.reconciliation import TypeTie

PAGE_SIZE = 50
Status = BankPayout.Status


@dataclass(frozen=True, slots=True)
class PayoutPage:
    """Payouts newest first; ``next_before`` is the id of the last one, None at the end."""

    payouts: list[BankPayout]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class MovementPage:
    """Movements that a payout holds, newest first; ``next_before`` is where the next page starts, None at the end."""

    movements: list[BalanceMovement]
    next_before: int | None


def payout_page(*, before: int | None, size: int = PAGE_SIZE) -> PayoutPage:
    """Return the page of payouts that we heard of before the one with the id ``before``."""
    rows = BankPayout.objects.order_by("-id")
    found = list((rows if before is None else rows.filter(pk__lt=before))[: size + 1])
    return PayoutPage(found[:size], found[size - 1].pk if len(found) > size else None)


def held_page(payout: BankPayout, *, before: int | None, size: int = PAGE_SIZE) -> MovementPage:
    """Return a page of the movements that a payout holds."""
    rows = payout.holds.select_related("movement").order_by("-id")
    found = list((rows if before is None else rows.filter(pk__lt=before))[: size + 1])
    return MovementPage(
        [each.movement for each in found[:size]], found[size - 1].pk if len(found) > size else None
    )


def held_by_type(payout: BankPayout) -> list[TypeTie]:
    """Return what a payout holds, by type of movement."""
    rows = (
        PayoutMovement.objects.filter(payout=payout)
        .values("movement__type")
        .annotate(
            n=Count("id"),
            amount=Sum("movement__amount_cents"),
            fee=Sum("movement__fee_cents"),
            net=Sum("movement__net_cents"),
        )
        .order_by("movement__type")
    )
    return [TypeTie(row["movement__type"], row["n"], row["amount"], row["fee"], row["net"]) for row in rows]


def booked_of(payout: BankPayout) -> list[Transaction]:
    """Return what a payout booked, oldest first, with entries."""
    entries = Entry.objects.select_related("account__organization").order_by("id")
    own = Transaction.objects.filter(reference__startswith=f"payout:{payout.stripe_id}:")
    return list(own.order_by("id").prefetch_related(Prefetch("entries", entries)))


def open_mismatches_of(payout: BankPayout) -> QuerySet[Mismatch]:
    """Return open mismatches of a payout and of what it holds, the oldest first."""
    held = PayoutMovement.objects.filter(payout=payout, movement__source_id=OuterRef("subject"))
    rows = Mismatch.objects.filter(status=Mismatch.Status.OPEN)
    own = rows.filter(Q(subject=payout.stripe_id) | Exists(held))
    return own.select_related("owner", "ended_by").order_by("happened_at", "id")


def tie_of(payout: BankPayout) -> tuple[str, str]:
    """Say whether a payout ties: a status to show, and words."""
    match payout.status:
        case Status.CANCELLED:
            return "canceled", "Never left"
        case Status.PENDING:
            return "pending", "Booked once it arrives"
        case _ if not payout.automatic:
            return "", "Made by hand: Stripe does not say what it holds"
        case _ if payout.difference_cents is None:
            return "pending", "Not compared yet"
        case _ if payout.difference_cents:
            return "open_mismatch", "Differs"
        case _:
            return "tied", "Ties"
