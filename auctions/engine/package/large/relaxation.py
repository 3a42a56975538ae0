"""The relaxation of a large program, on the columns that matter, and a bound over all of them.

It starts with every few columns of each bid; then those that the prices want most come in and those far from wanted go,
until what is missed is small. Prices are completed over all columns before the bound is multiplied out: every bid pays
what its best column is worth at the lot-hours' prices, so however rough they are, the bound stays near. Then rows that
relaxed choices break are added (`spans`) and columns again, a few times.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import highspy
import numpy as np
from scipy.sparse import csc_array, csr_array, vstack

from auctions.engine.book import Ints
from auctions.engine.package.bounds import Bound, prove_bound
from auctions.engine.package.columns import MORE, SELECTOR
from auctions.engine.package.highs import Basis, Floats, Problem, Relaxed, SolverFailed, load
from auctions.engine.package.large.spans import Spans, broken_rows, write_rows
from auctions.engine.package.program import Program

ALL_AT_ONCE = 1_000_000
"""Coefficients up to which all columns are there from the start."""
EVERY = 6
"""Of the columns of a bid one in so many is there from the start where there are more."""
FEW = 12
"""A bid with no more columns has them all there."""
COLUMNS_ADDED = 10
"""Of each bid in each round."""
FAR = 0.02
"""Columns that lose more of their ticks than this at the prices leave."""
CLOSE = 2e-4
"""A bound so near the relaxation is near enough."""
LITTLE = 1e-4
"""Rows that bring the bound down by less are the last."""
MAX_ROUNDS = 40
MAX_CUT_ROUNDS = 8
ROWS_ADDED = 60
"""Of each lot in each round."""
MAX_ITERATIONS_PER_ROUND = 40_000
MAX_WORK = 1.2e9
"""Simplex iterations times rows after which no further round begins."""

USABLE = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kIterationLimit)
"""Prices of a relaxation that was cut short bound as well."""

LOWER, BASIC = 0, 1
"""HiGHS's numbers for states of a basis."""


@dataclass(frozen=True, eq=False, slots=True)
class Relaxation:
    """x : float64 (n,); bound : proven, its reduced ticks those of all columns

    price : float64 (m,) of the program's own rows, before any were added
    """

    x: Floats
    bound: Bound
    price: Floats


@dataclass(eq=False, slots=True)
class _Growing:
    """The columns and rows at work, and where the last relaxation of them ended."""

    program: Program
    problem: Problem
    columns: Ints
    max_work: float
    basis: Basis | None = None
    work: float = 0.0

    def relax(self, *, primal: bool) -> Relaxed:
        """Relax what is there from where the last one ended; cut short, its prices still bound."""
        part = replace(
            self.problem,
            cost=self.problem.cost[self.columns],
            matrix=csc_array(self.problem.matrix[:, self.columns]),
            lower=self.problem.lower[self.columns],
            upper=self.problem.upper[self.columns],
        )
        solver, scale = load(part)
        solver.setOptionValue("simplex_iteration_limit", MAX_ITERATIONS_PER_ROUND)
        if self.basis is not None:
            solver.setBasis(self.basis.restored())
            solver.setOptionValue("presolve", "off")
            solver.setOptionValue("simplex_strategy", 4 if primal else 1)
        solver.run()
        if solver.getModelStatus() not in USABLE:  # lost its way from there: from the beginning, then
            solver.clearSolver()
            solver.setOptionValue("presolve", "choose")
            solver.run()
        if solver.getModelStatus() not in USABLE:
            raise SolverFailed(f"relaxation: {solver.modelStatusToString(solver.getModelStatus())}")
        self.work += max(solver.getInfo().simplex_iteration_count, 0) * len(part.limit)
        self.basis = Basis.of(solver.getBasis())
        solution = solver.getSolution()
        return Relaxed(np.array(solution.col_value), -np.array(solution.row_dual) * scale, self.basis)

    def change_columns(self, columns: Ints) -> None:
        assert self.basis is not None
        states = np.full(self.program.n_columns, LOWER, dtype=np.int8)
        states[self.columns] = self.basis.columns
        self.columns = columns
        self.basis = Basis(states[columns], self.basis.rows)

    def add_rows(self, matrix: csr_array, limit: Ints) -> None:
        assert self.basis is not None
        n = len(limit)
        self.problem = replace(
            self.problem,
            matrix=csc_array(vstack([csr_array(self.problem.matrix), matrix])),
            limit=np.append(self.problem.limit, limit),
            is_equal=np.append(self.problem.is_equal, np.zeros(n, dtype=bool)),
        )
        self.basis = Basis(self.basis.columns, np.append(self.basis.rows, np.full(n, BASIC, dtype=np.int8)))


def relax_large(
    program: Program, problem: Problem, spans: Spans, *, all_at_once: int = ALL_AT_ONCE, effort: float = 1.0
) -> Relaxation:
    """Relax; `all_at_once` as the constant says; `effort`: which part of the work allowed may be done."""
    growing = _Growing(program, problem, _first_columns(program, all_at_once), MAX_WORK * effort)
    relaxed, bound, price = _grow(growing)
    for _ in range(MAX_CUT_ROUNDS):
        if growing.work > growing.max_work:
            break
        rows = broken_rows(program, spans, relaxed, most=ROWS_ADDED)
        if not rows:
            break
        growing.add_rows(*write_rows(program, spans, rows))
        relaxed, other, _ = _grow(growing)
        gained = bound.ticks - other.ticks
        if gained > 0:
            bound = other
        if gained < LITTLE * bound.ticks:
            break
    return Relaxation(relaxed, bound, price)


def _grow(growing: _Growing) -> tuple[Floats, Bound, Floats]:
    """Relax, with more columns each time, until the bound over all is close.

    The last choice, the best bound, and its prices.
    """
    program = growing.program
    best: Bound | None = None
    primal = False
    for _ in range(MAX_ROUNDS):
        relaxed = growing.relax(primal=primal)
        primal = True
        price = complete_prices(program, growing.problem, relaxed.price)
        bound = prove_bound(growing.problem, price)
        if best is None or bound.ticks < best.ticks:
            best, best_price = bound, price
        x = np.zeros(program.n_columns)
        x[growing.columns] = relaxed.x
        value = float(growing.problem.cost @ x)
        has_all = len(growing.columns) == program.n_columns
        if has_all or best.ticks <= value + CLOSE * abs(value) or growing.work > growing.max_work:
            break
        columns = _next_columns(growing, relaxed)
        if columns is None:
            break
        growing.change_columns(columns)
    assert best is not None
    return x, best, best_price


def _first_columns(program: Program, all_at_once: int) -> Ints:
    if program.matrix.nnz <= all_at_once:
        return np.arange(program.n_columns)
    selectors = np.flatnonzero(program.kind == SELECTOR)
    bid = program.bid[selectors]
    order = np.argsort(bid, kind="stable")
    new = np.flatnonzero(np.diff(bid[order], prepend=-1))
    n_columns = np.diff(np.append(new, len(order)))
    rank = np.arange(len(order)) - np.repeat(new, n_columns)
    keep = np.ones(program.n_columns, dtype=bool)
    keep[selectors[order]] = (rank % EVERY == 0) | (np.repeat(n_columns, n_columns) <= FEW)
    return _with_more(program, keep)


def _with_more(program: Program, keep: np.ndarray) -> Ints:
    """Give every `more` column the fate of its `least`, which stands before it."""
    more = np.flatnonzero(program.kind == MORE)
    keep[more] = keep[more - 1]
    return np.flatnonzero(keep)


def _next_columns(growing: _Growing, relaxed: Relaxed) -> Ints | None:
    """Columns that the present prices want and that are not there, the best of each bid, and those not far from it."""
    program, problem = growing.program, growing.problem
    price = _with_more_prices(program, problem, relaxed.price)
    reduced = problem.cost - problem.matrix.T @ price
    there = np.zeros(program.n_columns, dtype=bool)
    there[growing.columns] = True
    smallest = 1e-7 * np.abs(problem.cost).max(initial=1)
    wanted = np.flatnonzero(~there & (program.kind == SELECTOR) & (problem.upper > 0) & (reduced > smallest))
    if not len(wanted):
        return None
    wanted = wanted[np.lexsort((wanted, -reduced[wanted], program.bid[wanted]))]
    bid = program.bid[wanted]
    new = np.flatnonzero(np.diff(bid, prepend=-1))
    rank = np.arange(len(wanted)) - np.repeat(new, np.diff(np.append(new, len(wanted))))
    basic = growing.columns[relaxed.basis.columns == BASIC]
    keep = there & ((reduced > -FAR * np.maximum(problem.cost, 1)) | (program.kind != SELECTOR))
    keep[wanted[rank < COLUMNS_ADDED]] = True
    keep[basic] = True
    keep[basic[program.kind[basic] == MORE] - 1] = True
    return _with_more(program, keep)


def complete_prices(program: Program, problem: Problem, price: Floats) -> Floats:
    """Raise and lower the prices of bids, and of their `more`, to the least that no column is worth more than."""
    price = _with_more_prices(program, problem, np.where(problem.is_equal, price, np.maximum(price, 0.0)))
    bids = np.flatnonzero(program.bid_row >= 0)
    price[bids] = 0.0
    reduced = problem.cost - problem.matrix.T @ price
    best = np.zeros(int(program.bid.max(initial=0)) + 1)
    selectors = np.flatnonzero((program.kind == SELECTOR) & (problem.upper > 0))
    np.maximum.at(best, program.bid[selectors], reduced[selectors])
    price[bids] = best[program.bid_row[bids]]
    return price


def _with_more_prices(program: Program, problem: Problem, price: Floats) -> Floats:
    """Let a row that ties a `more` to its `least` cost what the `more` would be worth without it."""
    more = np.flatnonzero(program.kind == MORE)
    if not len(more):
        return price.copy()
    price = price.copy()
    row = program.matrix.indices[
        program.matrix.indptr[more + 1] - 1
    ]  # after the lot-hours comes its one rule
    price[row] = 0.0
    reduced = problem.cost[more] - csc_array(problem.matrix[:, more]).T @ price
    price[row] = np.maximum(reduced, 0.0)
    return price
