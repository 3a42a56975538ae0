"""Every way to fill each bid: a selector with some `more` of it, or an `option` with one `place` for each leg."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Ints
from auctions.engine.package.bounds import Bound
from auctions.engine.package.columns import MORE, PLACE, SELECTOR
from auctions.engine.package.highs import Problem
from auctions.engine.package.large.spans import NONE
from auctions.engine.package.program import Program

FAR = 0.15
"""Bids whose best column loses more of their ticks than this at the relaxation's prices have no ways."""

MOST_WAYS = 64
"""Of an option whose legs have places of their own: each leg's places that lose least at the prices."""


@dataclass(frozen=True, eq=False, slots=True)
class Ways:
    """column, more : int64 (w,) a selector and how much of the column after it

    part_way, part : int64 (k,) which columns say what it takes, by way: the selector, or a place for each leg
    """

    column: Ints
    more: Ints
    part_way: Ints
    part: Ints

    def ticks(self, cost: Ints, is_place: NDArray[np.bool_]) -> Ints:
        """What each way adds, of the columns' ticks. int64 (w,)"""
        after = np.minimum(self.column + 1, len(cost) - 1)
        ticks = cost[self.column] + self.more * cost[after]
        np.add.at(ticks, self.part_way, np.where(is_place, cost, 0)[self.part])
        return ticks


def find_ways(program: Program, problem: Problem, bound: Bound) -> Ways:
    """All ways of the bids of which some column loses little."""
    selectors = np.flatnonzero(
        (problem.upper > 0) & (program.kind == SELECTOR) & _is_near(program, problem, bound)[program.bid]
    )
    anchor = _anchor_of_place(program)
    with_places = np.isin(selectors, anchor)
    column, more = _with_more(program, problem, selectors[~with_places])
    combined = [
        (option, places)
        for option in selectors[with_places].tolist()
        for places in _combinations(program, problem, bound, np.flatnonzero(anchor == option))
    ]
    n = len(column)
    return Ways(
        column=np.concatenate([column, np.array([option for option, _ in combined], dtype=np.int64)]),
        more=np.concatenate([more, np.zeros(len(combined), dtype=np.int64)]),
        part_way=np.concatenate(
            [np.arange(n), np.repeat(n + np.arange(len(combined)), [len(places) for _, places in combined])]
        ),
        part=np.concatenate(
            [column, np.array([place for _, places in combined for place in places], dtype=np.int64)]
        ),
    )


def _is_near(program: Program, problem: Problem, bound: Bound) -> NDArray[np.bool_]:
    """Bids of which some column loses little."""
    loss = np.maximum(-bound.reduced, 0).astype(np.float64)
    columns = (problem.upper > 0) & (program.kind == SELECTOR)
    columns &= loss <= np.ldexp(FAR * np.maximum(problem.cost, 1.0), bound.bits)
    is_near = np.zeros(int(program.bid.max()) + 1, dtype=bool)
    is_near[program.bid[columns]] = True
    return is_near


def _with_more(program: Program, problem: Problem, selectors: Ints) -> tuple[Ints, Ints]:
    """Each selector by itself, and with every number of the `more` that follows it."""
    has_more = selectors[np.append(program.kind, SELECTOR)[selectors + 1] == MORE]
    room = problem.upper[np.minimum(has_more + 1, program.n_columns - 1)]
    column = np.concatenate([selectors, np.repeat(has_more, room)])
    until = np.cumsum(room)
    counted = np.arange(int(room.sum())) - np.repeat(until - room, room) + 1
    return column, np.concatenate([np.zeros(len(selectors), dtype=np.int64), counted])


def _anchor_of_place(program: Program) -> Ints:
    """The column of the option that each `place` belongs to, NONE for other columns. int64 (n,)"""
    anchor = np.full(program.n_columns, NONE)
    column_of_source = {source: column for column, source in enumerate(program.source.tolist())}
    for column in np.flatnonzero(program.kind == PLACE).tolist():
        anchor[column] = column_of_source[program.columns.anchor[program.source[column]]]
    return anchor


def _combinations(
    program: Program, problem: Problem, bound: Bound, places: Ints
) -> Iterator[tuple[int, ...]]:
    """One place for each leg, of those that lose least at the prices; at most MOST_WAYS."""
    leg = np.array([program.columns.leg[source] for source in program.source[places].tolist()])
    legs = np.unique(leg)
    places, leg = places[problem.upper[places] > 0], leg[problem.upper[places] > 0]
    most = max(1, int((MOST_WAYS + 0.5) ** (1 / len(legs))))
    choices = []
    for each in legs.tolist():
        own = places[leg == each]
        choices.append(own[np.argsort(-bound.reduced[own], kind="stable")][:most].tolist())
    yield from itertools.product(*choices)
