"""The stretches of positions that each way to fill a bid takes, none of them twice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from auctions.engine.book import Ints
from auctions.engine.package.columns import PLACE
from auctions.engine.package.large.compiled import NOTHING
from auctions.engine.package.large.takings import Positions, find_takings
from auctions.engine.package.large.ways import Ways
from auctions.engine.package.program import Program


@dataclass(eq=False, slots=True)
class Pieces:
    """Stretches that ways take, each by one column of its own where that is a `place`. All int64 (s,)."""

    way: Ints
    column: Ints
    lot: Ints
    first: Ints
    end: Ints
    units: Ints

    def pick(self, rows: np.ndarray) -> Pieces:
        return Pieces(*(getattr(self, name)[rows] for name in self.__slots__))


def find_pieces(program: Program, positions: Positions, ways: Ways) -> Pieces:
    takings = find_takings(program, positions)
    n_stretches = np.diff(takings.offset)[ways.part]
    is_place = program.kind[ways.part] == PLACE
    count = np.maximum(n_stretches, is_place)  # a place where no hour can run short is chosen all the same
    way = np.repeat(ways.part_way, count)
    within = np.arange(len(way)) - np.repeat(np.cumsum(count) - count, count)
    at = np.repeat(takings.offset[ways.part], count) + within
    at[np.repeat(n_stretches == 0, count)] = -1
    units = np.append(takings.units, 0)[at]
    more = np.flatnonzero(ways.more[way])
    units[more] += ways.more[way[more]] * takings.units[takings.offset[ways.column[way[more]] + 1]]
    pieces = Pieces(
        way=way,
        column=np.repeat(np.where(is_place, ways.part, NOTHING), count),
        lot=np.append(takings.lot, NOTHING)[at],
        first=np.append(takings.first, 0)[at],
        end=np.append(takings.end, 0)[at],
        units=units,
    )
    return _apart(pieces)


def _apart(pieces: Pieces) -> Pieces:
    """Add up what pieces of a way take of the same hours: then no two of a way share any."""
    order = np.lexsort((pieces.end, pieces.first, pieces.way))
    way, first, end = pieces.way[order], pieces.first[order], pieces.end[order]
    shared = np.isin(pieces.way, way[1:][(np.diff(way) == 0) & (first[1:] < end[:-1])])
    if not shared.any():
        return pieces
    rows = [(name, getattr(pieces, name)[~shared]) for name in Pieces.__slots__]
    added = [
        row
        for each in np.unique(pieces.way[shared]).tolist()
        for row in _added_up(pieces.pick(pieces.way == each))
    ]
    joined = {
        name: np.concatenate([kept, np.array([row[at] for row in added], dtype=np.int64)])
        for at, (name, kept) in enumerate(rows)
    }
    return Pieces(**joined)


def _added_up(own: Pieces) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Yield the columns of a way's pieces without hours, and its stretches without columns."""
    way = int(own.way[0])
    for column in own.column[own.column != NOTHING].tolist():
        yield way, column, NOTHING, 0, 0, 0
    bounds = np.unique(np.concatenate([own.first, own.end])).tolist()
    for first, end in itertools.pairwise(bounds):
        inside = (own.first <= first) & (own.end >= end)
        if inside.any():
            yield way, NOTHING, int(own.lot[inside][0]), first, end, int(own.units[inside].sum())


def grain_of(pieces: Pieces, n_lots: int) -> Ints:
    """Of each lot, the units of which all that could be taken of it are multiples. int64 (l,)"""
    grain = np.zeros(n_lots, dtype=np.int64)
    somewhere = pieces.lot != NOTHING
    np.gcd.at(grain, pieces.lot[somewhere], pieces.units[somewhere])
    return np.maximum(grain, 1)
