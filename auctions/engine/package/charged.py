r"""Which coalition gains most by leaving: the winners' problem with every winner charged what it keeps at present.

The search is for the `x` of most :math:`W(x) - \sum_i \pi_i y_i(x)`, where `W` is the surplus of a choice and
:math:`y_i` says whether winner `i` is in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from scipy.sparse import coo_array, csc_array

from auctions.engine.book import Ints
from auctions.engine.package.columns import CHARGE, SELECTOR
from auctions.engine.package.cuts import Rows
from auctions.engine.package.found import Found
from auctions.engine.package.program import Program
from auctions.engine.package.search import Search
from auctions.engine.package.work import Work

FINEST = 4096
"""Payments with larger denominators are tried in steps of 1 / FINEST tick; what is broken by less is not told apart."""


@dataclass(eq=False, slots=True)
class Charged:
    """winners : organizations; worth : ticks the best choice is worth to each; rows : that all choices keep"""

    program: Program
    winners: Sequence[int]
    worth: Sequence[int]
    max_nodes: int
    rows: Rows | None = None
    _search: Search = field(init=False)
    _several: list[int] = field(init=False)
    _presence: list[Ints] = field(init=False)
    _finest: int = field(init=False)

    def __post_init__(self) -> None:
        program = self.program
        largest = int(np.abs(program.ticks).astype(np.float64) @ program.upper) + sum(self.worth) + 1
        self._finest = max(1, min(FINEST, 2**60 // largest))
        self._several = [
            owner for owner in self.winners if len(np.unique(program.bid[program.owner == owner])) > 1
        ]
        self.program = _with_charges(program, self._several)
        charge_of = {owner: program.n_columns + row for row, owner in enumerate(self._several)}
        self._presence = [
            np.array([charge_of[owner]])
            if owner in charge_of
            else np.flatnonzero((self.program.owner == owner) & (self.program.kind == SELECTOR))
            for owner in self.winners
        ]
        self._search = Search(self.program, max_nodes=self.max_nodes)
        if self.rows is not None:
            self._search.rows = self.rows.widened(self.program.n_columns)

    def blocking(self, keeps: Sequence[Fraction], known: Sequence[Ints], work: Work | None = None) -> Found:
        """Find the choice that is worth most after charges of `keeps` ticks; columns as in `with_charges`."""
        fine = math.lcm(*(each.denominator for each in keeps))
        fine = fine if fine <= self._finest else self._finest
        ticks = self.program.ticks * fine
        for columns, each in zip(self._presence, keeps, strict=True):
            ticks[columns] -= round(each * fine)
        found = self._search.maximise(
            ticks, known=[self.with_charges(x) for x in known], learn=True, work=work
        )
        self._search.keep(found)
        return found

    def with_charges(self, x: Ints) -> Ints:
        owners = set(self.program.owner[: len(x)][x > 0].tolist())
        return np.append(x, np.array([int(owner in owners) for owner in self._several], dtype=np.int64))


def _with_charges(program: Program, owners: list[int]) -> Program:
    """Add a binary column for each of the owners, without which none of its bids can be filled."""
    if not owners:
        return program
    bid_owner = {int(bid): int(owner) for bid, owner in zip(program.bid, program.owner, strict=True)}
    rows = [
        (row, column)
        for column, owner in enumerate(owners)
        for row in np.flatnonzero(program.bid_row >= 0).tolist()
        if bid_owner[int(program.bid_row[row])] == owner
    ]
    row, column = np.array(rows, dtype=np.int64).T
    charge = coo_array((np.full(len(row), -1), (row, column)), shape=(len(program.limit), len(owners)))
    limit = program.limit.copy()
    limit[row] = 0
    n = len(owners)
    return Program(
        ticks=np.append(program.ticks, np.zeros(n, dtype=np.int64)),
        upper=np.append(program.upper, np.ones(n, dtype=np.int64)),
        bid=np.append(program.bid, np.full(n, -1)),
        kind=np.append(program.kind, np.full(n, CHARGE)),
        owner=np.append(program.owner, owners),
        matrix=_beside(program.matrix, charge),
        limit=limit,
        is_equal=program.is_equal,
        bid_row=program.bid_row,
        source=np.append(program.source, np.full(n, -1)),
        columns=program.columns,
    )


def _beside(left: csc_array, right: coo_array) -> csc_array:
    added = csc_array(right)
    return csc_array(
        (
            np.concatenate([left.data, added.data]),
            np.concatenate([left.indices, added.indices]),
            np.concatenate([left.indptr, left.indptr[-1] + added.indptr[1:]]),
        ),
        shape=(left.shape[0], left.shape[1] + right.shape[1]),
    )
