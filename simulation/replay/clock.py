"""Turning the clock: the one thing a replay does that the product does not.

Windows are rows that the operations open, freeze, close and clear when the database's clock says so. A replay does not
wait for that: it shifts a window's three instants together, so that the one it is about lies just past, and then
takes the same step as a worker would. Delivery hours stay where they are, ahead of every shifted close.
"""

from __future__ import annotations

from typing import Literal

from django.db.models import F

from auctions.models import Window
from marketplace.db import database_now


def turn_clock_to(phase: Literal["opens_at", "freezes_at", "closes_at"], *, window_id: int) -> None:
    """Shift a window's instants so that ``phase`` is now, by the database's clock."""
    by = database_now() - Window.objects.values_list(phase, flat=True).get(pk=window_id)
    Window.objects.filter(pk=window_id).update(
        opens_at=F("opens_at") + by, freezes_at=F("freezes_at") + by, closes_at=F("closes_at") + by
    )
