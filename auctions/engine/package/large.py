"""Blocks too large to be searched to the end: a bound, a good choice, and how the others would do without each winner.

The bound is the relaxation's. The choice starts greedy and is then improved neighbourhood by neighbourhood: the bids on
a stretch of lot-hours, and those that would like to be there, are chosen anew with all others as they are, each a small
integer program of few branches. Without a winner, what it leaves is offered to the losers, best first; the
relaxation's prices bound what a search could add. All is counted in columns, neighbourhoods and branches, never in
seconds, so the result is the same everywhere.
"""

from __future__ import annotations

import numpy as np

from auctions.engine.book import Ints
from auctions.engine.package.bounds import Bound
from auctions.engine.package.columns import SELECTOR
from auctions.engine.package.highs import Problem, solve
from auctions.engine.package.program import Program

LARGE = 60_000
"""Coefficients of a program from which on it is not searched to the end."""

NEIGHBOURHOODS = 200
NEIGHBOURHOOD_COLUMNS = 300
NEIGHBOURHOOD_NODES = 10
OVERLAP = 6
"""Neighbourhoods each lot-hour is in."""


def is_large(program: Program) -> bool:
    return program.matrix.nnz > LARGE


def improve(program: Program, problem: Problem, bound: Bound, x: Ints) -> Ints:
    """Choose one stretch of lot-hours after the other anew."""
    is_capacity = (program.bid_row < 0) & ~program.is_equal & (program.limit > 0)
    rows = np.flatnonzero(is_capacity)
    by_column = program.matrix
    width = max(1, OVERLAP * len(rows) // NEIGHBOURHOODS)
    loss = np.maximum(-bound.reduced, 0)
    for at in range(NEIGHBOURHOODS):
        first = at * max(1, len(rows) - width) // max(1, NEIGHBOURHOODS - 1)
        stretch = np.zeros(len(program.limit), dtype=bool)
        stretch[rows[first : first + width]] = True
        touches = np.add.reduceat(stretch[by_column.indices], by_column.indptr[:-1]) > 0
        x = _choose_anew(program, problem, x, touches & (problem.upper > 0), loss)
    return x


def _choose_anew(program: Program, problem: Problem, x: Ints, near: np.ndarray, loss: Ints) -> Ints:
    """Choose again for the bids that hold one of the columns `near`, and for the losers that are tempted most."""
    winning = np.unique(program.bid[x > 0])
    held = np.unique(program.bid[(x > 0) & near])
    is_free = ~np.isin(program.bid, winning) | np.isin(program.bid, held)
    candidates = np.flatnonzero(is_free & (near | (x > 0)))
    candidates = candidates[np.argsort(loss[candidates], kind="stable")][:NEIGHBOURHOOD_COLUMNS]
    keep = np.union1d(candidates, np.flatnonzero((x > 0) & is_free))
    fixed = np.where(is_free, 0, x)
    part = program.select(keep)
    used = program.matrix @ fixed
    rows = np.flatnonzero(np.bincount(program.matrix[:, keep].indices, minlength=len(program.limit)))
    solved = solve(
        Problem(
            problem.cost[keep],
            part.matrix,
            np.zeros(len(keep), dtype=np.int64),
            problem.upper[keep],
            program.limit[rows] - used[rows],
            part.is_equal,
        ),
        start=x[keep],
        max_nodes=NEIGHBOURHOOD_NODES,
    )
    if solved.x is None:
        return x
    other = fixed.copy()
    other[keep] = solved.x
    ticks = problem.cost.astype(np.int64)
    better = program.is_feasible(other) and int(ticks @ other) > int(ticks @ x)
    return other if better else x


def refill(program: Program, problem: Problem, x: Ints) -> Ints:
    """Offer what is left to bids that have nothing, the column of most ticks that fits first."""
    x = x.copy()
    left = program.limit - program.matrix @ x
    has_something = np.zeros(int(program.bid.max()) + 1, dtype=bool)
    has_something[program.bid[x > 0]] = True
    taken = has_something[program.bid]
    open_columns = (problem.upper > 0) & (problem.cost > 0) & (program.kind == SELECTOR) & ~taken
    too_much = program.matrix.data > left[program.matrix.indices]
    columns = np.flatnonzero(open_columns & ~np.logical_or.reduceat(too_much, program.matrix.indptr[:-1]))
    for column in columns[np.lexsort((columns, -problem.cost[columns]))].tolist():
        rows = slice(program.matrix.indptr[column], program.matrix.indptr[column + 1])
        if (program.matrix.data[rows] <= left[program.matrix.indices[rows]]).all():
            x[column] = 1
            left[program.matrix.indices[rows]] -= program.matrix.data[rows]
    return x
