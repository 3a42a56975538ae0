r"""Which hours of which lot a column takes, and rows that follow from the lots' capacities over stretches of hours.

Take a lot, a stretch :math:`W` of its hours and a bid `i`. Of the other bids count the columns that take all of
:math:`W`, of `i` those that take any hour of it, each with its units :math:`a_j`:

.. math:: \sum_{j \supseteq W} a_j x_j + \sum_{j \in i,\; j \cap W \ne \emptyset} a_j x_j \le \max_{h \in W} C_h .

It holds for every choice: at most one column of `i` is chosen (with its `more`), and in an hour of :math:`W` that it
takes, all the others counted are there too. Relaxed choices break it by placing a bid partly at one start and partly at
another. Columns of several awards are left out, which only weakens the row. With one hour it is the capacity row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from auctions.engine.book import Ints
from auctions.engine.package.columns import PLACE
from auctions.engine.package.highs import Floats
from auctions.engine.package.program import Program

NONE = -1
MIN_VIOLATION = 0.01
"""Of the capacity."""
NEAR_HOURS = 3
"""Rows of one bid and lot whose stretches begin and end this near each other are not added together."""


@dataclass(frozen=True, eq=False, slots=True)
class Spans:
    """Positions count a lot's rows from 0, in order of time; rows that cannot bind are not there.

    row_lot, row_hour : int64 (m,) lot (0, 1, ..., or NONE) of a row, and about which hour it stands for
    row_units : int64 (m,) units that one of the row's own stands for; 0 where it is no lot's
    lot : int64 (n,) lot of a column of one award, else NONE
    first, end : int64 (n,) the positions it takes
    units : int64 (n,) per unit of the column, in the lot's own grain
    rows : the rows of each lot
    grain : of each lot, the units of which those of all its columns of one award are multiples
    capacity : the lot's capacity at each of its positions, in its grain
    """

    row_lot: Ints
    row_hour: Ints
    row_units: Ints
    lot: Ints
    first: Ints
    end: Ints
    units: Ints
    rows: list[Ints]
    grain: list[int]
    capacity: list[Ints]


@dataclass(frozen=True, eq=False, slots=True)
class SpanRow:
    lot: int
    first: int
    end: int
    bid: int


def find_spans(program: Program) -> Spans:
    """Read from the awards of the columns which rows are which lot's."""
    matrix = program.matrix
    awards = np.array([_only_award(program, column) for column in program.source.tolist()], dtype=np.int64)
    lot_of, start_of, units_of = awards.reshape(-1, 3).T
    alone = (units_of > 0) & (program.kind != PLACE)
    is_capacity = (program.bid_row < 0) & ~program.is_equal & (program.limit > 0)
    column = np.repeat(np.arange(program.n_columns), np.diff(matrix.indptr))
    entry = np.flatnonzero(is_capacity[matrix.indices] & alone[column])
    column, row = column[entry], matrix.indices[entry].astype(np.int64)
    row_lot = np.full(len(program.limit), NONE)
    row_lot[row] = lot_of[column]
    row_hour = np.full(len(program.limit), NONE)
    np.maximum.at(row_hour, row, start_of[column])
    row_units = np.zeros(len(program.limit), dtype=np.int64)
    row_units[row] = units_of[column] // matrix.data[entry]
    lots = np.unique(row_lot[row_lot >= 0])
    rows = [np.flatnonzero(row_lot == lot) for lot in lots]
    position = np.full(len(program.limit), NONE)
    for each in rows:
        position[each] = np.arange(len(each))
    first = np.full(program.n_columns, len(program.limit))
    end = np.zeros(program.n_columns, dtype=np.int64)
    np.minimum.at(first, column, position[row])
    np.maximum.at(end, column, position[row] + 1)
    taken = end > 0
    lot = np.where(taken, np.searchsorted(lots, lot_of), NONE)
    units, grain, capacity = units_of.copy(), [], []
    for at, each in enumerate(rows):
        of_lot = lot == at
        common = int(np.gcd.reduce(units_of[of_lot]))
        units[of_lot] //= common
        grain.append(common)
        capacity.append(program.limit[each] * row_units[each] // common)
    return Spans(
        row_lot=np.where(row_lot >= 0, np.searchsorted(lots, row_lot), NONE),
        row_hour=row_hour,
        row_units=row_units,
        lot=lot,
        first=np.where(taken, first, 0),
        end=end,
        units=units,
        rows=rows,
        grain=grain,
        capacity=capacity,
    )


def _only_award(program: Program, source: int) -> tuple[int, int, int]:
    """Lot, start and units of the one award of a column, zeros where it has none or several."""
    awards = program.columns.awards[source] if source >= 0 else ()
    if len(awards) != 1:
        return (0, 0, 0)
    _, lot, start, units = awards[0]
    return lot, start, units


def broken_rows(program: Program, spans: Spans, x: Floats, *, most: int) -> list[SpanRow]:
    """Find, for each lot, up to `most` rows that a relaxed choice breaks, the worst first."""
    found = []
    for lot in range(len(spans.rows)):
        columns = np.flatnonzero((spans.lot == lot) & (x > 1e-7))
        if len(columns):
            found += _broken_on(program, spans, lot, columns, x[columns] * spans.units[columns], most)
    return found


def _broken_on(
    program: Program, spans: Spans, lot: int, columns: Ints, taken: Floats, most: int
) -> list[SpanRow]:
    size = len(spans.rows[lot])
    first, end, bid = spans.first[columns], spans.end[columns], program.bid[columns]
    all_of = _taking_all(size, first, end, taken)
    extra = np.zeros_like(all_of)
    who = np.full(all_of.shape, NONE)
    for each in np.unique(bid):
        own = np.flatnonzero(bid == each)
        if len(own) < 2:
            continue
        more = _taking_any(size, first[own], end[own], taken[own]) - _taking_all(
            size, first[own], end[own], taken[own]
        )
        better = more > extra + 1e-9
        extra[better] = more[better]
        who[better] = each
    limit = _largest_within(spans.capacity[lot])
    excess = np.where(who >= 0, all_of + extra - limit, -1.0)
    at = np.flatnonzero(excess > MIN_VIOLATION * limit)
    at = at[np.lexsort((at, -np.round(excess.ravel()[at], 6)))]
    rows: list[SpanRow] = []
    for begin, stop in zip(*(part.tolist() for part in np.unravel_index(at, excess.shape)), strict=True):
        row = SpanRow(lot, begin, stop, int(who[begin, stop]))
        if not any(_is_near(row, other) for other in rows):
            rows.append(row)
        if len(rows) == most:
            break
    return rows


def _is_near(one: SpanRow, other: SpanRow) -> bool:
    return (
        one.bid == other.bid
        and abs(one.first - other.first) < NEAR_HOURS
        and abs(one.end - other.end) < NEAR_HOURS
    )


def _taking_all(size: int, first: Ints, end: Ints, taken: Floats) -> Floats:
    """Units of the columns that take all positions from `i` to `j`, `j` excluded. float64 (size, size + 1)"""
    table = np.zeros((size, size + 1))
    np.add.at(table, (first, end), taken)
    return np.asarray(table.cumsum(axis=0)[:, ::-1].cumsum(axis=1)[:, ::-1])


def _taking_any(size: int, first: Ints, end: Ints, taken: Floats) -> Floats:
    """Units of the columns that take a position from `i` to `j`, `j` excluded. float64 (size, size + 1)"""
    begun = np.concatenate([[0.0], np.cumsum(np.bincount(first, weights=taken, minlength=size))])
    ended = np.cumsum(np.bincount(end, weights=taken, minlength=size + 1))[:size]
    return np.asarray(begun[None, :] - ended[:, None])


def _largest_within(capacity: Ints) -> Ints:
    """Largest of the positions from `i` to `j`, `j` excluded; out of reach where there are none."""
    size = len(capacity)
    limit = np.full((size, size + 1), np.iinfo(np.int64).max // 4)
    for first in range(size):
        limit[first, first + 1 :] = np.maximum.accumulate(capacity[first:])
    return limit


def write_rows(program: Program, spans: Spans, rows: list[SpanRow]) -> tuple[csr_array, Ints]:
    """Coefficients over all columns, and right sides. int64 (k, n), (k,)"""
    indices, data, length, limit = [], [], [0], []
    by_lot: dict[int, Ints] = {}
    for row in rows:
        if row.lot not in by_lot:
            by_lot[row.lot] = np.flatnonzero(spans.lot == row.lot)
        columns = by_lot[row.lot]
        first, end = spans.first[columns], spans.end[columns]
        takes: NDArray[np.bool_] = np.where(
            program.bid[columns] == row.bid,
            (first < row.end) & (end > row.first),
            (first <= row.first) & (end >= row.end),
        )
        chosen = columns[takes]
        indices.append(chosen)
        data.append(spans.units[chosen])
        length.append(len(chosen))
        limit.append(int(spans.capacity[row.lot][row.first : row.end].max()))
    shape = (len(rows), program.n_columns)
    if not rows:
        return csr_array(shape, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return (
        csr_array((np.concatenate(data), np.concatenate(indices), np.cumsum(length)), shape=shape),
        np.array(limit, dtype=np.int64),
    )
