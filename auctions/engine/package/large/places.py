"""All ways to fill the bids of a large block, as flat tables that compiled code walks through.

A bid has *runs*, one for each lot it could go to: the stretch of the lot's hours that any of its places takes. A run
has *sizes*, numbers of units, and a size its *places*: from which hour to which, what it adds, which columns it is.
Hours are positions (see `takings`). A place that takes several stretches, as packages do, has no hours of its own but
*pieces*, one after the other; for each lot they touch, its bid has a run without sizes, by which it is found there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from auctions.engine.book import Ints
from auctions.engine.package.bounds import Bound
from auctions.engine.package.columns import MORE, PLACE
from auctions.engine.package.highs import Floats, Problem
from auctions.engine.package.large.compiled import NOTHING, Places
from auctions.engine.package.large.pieces import Pieces, find_pieces, grain_of
from auctions.engine.package.large.spans import Spans
from auctions.engine.package.large.takings import find_positions
from auctions.engine.package.large.ways import find_ways
from auctions.engine.package.program import Program

Amounts = TypeVar("Amounts", Ints, Floats)

LARGEST_TICKS = 40
"""Bits of the ticks that are told apart."""


def find_places(program: Program, problem: Problem, spans: Spans, bound: Bound) -> Places:
    """The places of every bid of which some column loses little."""
    positions = find_positions(program, spans)
    ways = find_ways(program, problem, bound)
    pieces = find_pieces(program, positions, ways)
    n_lots = len(positions.lot_offset) - 1
    grain = grain_of(pieces, n_lots)
    pieces.units //= np.append(grain, 1)[pieces.lot]
    shift = max(0, int(problem.cost.max(initial=0)).bit_length() - LARGEST_TICKS)
    ticks = ways.ticks(problem.cost.astype(np.int64) >> shift, program.kind == PLACE)

    has_several = np.bincount(pieces.way, minlength=len(ways.column)) > 1
    own, lot = pieces.pick(~has_several[pieces.way]), np.full(len(ways.column), NOTHING)
    first, end, units = (np.zeros(len(ways.column), dtype=np.int64) for _ in range(3))
    lot[own.way], first[own.way], end[own.way], units[own.way] = own.lot, own.first, own.end, own.units
    order = np.lexsort((ways.column, first, units, lot, program.bid[ways.column]))
    place = np.argsort(order)
    pieces = pieces.pick(has_several[pieces.way])
    pieces = pieces.pick(np.argsort(place[pieces.way], kind="stable"))
    place_of_piece = place[pieces.way]
    lot, units, bid = lot[order], units[order], program.bid[ways.column[order]]

    new_bid = np.diff(bid, prepend=-1) != 0
    new_run = new_bid | (np.diff(lot, prepend=-2) != 0)
    new_size = new_run | (np.diff(units, prepend=-1) != 0)
    bid = np.cumsum(new_bid) - 1
    run, size = np.flatnonzero(new_run), np.flatnonzero(new_size)
    first, end = np.append(first[order], pieces.first), np.append(end[order], pieces.end)
    runs = _Runs(
        bid=bid[run],
        lot=lot[run],
        first=np.minimum.reduceat(first[: len(order)], run) if len(run) else run,
        end=np.maximum.reduceat(end[: len(order)], run) if len(run) else run,
        n_sizes=np.diff(np.append(np.searchsorted(size, run), len(size))),
    ).with_those_of(pieces, bid[place_of_piece], n_lots)
    on_lot = np.flatnonzero(runs.lot != NOTHING)
    on_lot = on_lot[np.argsort(runs.lot[on_lot], kind="stable")]
    nothing = np.full(len(pieces.way), NOTHING)
    grain_at = grain[positions.lot]
    return Places(
        shift=shift,
        run_of_bid=np.searchsorted(runs.bid, np.arange(int(new_bid.sum()) + 1)),
        size_of_run=np.concatenate([[0], np.cumsum(runs.n_sizes)]),
        place_of_size=np.append(size, len(order)),
        bid_of_run=runs.bid,
        lot_of_run=runs.lot,
        run_first=runs.first,
        run_end=runs.end,
        units_of_size=units[size],
        first=first,
        end=end,
        units=np.append(units, pieces.units),
        ticks=np.append(ticks[order], np.zeros_like(nothing)),
        column=np.append(ways.column[order], pieces.column),
        more=np.append(ways.more[order], np.zeros_like(nothing)),
        then=_chained(place_of_piece, len(order)),
        place_of_piece=place_of_piece,
        lot_first=positions.lot_offset[:-1],
        lot_end=positions.lot_offset[1:],
        hour=positions.hour,
        capacity=program.limit[positions.row] * positions.units // grain_at,
        row=positions.row,
        row_units=positions.units,
        grain=grain_at,
        run_on_lot=np.searchsorted(runs.lot[on_lot], np.arange(n_lots + 1)),
        runs_by_lot=on_lot,
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Runs:
    """All int64 (r,), by bid."""

    bid: Ints
    lot: Ints
    first: Ints
    end: Ints
    n_sizes: Ints

    def with_those_of(self, pieces: Pieces, bid: Ints, n_lots: int) -> _Runs:
        """Add, after each bid's own, one for each lot that pieces of its places are on."""
        somewhere = np.flatnonzero(pieces.lot != NOTHING)
        key, of = np.unique(bid[somewhere] * n_lots + pieces.lot[somewhere], return_inverse=True)
        first, end = np.full(len(key), np.iinfo(np.int64).max), np.zeros(len(key), dtype=np.int64)
        np.minimum.at(first, of, pieces.first[somewhere])
        np.maximum.at(end, of, pieces.end[somewhere])
        all_bids = np.append(self.bid, key // max(n_lots, 1))
        order = np.argsort(all_bids, kind="stable")
        return _Runs(
            bid=all_bids[order],
            lot=np.append(self.lot, key % max(n_lots, 1))[order],
            first=np.append(self.first, first)[order],
            end=np.append(self.end, end)[order],
            n_sizes=np.append(self.n_sizes, np.zeros_like(key))[order],
        )


def _chained(place_of_piece: Ints, n_places: int) -> Ints:
    """The piece after each place and piece, or NOTHING. Pieces are sorted by place."""
    then = np.full(n_places + len(place_of_piece), NOTHING)
    goes_on = np.diff(place_of_piece, prepend=-1) == 0
    piece = np.arange(len(place_of_piece))
    then[np.where(goes_on, n_places + piece - 1, place_of_piece)] = n_places + piece
    return then


def unit_prices(places: Places, price: Floats) -> Floats:
    """What as much as the lot's grain costs at all positions, in the places' ticks, from the rows' prices."""
    return np.ldexp(price[places.row] / places.row_units * places.grain, -places.shift)


def with_pieces(places: Places, amounts: Amounts) -> Amounts:
    """Amounts of places and pieces, those of its pieces added to each place's. (p + q,) to (p,)"""
    total = amounts[: places.n_places].copy()
    np.add.at(total, places.place_of_piece, amounts[places.n_places :])
    return total


def parts_of(places: Places, place: int) -> Iterator[tuple[slice, int]]:
    """Yield the hours and units of a place and its pieces."""
    while place != NOTHING:
        yield slice(int(places.first[place]), int(places.end[place])), int(places.units[place])
        place = int(places.then[place])


class Lookup:
    """Finds the places that a choice of columns stands for."""

    def __init__(self, places: Places, program: Program) -> None:
        self.places = places
        self._is_more = np.append(program.kind == MORE, False)
        self._bid = places.bid_of_place()
        more = places.more[: places.n_places]
        self._stride = int(more.max(initial=0)) + 1
        key = places.column[: places.n_places] * self._stride + more
        self._order = np.argsort(key, kind="stable")
        self._key = key[self._order]

    def chosen_by(self, x: Ints) -> Ints:
        """The place of each bid, or NOTHING; of a bid far off, which has no places, nothing. int64 (b,)"""
        column = np.flatnonzero(x)
        more = np.where(self._is_more[column + 1], np.append(x, 0)[column + 1], 0)
        key = (column * self._stride + more)[more < self._stride]
        first, end = np.searchsorted(self._key, key), np.searchsorted(self._key, key, side="right")
        n = end - first
        place = self._order[np.repeat(first, n) + np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)]
        in_pieces = self.places.then[place] != NOTHING
        filled = [each for each in place[in_pieces].tolist() if self._is_filled(each, x)]
        chosen = np.full(self.places.n_bids, NOTHING)
        for some in (place[~in_pieces], np.array(filled, dtype=np.int64)):
            chosen[self._bid[some]] = some
        return chosen

    def _is_filled(self, place: int, x: Ints) -> bool:
        """Whether all legs of an option have the places of this combination."""
        piece = int(self.places.then[place])
        while piece != NOTHING:
            column = int(self.places.column[piece])
            if column != NOTHING and not x[column]:
                return False
            piece = int(self.places.then[piece])
        return True


def units_of_rows(places: Places, left: Ints) -> Ints:
    """What is left of the program's rows, at all positions; parts of the lot's grain are of no use."""
    return left[places.row] * places.row_units // places.grain


def free_units(places: Places, chosen: Ints) -> Ints:
    """Units that a choice of places leaves at all positions."""
    free = places.capacity.copy()
    for place in chosen[chosen != NOTHING].tolist():
        for hours, units in parts_of(places, place):
            free[hours] -= units
    return free


def spread(places: Places, chosen: Ints, n_columns: int) -> Ints:
    """The places chosen, as columns."""
    x = np.zeros(n_columns, dtype=np.int64)
    taken = chosen[chosen != NOTHING]
    x[places.column[taken]] = 1
    more = taken[places.more[taken] > 0]
    x[places.column[more] + 1] = places.more[more]
    is_taken = np.zeros(places.n_places, dtype=bool)
    is_taken[taken] = True
    column = places.column[places.n_places :][is_taken[places.place_of_piece]]
    x[column[column != NOTHING]] = 1
    return x


def fit(places: Places, chosen: Ints) -> Ints:
    """Of places that overstep what there is, those that fit: what offers most for a unit and hour comes first."""
    taken = chosen[chosen != NOTHING]
    size = np.maximum(1, with_pieces(places, places.units * (places.end - places.first))[taken])
    free = places.capacity
    fitting = np.full_like(chosen, NOTHING)
    bid = np.flatnonzero(chosen != NOTHING)
    for at in np.lexsort((bid, -(places.ticks[taken] / size))).tolist():
        place = int(taken[at])
        left = free.copy()
        for hours, units in parts_of(places, place):
            left[hours] -= units
        if (left >= 0).all():
            free = left
            fitting[bid[at]] = place
    return fitting


def best_ticks(places: Places) -> Ints:
    """Of each bid's places the most ticks. int64 (b,)"""
    best = np.zeros(places.n_bids, dtype=np.int64)
    np.maximum.at(best, places.bid_of_place(), places.ticks[: places.n_places])
    return best


def all_ticks(places: Places, chosen: Ints) -> int:
    return int(places.ticks[chosen[chosen != NOTHING]].sum())
