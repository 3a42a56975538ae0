"""Reconciliation as finance reads it: day by day and window by window, clearing beside ledger beside Stripe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from auctions.models import Award, Window
from settlements.models import BalanceMovement, ClosedPeriod, Entry, Mismatch, Settlement, SettlementLine
from settlements.queries.mismatches import NEXT_ACTION

DAYS_SHOWN = 31
MISMATCHES_PER_PAGE = 100
AT_STRIPE = ("stripe_pending", "stripe_available")


@dataclass(frozen=True, slots=True)
class DayTie:
    """A day (UTC): cents that the ledger and Stripe say moved our balance there, and mismatches of it still open."""

    day: date
    n_movements: int
    stripe_cents: int
    ledger_cents: int
    n_open: int

    @property
    def difference_cents(self) -> int:
        return self.ledger_cents - self.stripe_cents


@dataclass(frozen=True, slots=True)
class TypeTie:
    """Movements of one type on a day, and what the ledger booked for the objects that made them."""

    type: str
    n_movements: int
    amount_cents: int
    fee_cents: int
    net_cents: int


@dataclass(frozen=True, slots=True)
class Step:
    """A line of a window's reconciliation: two figures that must be equal, cents."""

    what: str
    left: str
    left_cents: int
    right: str
    right_cents: int

    @property
    def ties(self) -> bool:
        return self.left_cents == self.right_cents

    @property
    def difference_cents(self) -> int:
        return self.left_cents - self.right_cents


def days(*, until: date) -> list[DayTie]:
    """Return the last days up to ``until``, the newest first."""
    since = datetime.combine(until - timedelta(days=DAYS_SHOWN - 1), datetime.min.time(), tzinfo=UTC)
    moved = {
        row["day"]: row
        for row in BalanceMovement.objects.filter(created_at__gte=since)
        .annotate(day=TruncDate("created_at", tzinfo=UTC))
        .values("day")
        .annotate(n=Count("id"), cents=Sum("net_cents"))
    }
    at_stripe = Entry.objects.filter(account__kind__in=AT_STRIPE, transaction__posted_at__gte=since)
    booked = dict(
        at_stripe.annotate(day=TruncDate("transaction__posted_at", tzinfo=UTC))
        .values("day")
        .annotate(cents=Sum("amount_cents"))
        .values_list("day", "cents")
    )
    is_open = dict(
        Mismatch.objects.filter(status=Mismatch.Status.OPEN, happened_at__gte=since)
        .annotate(day=TruncDate("happened_at", tzinfo=UTC))
        .values("day")
        .annotate(n=Count("id"))
        .values_list("day", "n")
    )
    shown = [until - timedelta(days=n) for n in range(DAYS_SHOWN)]
    return [
        DayTie(
            day,
            moved[day]["n"] if day in moved else 0,
            moved[day]["cents"] if day in moved else 0,
            booked.get(day, 0),
            is_open.get(day, 0),
        )
        for day in shown
    ]


def types_of(day: date) -> list[TypeTie]:
    """Return what Stripe moved on a day, by type."""
    rows = (
        _movements_of(day)
        .values("type")
        .annotate(n=Count("id"), amount=Sum("amount_cents"), fee=Sum("fee_cents"), net=Sum("net_cents"))
        .order_by("type")
    )
    return [TypeTie(row["type"], row["n"], row["amount"], row["fee"], row["net"]) for row in rows]


def movements_of(day: date, *, limit: int) -> list[BalanceMovement]:
    """Return a day's movements, the newest first, at most ``limit``."""
    return list(_movements_of(day).order_by("-created_at", "-id")[:limit])


def mismatches_of(day: date) -> list[Mismatch]:
    """Return a day's mismatches, open ones first."""
    rows = Mismatch.objects.filter(happened_at__date=day).select_related("owner", "ended_by")
    return told(rows.order_by("status", "happened_at", "id"))


def open_mismatches(*, owner_id: int | None = None) -> list[Mismatch]:
    """Return open mismatches, the oldest first, of one person or all; each with its ``next_action``."""
    rows = Mismatch.objects.filter(status=Mismatch.Status.OPEN).select_related("owner", "ended_by")
    if owner_id is not None:
        rows = rows.filter(owner_id=owner_id)
    return told(rows.order_by("happened_at", "id")[:MISMATCHES_PER_PAGE])


def told(mismatches: Sequence[Mismatch] | QuerySet[Mismatch]) -> list[Mismatch]:
    """Write on each mismatch the one thing to do next."""
    rows = list(mismatches)
    for mismatch in rows:
        mismatch.next_action = NEXT_ACTION[Mismatch.Kind(mismatch.kind)]  # type: ignore[attr-defined]  # for the page
    return rows


def window_steps(window: Window) -> list[Step]:
    """Return a settled window's figures along the way from clearing to Stripe. A lease shows what is charged so far."""
    settlements = Settlement.objects.filter(window=window)
    awarded = {
        row["organization"]: row["ticks"] // 100
        for row in Award.objects.filter(window=window)
        .values("organization")
        .annotate(ticks=Sum("amount_ticks"))
    }
    settled = _sum(settlements, "amount_cents")
    lines = SettlementLine.objects.filter(settlement__window=window)
    references = Q()
    for pk in settlements.values_list("pk", flat=True):
        references |= Q(transaction__reference__startswith=f"settlement:{pk}:")
    entries = Entry.objects.filter(references) if references else Entry.objects.none()
    due = entries.filter(transaction__kind="settlement_due", account__kind="buyer_receivable")
    paid = settlements.filter(status=Settlement.Status.PAID)
    open_ = settlements.exclude(
        status__in=(Settlement.Status.PAID, Settlement.Status.DEFAULTED, Settlement.Status.WRITTEN_OFF)
    )
    owed = entries.filter(account__kind="buyer_receivable")
    charges = settlements.filter(attempts__outcome="succeeded").values("attempts__stripe_charge_id")
    moved = BalanceMovement.objects.filter(source_id__in=charges, type__in=("charge", "payment"))
    collected = paid.aggregate(
        cents=Sum(F("amount_cents") + F("carried_in_cents") - F("prepaid_cents"), filter=Q(carried_into=None))
    )["cents"]
    return [
        Step("Clearing and settlements", "awarded", sum(awarded.values()), "settled", settled),
        Step("Settlements and their lines", "settled", settled, "lines", _sum(lines, "amount_cents")),
        Step("Settlements and ledger", "settled", settled, "booked as due", _sum(due, "amount_cents")),
        Step(
            "What is still owed",
            "ledger",
            _sum(owed, "amount_cents"),
            "unpaid settlements",
            _sum(open_, "amount_cents") - _sum(open_, "prepaid_cents"),
        ),
        Step(
            "Paid by card, and Stripe", "paid", collected or 0, "moved at Stripe", _sum(moved, "amount_cents")
        ),
    ]


def closed_periods() -> list[ClosedPeriod]:
    """Return the months that are closed, the newest first."""
    return list(ClosedPeriod.objects.select_related("closed_by").order_by("-first_day"))


def last_import() -> datetime | None:
    """Return when a movement was last taken in."""
    return BalanceMovement.objects.order_by("-imported_at").values_list("imported_at", flat=True).first()


def _movements_of(day: date) -> QuerySet[BalanceMovement]:
    start = datetime.combine(day, datetime.min.time(), tzinfo=UTC)
    return BalanceMovement.objects.filter(created_at__gte=start, created_at__lt=start + timedelta(days=1))


def _sum(
    rows: QuerySet[Settlement] | QuerySet[SettlementLine] | QuerySet[Entry] | QuerySet[BalanceMovement],
    field: str,
) -> int:
    return int(rows.aggregate(cents=Sum(field, default=0))["cents"])
