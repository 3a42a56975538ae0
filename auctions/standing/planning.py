"""What a standing order bids in one window: several shapes of the same work, of which at most one is filled.

A shape is units × hours in a row. Its unit-hours never exceed what is left of the goal, with one exception: less than
one node for the shortest run is rounded up to that, so a goal is passed by less than one such purchase. At the order's
price its cost never exceeds what is left of the budget. Any part of a shape will do, in whole nodes.

    2,000 GPU-hours left, lots of 64 GPUs for 24 h: 64 × 24 h, or 64 × 12 h, or 64 × 6 h, or …
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from auctions.capacity import capacities, units_for
from auctions.engine.package.limits import MAX_WAY_HOURS, MAX_WAYS
from auctions.matching import lots_matching
from auctions.models import Lot, Window
from auctions.policies import SPARE_LOTS, WHOLE_PPM
from auctions.standing.terms import OrderTerms, Remaining
from auctions.terms import ANY_PART, MAX_LOTS_PER_LEG, BidTerms, LegTerms, OptionTerms
from marketplace.hours import HOUR, floor_hour

MAX_SHAPES = 5
MAX_LOTS_LOOKED_AT = 1000
"""The cheapest ones; a bid counts no more than MAX_LOTS_PER_LEG of them."""
MAX_SHARE_PPM = 20_000
"""The most an order's bid takes of what the engine can clear in a window, millionths: a fifth of any bid's."""


@dataclass(frozen=True, slots=True)
class Supply:
    """The lots of a window that an order could win, with the units they offer hour by hour, and the order's hours."""

    lots: Sequence[Lot]
    capacities: Mapping[int, list[int]]
    earliest_at: datetime
    latest_at: datetime

    @property
    def room(self) -> int:
        """How many hours there are from the earliest to the latest."""
        return max(0, (self.latest_at - self.earliest_at) // HOUR)

    def most_units(self, leg: LegTerms) -> int:
        """Return the most units that any of the lots could give a leg, whole nodes."""
        return max((units_for(lot, self.capacities[lot.pk], leg) for lot in self.lots), default=0)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an order would bid, or in ``why_not`` why it would not. ``unit_hours`` is the most that the bid can win."""

    terms: BidTerms | None
    why_not: str = ""
    n_lots: int = 0

    @property
    def unit_hours(self) -> int:
        return most_unit_hours(self.terms) if self.terms else 0


def most_unit_hours(terms: BidTerms) -> int:
    """Return the most unit-hours that a bid can win: those of its largest option."""
    return max(sum(leg.unit_hours for leg in option.legs) for option in terms.options)


def supply_in(window: Window, order: OrderTerms, *, organization_id: int) -> Supply:
    """Read what ``window`` offers now that an order could use in time."""
    earliest_at = window.delivery_from
    latest_at = min(window.delivery_to, floor_hour(order.deadline_at))
    matching = (
        lots_matching(window, order.wanted, organization_id=organization_id)
        .select_related("block__site", "block__resource_type")
        .order_by("reserve_ticks", "starts_at", "id")
    )
    lots = [
        lot
        for lot in matching[:MAX_LOTS_LOOKED_AT]
        if min(lot.ends_at, latest_at) - max(lot.starts_at, earliest_at) >= order.min_hours * HOUR
    ]
    found = capacities(lots)
    return Supply([lot for lot in lots if lot.pk in found], found, earliest_at, latest_at)


def plan_bid(order: OrderTerms, remaining: Remaining, supply: Supply) -> Plan:
    """Return what an order with so much left would bid on ``supply``."""
    if remaining.unit_hours <= 0:
        return Plan(None, "What it has won and what its open bids could win is all it wants.")
    if supply.room < order.min_hours:
        return Plan(None, "This window delivers too late for the deadline.")
    if supply.most_units(_leg(order, supply, units=1, hours=order.min_hours)) == 0:
        return Plan(None, "Nothing on offer in this window matches.")
    shapes = _shapes(order, remaining, supply)
    if not shapes:
        return Plan(None, "What is left of the budget does not pay for one node of what is on offer.")
    legs = _narrowed([_leg(order, supply, units=units, hours=hours) for units, hours in shapes], supply)
    options = tuple(OptionTerms(legs=(leg,), price_ticks=order.price_ticks) for leg in legs)
    return Plan(BidTerms(options=options), n_lots=len(supply.lots))


def run_lengths(order: OrderTerms, supply: Supply) -> list[int]:
    """Return the numbers of hours in a row to try: the longest that a lot has, halved again and again."""
    longest = max(
        (
            (min(lot.ends_at, supply.latest_at) - max(lot.starts_at, supply.earliest_at)) // HOUR
            for lot in supply.lots
        ),
        default=0,
    )
    lengths = {order.min_hours}
    while longest > order.min_hours:
        lengths.add(longest)
        longest //= 2
    return sorted(lengths, reverse=True)


def _shapes(order: OrderTerms, remaining: Remaining, supply: Supply) -> list[tuple[int, int]]:
    """Return units × hours to bid for, the most unit-hours first."""
    step = min(lot.block.unit_step for lot in supply.lots)
    affordable = remaining.budget_ticks // order.price_ticks
    found = []
    for hours in run_lengths(order, supply):
        most = supply.most_units(_leg(order, supply, units=1, hours=hours))
        units = min(most, min(remaining.unit_hours, affordable) // hours)
        units -= units % step
        if units:
            found.append((units, hours))
    smallest = step * order.min_hours
    if not found and remaining.unit_hours < smallest <= affordable:
        found.append((step, order.min_hours))
    found.sort(key=lambda shape: (-shape[0] * shape[1], -shape[1]))
    return found[:MAX_SHAPES]


def _leg(order: OrderTerms, supply: Supply, *, units: int, hours: int) -> LegTerms:
    return LegTerms(
        lot_ids=(),
        filter=order.wanted,
        units=units,
        min_units=ANY_PART,
        earliest_at=supply.earliest_at,
        latest_at=supply.latest_at,
        hours=hours,
    )


def _narrowed(legs: list[LegTerms], supply: Supply) -> list[LegTerms]:
    """Let the latest hours go, and then the smaller shapes, until the ways to fill a bid are few enough."""
    n_lots = min(2 * len(supply.lots) + SPARE_LOTS, MAX_LOTS_PER_LEG)
    first = min(max(lot.starts_at, supply.earliest_at) for lot in supply.lots)
    while _share_ppm(legs, n_lots) > MAX_SHARE_PPM:
        room = (legs[0].latest_at - first) // HOUR // 2
        fitting = [
            replace(leg, earliest_at=first, latest_at=first + room * HOUR)
            for leg in legs
            if leg.hours <= room
        ]
        if not fitting:
            if len(legs) == 1:
                return [replace(legs[0], earliest_at=first, latest_at=first + legs[0].hours * HOUR)]
            fitting = legs[:1]
        legs = fitting
    return legs


def _share_ppm(legs: list[LegTerms], n_lots: int) -> int:
    """Return about how much of what the engine can clear the ways to fill ``legs`` take, as policies count it."""
    share = 0
    for leg in legs:
        ways = 2 * n_lots * ((leg.latest_at - leg.earliest_at) // HOUR - leg.hours + 1)  # as any part will do
        share += max(ways * WHOLE_PPM // MAX_WAYS, ways * leg.hours * WHOLE_PPM // MAX_WAY_HOURS)
    return share
