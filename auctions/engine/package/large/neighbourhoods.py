"""Improve a choice stretch by stretch: the bids on some hours of a few lots are chosen anew, all others as they are.

A sweep shuffles the lots, groups them and cuts their hours into windows; each group and window is a neighbourhood. The
bids that hold something there, and the losers that would lose least there at the relaxation's prices, make an integer
program of a few hundred columns and few branches. Two neighbourhoods at a time are searched from the same choice, on
two threads whatever the machine; what the second finds counts where it agrees with the first. Where sweeps gain little
the neighbourhoods grow, until the work, counted in coefficients and branches, is spent.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from random import Random

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Ints
from auctions.engine.package.bounds import Bound
from auctions.engine.package.columns import MORE
from auctions.engine.package.highs import Problem, solve
from auctions.engine.package.large.spans import Spans
from auctions.engine.package.program import Program

Bools = NDArray[np.bool_]

AT_ONCE = 2
FAR = 0.1
"""Columns that lose more of their ticks than this at the prices are never tried."""
MAX_WORK = 20_000_000
LEAST_WORK = 2_000_000
WORK_PER_COEFFICIENT = 80
"""Work is coefficients of the small programs, times the branches that looked at them; smaller blocks get less of it."""
ENOUGH = 24
LITTLE = 3e-4
"""Of the value. After sweeps of at least ENOUGH neighbourhoods that gain less, they grow; the largest are the last."""

PLAIN = {"mip_detect_symmetry": False, "mip_heuristic_run_feasibility_jump": False}
"""A third of the time of small programs that have a good start went there."""


@dataclass(frozen=True, slots=True)
class Size:
    """columns : of the winners there and the losers, those that lose least; windows : hours, one of them for a sweep"""

    columns: int
    nodes: int
    lots: int
    windows: tuple[int, ...]


SIZES = (
    Size(columns=300, nodes=10, lots=3, windows=(36, 48, 60)),
    Size(columns=500, nodes=40, lots=4, windows=(48, 72)),
    Size(columns=600, nodes=100, lots=4, windows=(48, 72, 96)),
)


@dataclass(frozen=True, eq=False, slots=True)
class Neighbourhood:
    """A stretch of rows. rows : bool (m,)"""

    rows: Bools
    size: Size


class Improving:
    """A choice under improvement, on the columns that could be part of a good one."""

    def __init__(self, program: Program, problem: Problem, spans: Spans, bound: Bound, x: Ints) -> None:
        self.columns = _promising(program, problem, bound, x)
        self.program = program.select(self.columns)
        self.ticks = problem.cost[self.columns].astype(np.int64)
        self.loss = np.maximum(-bound.reduced[self.columns], 0)
        rows = np.flatnonzero(
            np.bincount(program.matrix[:, self.columns].indices, minlength=len(program.limit))
        )
        self.lot, self.hour = (each[rows] for each in _lots_and_hours(program, spans))
        self.x = x[self.columns]
        self.work = 0

    def sweep(self, size: Size, random: Random) -> Iterator[Neighbourhood]:
        """Cut all rows into neighbourhoods, in an order of chance."""
        lots = np.unique(self.lot[self.lot >= 0]).tolist()
        random.shuffle(lots)
        hours = random.choice(size.windows)
        n_together = max(2, min(size.lots, len(lots) - 1))
        offset = random.randrange(hours)
        stretches = []
        for at in range(0, len(lots), n_together):
            on_lots = np.isin(self.lot, lots[at : at + n_together])
            for first in range(-offset, int(self.hour.max()) + 1, hours):
                rows = on_lots & (self.hour >= first) & (self.hour < first + hours)
                if rows.any():
                    stretches.append(Neighbourhood(rows, size))
        random.shuffle(stretches)
        yield from stretches

    def take_up(self, neighbourhoods: list[Neighbourhood], threads: ThreadPoolExecutor) -> int:
        """Search some at once; the ticks gained."""
        parts, spoken_for = [], np.zeros(int(self.program.bid.max()) + 1, dtype=bool)
        for each in neighbourhoods:
            columns, bids = self._columns_of(each, spoken_for)
            spoken_for |= bids
            parts.append((columns, each.size.nodes))
        found = list(threads.map(self._choose_anew, parts))
        before, gained = self.x, 0
        for (columns, _), (chosen, work) in zip(parts, found, strict=True):
            self.work += work
            gain = int(self.ticks[columns] @ (chosen - before[columns]))
            if gain <= 0:
                continue
            other = self.x.copy()
            other[columns] += chosen - before[columns]
            if self.program.is_feasible(other):
                self.x = other
                gained += gain
        return gained

    def _columns_of(self, neighbourhood: Neighbourhood, spoken_for: Bools) -> tuple[Ints, Bools]:
        """The columns to choose from, and the winners they are of."""
        program, x = self.program, self.x
        matrix = program.matrix
        near = np.logical_or.reduceat(neighbourhood.rows[matrix.indices], matrix.indptr[:-1])
        wins, holds = np.zeros_like(spoken_for), np.zeros_like(spoken_for)
        wins[program.bid[x > 0]] = True
        holds[program.bid[(x > 0) & near]] = True
        holds &= ~spoken_for
        is_free = (holds | ~wins)[program.bid]
        candidates = np.flatnonzero(is_free & near)
        candidates = candidates[np.argsort(self.loss[candidates], kind="stable")][
            : neighbourhood.size.columns
        ]
        return np.union1d(candidates, np.flatnonzero(holds[program.bid] & (x > 0))), holds

    def _choose_anew(self, part: tuple[Ints, int]) -> tuple[Ints, int]:
        columns, nodes = part
        if not len(columns):
            return self.x[columns], 0
        own = self.program.select(columns)
        rows = np.flatnonzero(
            np.bincount(self.program.matrix[:, columns].indices, minlength=len(self.program.limit))
        )
        fixed = self.x.copy()
        fixed[columns] = 0
        solved = solve(
            Problem(
                self.ticks[columns],
                own.matrix,
                np.zeros(len(columns), dtype=np.int64),
                own.upper,
                own.limit - (self.program.matrix @ fixed)[rows],
                own.is_equal,
            ),
            start=self.x[columns],
            max_nodes=nodes,
            options=PLAIN,
        )
        work = own.matrix.nnz * (1 + max(solved.nodes, 0))
        return (self.x[columns] if solved.x is None else solved.x), work


def improve(
    program: Program, problem: Problem, spans: Spans, bound: Bound, x: Ints, *, effort: float = 1.0
) -> Ints:
    """Improve a feasible choice until the work, or that part of it, is spent or nothing is gained any more."""
    improving = Improving(program, problem, spans, bound, x)
    random = Random(0)
    size, tried, gained = 0, 0, 0
    budget = min(MAX_WORK, LEAST_WORK + WORK_PER_COEFFICIENT * program.matrix.nnz) * effort
    with ThreadPoolExecutor(AT_ONCE) as threads:
        while improving.work < budget:
            neighbourhoods = improving.sweep(SIZES[size], random)
            while improving.work < budget and (some := list(islice(neighbourhoods, AT_ONCE))):
                gained += improving.take_up(some, threads)
                tried += len(some)
            if tried < ENOUGH:
                continue
            if gained < LITTLE * int(improving.ticks @ improving.x):
                size += 1
            if size == len(SIZES):
                break
            tried = gained = 0
    better = x.copy()
    better[improving.columns] = improving.x
    return better


def _promising(program: Program, problem: Problem, bound: Bound, x: Ints) -> Ints:
    """Columns that lose little, and those chosen; `more` columns with their `least`."""
    loss = np.maximum(-bound.reduced, 0).astype(np.float64)
    keep = (loss <= np.ldexp(FAR * np.maximum(problem.cost, 1.0), bound.bits)) | (program.kind != 0)
    keep &= problem.upper > 0
    keep |= x > 0
    more = np.flatnonzero(program.kind == MORE)
    keep[more] &= keep[more - 1] | (x[more] > 0)
    return np.flatnonzero(keep)


def _lots_and_hours(program: Program, spans: Spans) -> tuple[Ints, Ints]:
    """Lot and hour of every capacity row; rows of no known lot are taken for lots of a week, in their order."""
    lot, hour = spans.row_lot.copy(), spans.row_hour.copy()
    unknown = np.flatnonzero((program.bid_row < 0) & ~program.is_equal & (program.limit > 0) & (lot < 0))
    lot[unknown] = len(spans.rows) + np.arange(len(unknown)) // HOURS_OF_UNKNOWN
    hour[unknown] = np.arange(len(unknown)) % HOURS_OF_UNKNOWN
    return lot, hour


HOURS_OF_UNKNOWN = 168
