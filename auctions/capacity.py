"""Units on offer, hour by hour: from the blocks while a window is open, as written down from the freeze on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from django.db import connection

from auctions.models import Lot
from auctions.terms import LegTerms
from marketplace.hours import n_hours

_OPEN_CAPACITY = """
    SELECT lot.id, array_agg(h.offered_units - h.sold_units - h.frozen_units ORDER BY h.hour)
      FROM auctions_lot lot
      JOIN inventory_blockhour h ON h.block_id = lot.block_id AND h.hour >= lot.starts_at AND h.hour < lot.ends_at
     WHERE lot.id = ANY(%s)
     GROUP BY lot.id
"""


def capacities(lots: Iterable[Lot]) -> dict[int, list[int]]:
    """Return for each lot the units on offer in each of its hours: lot id → int (hours,)."""
    found: dict[int, list[int]] = {}
    still_open = []
    for lot in lots:
        if lot.capacity_units is not None:
            found[lot.pk] = lot.capacity_units
        else:
            still_open.append(lot.pk)
    if still_open:
        with connection.cursor() as cursor:
            cursor.execute(_OPEN_CAPACITY, [still_open])
            found.update(dict(cursor.fetchall()))
    return found


def units_for(lot: Lot, capacity: Sequence[int], leg: LegTerms) -> int:
    """Return the most units of ``lot``, in whole nodes, that a leg could get: in its best run of hours.

    ``capacity``: units on offer in each hour of the lot. 0 where the lot does not have that many hours in a row.
    """
    first = n_hours(lot.starts_at, max(lot.starts_at, leg.earliest_at))
    last = n_hours(lot.starts_at, max(lot.starts_at, min(lot.ends_at, leg.latest_at)))
    if last - first < leg.hours:
        return 0
    units = _best_run(capacity[first:last], leg.hours)
    return units - units % lot.block.unit_step


def _best_run(capacity: Sequence[int], n: int) -> int:
    """Return the largest minimum over ``n`` numbers in a row, in one pass: a queue of rising candidates."""
    best = 0
    rising: deque[int] = deque()
    for index, units in enumerate(capacity):
        while rising and capacity[rising[-1]] >= units:
            rising.pop()
        rising.append(index)
        if rising[0] <= index - n:
            rising.popleft()
        if index >= n - 1:
            best = max(best, capacity[rising[0]])
    return best


def whole_period_units(lot: Lot) -> int:
    """Return the units of ``lot`` on offer in every one of its hours, in whole nodes."""
    fewest = min(capacities([lot])[lot.pk])
    return fewest - fewest % lot.block.unit_step
