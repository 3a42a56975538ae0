"""Find the best choice of columns: bound first, keep what could matter, then search, then count again.

The relaxation, tightened by rows that it breaks (see `cuts`), proves a bound by its prices. A first choice (the
relaxation's own where it is whole, a greedy rounding of it, or one the caller knows) is a value to beat. Columns that
cannot be part of anything better are left out, those that must be are fixed, both proven in whole numbers; what
remains, often nothing, is branched on, and should that take too many branches, goes to the solver.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Ints
from auctions.engine.package.bounds import Bound, prove_bound
from auctions.engine.package.branch import NEAR, Branched, branch
from auctions.engine.package.cuts import (
    WHOLE,
    Conflicts,
    Rows,
    broken_rows,
    is_fractional,
    with_rows,
    without_idle_rows,
)
from auctions.engine.package.found import Found, best_of
from auctions.engine.package.highs import BASIC, Basis, Floats, Problem, Relaxation, SolverFailed, solve
from auctions.engine.package.large import is_large
from auctions.engine.package.large.best import LargeSearch
from auctions.engine.package.line import Line
from auctions.engine.package.program import Program
from auctions.engine.package.rounding import greedy
from auctions.engine.package.walk import walk, ways
from auctions.engine.package.work import PER_RELAXATION, Work

FEW_COLUMNS = 64, 256, sys.maxsize
"""Columns to search among, one number after the other."""

FEW_OPEN = 128
"""Columns that something better may hold: so few are branched on as they are."""

MAX_TIGHTENINGS = 30
PATIENCE = 2
LEAST_GAIN = 0.05
"""Of what all rows gained so far: rounds of rows that gain less are counted, `PATIENCE` of them in a row are enough."""

MAX_BRANCHES = 200
"""Branches of ours before a search is handed to the solver's own."""

BRANCHING_PART = 2
"""And no more than one part in so many of the work that is left."""

OWN_WAYS = {
    "mip_allow_restart": True,
    "mip_heuristic_run_rins": True,
    "mip_heuristic_run_rens": True,
    "mip_heuristic_run_root_reduced_cost": True,
}
"""What the solver does otherwise without: it takes most of the time of easy programs, and saves most of hard ones."""


@dataclass(frozen=True, eq=False, slots=True)
class Tight:
    """A relaxation with rows added; x, value : the best choice known by then

    binding : the rows that bind
    rows, basis : rows that may bind and where it ended with them, where they are asked for
    """

    bound: Bound
    binding: Rows
    rows: Rows | None
    basis: Basis | None
    x: Ints
    value: int


class Search:
    """One program and what is known of it: rows that tighten its relaxation and where that ended, or its bound."""

    def __init__(self, program: Program, *, max_nodes: int) -> None:
        self.program = program
        self.max_nodes = max_nodes
        self.rows = Rows.none(program.n_columns)
        self._large = LargeSearch(program) if is_large(program) else None
        self.line = None if is_large(program) else Line.of(program)
        self._problem = self._write_problem()
        self._conflicts = None if is_large(program) else Conflicts(self._problem)
        self._basis: Basis | None = None
        self._with_rows: tuple[Rows, Problem] | None = None

    def _write_problem(self) -> Problem:
        program = self.program
        zero = np.zeros(program.n_columns, dtype=np.int64)
        problem = Problem(program.ticks, program.matrix, zero, program.upper, program.limit, program.is_equal)
        # a line needs the rows of all bids
        return problem if self.line is not None or self._large is not None else without_idle_rows(problem)

    def problem(self, ticks: Ints, closed: NDArray[np.bool_] | None = None) -> Problem:
        upper = self.program.upper
        return replace(
            self._problem, cost=ticks, upper=upper if closed is None else np.where(closed, 0, upper)
        )

    def ways(self, problem: Problem, value: int, work: Work) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Columns that a choice worth `value`, the most there is, may hold, and those that each such choice fills."""
        tightened = self._tightened(problem)
        price = Relaxation(tightened, self._basis).solve().price
        bound = prove_bound(tightened, price)
        may, full = bound.may_be_chosen(value), bound.must_be_full(value)
        if self.line is not None:
            part = work.part(1, BRANCHING_PART)
            may = ways(self.line, problem.cost.astype(np.int64), may, price[self.line.row], value, part)
            work.take(part)
        return may, full

    def _tightened(self, problem: Problem) -> Problem:
        """The problem with the rows known, which are the same for many."""
        if self._with_rows is None or self._with_rows[0] is not self.rows:
            self._with_rows = self.rows, with_rows(problem, self.rows)
        return replace(self._with_rows[1], cost=problem.cost, lower=problem.lower, upper=problem.upper)

    def keep(self, found: Found) -> None:
        """Start the searches to come from what one has found out. Not while others are under way."""
        if found.rows is not None:
            self.rows = found.rows
        self._basis = found.basis

    def maximise(
        self,
        ticks: Ints,
        *,
        closed: NDArray[np.bool_] | None = None,
        known: Iterable[Ints] = (),
        learn: bool = False,
        work: Work | None = None,
    ) -> Found:
        """Find the x of most ticks that leaves `closed` columns at 0; `known` are feasible ones to improve on.

        What was found out on the way is told for `keep` where `learn` asks for it. Where `work` is spent, what is
        found by then, and as good a bound, come back.
        """
        work = Work() if work is None else work
        problem = self.problem(ticks, closed)
        x, value = best_of(ticks, [self._problem.lower, *known])
        if self._large is not None:
            return self._large.maximise(problem, x, value, work)
        if self.line is not None:
            walked = self._walk(self.line, problem, x, value, work, learn=learn)
            if walked.is_proven or work.is_spent:
                return walked
            x, value = walked.x, walked.value
        tight = self._tighten(problem, x, value, work, learn=learn)
        if tight.bound.ticks > tight.value:
            found = self._search(problem, tight, work)
        else:
            found = Found(tight.x, tight.value, tight.value)
        return replace(found, rows=tight.rows, basis=tight.basis)

    def _walk(self, line: Line, problem: Problem, x: Ints, value: int, work: Work, *, learn: bool) -> Found:
        """Search along the line, without rows added."""
        relaxation = Relaxation(problem, None if len(self.rows) else self._basis)
        relaxed = relaxation.solve()
        work.spend(relaxation.iterations + PER_RELAXATION, problem)
        bound = prove_bound(problem, relaxed.price)
        x, value = self._rounded(problem, bound, relaxed.x, x, value)
        met: list[Ints] = []
        limit = max(bound.ticks, value)
        if limit > value:
            usable = bound.may_be_chosen(value + 1) & (problem.upper > 0)
            part = work.part(1, BRANCHING_PART)
            walked = walk(
                line, problem.cost.astype(np.int64), usable, relaxed.price[line.row], value + 1, part
            )
            work.take(part)
            met = [_spread(columns, x, 1) for columns in walked.met]
            x, value = best_of(problem.cost.astype(np.int64), [x, *met])
            limit = value if walked.is_proven else limit
        rows, basis = (Rows.none(len(x)), relaxation.basis) if learn else (None, None)
        return Found(x, value, limit, tuple(met), rows, basis)

    def _tighten(self, problem: Problem, x: Ints, value: int, work: Work, *, learn: bool) -> Tight:
        """Relax, and add rows that the relaxation breaks as long as it gains by them."""
        assert self._conflicts is not None
        rows = self.rows
        tightened = self._tightened(problem)
        relaxation = Relaxation(tightened, self._basis)
        relaxed = relaxation.solve()
        first = last = relaxed.total
        patience = PATIENCE
        for _ in range(MAX_TIGHTENINGS):
            work.spend(relaxation.iterations + PER_RELAXATION, problem)
            if work.is_spent:
                break
            open_columns = -relaxed.reduced <= relaxed.total - value - 1 + NEAR
            if np.count_nonzero(open_columns) <= FEW_OPEN or not is_fractional(relaxed.x).any():
                break
            new = broken_rows(self._conflicts, tightened, relaxation, relaxed)
            if not len(new):
                break
            rows += new
            tightened = with_rows(tightened, new)
            relaxation.add(new.matrix, new.limit)
            relaxed = relaxation.solve()
            patience = (
                PATIENCE if last - relaxed.total > LEAST_GAIN * (first - relaxed.total) else patience - 1
            )
            last = relaxed.total
            if not patience:
                break
        bound = prove_bound(tightened, relaxed.price)
        x, value = self._rounded(problem, bound, relaxed.x, x, value)
        n_own = len(problem.limit)
        binds = relaxed.price[n_own:] > 0
        if not learn:
            return Tight(bound, rows.take(binds), None, None, x, value)
        basis = relaxation.basis
        kept = np.append(np.ones(n_own, dtype=bool), basis.rows[n_own:] != BASIC)
        return Tight(bound, rows.take(binds), rows.take(kept[n_own:]), basis.select(kept), x, value)

    def _rounded(
        self, problem: Problem, bound: Bound, relaxed: Floats, x: Ints, value: int
    ) -> tuple[Ints, int]:
        """The better of x and a choice near the relaxed one."""
        if bound.ticks <= value:
            return x, value
        rounded = np.rint(relaxed).astype(np.int64)
        if np.abs(relaxed - rounded).max() > WHOLE or not self.program.is_feasible(rounded):
            rounded = greedy(self.program, problem, bound.reduced, relaxed)
        return best_of(problem.cost.astype(np.int64), [x, rounded])

    def _search(self, problem: Problem, tight: Tight, work: Work) -> Found:
        """Look for what lies near the bound first, which few columns can be part of; then further down."""
        x, value, limit = tight.x, tight.value, tight.bound.ticks
        met: list[Ints] = []
        for few in FEW_COLUMNS:
            goal = max(_near(problem, tight.bound, few), value + 1)
            if goal > limit:
                continue
            branched = self._branch(problem, tight, x, goal, work)
            x, value = best_of(problem.cost.astype(np.int64), [x, *branched.met])
            met += branched.met
            if not branched.is_proven:
                return self._search_with_solver(problem, replace(tight, x=x, value=value), limit, met, work)
            if value >= goal:
                return Found(x, value, value, tuple(met))
            limit = goal - 1
        return Found(x, value, value, tuple(met))

    def _search_with_solver(
        self, problem: Problem, tight: Tight, limit: int, met: list[Ints], work: Work
    ) -> Found:
        """Leave the columns that matter to the solver, which takes them better as they are; the best is <= `limit`."""
        x, value = tight.x, tight.value
        keep = np.flatnonzero((tight.bound.may_be_chosen(value + 1) & (problem.upper > 0)) | (x > 0))
        _, restricted = self._restricted(problem, keep, problem.lower[keep])
        if not work.is_enough_for_root(restricted):
            return Found(x, value, limit, tuple(met))
        max_nodes = work.nodes(restricted, self.max_nodes)
        solved = solve(restricted, start=x[keep], max_nodes=max_nodes, options=OWN_WAYS)
        work.spend(solved.iterations, restricted)
        spread = [_spread(keep, x, each) for each in solved.met]
        met = [*met, *(each for each in spread if self.program.is_feasible(each))]
        if solved.x is not None:
            found = _spread(keep, x, solved.x)
            if not self.program.is_feasible(found):
                raise SolverFailed("a solution that does not fit in whole numbers")
            x, value = best_of(problem.cost.astype(np.int64), [x, found])
        if solved.is_proven:
            return Found(x, value, value, tuple(met))
        told = int(np.floor(solved.bound * (1 + 1e-9))) + 1 if np.isfinite(solved.bound) else limit
        return Found(x, value, max(value, min(limit, told)), tuple(met))

    def _branch(self, problem: Problem, tight: Tight, x: Ints, goal: int, work: Work) -> Branched:
        """Branch on the columns that something worth `goal` may hold."""
        keep = np.flatnonzero(tight.bound.may_be_chosen(goal) & (problem.upper > 0))
        if not len(keep):
            return Branched([], True)
        part = work.part(1, BRANCHING_PART)
        lower = np.where(tight.bound.must_be_full(goal), problem.upper, 0)
        program, restricted = self._restricted(problem, keep, lower[keep])
        branched = branch(
            restricted,
            tight.binding.of_columns(keep),
            goal - 1,
            is_feasible=program.is_feasible,
            max_nodes=min(self.max_nodes, MAX_BRANCHES),
            work=part,
        )
        work.take(part)
        return replace(branched, met=[_spread(keep, x, each) for each in branched.met])

    def _restricted(self, problem: Problem, keep: Ints, lower: Ints) -> tuple[Program, Problem]:
        """Some columns, by themselves."""
        part = self.program.select(keep)
        upper = problem.upper[keep]
        whole = Problem(problem.cost[keep], part.matrix, lower, upper, part.limit, part.is_equal)
        return part, without_idle_rows(whole)


def _spread(keep: Ints, like: Ints, chosen: Ints | int) -> Ints:
    x = np.zeros_like(like)
    x[keep] = chosen
    return x


def _near(problem: Problem, bound: Bound, few: int) -> int:
    """A value so near the bound that few columns could be part of it."""
    lost = np.sort(np.maximum(-bound.reduced[problem.upper > 0], 0))
    return (bound.total - int(lost[few])) >> bound.bits if few < len(lost) else 0
