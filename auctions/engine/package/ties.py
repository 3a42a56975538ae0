r"""The tie rule: of all choices with the most ticks, the one the rule prefers.

The rule compares numbers in turn: for each bid in order of `sequence`, whether it wins; then for each bid its
unit-hours, its option (lower first), the lots of its legs in the order the legs name them, its start (earlier first).
Each is a linear function :math:`f_1, f_2, \ldots` of the columns, to be maximised one after the other.

Only columns that some best choice may hold take part: :math:`-d_j` must not exceed the slack between the proven bound
and the best value (see `bounds`). A function that already stands at the largest number these columns allow is settled
without a search. The others go to the solver several at once, in one objective :math:`\sum w_i f_i` whose weights keep
the order, under the condition that ticks stay at the best value and settled functions where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csc_array, csr_array, vstack

from auctions.engine.book import Book, Ints
from auctions.engine.package.columns import MORE, SELECTOR
from auctions.engine.package.cuts import Rows
from auctions.engine.package.found import Found, exact_value
from auctions.engine.package.highs import Problem, Solved, solve
from auctions.engine.package.program import Program
from auctions.engine.package.search import Search
from auctions.engine.package.work import Work

LARGEST_WEIGHT = 2**20
"""Weights of one objective stay below this, so that the solver's tolerances cannot confuse them."""


@dataclass(frozen=True, eq=False, slots=True)
class Level:
    """One number the rule compares: `weight` on `columns`, never outside `least .. most`."""

    columns: Ints
    weight: Ints
    least: int
    most: int

    def of(self, x: Ints) -> int:
        return int(self.weight @ x[self.columns])


def settle_ties(book: Book, search: Search, found: Found, work: Work | None = None) -> Found:
    """Return the preferred one of the choices worth `found.value`, or a better one should rounding have hidden it."""
    program = search.program
    problem = search.problem(program.ticks)
    work = Work() if work is None else work
    may, full = search.ways(problem, found.value, work)
    if not (may & ~full & (found.x < program.upper)).any() and not (may & ~full & (found.x > 0)).any():
        return found
    keep = np.flatnonzero(may | (found.x > 0))
    tie = _Tie(
        program.select(keep),
        np.where(full, program.upper, 0)[keep],
        found.value,
        search.max_nodes,
        work,
        search.rows.of_columns(keep),
    )
    x = found.x[keep]
    other = tie.prefers_winners(x)
    if other is not None:
        x = tie.settle(_win_levels(tie.program), other)
    x = tie.only_winners(x)
    x = tie.settle(_fill_levels(book, tie.program, x), x)
    whole = np.zeros_like(found.x)
    whole[keep] = x
    value = exact_value(program.ticks, whole)
    return replace(found, x=whole, value=value, bound=max(value, found.bound), is_settled=tie.is_settled)


class _Tie:
    """The columns in question and what has been settled so far, as rows added to the program's.

    is_settled : no search was cut short
    """

    def __init__(
        self, program: Program, lower: Ints, value: int, max_nodes: int, work: Work, rows: Rows
    ) -> None:
        self.program = program
        self.lower = lower
        self.upper = program.upper
        self.max_nodes = max_nodes
        self.work = work
        self.is_settled = True
        self._rows: list[csr_array] = [rows.matrix] if len(rows) else []
        self._limits: list[int] = rows.limit.tolist()
        self._at_least(np.arange(program.n_columns), program.ticks, value)

    def prefers_winners(self, x: Ints) -> Ints | None:
        """Find a choice whose winners the rule prefers to those of x, if there is one.

        It must let a loser win, and may let a winner lose only where some loser before it wins.
        """
        levels = _win_levels(self.program)
        losers_before = np.zeros(self.program.n_columns, dtype=np.int64)
        rows, limits = [], []
        for level in levels:
            if level.of(x):
                row = losers_before.copy()
                row[level.columns] = 1
                rows.append(-row)
                limits.append(-1)
            else:
                losers_before[level.columns] = 1
        if not losers_before.any():
            return None
        problem = self._problem(self.program.ticks, [*rows, -losers_before], [*limits, -1])
        solved = self._solve(problem)
        if solved is None:
            return None
        is_better = (
            solved.x is not None and self._is_allowed(solved.x) and _wins(levels, solved.x) > _wins(levels, x)
        )
        self.is_settled &= is_better or (solved.is_proven and solved.x is None)
        return solved.x if is_better else None

    def settle(self, levels: list[Level], x: Ints) -> Ints:
        """Maximise the levels in turn, starting from x."""
        at = 0
        while True:
            while at < len(levels) and levels[at].of(x) == levels[at].most:
                self._keep(levels[at], x)
                at += 1
            if at == len(levels):
                return x
            chunk = _chunk(levels[at:])
            x = self._improve(chunk, x)
            for level in chunk:
                self._keep(level, x)
            at += len(chunk)

    def only_winners(self, x: Ints) -> Ints:
        """Settle who wins: from here on only how the winners are filled is open."""
        wins = np.isin(self.program.bid, self.program.winners(x))
        self.upper = np.where(wins, self.upper, 0)
        for level in _win_levels(self.program):
            if level.of(x):
                self._keep(level, x)
        return x

    def _improve(self, chunk: list[Level], x: Ints) -> Ints:
        cost = np.zeros(self.program.n_columns, dtype=np.int64)
        weight = 1
        for level in reversed(chunk):
            np.add.at(cost, level.columns, weight * level.weight)
            weight *= level.most - level.least + 1
        solved = self._solve(self._problem(cost), start=x)
        if solved is None:
            return x
        self.is_settled &= solved.is_proven
        if solved.x is None or not self._is_allowed(solved.x):
            return x
        return solved.x if exact_value(cost, solved.x) > exact_value(cost, x) else x

    def _solve(self, problem: Problem, start: Ints | None = None) -> Solved | None:
        """Solve within the work that is left; None, and not settled, where none is."""
        if self.work.is_spent:
            self.is_settled = False
            return None
        solved = solve(problem, start=start, max_nodes=self.work.nodes(problem, self.max_nodes))
        self.work.spend(solved.iterations, problem)
        return solved

    def _problem(self, cost: Ints, rows: Sequence[Ints] = (), limits: Sequence[int] = ()) -> Problem:
        added = [csr_array(row.reshape(1, -1)) for row in rows]
        matrix = vstack([csr_array(self.program.matrix), *self._rows, *added], format="csc")
        n_added = len(self._limits) + len(added)
        return Problem(
            cost,
            csc_array(matrix),
            self.lower,
            self.upper,
            np.concatenate([self.program.limit, self._limits, limits]).astype(np.int64),
            np.concatenate([self.program.is_equal, np.zeros(n_added, dtype=bool)]),
        )

    def _is_allowed(self, x: Ints) -> bool:
        """Whether x is a choice that keeps what has been settled."""
        kept = np.concatenate([rows @ x for rows in self._rows])
        return self.program.is_feasible(x) and bool((kept <= self._limits).all())

    def _keep(self, level: Level, x: Ints) -> None:
        if level.least < level.most:
            self._at_least(level.columns, level.weight, level.of(x))

    def _at_least(self, columns: Ints, weight: Ints, value: int) -> None:
        row = csr_array((-weight, columns, [0, len(columns)]), shape=(1, self.program.n_columns))
        self._rows.append(row)
        self._limits.append(-value)


def _wins(levels: list[Level], x: Ints) -> list[int]:
    return [level.of(x) for level in levels]


def _chunk(levels: list[Level]) -> list[Level]:
    """The first levels whose weights stay exact together; at least one."""
    size, weight = 0, 1
    for level in levels:
        weight *= level.most - level.least + 1
        if size and weight > LARGEST_WEIGHT:
            break
        size += 1
    return levels[:size]


def _win_levels(program: Program) -> list[Level]:
    columns = np.flatnonzero(program.kind == SELECTOR)
    bids, first = np.unique(program.bid[columns], return_index=True)
    parts = np.split(columns, first[1:])
    return [Level(part, np.ones(len(part), dtype=np.int64), 0, 1) for part in parts if len(bids)]


def _fill_levels(book: Book, program: Program, x: Ints) -> list[Level]:
    levels: list[Level] = []
    for bid in program.winners(x).tolist():
        columns = np.flatnonzero(program.bid == bid)
        if len(columns) > 1:
            levels += _levels_of_bid(book, program, bid, columns)
    return levels


def _levels_of_bid(book: Book, program: Program, bid: int, columns: Ints) -> list[Level]:
    """Unit-hours, option, lots, start; one rank for them all where every column fills the bid by itself."""
    traits = _traits(book, program, columns)
    selectors = program.kind[columns] == SELECTOR
    if selectors.all():
        order = np.lexsort(traits.T[::-1])
        rank = np.empty(len(columns), dtype=np.int64)
        rank[order] = np.arange(len(columns))
        return [Level(columns, rank, 0, len(columns) - 1)]
    unit_hours = traits[:, 0] // max(int(np.gcd.reduce(traits[:, 0])), 1)
    largest = int((unit_hours * program.upper[columns])[~selectors].sum() + unit_hours[selectors].max())
    levels = [Level(columns, unit_hours, 0, largest)]
    for weight in traits[:, 1:].T:
        among = weight[selectors] if not weight[~selectors].any() else weight
        levels.append(Level(columns, weight, int(among.min()), int(among.max())))
    return levels


def _traits(book: Book, program: Program, columns: Ints) -> Ints:
    """What the rule compares, better is higher: unit-hours, option, lot of each leg, start. int64 (n, 3 + legs)"""
    kinds = program.kind[columns].tolist()
    awards = [program.columns.awards[source] for source in program.source[columns].tolist()]
    options = [program.columns.option[source] for source in program.source[columns].tolist()]
    n_legs = max(int(book.leg_offset[option + 1] - book.leg_offset[option]) for option in options)
    traits = np.zeros((len(columns), 3 + n_legs), dtype=np.int64)
    for row, (kind, option, places) in enumerate(zip(kinds, options, awards, strict=True)):
        for leg, lot, start, units in places:
            traits[row, 0] += units * int(book.leg_hours[leg])
            if kind == MORE:
                continue
            lots = book.leg_lot[book.leg_lot_offset[leg] : book.leg_lot_offset[leg + 1]]
            traits[row, 2 + leg - book.leg_offset[option]] = -int(np.flatnonzero(lots == lot)[0])
            if kind == SELECTOR and len(places) == 1:  # with several legs, hours are fixed
                traits[row, -1] = -start
        if kind == SELECTOR:
            traits[row, 1] = -option
    return traits
