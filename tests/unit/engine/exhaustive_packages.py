"""The rule of the market for bids of every kind, word for word, by trying everything: for small books.

Shares nothing with the engine and works on the JSON form. Part of an option that states a value is worth its
proportion, rounded down to a tick.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import linprog

Document = dict[str, Any]
Award = tuple[int, int, str, int, int]
"""option, leg, lot, start, units"""


class Filling:
    """One way to fill a bid: ticks above reserve cost, units by lot-hour, and how the tie rule likes it."""

    def __init__(
        self, ticks: int, usage: dict[tuple[str, int], int], preference: tuple, awards: tuple[Award, ...]
    ) -> None:
        self.ticks = ticks
        self.usage = usage
        self.preference = preference
        self.awards = awards


class ExhaustivePackages:
    def __init__(self, book: Document) -> None:
        self.book = book
        self.lots = {lot["id"]: lot for lot in book["lots"]}
        self.capacity = {
            (lot["id"], lot["start"] + row): units
            for lot in book["lots"]
            for row, units in enumerate(lot.get("capacity", [lot["units"]] * (lot["end"] - lot["start"])))
        }
        self.bids = sorted(book["bids"], key=lambda bid: (bid["sequence"], bid["id"]))
        self.fillings = [list(self._fillings(bid)) for bid in self.bids]
        self.bidders = sorted({bid["bidder"] for bid in self.bids})
        self._best: dict[frozenset[str], tuple[int, list[Filling | None]]] = {}

    @cached_property
    def surplus(self) -> int:
        return self.best(frozenset(self.bidders))[0]

    @cached_property
    def chosen(self) -> list[Filling | None]:
        return self.best(frozenset(self.bidders))[1]

    @property
    def awards(self) -> list[Document]:
        return [
            {"bid": bid["id"], "option": o, "leg": g, "lot": lot, "start": start, "units": units}
            for bid, filling in zip(self.bids, self.chosen, strict=True)
            if filling
            for o, g, lot, start, units in filling.awards
        ]

    @cached_property
    def worth(self) -> dict[str, int]:
        """Ticks above reserve cost by winner."""
        worth: dict[str, int] = {}
        for bid, filling in zip(self.bids, self.chosen, strict=True):
            if filling:
                worth[bid["bidder"]] = worth.get(bid["bidder"], 0) + filling.ticks
        return worth

    @cached_property
    def cost(self) -> dict[str, int]:
        cost: dict[str, int] = {}
        for bid, filling in zip(self.bids, self.chosen, strict=True):
            for _, leg, lot, start, units in filling.awards if filling else ():
                hours = bid["options"][filling.awards[0][0]]["legs"][leg]["hours"]
                cost[bid["bidder"]] = cost.get(bid["bidder"], 0) + units * self._reserve(lot, start, hours)
        return cost

    def vcg(self) -> dict[str, int]:
        everyone = frozenset(self.bidders)
        return {
            bidder: worth + self.cost[bidder] - (self.surplus - self.best(everyone - {bidder})[0])
            for bidder, worth in self.worth.items()
        }

    def least_owed(self) -> dict[tuple[str, ...], int]:
        """For every set of winners, the least it must pay together, above reserve cost."""
        least: dict[tuple[str, ...], int] = {}
        winners = sorted(self.worth)
        for size in range(1, len(winners) + 1):
            for members in itertools.combinations(winners, size):
                without = self.best(frozenset(self.bidders) - set(members))[0]
                least[members] = without + sum(self.worth[i] for i in members) - self.surplus
        return least

    def core_point(self) -> dict[str, float]:
        """Cheapest core payments nearest to VCG, in floating point."""
        winners = sorted(self.worth)
        vcg = np.array([float(self.vcg()[i] - self.cost[i]) for i in winners])
        if not winners:
            return {}
        owed = self.least_owed()
        matrix = np.array([[float(i in members) for i in winners] for members in owed])
        least = np.array([float(each) for each in owed.values()])
        most = np.array([float(self.worth[i]) for i in winners])
        cheapest = linprog(
            np.ones(len(winners)), A_ub=-matrix, b_ub=-least, bounds=[(0.0, top) for top in most]
        )
        assert cheapest.status == 0
        rows = np.vstack([matrix, -np.eye(len(winners)), -np.ones(len(winners))])
        point = project(vcg, rows, np.concatenate([least, -most, [-cheapest.fun]]))
        return {i: point[row] + self.cost[i] for row, i in enumerate(winners)}

    def best(self, bidders: frozenset[str]) -> tuple[int, list[Filling | None]]:
        """The best choice for a coalition by the whole tie rule."""
        if bidders not in self._best:
            options: list[list[Filling | None]] = [
                [*fillings, None] if bid["bidder"] in bidders else [None]
                for bid, fillings in zip(self.bids, self.fillings, strict=True)
            ]
            choices = ((self._key(choice), choice) for choice in self._feasible(options, {}))
            key, choice = max(choices, key=lambda pair: pair[0])
            self._best[bidders] = key[0], choice
        return self._best[bidders]

    def _key(self, choice: list[Filling | None]) -> tuple:
        return (
            sum(filling.ticks for filling in choice if filling),
            tuple(filling is not None for filling in choice),
            tuple(filling.preference if filling else () for filling in choice),
        )

    def _feasible(
        self, options: list[list[Filling | None]], used: dict[tuple[str, int], int]
    ) -> Iterator[list[Filling | None]]:
        if not options:
            yield []
            return
        for filling in options[0]:
            more = dict(used)
            for place, units in filling.usage.items() if filling else ():
                more[place] = more.get(place, 0) + units
            if all(units <= self.capacity[place] for place, units in more.items()):
                for rest in self._feasible(options[1:], more):
                    yield [filling, *rest]

    def _fillings(self, bid: Document) -> Iterator[Filling]:
        for number, option in enumerate(bid["options"]):
            choices = [list(self._leg_choices(bid, leg)) for leg in option["legs"]]
            for places in itertools.product(*choices):
                filling = self._filling(number, option, places)
                if all(units <= self.capacity[place] for place, units in filling.usage.items()):
                    yield filling

    def _leg_choices(self, bid: Document, leg: Document) -> Iterator[tuple[int, str, int, int]]:
        for position, name in enumerate(leg["lots"]):
            lot = self.lots[name]
            if lot["seller"] == bid["bidder"]:
                continue
            first = max(leg["earliest"], lot["start"])
            last = min(leg["latest"], lot["end"]) - leg["hours"]
            step = lot.get("unit_step", 1)
            for start in range(first, last + 1):
                for units in range(step, leg["units"] + 1, step):
                    if units >= leg.get("min_units", leg["units"]):
                        yield position, name, start, units

    def _filling(
        self, number: int, option: Document, places: tuple[tuple[int, str, int, int], ...]
    ) -> Filling:
        legs = option["legs"]
        usage: dict[tuple[str, int], int] = {}
        cost = unit_hours = 0
        for (_, lot, start, units), leg in zip(places, legs, strict=True):
            cost += units * self._reserve(lot, start, leg["hours"])
            unit_hours += units * leg["hours"]
            for hour in range(start, start + leg["hours"]):
                usage[lot, hour] = usage.get((lot, hour), 0) + units
        if "price" in option:
            value = option["price"] * unit_hours
        elif len(legs) == 1:
            value = option["value"] * places[0][3] // legs[0]["units"]
        else:
            value = option["value"]
        preference = (
            unit_hours,
            -number,
            tuple(-position for position, *_ in places),
            tuple(-start for _, _, start, _ in places),
        )
        awards = tuple((number, row, lot, start, units) for row, (_, lot, start, units) in enumerate(places))
        return Filling(value - cost, usage, preference, awards)

    def _reserve(self, lot: str, start: int, hours: int) -> int:
        """Ticks of one unit."""
        offered = self.lots[lot]
        reserve = offered["reserve"]
        if not isinstance(reserve, list):
            return reserve * hours
        return sum(reserve[start - offered["start"] : start - offered["start"] + hours])


def project(point: np.ndarray, rows: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Nearest point with `rows @ x >= least`: Dykstra's projections onto one half-space after the other."""
    size = (rows**2).sum(axis=1)
    pull = np.zeros(len(rows))
    x = point.astype(float)
    for _ in range(5000):
        before = x.copy()
        for row in range(len(rows)):
            moved = max(0.0, pull[row] + (least[row] - rows[row] @ x) / size[row])
            x += (moved - pull[row]) * rows[row]
            pull[row] = moved
        if np.abs(x - before).max() <= 1e-9 * max(1.0, np.abs(x).max()):
            break
    return x
