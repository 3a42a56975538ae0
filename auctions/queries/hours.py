"""Availability hour by hour: what a product's lots in a window add up to, day by day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from auctions.capacity import capacities
from auctions.models import Lot, Window
from auctions.queries.lots import lots_on_offer
from marketplace.hours import HOUR

DAYS_PER_PAGE = 14
SHADES = 6
"""Shades of the map, from 1; 0 is nothing on offer."""


@dataclass(frozen=True, slots=True)
class HourOffer:
    """One hour: units on offer over all lots, the lowest reserve among them in ticks per unit-hour, and its shade.

    ``is_in_window`` is false for hours before or after the window's delivery.
    """

    hour: datetime
    units: int
    reserve_ticks: int | None
    shade: int
    is_in_window: bool


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    hours: list[HourOffer]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Days of 24 UTC hours. ``most_units`` is the largest number on the map; ``next_day`` where it goes on."""

    days: list[Day]
    most_units: int
    previous_day: date | None
    next_day: date | None


@dataclass(frozen=True, slots=True)
class Span:
    """Hours picked on the map, ``[start, end)``: how many, and the units one lot has in all of them."""

    start: datetime
    end: datetime
    n_hours: int
    most_units: int
    n_lots: int
    first_lot: Lot | None


def heat_map(window: Window, product: str, *, first_day: date | None = None) -> HeatMap:
    """Return the hours of a product (as in ``ProductChoice``), from the first day of delivery or ``first_day`` on."""
    lots = list(lots_on_offer(window, product=product))
    units, reserves = _by_hour(lots)
    opening = window.delivery_from.astimezone(UTC).date()
    closing = (window.delivery_to - HOUR).astimezone(UTC).date()
    first = min(max(first_day or opening, opening), closing)
    days = [first + timedelta(days=n) for n in range(DAYS_PER_PAGE) if first + timedelta(days=n) <= closing]
    most = max(units.values(), default=0)
    after = days[-1] + timedelta(days=1)
    return HeatMap(
        days=[
            Day(day, [_offer(window, hour, units, reserves, most) for hour in _hours_of(day)]) for day in days
        ],
        most_units=most,
        previous_day=max(first - timedelta(days=DAYS_PER_PAGE), opening) if first > opening else None,
        next_day=after if after <= closing else None,
    )


def span_of(window: Window, product: str, start: datetime, end: datetime) -> Span:
    """Return what ``[start, end)`` offers to one bid: a leg stands on one lot for all of its hours."""
    lots = [
        lot for lot in lots_on_offer(window, product=product) if lot.starts_at <= start and lot.ends_at >= end
    ]
    capacity = capacities(lots)
    found = []
    for lot in lots:
        first = (start - lot.starts_at) // HOUR
        least = min(capacity[lot.pk][first : first + (end - start) // HOUR], default=0)
        found.append((least - least % lot.block.unit_step, lot))
    offering = [(units, lot) for units, lot in found if units]
    best = max(offering, key=lambda each: (each[0], -each[1].pk), default=(0, None))
    return Span(start, end, (end - start) // HOUR, best[0], len(offering), best[1])


def _by_hour(lots: Sequence[Lot]) -> tuple[dict[datetime, int], dict[datetime, int]]:
    units: dict[datetime, int] = defaultdict(int)
    reserves: dict[datetime, int] = {}
    capacity = capacities(lots)
    for lot in lots:
        for at, free in enumerate(capacity.get(lot.pk, [])):
            whole = free - free % lot.block.unit_step
            if not whole:
                continue
            hour = lot.starts_at.astimezone(UTC) + at * HOUR
            units[hour] += whole
            reserves[hour] = min(reserves.get(hour, lot.reserve_ticks), lot.reserve_ticks)
    return units, reserves


def _hours_of(day: date) -> list[datetime]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return [midnight + n * HOUR for n in range(24)]


def _offer(
    window: Window, hour: datetime, units: dict[datetime, int], reserves: dict[datetime, int], most: int
) -> HourOffer:
    n = units.get(hour, 0)
    shade = 0 if not n else 1 + (n * SHADES - 1) // most
    return HourOffer(hour, n, reserves.get(hour), shade, window.delivery_from <= hour < window.delivery_to)
