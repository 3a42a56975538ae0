"""The form of a program whose choices lie along a line: every way to fill a bid takes rows in a row, whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auctions.engine.book import Ints
from auctions.engine.package.columns import CHARGE, SELECTOR
from auctions.engine.package.program import Program


@dataclass(frozen=True, eq=False, slots=True)
class Line:
    """Every column of a program as a stretch of rows, but for those that charge an organization for any of its bids.

    first, end : int64 (n,) points
    bid : int64 (n,) 0 .. n_bids - 1, -1 for charges
    row, group : int64 (n_bids,) the program's row of each bid; bids of one charge, others by themselves
    charge : int64 (n_groups,) the column that charges for the bids of a group, -1 for none
    """

    first: Ints
    end: Ints
    bid: Ints
    row: Ints
    group: Ints
    charge: Ints
    n_points: int

    @classmethod
    def of(cls, program: Program) -> Line | None:
        """None where the program is not of this form."""
        is_charge = program.kind == CHARGE
        if (
            is_charge.all()
            or program.is_equal.any()
            or (program.kind[~is_charge] != SELECTOR).any()
            or (program.upper != 1).any()
        ):
            return None
        n_columns = program.n_columns
        row, units = program.matrix.indices, program.matrix.data
        column = np.repeat(np.arange(n_columns), np.diff(program.matrix.indptr))
        is_bid = program.bid_row >= 0
        charges, charged = column[is_charge[column]], row[is_charge[column]]
        limit = program.limit.copy()
        if not is_bid[charged].all() or (limit[charged] != 0).any():
            return None
        limit[charged] = 1
        own = ~is_charge[column]
        column, row, units = column[own], row[own], units[own]
        if (2 * units <= limit[row]).any() or (units > limit[row]).any():
            return None  # not whole: two of these would fit
        of_bid = np.full(n_columns, -1, dtype=np.int64)
        of_bid[column[is_bid[row]]] = row[is_bid[row]]
        if (of_bid[~is_charge] < 0).any():
            return None
        bid_rows, bid = np.unique(of_bid[~is_charge], return_inverse=True)
        of_bid[~is_charge] = bid
        place = np.cumsum(~is_bid) - 1
        n_places = int((~is_bid).sum())
        taken = ~is_bid[row]
        first = np.full(n_columns, n_places, dtype=np.int64)
        last = np.full(n_columns, -1, dtype=np.int64)
        np.minimum.at(first, column[taken], place[row[taken]])
        np.maximum.at(last, column[taken], place[row[taken]])
        nowhere = (last < 0) & ~is_charge
        is_placed = ~nowhere & ~is_charge
        if (last - first + 1 != np.bincount(column[taken], minlength=n_columns))[is_placed].any():
            return None
        # a bid that can be had without any of the rows has a place of its own behind them
        beside, at = np.unique(of_bid[nowhere], return_inverse=True)
        first[nowhere] = last[nowhere] = n_places + at
        charge_of_row = np.full(len(limit), -1, dtype=np.int64)
        charge_of_row[charged] = charges
        group, charge = _groups(charge_of_row[bid_rows])
        n_points = n_places + len(beside) + 1
        return cls(first, last + 1, of_bid, bid_rows, group, charge, n_points)


def _groups(charge: Ints) -> tuple[Ints, Ints]:
    """Number the groups of bids with one charge, and those of one bid without any, in order of their names."""
    name = np.where(charge >= 0, charge, -2 - np.arange(len(charge)))
    names, group = np.unique(name, return_inverse=True)
    return group, np.maximum(names, -1)
