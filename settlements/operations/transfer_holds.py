"""Holds on what sellers are paid: placed by what opens (an outage, a dispute, finance), lifted by what closes.

Private helpers: each assumes a transaction that locked the settlements of the deliveries.
"""

from __future__ import annotations

from collections.abc import Iterable

from accounts.models import User
from marketplace.db import database_now
from settlements.models import Delivery, TransferHold


def place_hold(deliveries: Iterable[Delivery], *, reference: str, reason: str, by: User | None) -> None:
    """Hold back these deliveries' shares while ``reference`` (an outage, a dispute) is open. Assumes a transaction
    that locked their settlements. Held twice for the same thing is held once."""
    TransferHold.objects.bulk_create(
        [
            TransferHold(delivery=delivery, reference=reference, reason=reason, placed_by=by)
            for delivery in deliveries
        ],
        ignore_conflicts=True,
    )


def lift_holds(*, reference: str, by: User | None) -> int:
    """Lift what ``reference`` held back; the sweep sends what nothing else holds. Assumes a transaction."""
    return TransferHold.objects.filter(reference=reference, lifted_at=None).update(
        lifted_by=by, lifted_at=database_now()
    )
