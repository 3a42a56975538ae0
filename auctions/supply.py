"""Which hours of which blocks a window may still offer: idle, within its delivery, on offer nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db import connection

from auctions.models import Lot, Window
from marketplace.hours import HOUR, hours_in

_CANDIDATES = """
    SELECT block.id
      FROM inventory_block block
     WHERE block.status = 'listed' AND block.starts_at < %(delivery_to)s AND block.ends_at > %(delivery_from)s
       AND NOT EXISTS (SELECT 1 FROM auctions_lot lot WHERE lot.window_id = %(window)s AND lot.block_id = block.id)
       AND EXISTS (
               SELECT 1 FROM inventory_blockhour h
                WHERE h.block_id = block.id AND h.hour >= %(delivery_from)s AND h.hour < %(delivery_to)s
                  AND h.offered_units > h.sold_units + h.frozen_units
                  AND NOT EXISTS (SELECT 1 FROM auctions_lot lot
                                   WHERE lot.block_id = block.id AND lot.on_offer
                                     AND h.hour >= lot.starts_at AND h.hour < lot.ends_at))
     ORDER BY block.id
"""
_IDLE_HOURS = """
    SELECT h.block_id, h.hour
      FROM inventory_blockhour h
     WHERE h.block_id = ANY(%(blocks)s) AND h.hour >= %(delivery_from)s AND h.hour < %(delivery_to)s
       AND h.offered_units > h.sold_units + h.frozen_units
     ORDER BY h.block_id, h.hour
"""


@dataclass(frozen=True, slots=True)
class Offer:
    """Contiguous hours ``[starts_at, ends_at)`` of a block that a window may offer."""

    block_id: int
    starts_at: datetime
    ends_at: datetime


def uncovered_offers(window: Window) -> list[Offer]:
    """Return what ``window`` may still offer, locking the blocks concerned so that no other window takes them.

    Assumes a transaction. A block that already has a lot in this window is not looked at again.
    """
    span = _span(window)
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES + " FOR NO KEY UPDATE OF block", span)
        blocks = [block_id for (block_id,) in cursor.fetchall()]
        if not blocks:
            return []
        cursor.execute(_IDLE_HOURS, {**span, "blocks": blocks})
        idle = cursor.fetchall()
    taken = _hours_on_offer(blocks)
    return _runs((block_id, hour) for block_id, hour in idle if (block_id, hour) not in taken)


def anything_uncovered(window: Window) -> bool:
    """Say whether ``window`` may offer more than it does, without a lock: looking costs bidders nothing."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS ({_CANDIDATES})", _span(window))
        (anything,) = cursor.fetchone()
    return bool(anything)


def _span(window: Window) -> dict[str, datetime | int]:
    return {"delivery_from": window.delivery_from, "delivery_to": window.delivery_to, "window": window.pk}


def _hours_on_offer(blocks: list[int]) -> set[tuple[int, datetime]]:
    lots = Lot.objects.filter(block__in=blocks, on_offer=True).values_list("block_id", "starts_at", "ends_at")
    return {
        (block_id, hour) for block_id, starts_at, ends_at in lots for hour in hours_in(starts_at, ends_at)
    }


def _runs(block_hours: Iterable[tuple[int, datetime]]) -> list[Offer]:
    """Join consecutive hours of a block; the input is in order of block and hour."""
    offers = []
    numbered = enumerate(block_hours)
    for (block_id, _), run in groupby(numbered, key=lambda item: (item[1][0], item[1][1] - item[0] * HOUR)):
        hours = [hour for _, (_, hour) in run]
        offers.append(Offer(block_id, hours[0], hours[-1] + HOUR))
    return offers
