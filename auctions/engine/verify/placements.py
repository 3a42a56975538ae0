"""Every way in which a bid could be filled, and which bids could win at all."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from auctions.engine.verify.sheets import Bid, Id, Leg, Lot, Option, Sheet

Cell = tuple[Id, int]
"""A lot and an hour."""


class Spot(NamedTuple):
    """One leg on one lot from one hour on. `room`: least capacity; `cost`: reserve of one unit, ticks."""

    position: int
    lot: Lot
    start: int
    room: int
    cost: int


class Placement(NamedTuple):
    """One way to fill a bid. `taste` orders the ways of a bid as ties do, the preferred first.

    net : value less reserve, ticks
    legs : (lot, units, start, end) of each leg
    uses : units per cell
    """

    taste: tuple[int, int, tuple[int, ...], tuple[int, ...]]
    net: int
    value: int
    legs: tuple[tuple[Id, int, int, int], ...]
    uses: dict[Cell, int]


class Windows:
    """Room and cost of every lot over any number of hours, computed once each."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self._cache: dict[tuple[Id, int], list[tuple[int, int]]] = {}

    def spots(self, bid: Bid, leg: Leg) -> Iterator[Spot]:
        """Where the leg's least units fit if nobody else had anything."""
        for position, lot_id in enumerate(leg.lots):
            lot = self.sheet.lots[lot_id]
            least = -(-leg.least // lot.step) * lot.step
            if lot.seller == bid.bidder or least > leg.units:
                continue
            windows = self._windows(lot, leg.hours)
            for start in range(max(leg.earliest, lot.start), min(leg.latest, lot.end) - leg.hours + 1):
                room, cost = windows[start - lot.start]
                if room >= least:
                    yield Spot(position, lot, start, room, cost)

    def n_spots(self, leg: Leg) -> int:
        """Upper bound of the number of spots, times the sizes each could have."""
        total = 0
        for lot_id in leg.lots:
            lot = self.sheet.lots[lot_id]
            starts = min(leg.latest, lot.end) - max(leg.earliest, lot.start) - leg.hours + 1
            total += max(starts, 0) * ((leg.units - leg.least) // lot.step + 1)
        return total

    def _windows(self, lot: Lot, hours: int) -> list[tuple[int, int]]:
        key = lot.id, hours
        if key not in self._cache:
            total = [0, *itertools.accumulate(lot.reserve)]
            self._cache[key] = [
                (room, total[at + hours] - total[at])
                for at, room in enumerate(_least_in_row(lot.capacity, hours))
            ]
        return self._cache[key]


def _least_in_row(capacity: Sequence[int], hours: int) -> Iterator[int]:
    """Yield the least of every so many numbers in a row: the first of a queue of those that nothing later undercuts."""
    rising: deque[int] = deque()
    for at, units in enumerate(capacity):
        while rising and capacity[rising[-1]] >= units:
            rising.pop()
        rising.append(at)
        if rising[0] <= at - hours:
            rising.popleft()
        if at >= hours - 1:
            yield capacity[rising[0]]


def n_placements(windows: Windows, bid: Bid) -> int:
    """Upper bound of how many placements a bid has."""
    total = 0
    for option in bid.options:
        ways = 1
        for leg in option.legs:
            ways *= windows.n_spots(leg)
        total += ways
    return total


def n_cells(windows: Windows, bid: Bid) -> int:
    """Upper bound of how many lot-hours the placements of a bid name."""
    return n_placements(windows, bid) * max(sum(leg.hours for leg in option.legs) for option in bid.options)


def placements(windows: Windows, bid: Bid) -> list[Placement]:
    """All ways to fill the bid within capacity, the preferred in a tie first."""
    found = []
    for row, option in enumerate(bid.options):
        for spots in itertools.product(*(list(windows.spots(bid, leg)) for leg in option.legs)):
            if len(option.legs) == 1:
                (leg,), (spot,) = option.legs, spots
                most = min(leg.units, spot.room) // spot.lot.step * spot.lot.step
                least = -(-leg.least // spot.lot.step) * spot.lot.step
                found += [
                    _placement(row, option, spots, (units,))
                    for units in range(most, least - 1, -spot.lot.step)
                ]
            elif all(leg.units % spot.lot.step == 0 for leg, spot in zip(option.legs, spots, strict=True)):
                found.append(_placement(row, option, spots, tuple(leg.units for leg in option.legs)))
    capacity = {
        (lot.id, lot.start + hour): units
        for lot in {spot_lot: windows.sheet.lots[spot_lot] for p in found for spot_lot, *_ in p.legs}.values()
        for hour, units in enumerate(lot.capacity)
    }
    fitting = (
        way for way in found if len(way.legs) == 1 or all(capacity[c] >= n for c, n in way.uses.items())
    )
    return sorted(fitting, key=lambda way: way.taste)


def _placement(row: int, option: Option, spots: tuple[Spot, ...], units: tuple[int, ...]) -> Placement:
    uses: dict[Cell, int] = {}
    for leg, spot, n in zip(option.legs, spots, units, strict=True):
        for hour in range(spot.start, spot.start + leg.hours):
            uses[spot.lot.id, hour] = uses.get((spot.lot.id, hour), 0) + n
    unit_hours = sum(n * leg.hours for leg, n in zip(option.legs, units, strict=True))
    value = option_value(option, unit_hours, units[0])
    taste = (-unit_hours, row, tuple(spot.position for spot in spots), tuple(spot.start for spot in spots))
    return Placement(
        taste=taste,
        net=value - sum(spot.cost * n for spot, n in zip(spots, units, strict=True)),
        value=value,
        legs=tuple(
            (spot.lot.id, n, spot.start, spot.start + leg.hours)
            for leg, spot, n in zip(option.legs, spots, units, strict=True)
        ),
        uses=uses,
    )


def option_value(option: Option, unit_hours: int, units: int) -> int:
    """Ticks; a divisible option's value is in proportion to the units it gets, rounded down."""
    if option.priced:
        return option.limit * unit_hours
    if len(option.legs) > 1 or units == option.legs[0].units:
        return option.limit
    return option.limit * units // option.legs[0].units


MAX_CELLS = 2_000_000
"""Lot-hours of the placements written out together; above, nothing is written out."""

MAX_TRIED = 20_000
"""Ways of a bid of several legs tried before giving up on whether it could ever fit."""


def can_fit(windows: Windows, bid: Bid) -> bool | None:
    """Whether some option has room if nobody else had anything. None: too many ways to say."""
    return _any_way(windows, bid, lambda _: True)


def can_pay(windows: Windows, bid: Bid) -> bool | None:
    """Whether some option that fits is worth its reserve. None: too many ways to say."""
    return _any_way(windows, bid, lambda net: net >= 0)


def _any_way(windows: Windows, bid: Bid, wanted: Callable[[int], bool]) -> bool | None:
    if all(len(option.legs) == 1 for option in bid.options):
        return any(
            wanted(_net_of_all_units(option, spot))
            for option in bid.options
            for spot in windows.spots(bid, option.legs[0])
        )
    if n_placements(windows, bid) > MAX_TRIED or n_cells(windows, bid) > MAX_CELLS:
        return None
    return any(wanted(way.net) for way in placements(windows, bid))


def _net_of_all_units(option: Option, spot: Spot) -> int:
    """Its sign is that of any part: value and reserve both grow with the units."""
    (leg,) = option.legs
    value = option.limit * leg.hours * leg.units if option.priced else option.limit
    return value - spot.cost * leg.units
