"""Which parts of a book have to do with each other: components by lots, groups by winners."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from auctions.engine.verify.divisible import DivisibleLot, is_divisible
from auctions.engine.verify.placements import (
    MAX_CELLS,
    Cell,
    Placement,
    Windows,
    can_pay,
    n_cells,
    n_placements,
    placements,
)
from auctions.engine.verify.search import (
    MAX_MILP_ENTRIES,
    Best,
    TooLarge,
    n_entries,
    search_milp,
    search_tree,
)
from auctions.engine.verify.sheets import Bid, Id, Lot, Sheet

MAX_PLACEMENTS = 20_000
"""Placements of one component written out; above, nothing is searched for in it."""

MAX_SOLVED_ENTRIES = 100_000
"""Coefficients of all integer programs of one check together: bounds its time, and is the same on every machine."""


class Budget:
    """What is left to spend on integer programs."""

    def __init__(self) -> None:
        self.entries = MAX_SOLVED_ENTRIES

    def spend(self, ways: list[list[Placement]]) -> bool:
        """Take what an integer program over `ways` costs; False where it is too large or not enough is left."""
        cost = n_entries(ways)
        if cost > min(MAX_MILP_ENTRIES, self.entries):
            return False
        self.entries -= cost
        return True


class Component(NamedTuple):
    """Lots that meet in bids which could win, and those bids with their place in the order of ties."""

    lots: list[Lot]
    bids: list[tuple[int, Bid]]


def components(sheet: Sheet, live: list[tuple[int, Bid]]) -> list[Component]:
    """Split the lots of a book by the bids that could win."""
    root = {lot: lot for lot in sheet.lots}

    def find(lot: Id) -> Id:
        while root[lot] != lot:
            root[lot] = lot = root[root[lot]]
        return lot

    for _, bid in live:
        first, *others = lots_of(bid)
        for other in others:
            root[find(other)] = find(first)
    bids: dict[Id, list[tuple[int, Bid]]] = defaultdict(list)
    for rank, bid in live:
        bids[find(bid.options[0].legs[0].lots[0])].append((rank, bid))
    lots: dict[Id, list[Lot]] = defaultdict(list)
    for lot in sheet.lots.values():
        lots[find(lot.id)].append(lot)
    return [Component(together, bids[at]) for at, together in lots.items()]


def lots_of(bid: Bid) -> list[Id]:
    if len(bid.options) == 1 and len(bid.options[0].legs) == 1:
        return list(bid.options[0].legs[0].lots)
    return list(dict.fromkeys(lot for option in bid.options for leg in option.legs for lot in leg.lots))


def live_bids(sheet: Sheet, windows: Windows) -> tuple[list[tuple[int, Bid]], set[Id]]:
    """Bids that could win, with their rank, and ids of those of which it is not known."""
    live, unknown = [], set()
    for rank, bid in enumerate(sheet.bids.values()):
        answer = can_pay(windows, bid)
        if answer is None:
            unknown.add(bid.id)
        if answer is not False:
            live.append((rank, bid))
    return live, unknown


class PackageMarket:
    """A component with bids that are not divisible. `ways` is None where there are too many to write out."""

    def __init__(self, component: Component, windows: Windows, budget: Budget) -> None:
        self.budget = budget
        self.bids = [bid for _, bid in component.bids]
        self.bidders = [bid.bidder for bid in self.bids]
        self.capacity: dict[Cell, int] = {
            (lot.id, lot.start + hour): units
            for lot in component.lots
            for hour, units in enumerate(lot.capacity)
        }
        self.ways: list[list[Placement]] | None = None
        n_ways = sum(n_placements(windows, bid) for bid in self.bids)
        if n_ways <= MAX_PLACEMENTS and sum(n_cells(windows, bid) for bid in self.bids) <= MAX_CELLS:
            self.ways = [placements(windows, bid) for bid in self.bids]
        self._values: dict[frozenset[Id], Best | None] = {}

    @property
    def is_small(self) -> bool:
        """Whether the tree of all choices is walked to the end."""
        return self.preferred is not None

    @cached_property
    def preferred(self) -> Best | None:
        """The best choice that the tie rule wants; None where the tree is too large."""
        if self.ways is None:
            return None
        try:
            return search_tree(self.ways, self.capacity, ties=True)
        except TooLarge:
            return None

    def best(self, without: Iterable[Id] = ()) -> Best | None:
        """The best choice without some bidders; None where the component is too large to search."""
        left_out = frozenset(without) & frozenset(self.bidders)
        if left_out not in self._values:
            self._values[left_out] = self._search(left_out)
        return self._values[left_out]

    def _search(self, left_out: frozenset[Id]) -> Best | None:
        if self.ways is None:
            return None
        ways = [[] if who in left_out else w for who, w in zip(self.bidders, self.ways, strict=True)]
        try:
            return search_tree(ways, self.capacity)
        except TooLarge:
            return search_milp(ways, self.capacity) if self.budget.spend(ways) else None

    def would_win(self, windows: Windows, bid: Bid, limit: int) -> bool | None:
        """Whether a bid would win with this limit of its first option, all else equal; None where that is too much.

        Above small trees integer programs say it, but for ties: it wins where the best choice is worth more with it
        than without, and it cannot win where not even a limit at which it is worth more makes that so.
        """
        if self.ways is None:
            return None
        row = self.bids.index(bid)
        try:
            return (
                search_tree(self._with_limit(windows, row, limit), self.capacity, ties=True).chosen[row]
                is not None
            )
        except TooLarge:
            pass
        if self._adds_something(windows, row, limit):
            return True
        more = 1 if bid.options[0].priced else bid.options[0].legs[0].units
        return False if self._adds_something(windows, row, limit + more) is False else None

    def _with_limit(self, windows: Windows, row: int, limit: int) -> list[list[Placement]]:
        assert self.ways is not None
        first, *others = self.bids[row].options
        changed = self.bids[row]._replace(options=(first._replace(limit=limit), *others))
        return [*self.ways[:row], placements(windows, changed), *self.ways[row + 1 :]]

    def _adds_something(self, windows: Windows, row: int, limit: int) -> bool | None:
        """Whether the best choice is worth more with a bid than without it; None where that is not known."""
        with_it = self._with_limit(windows, row, limit)
        without = [*with_it[:row], [], *with_it[row + 1 :]]
        best, other = (
            search_milp(ways, self.capacity) if self.budget.spend(ways) else None
            for ways in (with_it, without)
        )
        if best is None or other is None or not (best.proven and other.proven):
            return None
        return best.surplus > other.surplus

    def greedy(self, without: frozenset[Id], rng: random.Random) -> int:
        """Surplus of a choice made greedily in an order that `rng` disturbs: what some coalition can reach at least."""
        if self.ways is None:
            return 0
        left, total = dict(self.capacity), 0
        offers = [
            (way.net / sum(way.uses.values()) ** 0.5 * rng.uniform(0.7, 1.3), row, way)
            for row, choices in enumerate(self.ways)
            if self.bidders[row] not in without
            for way in choices[:3]
        ]
        taken: set[int] = set()
        for _, row, way in sorted(offers, key=lambda offer: (-offer[0], offer[1])):
            if row not in taken and all(left[cell] >= units for cell, units in way.uses.items()):
                taken.add(row)
                total += way.net
                for cell, units in way.uses.items():
                    left[cell] -= units
        return total


class Group(NamedTuple):
    """Components that share winners, priced together. `winners`: bidders with an award in any of them."""

    divisible: list[DivisibleLot]
    packages: list[PackageMarket]
    winners: list[Id]


def split(
    sheet: Sheet, parts: list[Component], windows: Windows
) -> tuple[list[DivisibleLot], list[PackageMarket]]:
    divisible, packages, budget = [], [], Budget()
    for part in parts:
        if len(part.lots) == 1 and all(is_divisible(bid, sheet.lots) for _, bid in part.bids):
            divisible.append(DivisibleLot(part.lots[0], part.bids))
        else:
            packages.append(PackageMarket(part, windows, budget))
    return divisible, packages


def groups(
    divisible: list[DivisibleLot], packages: list[PackageMarket], won: set[Id], sheet: Sheet
) -> list[Group]:
    """Put markets together that have a winner in common. Divisible lots alone need no group: VCG is in their core."""
    winners_of: list[set[Id]] = [
        {row.bid.bidder for row in market.order if row.bid.id in won} for market in divisible
    ]
    winners_of += [{bid.bidder for bid in market.bids if bid.id in won} for market in packages]
    root: dict[Id, Id] = {bidder: bidder for winners in winners_of for bidder in winners}

    def find(bidder: Id) -> Id:
        while root[bidder] != bidder:
            root[bidder] = bidder = root[root[bidder]]
        return bidder

    for winners in winners_of:
        for bidder in winners:
            root[find(bidder)] = find(min(winners, key=str))
    found: dict[object, Group] = {}
    for at, winners in enumerate(winners_of):
        key = find(min(winners, key=str)) if winners else ("empty", at)
        group = found.setdefault(key, Group([], [], []))
        if at < len(divisible):
            group.divisible.append(divisible[at])
        else:
            group.packages.append(packages[at - len(divisible)])
        group.winners.extend(sorted(winners - set(group.winners), key=str))
    return [group for group in found.values() if group.packages]
