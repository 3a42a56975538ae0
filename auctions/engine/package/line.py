"""The form of a program whose choices lie along a line: every way to fill a bid takes rows in a row, whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auctions.engine.book import Ints
from auctions.engine.package.columns import SELECTOR
from auctions.engine.package.program import Program


@dataclass(frozen=True, eq=False, slots=True)
class Line:
    """Every column of a program as a stretch of rows.

    first, end : int64 (n,) points
    bid : int64 (n,) 0 .. n_bids - 1
    row : int64 (n_bids,) the program's row of each bid
    """

    first: Ints
    end: Ints
    bid: Ints
    row: Ints
    n_points: int

    @classmethod
    def of(cls, program: Program) -> Line | None:
        """None where the program is not of this form."""
        n_columns = program.n_columns
        if (
            not n_columns
            or program.is_equal.any()
            or (program.kind != SELECTOR).any()
            or (program.upper != 1).any()
        ):
            return None
        row, units = program.matrix.indices, program.matrix.data
        column = np.repeat(np.arange(n_columns), np.diff(program.matrix.indptr))
        is_bid = program.bid_row >= 0
        if (2 * units <= program.limit[row]).any() or (units > program.limit[row]).any():
            return None  # not whole: two of these would fit
        of_bid = np.full(n_columns, -1, dtype=np.int64)
        of_bid[column[is_bid[row]]] = row[is_bid[row]]
        if (of_bid < 0).any():
            return None
        bid_rows, bid = np.unique(of_bid, return_inverse=True)
        place = np.cumsum(~is_bid) - 1
        n_places = int((~is_bid).sum())
        taken = ~is_bid[row]
        first = np.full(n_columns, n_places, dtype=np.int64)
        last = np.full(n_columns, -1, dtype=np.int64)
        np.minimum.at(first, column[taken], place[row[taken]])
        np.maximum.at(last, column[taken], place[row[taken]])
        nowhere = last < 0
        if (last - first + 1 != np.bincount(column[taken], minlength=n_columns))[~nowhere].any():
            return None
        # a bid that can be had without any of the rows has a place of its own behind them
        beside, at = np.unique(bid[nowhere], return_inverse=True)
        first[nowhere] = last[nowhere] = n_places + at
        return cls(first, last + 1, bid, bid_rows, n_places + len(beside) + 1)
