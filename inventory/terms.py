"""What a listing says before it is a row: the terms that forms, CSV files and the API hand to the operations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class BlockTerms:
    """Units of one type at one site for ``[starts_at, ends_at)``; prices are ticks per unit-hour.

    With ``floor_ticks`` and ``decline_hours`` the reserve declines towards the floor as delivery nears.
    """

    site_id: int
    resource_type_id: int
    units: int
    starts_at: datetime
    ends_at: datetime
    reserve_ticks: int
    floor_ticks: int | None = None
    decline_hours: int | None = None


@dataclass(frozen=True, slots=True)
class BlockError:
    """What is wrong with one field of a listing: a code for programs, a message for people."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class CostTerms:
    """What a unit costs its owner: cents, years, per cent of the price left then, watts, ticks per kilowatt-hour."""

    purchase_cents: int
    life_years: int
    residual_percent: int
    power_watts: int
    energy_ticks: int
