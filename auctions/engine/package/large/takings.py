"""Where the lots' hours that can run short stand one after the other, and which stretches of them each column takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auctions.engine.book import Ints
from auctions.engine.package.large.spans import NONE, Spans
from auctions.engine.package.program import Program


@dataclass(frozen=True, eq=False, slots=True)
class Positions:
    """Hours of the lots, lot after lot; rows that only columns of several awards take stand together as one lot more.

    row : int64 (h,) of the program
    units : int64 (h,) that one of the row's own stands for
    hour : int64 (h,) about
    lot_offset : int64 (l + 1,)
    """

    row: Ints
    units: Ints
    hour: Ints
    lot_offset: Ints

    @property
    def lot(self) -> Ints:
        return np.repeat(np.arange(len(self.lot_offset) - 1), np.diff(self.lot_offset))


@dataclass(frozen=True, eq=False, slots=True)
class Takings:
    """Stretches of positions: those of column `i` from `offset[i]` up to `offset[i + 1]`.

    offset : int64 (n + 1,)
    lot, first, end, units : int64 (s,) units of one of the column
    """

    offset: Ints
    lot: Ints
    first: Ints
    end: Ints
    units: Ints


def find_positions(program: Program, spans: Spans) -> Positions:
    nothing = np.zeros(0, dtype=np.int64)
    known = np.concatenate([nothing, *spans.rows])
    is_capacity = (program.bid_row < 0) & ~program.is_equal & (program.limit > 0)
    others = np.flatnonzero(is_capacity & (spans.row_lot == NONE))
    sizes = [len(rows) for rows in spans.rows] + [len(others)] * (len(others) > 0)
    return Positions(
        row=np.concatenate([known, others]),
        units=np.concatenate([spans.row_units[known], np.ones(len(others), dtype=np.int64)]),
        hour=np.concatenate([spans.row_hour[known], np.arange(len(others))]),
        lot_offset=np.concatenate([[0], np.cumsum(np.array(sizes, dtype=np.int64))]),
    )


def find_takings(program: Program, positions: Positions) -> Takings:
    matrix = program.matrix
    position = np.full(len(program.limit), NONE)
    position[positions.row] = np.arange(len(positions.row))
    column = np.repeat(np.arange(program.n_columns), np.diff(matrix.indptr))
    at = position[matrix.indices]
    entry = np.flatnonzero(at != NONE)
    entry = entry[np.lexsort((at[entry], column[entry]))]
    column, at = column[entry], at[entry]
    units, lot = matrix.data[entry] * positions.units[at], positions.lot[at]
    goes_on = (np.diff(column) == 0) & (np.diff(at) == 1) & (np.diff(lot) == 0) & (np.diff(units) == 0)
    begin = np.flatnonzero(np.concatenate([[True], ~goes_on])[: len(entry)])
    last = np.append(begin[1:], len(entry))[: len(begin)] - 1
    return Takings(
        offset=np.searchsorted(column[begin], np.arange(program.n_columns + 1)),
        lot=lot[begin],
        first=at[begin],
        end=at[last] + 1,
        units=units[begin],
    )
