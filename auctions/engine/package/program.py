r"""The integer program of a set of bids, in whole numbers, cut into blocks that share no row.

With :math:`c` the ticks and :math:`u` the limits of the columns (see `columns`):

.. math:: \max c x \quad\text{s.t.}\quad A x \le b,\; E x = 0,\; 0 \le x \le u,\; x \text{ integer},

where the rows are, for each lot and hour, the units on offer; for each bid, at most one selector; for each `more`,
at most `room` where its `least` is chosen; and for each leg of an `option`, exactly one place. A row that even the
largest choice of every bid cannot fill is left out, of equal rows the tightest stays, and every row is divided by the
greatest common divisor of its coefficients (units come in whole nodes), its right side rounded down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array
from scipy.sparse.csgraph import connected_components

from auctions.engine.book import Book, Ints
from auctions.engine.package.columns import MORE, PLACE, SELECTOR, Columns, Placements

Award = tuple[int, int, int, int, int]
"""bid, leg, lot, start (hour), units"""


@dataclass(frozen=True, eq=False, slots=True)
class Program:
    """m rows, n columns, all bids' rows of one block.

    ticks : int64 (n,) surplus of one unit of the column
    upper : int64 (n,)
    bid, kind : int64 (n,)
    owner : int64 (n,) organization row of the bid
    matrix : int64 (m, n)
    limit : int64 (m,)
    is_equal : bool (m,) rows that must equal their limit
    bid_row : int64 (m,) the bid of rows that choose at most one selector, else -1
    source, columns : where the columns came from
    """

    ticks: Ints
    upper: Ints
    bid: Ints
    kind: Ints
    owner: Ints
    matrix: csc_array
    limit: Ints
    is_equal: NDArray[np.bool_]
    bid_row: Ints
    source: Ints
    columns: Columns

    @property
    def n_columns(self) -> int:
        return len(self.ticks)

    def surplus(self, x: Ints) -> int:
        chosen = np.flatnonzero(x)
        return sum(t * n for t, n in zip(self.ticks[chosen].tolist(), x[chosen].tolist(), strict=True))

    def is_feasible(self, x: Ints) -> bool:
        if (x < 0).any() or (x > self.upper).any():
            return False
        used = self.matrix @ x
        return bool((used <= self.limit).all() and (used[self.is_equal] == self.limit[self.is_equal]).all())

    def winners(self, x: Ints) -> Ints:
        """Rows of the bids that `x` fills, ascending."""
        return np.unique(self.bid[(x > 0) & (self.kind == SELECTOR)])

    def awards(self, x: Ints) -> list[Award]:
        """Awards by bid, leg."""
        units: dict[tuple[int, int, int, int], int] = {}
        for column in np.flatnonzero(x):
            for leg, lot, start, each in self.columns.awards[self.source[column]]:
                key = (int(self.bid[column]), leg, lot, start)
                units[key] = units.get(key, 0) + each * int(x[column])
        return [(*key, n) for key, n in sorted(units.items())]

    def select(self, keep: Ints) -> Program:
        """Keep some columns (ascending) and the rows that still say something."""
        matrix = csc_array(self.matrix[:, keep])
        rows = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[0]))
        return Program(
            ticks=self.ticks[keep],
            upper=self.upper[keep],
            bid=self.bid[keep],
            kind=self.kind[keep],
            owner=self.owner[keep],
            matrix=csc_array(csr_array(matrix)[rows]),
            limit=self.limit[rows],
            is_equal=self.is_equal[rows],
            bid_row=self.bid_row[rows],
            source=self.source[keep],
            columns=self.columns,
        )


def write_program(book: Book, bids: Sequence[int] | Ints) -> Program:
    """Write the program of the given bids (rows, ascending) on all lots of the book."""
    placements = Placements(book)
    for bid in bids:
        placements.write(int(bid))
    columns = placements.columns
    bid = np.array(columns.bid, dtype=np.int64)
    capacity, capacity_limit = _capacity_rows(book, columns)
    rules, rule_limit, is_equal, bid_row = _rule_rows(columns, bid)
    matrix = csr_array((capacity.shape[0] + rules.shape[0], len(bid)), dtype=np.int64)
    if len(bid):
        matrix = csr_array(_stack(capacity, rules))
    return Program(
        ticks=np.array(columns.ticks, dtype=np.int64),
        upper=np.array(columns.upper, dtype=np.int64),
        bid=bid,
        kind=np.array(columns.kind, dtype=np.int64),
        owner=book.bid_bidder[bid],
        matrix=csc_array(matrix),
        limit=np.concatenate([capacity_limit, rule_limit]),
        is_equal=np.concatenate([np.zeros(len(capacity_limit), dtype=bool), is_equal]),
        bid_row=np.concatenate([np.full(len(capacity_limit), -1), bid_row]),
        source=np.arange(len(bid)),
        columns=columns,
    )


def blocks(program: Program) -> list[Program]:
    """Cut the program into parts without a common row, in the order of their first bids."""
    n_rows, n_columns = program.matrix.shape
    if not n_columns:
        return []
    entries = coo_array(program.matrix)
    graph = coo_array(
        (np.ones(len(entries.data), dtype=np.int8), (entries.coords[0], n_rows + entries.coords[1])),
        shape=(n_rows + n_columns, n_rows + n_columns),
    )
    _, label = connected_components(graph, directed=False)
    label = label[n_rows:]
    order = np.argsort(label, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    return [program.select(part) for part in sorted(parts, key=lambda part: int(part[0]))]


def _stack(above: csr_array, below: csr_array) -> csr_array:
    return csr_array(
        (
            np.concatenate([above.data, below.data]),
            np.concatenate([above.indices, below.indices]),
            np.concatenate([above.indptr, above.indptr[-1] + below.indptr[1:]]),
        ),
        shape=(above.shape[0] + below.shape[0], above.shape[1]),
    )


def _capacity_rows(book: Book, columns: Columns) -> tuple[csr_array, Ints]:
    """Rows of the lot-hours that could run short, without repetition. int64 (m, n), (m,)"""
    matrix = _usage(book, columns)
    matrix = _drop_slack(matrix, book.lot_capacity, columns)
    kept = np.flatnonzero(np.diff(matrix.indptr))
    limit = book.lot_capacity[kept]
    tightest: dict[bytes, int] = {}
    divided = []
    for row, each in enumerate(limit.tolist()):
        part = slice(matrix.indptr[kept[row]], matrix.indptr[kept[row] + 1])
        divisor = math.gcd(*matrix.data[part].tolist())
        matrix.data[part] //= divisor
        divided.append(each // divisor)
        key = matrix.indices[part].tobytes() + matrix.data[part].tobytes()
        if key not in tightest or divided[row] < divided[tightest[key]]:
            tightest[key] = row
    rows = np.array(sorted(tightest.values()), dtype=np.int64)
    return csr_array(matrix[kept[rows]]), np.array(divided, dtype=np.int64)[rows]


def _usage(book: Book, columns: Columns) -> csr_array:
    """Units each column takes of each lot-hour. int64 (X, n)"""
    flat = [
        (column, leg, lot, start, units)
        for column, awards in enumerate(columns.awards)
        for leg, lot, start, units in awards
    ]
    shape = (len(book.lot_capacity), len(columns.bid))
    if not flat:
        return csr_array(shape, dtype=np.int64)
    column, leg, lot, start, units = np.array(flat, dtype=np.int64).T
    hours = book.leg_hours[leg]
    first = book.lot_hour_offset[lot] + start - book.lot_start[lot]
    within = np.arange(hours.sum()) - np.repeat(np.cumsum(hours) - hours, hours)
    rows = np.repeat(first, hours) + within
    usage = csr_array(coo_array((np.repeat(units, hours), (rows, np.repeat(column, hours))), shape=shape))
    usage.sum_duplicates()
    return usage


def _drop_slack(usage: csr_array, capacity: Ints, columns: Columns) -> csr_array:
    """Empty the rows that cannot bind even where every bid takes as much of them as it could."""
    row = np.repeat(np.arange(usage.shape[0]), np.diff(usage.indptr))
    column = usage.indices
    anchor = np.array(columns.anchor, dtype=np.int64)[column]
    bid = np.array(columns.bid, dtype=np.int64)[column]
    most = usage.data * np.array(columns.upper, dtype=np.int64)[column]
    is_place = np.array(columns.kind, dtype=np.int64)[column] == PLACE
    if not len(row):
        return usage
    # what a choice takes is the sum over its columns; what a bid takes is the largest of its choices
    order = np.lexsort((anchor, bid, row))
    row, bid, anchor, most, is_place = (x[order] for x in (row, bid, anchor, most, is_place))
    new_choice = (
        np.flatnonzero(np.diff(row, prepend=-1) | np.diff(bid, prepend=-1) | np.diff(anchor, prepend=-1))
        if len(row)
        else row
    )
    of_choice = np.add.reduceat(most, new_choice)
    row, bid = row[new_choice], bid[new_choice]
    new_bid = np.flatnonzero(np.diff(row, prepend=-1) | np.diff(bid, prepend=-1))
    of_bid = np.maximum.reduceat(of_choice, new_bid)
    total = np.bincount(row[new_bid], weights=of_bid, minlength=usage.shape[0])
    binds = total > capacity
    keep = np.repeat(binds, np.diff(usage.indptr))
    return csr_array(
        (
            usage.data[keep],
            usage.indices[keep],
            np.concatenate([[0], np.cumsum(np.where(binds, np.diff(usage.indptr), 0))]),
        ),
        shape=usage.shape,
    )


def _rule_rows(columns: Columns, bid: Ints) -> tuple[csr_array, Ints, NDArray[np.bool_], Ints]:
    """Rows that hold the choices of a bid together: one selector, `more` only with `least`, one place for each leg."""
    kind = np.array(columns.kind, dtype=np.int64)
    anchor = np.array(columns.anchor, dtype=np.int64)
    upper = np.array(columns.upper, dtype=np.int64)
    selectors = np.flatnonzero(kind == SELECTOR)
    chosen, bid_row = np.unique(bid[selectors], return_inverse=True)
    entries = [(bid_row, selectors, np.ones(len(selectors), dtype=np.int64))]
    n_rows = len(chosen)
    more = np.flatnonzero(kind == MORE)
    rows = n_rows + np.arange(len(more))
    entries += [(rows, more, np.ones(len(more), dtype=np.int64)), (rows, anchor[more], -upper[more])]
    n_rows += len(more)
    places = np.flatnonzero(kind == PLACE)
    legs, leg_row = np.unique(np.array(columns.leg, dtype=np.int64)[places], return_inverse=True)
    entries.append((n_rows + leg_row, places, np.ones(len(places), dtype=np.int64)))
    first = np.unique(leg_row, return_index=True)[1]
    entries.append((n_rows + np.arange(len(legs)), anchor[places[first]], np.full(len(legs), -1)))
    rows, cols, data = (np.concatenate(part) for part in zip(*entries, strict=True))
    n_legs = len(legs)
    matrix = csr_array(
        coo_array((data, (rows, cols)), shape=(n_rows + n_legs, len(bid))),
    )
    limit = np.zeros(n_rows + n_legs, dtype=np.int64)
    limit[: len(chosen)] = 1
    is_equal = np.arange(n_rows + n_legs) >= n_rows
    bids_of_rows = np.full(n_rows + n_legs, -1, dtype=np.int64)
    bids_of_rows[: len(chosen)] = chosen
    return matrix, limit, is_equal, bids_of_rows
