"""The plain way, as a yardstick: one integer program for the winners, one more for each winner's VCG payment.

One binary column per way to fill an option, one row per bid and per lot-hour, handed to `scipy.optimize.milp` as it is.
Nothing is dropped, bounded or reused between solves. Core payments would come on top.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

Document = dict[str, Any]
Way = tuple[float, list[tuple[tuple[str, int], int]]]
"""Ticks above reserve cost, and units by lot and hour."""


@dataclass
class PlainResult:
    """`gap`: of the winners' program at its time limit, 0 where solved. `seconds`, `solves`: with the pivots."""

    surplus: int
    gap: float
    winners_seconds: float
    seconds: float
    solves: int


def clear_plainly(book: Document, *, seconds_per_solve: float, pivots: bool = True) -> PlainResult:
    start = time.process_time()
    program = _Program(book)
    x, gap = program.solve(frozenset(), seconds_per_solve)
    surplus = round(float(program.ticks[x > 0.5].sum()))
    winners_seconds = time.process_time() - start
    winners = sorted({program.bidder[column] for column in np.flatnonzero(x > 0.5)}) if pivots else []
    for winner in winners:
        program.solve(frozenset([winner]), seconds_per_solve)
    return PlainResult(surplus, gap, winners_seconds, time.process_time() - start, 1 + len(winners))


class _Program:
    def __init__(self, book: Document) -> None:
        lots = {lot["id"]: lot for lot in book["lots"]}
        ticks, row_of, column_of, number = [], [], [], []
        self.bidder: list[str] = []
        limit = [1.0] * len(book["bids"])
        cell_row: dict[tuple[str, int], int] = {}
        for lot in book["lots"]:
            for hour in range(lot["start"], lot["end"]):
                cell_row[lot["id"], hour] = len(limit)
                limit.append(float(lot["units"]))
        for row, bid in enumerate(book["bids"]):
            for net, uses in itertools.chain.from_iterable(
                _ways(option, bid, lots) for option in bid["options"]
            ):
                for at, units in [(row, 1), *((cell_row[cell], units) for cell, units in uses)]:
                    row_of.append(at)
                    column_of.append(len(ticks))
                    number.append(float(units))
                ticks.append(net)
                self.bidder.append(bid["bidder"])
        self.ticks = np.array(ticks)
        matrix = csr_array((number, (row_of, column_of)), shape=(len(limit), len(ticks)))
        self.constraints = LinearConstraint(matrix, -np.inf, np.array(limit))

    def solve(self, without: frozenset[str], seconds: float) -> tuple[np.ndarray, float]:
        upper = np.array([bidder not in without for bidder in self.bidder], dtype=float)
        result = milp(
            -self.ticks,
            integrality=np.ones(len(upper), dtype=np.int64),
            bounds=Bounds(0, upper),
            constraints=self.constraints,
            options={"mip_rel_gap": 0, "time_limit": seconds},
        )
        if result.x is None:
            return np.zeros(len(upper)), 1.0
        return result.x, float(result.mip_gap or 0.0)


def _ways(option: Document, bid: Document, lots: dict[str, Document]) -> Iterator[Way]:
    """Every lot, start and size of one leg; the one lot of each of several legs. All hours at the lot's one reserve."""
    legs = option["legs"]
    if len(legs) > 1:
        uses = [((leg["lots"][0], leg["earliest"]), leg["units"]) for leg in legs]
        yield float(option["value"]), uses
        return
    (leg,) = legs
    for lot in (lots[name] for name in leg["lots"]):
        if lot["seller"] == bid["bidder"]:
            continue
        step = lot.get("unit_step", 1)
        first, last = max(leg["earliest"], lot["start"]), min(leg["latest"], lot["end"]) - leg["hours"]
        for start, units in itertools.product(
            range(first, last + 1), range(leg.get("min_units", leg["units"]), leg["units"] + 1, step)
        ):
            value = option["price"] * units * leg["hours"] if "price" in option else option["value"]
            hours = range(start, start + leg["hours"])
            yield (
                value - lot["reserve"] * units * leg["hours"],
                [((lot["id"], hour), units) for hour in hours],
            )
