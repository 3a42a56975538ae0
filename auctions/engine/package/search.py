"""Find the best choice of columns: bound first, keep what could matter, then search, then count again.

The relaxation's prices prove a bound. A first choice (the relaxation's own where it is whole, a greedy rounding of it,
or one the caller knows) is a value to beat. Columns that cannot be part of anything better are left out, those that
must be are fixed, both proven in whole numbers; what remains, often nothing, goes to the solver.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Ints
from auctions.engine.package.bounds import Bound, prove_bound
from auctions.engine.package.columns import SELECTOR
from auctions.engine.package.highs import Basis, Floats, Problem, SolverFailed, relax, solve
from auctions.engine.package.program import Program

WHOLE = 1e-6
"""A relaxed value this near a whole number may be taken for it; what follows is checked in whole numbers."""


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """x : int64 (n,) feasible; value: its ticks; bound: no feasible x has more ticks than this."""

    x: Ints
    value: int
    bound: int

    @property
    def is_proven(self) -> bool:
        return self.bound <= self.value


class Search:
    """One program and what is known of it: the first basis to start relaxations from."""

    def __init__(self, program: Program, *, max_nodes: int) -> None:
        self.program = program
        self.max_nodes = max_nodes
        self._basis: Basis | None = None
        self._zero = np.zeros(program.n_columns, dtype=np.int64)

    def problem(self, ticks: Ints, closed: NDArray[np.bool_] | None = None) -> Problem:
        upper = self.program.upper
        return Problem(
            cost=ticks,
            matrix=self.program.matrix,
            lower=self._zero,
            upper=upper if closed is None else np.where(closed, 0, upper),
            limit=self.program.limit,
            is_equal=self.program.is_equal,
        )

    def relax(self, problem: Problem) -> tuple[Floats, Bound]:
        relaxed = relax(problem, self._basis)
        if self._basis is None:
            self._basis = relaxed.basis
        return relaxed.x, prove_bound(problem, relaxed.price)

    def maximise(
        self, ticks: Ints, *, closed: NDArray[np.bool_] | None = None, known: Iterable[Ints] = ()
    ) -> Found:
        """Find the x of most ticks that leaves `closed` columns at 0; `known` are feasible ones to improve on."""
        problem = self.problem(ticks, closed)
        x, value = best_of(ticks, [self._zero, *known])
        relaxed, bound = self.relax(problem)
        if bound.ticks > value:
            rounded = np.rint(relaxed).astype(np.int64)
            if np.abs(relaxed - rounded).max() > WHOLE or not self.program.is_feasible(rounded):
                rounded = greedy(self.program, problem, bound.reduced, relaxed)
            x, value = best_of(ticks, [x, rounded])
        if bound.ticks <= value:
            return Found(x, value, value)
        return self._search(problem, bound, x, value)

    def _search(self, problem: Problem, bound: Bound, x: Ints, value: int) -> Found:
        keep = np.flatnonzero((bound.may_be_chosen(value + 1) & (problem.upper > 0)) | (x > 0))
        part = self.program.select(keep)
        full = bound.must_be_full(value + 1)[keep]
        # the start need not agree with what a better choice must hold, so nothing is fixed that it breaks
        full &= x[keep] == problem.upper[keep]
        upper = problem.upper[keep]
        restricted = Problem(
            problem.cost[keep],
            part.matrix,
            np.where(full, upper, 0),
            upper,
            part.limit,
            part.is_equal,
        )
        solved = solve(restricted, start=x[keep], max_nodes=self.max_nodes)
        if solved.x is not None:
            found = np.zeros_like(x)
            found[keep] = solved.x
            if not self.program.is_feasible(found):
                raise SolverFailed("a solution that does not fit in whole numbers")
            x, value = best_of(problem.cost.astype(np.int64), [x, found])
        if solved.is_proven:
            return Found(x, value, value)
        limit = int(np.floor(solved.bound * (1 + 1e-9))) + 1 if np.isfinite(solved.bound) else bound.ticks
        return Found(x, value, max(value, min(bound.ticks, limit)))


def best_of(ticks: Ints, choices: Iterable[Ints]) -> tuple[Ints, int]:
    """The choice of most ticks, the first of equal ones."""
    values = [(exact_value(ticks, x), x) for x in choices]
    value, x = max(values, key=lambda pair: pair[0])
    return x, value


def exact_value(ticks: Ints, x: Ints) -> int:
    chosen = np.flatnonzero(x)
    return sum(t * n for t, n in zip(ticks[chosen].tolist(), x[chosen].tolist(), strict=True))


def greedy(program: Program, problem: Problem, reduced: Ints, relaxed: Floats) -> Ints:
    """Take selectors as long as they fit: what the relaxation takes most of first, then by reduced ticks."""
    x = np.zeros(program.n_columns, dtype=np.int64)
    if program.is_equal.any():
        return x
    left = program.limit.copy()
    order = np.lexsort((np.arange(len(x)), -reduced, -np.round(relaxed, 6)))
    usable = (problem.upper > 0) & (problem.cost > 0) & (program.kind == SELECTOR)
    indptr, indices, data = program.matrix.indptr, program.matrix.indices, program.matrix.data
    for column in order[usable[order]].tolist():
        part = slice(indptr[column], indptr[column + 1])
        rows, units = indices[part], data[part]
        if (units <= left[rows]).all():
            x[column] = 1
            left[rows] -= units
    _fill_up(program, problem, x, left)
    return x


def _fill_up(program: Program, problem: Problem, x: Ints, left: Ints) -> None:
    """Raise `more` columns as far as their `least` and the room left allow."""
    indptr, indices, data = program.matrix.indptr, program.matrix.indices, program.matrix.data
    for column in np.flatnonzero((program.kind != SELECTOR) & (problem.upper > 0)).tolist():
        part = slice(indptr[column], indptr[column + 1])
        rows, units = indices[part], data[part]
        room = int(np.min(left[rows] // units, initial=int(problem.upper[column])))
        if room > 0 and problem.cost[column] >= 0:
            x[column] = room
            left[rows] -= units * room
