"""Supply and demand of a cleared window as two stepped curves, and where they cross. Pure; unit-hours and ticks.

Demand falls: each step is what was asked for at one price. Supply rises: each step is what was on offer at one reserve.

>>> demand = steps_of([(30_000, 16, 2), (20_000, 8, 1)])
>>> supply = steps_of([(10_000, 20, 1)])
>>> [(step.price_ticks, step.up_to) for step in demand]
[(30000, 16), (20000, 24)]

The last four units of supply go to the bid of $2.0000, of which four more are wanted, so that is the price there:

>>> crossing_of(demand, supply)
Crossing(unit_hours=20, low_ticks=20000, high_ticks=20000)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """What stands at one price: ``unit_hours`` of ``n`` bids or lots, and with all steps before it ``up_to``."""

    price_ticks: int
    unit_hours: int
    n: int
    up_to: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """How far demand is at or above supply, and between which prices the two meet there."""

    unit_hours: int
    low_ticks: int
    high_ticks: int


def steps_of(rows: Iterable[tuple[int, int, int]]) -> list[Step]:
    """Return (price, unit-hours, n) rows, in the order of their curve, as steps."""
    steps, up_to = [], 0
    for price_ticks, unit_hours, n in rows:
        up_to += unit_hours
        steps.append(Step(price_ticks, unit_hours, n, up_to))
    return steps


def crossing_of(demand: Sequence[Step], supply: Sequence[Step]) -> Crossing | None:
    """Return where the falling ``demand`` meets the rising ``supply``, or None where even the first steps do not."""
    asked, offered, met = 0, 0, 0
    last_asked = last_offered = 0
    while (
        asked < len(demand)
        and offered < len(supply)
        and demand[asked].price_ticks >= supply[offered].price_ticks
    ):
        last_asked, last_offered = asked, offered
        met = min(demand[asked].up_to, supply[offered].up_to)
        asked += demand[asked].up_to == met
        offered += supply[offered].up_to == met
    if not met:
        return None
    lows = [supply[last_offered].price_ticks, *(step.price_ticks for step in demand[asked : asked + 1])]
    highs = [demand[last_asked].price_ticks, *(step.price_ticks for step in supply[offered : offered + 1])]
    return Crossing(met, max(lows), min(highs))
