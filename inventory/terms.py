"""What a listing says before it is a row: the terms that forms, CSV files and the API hand to the operations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from marketplace.versions import version_of


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

    @property
    def version(self) -> str:
        return version_of(self)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Hours that recur on ``weekdays`` (Monday is 0) from ``first_day`` to ``last_day``, all UTC.

    A period belongs to the day it begins on.
    """

    weekdays: frozenset[int]
    from_hour: int
    to_hour: int
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class PatternTerms:
    """Units that stand idle again and again: one block for each period of the pattern."""

    site_id: int
    resource_type_id: int
    units: int
    pattern: Pattern
    reserve_ticks: int
    floor_ticks: int | None = None
    decline_hours: int | None = None
