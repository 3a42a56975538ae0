"""Return an award's hours to sale when its buyer does not pay for them."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from auctions.models import Award
from inventory.models import Block


class AlreadyReturned(Exception):
    """The award's hours were returned to sale before."""


def return_hours(award: Award, *, from_hour: datetime, now: datetime) -> None:
    """Cancel ``award`` from ``from_hour`` on and return its units to the block; assumes a transaction.

    Windows that open later, or are open now and offer the block, sell them. What a seller has withdrawn meanwhile is
    off offer for good. Raise AlreadyReturned.
    """
    block_id = award.lot.block_id
    Block.objects.select_for_update(no_key=True).get(pk=block_id)
    fresh = Award.objects.filter(pk=award.pk, cancelled_at=None)
    if not fresh.update(cancelled_at=now, cancelled_from=from_hour):
        raise AlreadyReturned(f"award {award.pk} was cancelled before")
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE inventory_blockhour h
               SET sold_units = h.sold_units - %(units)s,
                   offered_units = h.offered_units
                                   - CASE WHEN block.status = 'withdrawn' THEN %(units)s ELSE 0 END
              FROM inventory_block block
             WHERE block.id = h.block_id AND h.block_id = %(block)s
               AND h.hour >= %(from_hour)s AND h.hour < %(ends_at)s
            """,
            {"units": award.units, "block": block_id, "from_hour": from_hour, "ends_at": award.ends_at},
        )
