"""The settlement queue: pages in any order by keyset, what is unpaid at a glance, and neighbours of a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum

from settlements.models import Settlement, SettlementNote

PAGE_SIZE = 50
EXPORT_CHUNK = 1000
OVERDUE_AFTER = timedelta(hours=24)
UNPAID = (
    ~Q(status=Settlement.Status.PAID)
    & ~Q(status=Settlement.Status.DEFAULTED)
    & ~Q(status=Settlement.Status.WRITTEN_OFF)
)
"""One by one, so that Postgres sees that the index on what is not PAID serves."""

NEWEST, OLDEST, LARGEST = "newest", "oldest", "largest"
NEWEST_DRAWN, OLDEST_DRAWN = "newest_drawn", "oldest_drawn"
ORDERS: dict[str, tuple[str, ...]] = {
    NEWEST: ("-id",),
    OLDEST: ("id",),
    LARGEST: ("-amount_cents", "-id"),
    NEWEST_DRAWN: ("-created_at", "-id"),
    OLDEST_DRAWN: ("created_at", "id"),
}
"""Columns of each order. It ends in the id, so that a row says where the next one starts.

Days are read in the order of their own index: by id, Postgres would look through all that was drawn up since.
"""
BY_DAY = {NEWEST: NEWEST_DRAWN, OLDEST: OLDEST_DRAWN}


@dataclass(frozen=True, slots=True)
class Page:
    """Settlements in order; ``next_before`` is the id of the last one, None at the end."""

    settlements: list[Settlement]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Unpaid settlements of one state: how many, and cents in all."""

    status: Settlement.Status
    n: int
    amount_cents: int


def page_of(
    settlements: QuerySet[Settlement], *, before: int | None, size: int = PAGE_SIZE, order: str = NEWEST
) -> Page:
    """Return the page after the settlement ``before`` (an id): a keyset, as quick at the end as at the start.

    An id that is gone, or never was, starts where it would have stood in an order by id; else there is no page.
    """
    rows = list(_after(settlements, before, order).order_by(*ORDERS[order])[: size + 1])
    return Page(rows[:size], rows[size - 1].pk if len(rows) > size else None)


def every_page_of(settlements: QuerySet[Settlement], *, order: str = NEWEST) -> Iterator[list[Settlement]]:
    """Yield all of ``settlements`` in order, a chunk at a time, holding no cursor open in between."""
    page = page_of(settlements, before=None, size=EXPORT_CHUNK, order=order)
    while page.settlements:
        yield page.settlements
        if page.next_before is None:
            return
        page = page_of(settlements, before=page.next_before, size=EXPORT_CHUNK, order=order)


def _after(settlements: QuerySet[Settlement], before: int | None, order: str) -> QuerySet[Settlement]:
    if before is None:
        return settlements
    if order == OLDEST:
        return settlements.filter(pk__gt=before)
    if order == NEWEST:
        return settlements.filter(pk__lt=before)
    column = ORDERS[order][0]
    name = column.removeprefix("-")
    last = Settlement.objects.filter(pk=before).values_list(name, flat=True).first()
    if last is None:
        return settlements.none()
    way = "lt" if column.startswith("-") else "gt"
    beyond = Q(**{f"{name}__{way}": last}) | Q(**{f"pk__{way}": before})
    return settlements.filter(Q(**{f"{name}__{way}e": last}) & beyond)


def waiting() -> list[Waiting]:
    """Return what is unpaid, by state, states without any left out."""
    unpaid = Settlement.objects.filter(UNPAID)
    rows = unpaid.values_list("status").annotate(n=Count("id"), cents=Sum("amount_cents")).order_by("status")
    found = {status: (n, cents) for status, n, cents in rows}
    return [Waiting(status, *found[status]) for status in Settlement.Status if status in found]


def notes_of(settlement: Settlement) -> list[SettlementNote]:
    """Return the notes on a settlement, oldest first."""
    return list(settlement.notes.select_related("author").order_by("id"))


def chosen(settlement_ids: Sequence[int]) -> list[Settlement]:
    """Return the settlements of a bulk action, newest first."""
    rows = Settlement.objects.filter(pk__in=settlement_ids).select_related(
        "organization", "assignee", "window__market"
    )
    return list(rows.order_by("-id"))


def flag(settlements: Sequence[Settlement], *, now: datetime) -> None:
    """Write on each settlement (from ``listed``) its ``flags``: what a finance person should see at once."""
    for settlement in settlements:
        flags = []
        if settlement.status == Settlement.Status.DUE and not settlement.has_card:  # type: ignore[attr-defined]
            flags.append("No card on file")
        if settlement.status not in Settlement.ENDED and settlement.created_at < now - OVERDUE_AFTER:
            flags.append("Not paid for a day")
        if settlement.amount_cents >= settings.LARGE_SETTLEMENT_CENTS:
            flags.append("Large")
        settlement.flags = flags  # type: ignore[attr-defined]  # for the page alone
