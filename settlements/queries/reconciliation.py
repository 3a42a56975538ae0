"""Reconciliation as finance reads it: day by day and window by window, clearing beside ledger beside Stripe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from auctions.models import Award, Window
from settlements.models import (
    BalanceDay,
    BalanceMovement,
    ClosedPeriod,
    Mismatch,
    Settlement,
    SettlementLine,
)
from settlements.queries.mismatches import NEXT_ACTION

DAYS_SHOWN = 31
PAGE_SIZE = 50


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

    @property
    def is_quiet(self) -> bool:
        return not (self.n_movements or self.stripe_cents or self.ledger_cents or self.n_open)


@dataclass(frozen=True, slots=True)
class BalanceTie:
    """One of our two balances at Stripe, cents: what the ledger says and what Stripe does."""

    name: str
    ledger_cents: int
    stripe_cents: int
    untied_since: datetime | None

    @property
    def difference_cents(self) -> int:
        return self.ledger_cents - self.stripe_cents


@dataclass(frozen=True, slots=True)
class MismatchPage:
    """Mismatches in order; ``next_before`` is the id of the last one, None at the end."""

    mismatches: list[Mismatch]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class TypeTie:
    """Movements of one type on a day, and what the ledger booked for the objects that made them."""

    type: str
    n_movements: int
    amount_cents: int
    fee_cents: int
    net_cents: int

    @property
    def words(self) -> str:
        return BalanceMovement(type=self.type).words


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
    """Return the last days up to ``until``, the newest first, as they were last counted."""
    since = until - timedelta(days=DAYS_SHOWN - 1)
    counted = {row.day: row for row in BalanceDay.objects.filter(day__gte=since, day__lte=until)}
    is_open = dict(
        Mismatch.objects.filter(status=Mismatch.Status.OPEN, happened_at__gte=_midnight(since))
        .annotate(day=TruncDate("happened_at", tzinfo=UTC))
        .values("day")
        .annotate(n=Count("id"))
        .values_list("day", "n")
    )
    shown = [until - timedelta(days=n) for n in range(DAYS_SHOWN)]
    return [
        DayTie(day, row.n_movements, row.moved_cents, row.booked_cents, is_open.get(day, 0))
        for day in shown
        for row in [counted.get(day, BalanceDay(day=day))]
    ]


def balances() -> list[BalanceTie]:
    """Return our pending and available balance as last compared, and their sum; nothing before the first time."""
    last = last_reading()
    if last is None:
        return []
    pending = (last.ledger_pending_cents or 0, last.stripe_pending_cents or 0)
    available = (last.ledger_available_cents or 0, last.stripe_available_cents or 0)
    return [
        BalanceTie("Pending", *pending, last.pending_untied_since),
        BalanceTie("Available", *available, last.available_untied_since),
        BalanceTie("Together", pending[0] + available[0], pending[1] + available[1], None),
    ]


def last_reading() -> BalanceDay | None:
    """Return the day on which our balance was last compared with Stripe's."""
    return BalanceDay.objects.exclude(read_at=None).order_by("-day").first()


def reading_of(day: date) -> BalanceDay | None:
    """Return how our balance compared with Stripe's at the end of a day, if it was compared then."""
    return BalanceDay.objects.filter(day=day).exclude(read_at=None).first()


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
    start = _midnight(day)
    rows = Mismatch.objects.filter(happened_at__gte=start, happened_at__lt=start + timedelta(days=1))
    rows = rows.select_related("owner", "ended_by")
    return told(rows.order_by("status", "happened_at", "id"))


def open_mismatches(
    *, owner_id: int | None = None, before: int | None = None, size: int = PAGE_SIZE
) -> MismatchPage:
    """Return a page of open mismatches after the mismatch ``before`` (an id), the oldest first, of one person or all.

    Each has its ``next_action``. One that is gone has no page after it.
    """
    rows = Mismatch.objects.filter(status=Mismatch.Status.OPEN).select_related("owner", "ended_by")
    if owner_id is not None:
        rows = rows.filter(owner_id=owner_id)
    if before is not None:
        last = Mismatch.objects.filter(pk=before).values_list("happened_at", flat=True).first()
        rows = (
            rows.none()
            if last is None
            else rows.filter(Q(happened_at__gte=last) & (Q(happened_at__gt=last) | Q(pk__gt=before)))
        )
    found = told(rows.order_by("happened_at", "id")[: size + 1])
    return MismatchPage(found[:size], found[size - 1].pk if len(found) > size else None)


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
    due_cents, owed_cents = _receivable_of(window)
    paid = settlements.filter(status=Settlement.Status.PAID)
    open_ = settlements.exclude(
        status__in=(Settlement.Status.PAID, Settlement.Status.DEFAULTED, Settlement.Status.WRITTEN_OFF)
    )
    charges = settlements.filter(attempts__outcome="succeeded").values("attempts__stripe_charge_id")
    moved = BalanceMovement.objects.filter(source_id__in=charges, type__in=("charge", "payment"))
    collected = paid.aggregate(
        cents=Sum(F("amount_cents") + F("carried_in_cents") - F("prepaid_cents"), filter=Q(carried_into=None))
    )["cents"]
    return [
        Step("Clearing and settlements", "awarded", sum(awarded.values()), "settled", settled),
        Step("Settlements and their lines", "settled", settled, "lines", _sum(lines, "amount_cents")),
        Step("Settlements and ledger", "settled", settled, "booked as due", due_cents),
        Step(
            "What is still owed",
            "ledger",
            owed_cents,
            "unpaid settlements",
            _sum(open_, "amount_cents") - _sum(open_, "prepaid_cents"),
        ),
        Step(
            "Paid by card, and Stripe", "paid", collected or 0, "moved at Stripe", _sum(moved, "amount_cents")
        ),
    ]


RECEIVABLE = """
SELECT coalesce(sum(booked.due), 0), coalesce(sum(booked.owed), 0)
  FROM settlements_settlement s
  JOIN LATERAL (SELECT sum(e.amount_cents) FILTER (WHERE t.kind = 'settlement_due') AS due, sum(e.amount_cents) AS owed
                  FROM settlements_transaction t
                  JOIN settlements_entry e ON e.transaction_id = t.id
                  JOIN settlements_account a ON a.id = e.account_id AND a.kind = 'buyer_receivable'
                 -- What LIKE 'settlement:7:%%' finds, but by the index, which a pattern made here forgoes.
                 WHERE t.reference ~>=~ ('settlement:' || s.id || ':')
                   AND t.reference ~<~ ('settlement:' || s.id || ';')) booked ON true
 WHERE s.window_id = %s
"""


def _receivable_of(window: Window) -> tuple[int, int]:
    """Return what was booked as due for a window's settlements, and what of it the ledger says is owed, cents."""
    with connection.cursor() as cursor:
        cursor.execute(RECEIVABLE, [window.pk])
        due, owed = cursor.fetchone()
    return int(due), int(owed)


def closed_periods() -> list[ClosedPeriod]:
    """Return the months that are closed, the newest first."""
    return list(ClosedPeriod.objects.select_related("closed_by").order_by("-first_day"))


def last_import() -> datetime | None:
    """Return when a movement was last taken in."""
    return BalanceMovement.objects.order_by("-id").values_list("imported_at", flat=True).first()


def _movements_of(day: date) -> QuerySet[BalanceMovement]:
    start = _midnight(day)
    return BalanceMovement.objects.filter(created_at__gte=start, created_at__lt=start + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), tzinfo=UTC)


def _sum(
    rows: QuerySet[Settlement] | QuerySet[SettlementLine] | QuerySet[BalanceMovement],
    field: str,
) -> int:
    return int(rows.aggregate(cents=Sum(field, default=0))["cents"])
