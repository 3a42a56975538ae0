"""Branch and bound with bounds that hold to the tick: what is left out is proven worth no more in whole numbers.

One relaxation is kept open; a branch changes limits of its columns, adds the cliques it breaks and solves it on from
where it stood. The branch that takes a column is looked at before the one that does without. What is done is counted
in branches, so it is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Ints
from auctions.engine.package.bounds import prove_bound
from auctions.engine.package.conflicts import Conflicts
from auctions.engine.package.cuts import Rows, cliques, is_fractional, with_rows
from auctions.engine.package.highs import Answer, Floats, Problem, Relaxation
from auctions.engine.package.work import PER_RELAXATION, Work

NEAR = 1e-3
"""A relaxation's total this far below a whole number of ticks is taken to stay below it; the bound is then proven."""

MAX_ROUNDS = 2
"""Rounds of cliques added to the relaxation of one branch."""

MAX_ADDED_ROWS = 300
"""Cliques added in all: with more, a relaxation takes longer than they are worth."""


@dataclass(frozen=True, eq=False, slots=True)
class Branched:
    """met : choices met, each worth more than the one before; is_proven : none is worth more than the last"""

    met: list[Ints]
    is_proven: bool


@dataclass(frozen=True, eq=False, slots=True)
class _Node:
    lower: Ints
    upper: Ints
    bound: int


def branch(
    problem: Problem,
    rows: Rows,
    value: int,
    *,
    is_feasible: Callable[[Ints], bool],
    max_nodes: int,
    work: Work,
) -> Branched:
    """Look for something worth more than `value`; `rows` tighten the relaxation."""
    search = _Branching(problem, rows, work)
    met: list[Ints] = []
    waiting = [_Node(problem.lower, problem.upper, value + 1)]
    ticks = problem.cost.astype(np.int64)
    n_nodes = 0
    while waiting:
        node = waiting.pop()
        if n_nodes and node.bound <= value:
            continue
        if n_nodes == max_nodes or work.is_spent:
            return Branched(met, False)
        n_nodes += 1
        relaxed = search.relax(node, value)
        if relaxed is None:
            continue
        bound = prove_bound(search.limited(node), relaxed.price)
        if bound.ticks <= value:
            continue
        open_columns = is_fractional(relaxed.x)
        if not open_columns.any():
            found = np.rint(relaxed.x).astype(np.int64)
            worth = int(ticks @ found)
            if worth > value and is_feasible(found):
                value = worth
                met.append(found)
            if bound.ticks > value:
                return Branched(met, False)
            continue
        upper = np.where(bound.may_be_chosen(value + 1), node.upper, node.lower)
        lower = np.where(bound.must_be_full(value + 1), upper, node.lower)
        waiting += search.branches(relaxed, _Node(lower, upper, bound.ticks), open_columns)
    return Branched(met, True)


class _Branching:
    """The relaxation kept open, with the rows found so far."""

    def __init__(self, problem: Problem, rows: Rows, work: Work) -> None:
        self._own = problem
        self._problem = with_rows(problem, rows)
        self._conflicts = Conflicts(problem)
        self._relaxation = Relaxation(self._problem)
        self._most_rows = len(self._problem.limit) + MAX_ADDED_ROWS
        self._work = work

    def relax(self, node: _Node, value: int) -> Answer | None:
        """Relax within a branch; None where nothing is left in it."""
        self._relaxation.set_limits(node.lower, node.upper)
        relaxed = self._solve()
        for _ in range(MAX_ROUNDS):
            if (
                relaxed is None
                or relaxed.total < value + 1 - NEAR
                or len(self._problem.limit) >= self._most_rows
            ):
                break
            rows = Rows.of(list(cliques(self._conflicts, relaxed.x, -relaxed.reduced)), len(relaxed.x))
            if not len(rows):
                break
            self._relaxation.add(rows.matrix, rows.limit)
            self._problem = with_rows(self._problem, rows)
            relaxed = self._solve()
        return relaxed

    def _solve(self) -> Answer | None:
        relaxed = self._relaxation.try_solve()
        self._work.spend(self._relaxation.iterations + PER_RELAXATION, self._problem)
        return relaxed

    def limited(self, node: _Node) -> Problem:
        return replace(self._problem, lower=node.lower, upper=node.upper)

    def branches(self, relaxed: Answer, node: _Node, open_columns: NDArray[np.bool_]) -> list[_Node]:
        column = _branching_column(relaxed.x, self._own.cost, open_columns)
        below = int(np.floor(relaxed.x[column]))
        without, having = node.upper.copy(), node.lower.copy()
        without[column] = below
        having[column] = below + 1
        beside = np.where(self._conflicts.of(column), node.lower, node.upper)
        branches = [_Node(node.lower, without, node.bound)]
        if node.upper[column] > below:
            branches.append(_Node(having, beside, node.bound))
        return branches


def _branching_column(x: Floats, cost: Ints | Floats, open_columns: NDArray[np.bool_]) -> int:
    """The column whose relaxed number is least decided, weighed by its ticks."""
    part = x - np.floor(x)
    return int(np.argmax(np.where(open_columns, part * (1 - part) * np.sqrt(np.abs(cost)), -1.0)))
