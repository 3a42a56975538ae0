"""Units on offer, hour by hour: from the blocks while a window is open, as written down from the freeze on."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from auctions.models import Lot

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


def whole_period_units(lot: Lot) -> int:
    """Return the units of ``lot`` on offer in every one of its hours, in whole nodes: what one bid may ask for."""
    fewest = min(capacities([lot])[lot.pk])
    return fewest - fewest % lot.block.unit_step
