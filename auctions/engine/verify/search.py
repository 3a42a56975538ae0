"""An independent search for the best choice among placements: exhaustive where small, integer programming above.

Whatever a solver's floats choose is counted again in whole numbers, so nothing is reported that is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from auctions.engine.verify.placements import Cell, Placement
from auctions.engine.verify.sheets import Id

MAX_TREE_NODES = 20_000
MAX_TREE_BIDS = 200
MAX_MILP_NODES = 100
MAX_MILP_ENTRIES = 40_000
"""Coefficients of one integer program. Time at the first node grows with them, whatever the limit of nodes is."""

LARGEST_COST = 1e6
"""Objective coefficients are scaled down to this, to stay clear of the solver's tolerances."""


class TooLarge(Exception):
    """The tree has more nodes than the exhaustive search walks."""


class Best(NamedTuple):
    """`chosen`: a placement or None for each bid. `proven`: nothing is better."""

    surplus: int
    chosen: tuple[Placement | None, ...]
    proven: bool


def search_tree(
    ways: Sequence[Sequence[Placement]], capacity: dict[Cell, int], *, ties: bool = False
) -> Best:
    """Try everything that could be best, bid by bid; raise `TooLarge`. With `ties`, find the one the tie rule wants."""
    if len(ways) > MAX_TREE_BIDS:
        raise TooLarge
    return _Tree(ways, capacity, ties=ties).best()


class _Tree:
    def __init__(self, ways: Sequence[Sequence[Placement]], capacity: dict[Cell, int], *, ties: bool) -> None:
        self.ways = [[way for way in choices if way.net >= 0] for choices in ways]
        self.left = dict(capacity)
        self.ties = ties
        self.nodes = 0
        self.most = [0] * (len(ways) + 1)
        for row in range(len(ways) - 1, -1, -1):
            self.most[row] = self.most[row + 1] + max((way.net for way in self.ways[row]), default=0)
        self.chosen: list[Placement | None] = [None] * len(ways)
        self.found = Best(0, tuple(self.chosen), True)
        self.key = _tie_key(self.chosen)

    def best(self) -> Best:
        self._visit(0, 0)
        return self.found

    def _visit(self, row: int, surplus: int) -> None:
        self.nodes += 1
        if self.nodes > MAX_TREE_NODES:
            raise TooLarge
        bound = surplus + self.most[row]
        if bound < self.found.surplus or (bound == self.found.surplus and not self._could_win_tie(row)):
            return
        if row == len(self.ways):
            self.found = Best(surplus, tuple(self.chosen), True)
            self.key = _tie_key(self.chosen)
            return
        for way in self.ways[row]:
            if all(self.left[cell] >= units for cell, units in way.uses.items()):
                self._take(row, way, -1)
                self._visit(row + 1, surplus + way.net)
                self._take(row, way, 1)
        self.chosen[row] = None
        self._visit(row + 1, surplus)

    def _take(self, row: int, way: Placement, sign: int) -> None:
        self.chosen[row] = way if sign < 0 else None
        for cell, units in way.uses.items():
            self.left[cell] += sign * units

    def _could_win_tie(self, row: int) -> bool:
        if not self.ties:
            return False
        if row == len(self.ways):
            return _tie_key(self.chosen) < self.key
        return tuple(way is None for way in self.chosen[:row]) <= self.key[0][:row]


TieKey = tuple[tuple[bool, ...], tuple[tuple[object, ...], ...]]


def _tie_key(chosen: Sequence[Placement | None]) -> TieKey:
    """Lower is preferred: who wins, bid by bid, and only then how each bid is filled."""
    return tuple(way is None for way in chosen), tuple(() if way is None else way.taste for way in chosen)


def search_milp(
    ways: Sequence[Sequence[Placement]],
    capacity: dict[Cell, int],
    bidder: Sequence[Id] = (),
    keep: Mapping[Id, int] | None = None,
) -> Best | None:
    """Maximise surplus less what each bidder in `keep` would be left with anyway, paid once if any of its bids is used.

    None where there are too many coefficients or the solver found nothing. `Best.surplus` is net of `keep`; `proven` up
    to the solver's tolerance.
    """
    if n_entries(ways) > MAX_MILP_ENTRIES:
        return None
    program = _Program(ways, capacity, bidder, keep or {})
    if not program.columns:
        return Best(0, (None,) * len(ways), True)
    return program.solve()


def n_entries(ways: Sequence[Sequence[Placement]]) -> int:
    """Coefficients of the integer program that chooses among these."""
    return sum(1 + len(way.uses) for choices in ways for way in choices if way.net >= 0)


class _Program:
    """One column per placement worth its reserve, then one per bidder with something to keep."""

    def __init__(
        self,
        ways: Sequence[Sequence[Placement]],
        capacity: dict[Cell, int],
        bidder: Sequence[Id],
        keep: Mapping[Id, int],
    ) -> None:
        self.n_bids = len(ways)
        self.capacity = capacity
        self.bidder: list[Id | None] = list(bidder) or [None] * len(ways)
        self.keep = {who: ticks for who, ticks in keep.items() if ticks > 0}
        self.columns = [(row, way) for row, choices in enumerate(ways) for way in choices if way.net >= 0]

    def solve(self) -> Best | None:
        worth = [way.net for _, way in self.columns] + [-ticks for ticks in self.keep.values()]
        scale = max(max(map(abs, worth)) / LARGEST_COST, 1.0)
        matrix, limit = self._rows()
        result = milp(
            -np.array(worth, dtype=float) / scale,
            integrality=np.ones(len(worth), dtype=np.int64),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(matrix, -np.inf, limit),
            options={"mip_rel_gap": 0, "node_limit": MAX_MILP_NODES},
        )
        return None if result.x is None else self._recount(result.x, proven=result.status == 0)

    def _rows(self) -> tuple[csr_array, NDArray[np.float64]]:
        """Rows of bids (at most one placement, none without its bidder's column), then of cells."""
        kept = {who: len(self.columns) + at for at, who in enumerate(self.keep)}
        limit = [0.0 if who in kept else 1.0 for who in self.bidder]
        entries = [(row, kept[who], -1.0) for row, who in enumerate(self.bidder) if who in kept]
        cell_row: dict[Cell, int] = {}
        for column, (row, way) in enumerate(self.columns):
            entries.append((row, column, 1.0))
            for cell, units in way.uses.items():
                if cell not in cell_row:
                    cell_row[cell] = len(limit)
                    limit.append(float(self.capacity[cell]))
                entries.append((cell_row[cell], column, float(units)))
        row_of, column_of, number = zip(*entries, strict=True)
        shape = (len(limit), len(self.columns) + len(kept))
        return csr_array((number, (row_of, column_of)), shape=shape), np.array(limit)

    def _recount(self, x: NDArray[np.float64], *, proven: bool) -> Best | None:
        """Count in whole numbers what was chosen; None where rounding it makes it impossible."""
        chosen: list[Placement | None] = [None] * self.n_bids
        left = dict(self.capacity)
        for (row, way), on in zip(self.columns, x.tolist(), strict=False):
            if on <= 0.5:
                continue
            if chosen[row] is not None:
                return None
            chosen[row] = way
            for cell, units in way.uses.items():
                left[cell] -= units
        if min(left.values(), default=0) < 0:
            return None
        users = {self.bidder[row] for row, way in enumerate(chosen) if way is not None}
        kept = sum(ticks for who, ticks in self.keep.items() if who in users)
        return Best(sum(way.net for way in chosen if way is not None) - kept, tuple(chosen), proven)
