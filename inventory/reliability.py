"""How reliable a seller is: the one definition, for listings, filters of bids and the API. Pure.

The record itself is counted from deliveries by settlements, which knows of them, and handed down as a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

COUNTED = timedelta(days=90)
"""Deliveries count for so long after their last hour."""
FEWEST_DELIVERIES = 5
"""A seller with fewer counts as new and has no score."""
BPS_PER_WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """What came of a seller's deliveries that ended within COUNTED.

    ``due_unit_minutes`` were sold and paid, ``lost_unit_minutes`` of them were upheld as missed or down. ``n_missed``
    hand-overs came more than half an hour late or never, ``n_outages`` reported outages were upheld.
    """

    n_deliveries: int = 0
    due_unit_minutes: int = 0
    lost_unit_minutes: int = 0
    n_missed: int = 0
    n_outages: int = 0


def reliability_bps(record: DeliveryRecord) -> int | None:
    """Return the share of unit-hours due that were delivered, in basis points rounded down; None for a new seller.

    Unit-hours and not deliveries are counted, so that a large delivery weighs as much as it is worth. What is lost is
    what finance upheld, whole or in part: an accusation alone costs no seller its score.

    >>> reliability_bps(DeliveryRecord(n_deliveries=40, due_unit_minutes=60_000, lost_unit_minutes=90))
    9985
    >>> reliability_bps(DeliveryRecord(n_deliveries=2, due_unit_minutes=600)) is None
    True
    """
    if record.n_deliveries < FEWEST_DELIVERIES or record.due_unit_minutes == 0:
        return None
    delivered = record.due_unit_minutes - record.lost_unit_minutes
    return delivered * BPS_PER_WHOLE // record.due_unit_minutes
