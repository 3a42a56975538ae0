"""A seller's capacity and money over a span of days, UTC: what was listed, sold, delivered, earned, paid out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from accounts.models import Organization
from auctions.models import Lot
from inventory.models import Block, BlockHour, ResourceType, Site
from marketplace.hours import n_hours
from settlements.models import Delivery, Entry, Transaction
from settlements.queries.deliveries import listed_deliveries
from settlements.queries.statements import ACCOUNTS, next_month

DAY = timedelta(days=1)
SHADES = 6
NEXT_HANDOVERS = 5
TRANSFERS = (Transaction.Kind.TRANSFER, Transaction.Kind.TRANSFER_REVERSAL)


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days ``[first_day, end_day)``: a week from its Monday, or a month."""

    kind: str
    first_day: date
    end_day: date

    @property
    def starts_at(self) -> datetime:
        return datetime.combine(self.first_day, time(), tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        return datetime.combine(self.end_day, time(), tzinfo=UTC)

    @property
    def last_day(self) -> date:
        return self.end_day - DAY

    @property
    def days(self) -> list[date]:
        return [self.first_day + index * DAY for index in range((self.end_day - self.first_day).days)]

    @property
    def day_before(self) -> date:
        """A day of the span before this one."""
        return self.first_day - DAY


def span_of(kind: str, day: date) -> Span:
    """Return the week (from Monday) or month that holds ``day``."""
    if kind == "month":
        first = day.replace(day=1)
        return Span(kind, first, next_month(first))
    monday = day - day.weekday() * DAY
    return Span("week", monday, monday + 7 * DAY)


@dataclass(slots=True)
class Hours:
    """Unit-hours: listed (what was offered and not withdrawn), on offer in a window now, sold, delivered."""

    listed: int = 0
    on_offer: int = 0
    sold: int = 0
    delivered: int = 0

    @property
    def sold_percent(self) -> int | None:
        """Sold of what was listed, rounded down; None where nothing was."""
        return 100 * self.sold // self.listed if self.listed else None

    @property
    def shade(self) -> int:
        """How dark a cell is: 0 for nothing sold, up to SHADES for all of it."""
        return -(-self.sold * SHADES // self.listed) if self.listed else 0

    def add(self, other: Hours) -> None:
        self.listed += other.listed
        self.on_offer += other.on_offer
        self.sold += other.sold
        self.delivered += other.delivered


@dataclass(slots=True)
class CalendarRow:
    """One type at one site, day by day."""

    site: Site
    resource_type: ResourceType
    days: list[tuple[date, Hours]]
    total: Hours = field(default_factory=Hours)


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A block's part of a span."""

    block: Block
    hours: Hours


def calendar_of(seller: Organization, span: Span) -> list[CalendarRow]:
    """Return the seller's types by site, those with hours in the span; four queries, whatever there is."""
    by_day = TruncDate("hour", tzinfo=UTC)
    found: dict[tuple[int, int], dict[date, Hours]] = defaultdict(lambda: defaultdict(Hours))
    sums = _summed(
        _hours_within(seller, span).annotate(day=by_day), "block__site", "block__resource_type", "day"
    )
    for each in sums:
        found[each["block__site"], each["block__resource_type"]][each["day"]] = _hours_of(each)
    for delivery in _delivered_within(seller, span):
        block = delivery.line.award.lot.block
        for day, n in _by_day(delivery, span):
            found[block.site_id, block.resource_type_id][day].delivered += delivery.line.award.units * n
    sites = Site.objects.in_bulk({site for site, _ in found})
    types = ResourceType.objects.in_bulk({resource_type for _, resource_type in found})
    rows = []
    for (site_id, type_id), days in found.items():
        row = CalendarRow(sites[site_id], types[type_id], [(day, days[day]) for day in span.days])
        for _, hours in row.days:
            row.total.add(hours)
        rows.append(row)
    return sorted(rows, key=lambda row: (row.site.name, row.site.pk, row.resource_type.name))


def blocks_on(seller: Organization, day: date) -> list[BlockRow]:
    """Return the seller's blocks that have hours on a day, with that day's part of each; by site and start."""
    span = Span("day", day, day + DAY)
    found = {row["block"]: _hours_of(row) for row in _summed(_hours_within(seller, span), "block")}
    for delivery in _delivered_within(seller, span):
        for _, hours in _by_day(delivery, span):
            found.setdefault(delivery.line.award.lot.block_id, Hours()).delivered += (
                delivery.line.award.units * hours
            )
    blocks = Block.objects.filter(pk__in=found).select_related("site", "resource_type")
    return [
        BlockRow(block, found[block.pk])
        for block in blocks.order_by("site__name", "resource_type__name", "starts_at", "id")
    ]


def total_of(rows: Iterable[CalendarRow]) -> Hours:
    """Sum a calendar up."""
    total = Hours()
    for row in rows:
        total.add(row.total)
    return total


@dataclass(frozen=True, slots=True)
class Earnings:
    """By the ledger, cents: what was booked to the seller within a span, net of fees and refunds; what was paid out."""

    earned_cents: int
    paid_cents: int


def earnings_of(seller: Organization, span: Span) -> Earnings:
    """Return what a span brought: the statement's lines without its transfers, and its transfers."""
    sums = Entry.objects.filter(
        account__organization=seller,
        account__kind__in=ACCOUNTS,
        transaction__posted_at__gte=span.starts_at,
        transaction__posted_at__lt=span.ends_at,
    ).aggregate(
        earned=Sum("amount_cents", filter=~Q(transaction__kind__in=TRANSFERS), default=0),
        paid=Sum("amount_cents", filter=Q(transaction__kind__in=TRANSFERS), default=0),
    )
    return Earnings(-sums["earned"], sums["paid"])


def next_handovers(seller: Organization) -> list[Delivery]:
    """Return the deliveries to hand over next, the most pressing first."""
    due = Q(status__in=(Delivery.Status.HANDOVER_DUE, Delivery.Status.MISSED))
    return list(listed_deliveries().filter(due, seller=seller).order_by("due_at", "id")[:NEXT_HANDOVERS])


def _hours_within(seller: Organization, span: Span) -> QuerySet[BlockHour]:
    return BlockHour.objects.filter(
        block__site__organization=seller, hour__gte=span.starts_at, hour__lt=span.ends_at
    )


def _summed(hours: QuerySet[BlockHour], *by: str) -> Iterable[dict[str, Any]]:
    lots = Lot.objects.filter(
        block=OuterRef("block"), on_offer=True, starts_at__lte=OuterRef("hour"), ends_at__gt=OuterRef("hour")
    )
    return (
        hours.annotate(is_on_offer=Exists(lots))
        .values(*by)
        .annotate(
            listed=Sum("offered_units"),
            sold=Sum("sold_units"),
            on_offer=Sum(F("offered_units") - F("sold_units"), filter=Q(is_on_offer=True), default=0),
        )
        .order_by(*by)
    )


def _hours_of(row: dict[str, Any]) -> Hours:
    return Hours(listed=row["listed"], on_offer=row["on_offer"], sold=row["sold"])


def _delivered_within(seller: Organization, span: Span) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        seller=seller,
        status=Delivery.Status.DELIVERED,
        starts_at__lt=span.ends_at,
        ends_at__gt=span.starts_at,
    ).select_related("line__award__lot__block")


def _by_day(delivery: Delivery, span: Span) -> Iterable[tuple[date, int]]:
    """Return how many hours of a delivery lie on each day of the span."""
    start = max(delivery.starts_at.astimezone(UTC), span.starts_at)
    end = min(delivery.ends_at.astimezone(UTC), span.ends_at)
    while start < end:
        midnight = datetime.combine(start.date() + DAY, time(), tzinfo=UTC)
        yield start.date(), n_hours(start, min(end, midnight))
        start = midnight
