"""What is compiled (numba) of annealing and of recreating, and the tables it walks through.

All of it stands in this one file: what numba keeps of a compilation beside it is made anew when this file changes, but
not when another does whose constants or functions were compiled in. Whole numbers only; nothing is checked for being
within bounds (`NUMBA_BOUNDSCHECK=1` does, for tests).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Ints

BITS = 8
"""Draws of the tables of chance are in parts of 2**-BITS."""
QUANTILES = 4096
SOME = 1 << 20
"""Draws in a table of noise."""

NOTHING = -1
"""In place of a place: the bid gets nothing."""

LARGEST_REACH = 30
"""Hours before and after."""
SELDOM = 50
"""One bid in so many is passed over."""
ROW_BITS = 22
PARTS = 1 << 6
PER_ROUND = 250
"""Work of taking bids out and judging what comes of it, in places and hours looked at."""

compiled = numba.njit(nogil=True, cache=os.access(Path(__file__).parent, os.W_OK))


class Places(NamedTuple):
    """All ways to fill the bids of a large block, as flat tables. See `places`.

    The runs of bid `b` are those from `run_of_bid[b]` up to `run_of_bid[b + 1]`, and so on downwards. After the last
    place stand the *pieces* of places that take several stretches, each place's one after the other. All int64.

    shift : ticks are divided by 2**shift
    run_of_bid (b + 1,), size_of_run (r + 1,), place_of_size (s + 1,)
    bid_of_run, lot_of_run, run_first, run_end (r,) : from which position to which; no lot (NOTHING), and no
        positions, where no hour of it can run short. A run without sizes says where pieces of the bid's places may be
    units_of_size (s,) : in the lot's grain
    first, end, units, ticks (p + q,) : a place of several stretches has no hours itself, pieces have no ticks
    column, more (p + q,) : the selector and how much of the column after it; of a piece its own column, or NOTHING
    then (p + q,) : the piece that is taken as well, or NOTHING
    place_of_piece (q,)
    lot_first, lot_end (l,) : positions of the lots
    hour, capacity, row (h,) : of a position: about when, units in the lot's grain, and the program's row
    row_units, grain (h,) : units that one of that row's own stands for, and that one of the lot's grain does
    run_on_lot (l + 1,), runs_by_lot : the runs of lot `i` are those that `runs_by_lot` names from `run_on_lot[i]` on
    """

    shift: int
    run_of_bid: Ints
    size_of_run: Ints
    place_of_size: Ints
    bid_of_run: Ints
    lot_of_run: Ints
    run_first: Ints
    run_end: Ints
    units_of_size: Ints
    first: Ints
    end: Ints
    units: Ints
    ticks: Ints
    column: Ints
    more: Ints
    then: Ints
    place_of_piece: Ints
    lot_first: Ints
    lot_end: Ints
    hour: Ints
    capacity: Ints
    row: Ints
    row_units: Ints
    grain: Ints
    run_on_lot: Ints
    runs_by_lot: Ints

    @property
    def n_bids(self) -> int:
        return len(self.run_of_bid) - 1

    @property
    def n_places(self) -> int:
        return len(self.first) - len(self.place_of_piece)

    def run_of_place(self) -> Ints:
        return np.repeat(np.arange(len(self.bid_of_run)), np.diff(self.place_of_size[self.size_of_run]))

    def bid_of_place(self) -> Ints:
        return self.bid_of_run[self.run_of_place()]


@compiled
def draw(state: Ints, below: int) -> int:
    """A whole number from 0 up to `below`, at most 2**31: xorshift64* (Vigna 2016)."""
    s = np.uint64(state[0])
    s ^= s >> np.uint64(12)
    s ^= s << np.uint64(25)
    s ^= s >> np.uint64(27)
    state[0] = np.int64(s)
    high = int((s * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(33))
    return (high * below) >> 31


@compiled
def sweep(
    places: Places, free: Ints, chosen: Ints, order: Ints, heat: int, charge: Ints, noise: Ints, state: Ints
) -> None:
    """Draw a place for every bid, in an order of chance."""
    until = np.empty(len(free) + 1, dtype=np.int64)
    for at in range(len(order) - 1, -1, -1):
        other = draw(state, at + 1)
        bid = order[other]
        order[other] = order[at]
        order[at] = bid
        _move(places, free, chosen[bid], 1)
        chosen[bid] = place = _drawn(places, free, bid, heat, charge, noise, until, state)
        _move(places, free, place, -1)


@compiled
def _drawn(
    places: Places, free: Ints, bid: int, heat: int, charge: Ints, noise: Ints, until: Ints, state: Ints
) -> int:
    """One of the bid's places: the largest of what it adds, less charges, and chance."""
    runs = places.run_of_bid
    first_size, end_size = places.size_of_run[runs[bid]], places.size_of_run[runs[bid + 1]]
    n_places = places.place_of_size[end_size] - places.place_of_size[first_size]
    chance = draw(state, max(SOME - n_places, 1))
    best, drawn = noise[chance] * heat, NOTHING
    for run in range(runs[bid], runs[bid + 1]):
        first, end = places.run_first[run], places.run_end[run]
        for size in range(places.size_of_run[run], places.size_of_run[run + 1]):
            units, total = places.units_of_size[size], 0
            for hour in range(first, end):
                until[hour - first] = total
                total += min(max(units - free[hour], 0), units) * charge[hour]
            until[end - first] = total
            for place in range(places.place_of_size[size], places.place_of_size[size + 1]):
                chance += 1
                worth = places.ticks[place] + noise[chance % SOME] * heat
                worth -= until[places.end[place] - first] - until[places.first[place] - first]
                if first == end:
                    worth -= _charged(places, free, places.then[place], charge)
                if worth > best:
                    best, drawn = worth, place
    return drawn


@compiled
def _charged(places: Places, free: Ints, piece: int, charge: Ints) -> int:
    """What a piece and those after it overstep, at the charges."""
    total = 0
    while piece != NOTHING:
        units = places.units[piece]
        for hour in range(places.first[piece], places.end[piece]):
            total += min(max(units - free[hour], 0), units) * charge[hour]
        piece = places.then[piece]
    return total


@compiled
def recreate_by_chance(
    places: Places,
    above: Ints,
    rate: Ints,
    offer: Ints,
    free: Ints,
    chosen: Ints,
    costs: Ints,
    heats: Ints,
    chance: Ints,
    max_work: int,
    closed: NDArray[np.bool_],
    focus: Ints,
    state: Ints,
) -> Ints:
    """The best choice met.

    above : int64 (p,)
    rate, offer, costs : int64 (b,)
    closed : bool (b,) bids that stay as they are
    focus : positions near which bids are taken out; none stands for all
    """
    n_bids = len(chosen)
    bids, before = np.arange(n_bids), chosen.copy()
    keys, seen = np.empty(n_bids, dtype=np.int64), np.zeros(n_bids, dtype=np.int64)
    until = np.empty(len(free) + 1, dtype=np.int64)
    best, value, most, work = chosen.copy(), 0, 0, 0
    n = n_bids
    # without a focus, a first round for all puts in what fits beside what is there
    n_rounds = int(len(focus) > 0)
    while True:
        heat = heats[min(len(heats) - 1, work * len(heats) // max_work)]
        if n_rounds:
            n = _take_out_some(places, free, chosen, bids, before, seen, n_rounds, closed, focus, state)
        _put_in_order(keys, bids[:n], rate, offer, state)
        gain = 0
        for at in range(n):
            bid = bids[keys[at] & ((1 << ROW_BITS) - 1)]
            if chosen[bid] == NOTHING and not closed[bid] and draw(state, SELDOM):
                chosen[bid] = place = _best_place(places, above, free, bid, heat, until, state)
                work += costs[bid]
                _move(places, free, place, -1)
        for at in range(n):
            gain += _ticks(places, chosen[bids[at]]) - _ticks(places, before[at])
        if gain >= 0 or -gain <= heat * chance[draw(state, QUANTILES)] >> BITS:
            value += gain
            if value > most:
                most = value
                best[:] = chosen
        else:
            for at in range(n):
                _move(places, free, chosen[bids[at]], 1)
            for at in range(n):
                chosen[bids[at]] = before[at]
                _move(places, free, before[at], -1)
        n_rounds += 1
        work += PER_ROUND
        if work >= max_work or not len(places.lot_first):
            return best


@compiled
def _take_out_some(
    places: Places,
    free: Ints,
    chosen: Ints,
    bids: Ints,
    before: Ints,
    seen: Ints,
    now: int,
    closed: NDArray[np.bool_],
    focus: Ints,
    state: Ints,
) -> int:
    """Take out bids near an hour of a lot, and of one that a bid there could also go to; tell these and losers there.

    bids, before : written: which they are, and their places until now. The number of them is returned.
    """
    position = focus[draw(state, len(focus))] if len(focus) else NOTHING
    if position == NOTHING:
        lot = draw(state, len(places.lot_first))
    else:
        lot = int(np.searchsorted(places.lot_end, position, side="right"))
    n_runs = places.run_on_lot[lot + 1] - places.run_on_lot[lot]
    if not n_runs:
        return 0
    if position == NOTHING:
        position = places.lot_first[lot] + draw(state, places.lot_end[lot] - places.lot_first[lot])
    run = places.runs_by_lot[places.run_on_lot[lot] + draw(state, n_runs)]
    others = places.run_of_bid[places.bid_of_run[run]]
    run = others + draw(state, places.run_of_bid[places.bid_of_run[run] + 1] - others)
    beside = places.lot_of_run[run]
    reach, kept, n = 2 + draw(state, LARGEST_REACH), draw(state, 4), 0
    for which in range(2):
        if which and beside in (lot, NOTHING):
            break
        at = beside if which else lot
        low, high = places.lot_first[at], places.lot_end[at]
        hour, hours = places.hour[position], places.hour[low:high]
        first = low + np.searchsorted(hours, hour - reach)
        end = low + np.searchsorted(hours, hour + reach)
        for row in range(places.run_on_lot[at], places.run_on_lot[at + 1]):
            run = places.runs_by_lot[row]
            bid = places.bid_of_run[run]
            place = chosen[bid]
            if seen[bid] == now or closed[bid]:
                continue
            if place == NOTHING:
                if places.run_first[run] >= end or places.run_end[run] <= first:
                    continue
            elif not _is_near(places, place, first, end) or draw(state, 4) + 1 <= kept:
                continue
            seen[bid], bids[n], before[n] = now, bid, place
            n += 1
            chosen[bid] = NOTHING
            _move(places, free, place, 1)
    return n


@compiled
def _put_in_order(keys: Ints, bids: Ints, rate: Ints, offer: Ints, state: Ints) -> None:
    """Write into `keys` the bids' rows, in their lower bits, so that the first are those to be put in first."""
    kind = draw(state, 3)
    for at in range(len(bids)):
        if kind == 0:
            key = rate[bids[at]] * (10 * PARTS + draw(state, 3 * PARTS))
        elif kind == 1:
            key = offer[bids[at]] * (2 * PARTS + draw(state, PARTS))
        else:
            key = rate[bids[at]] * (3 * PARTS + draw(state, 10 * PARTS))
        keys[at] = (-key << ROW_BITS) + at
    keys[: len(bids)].sort()


@compiled
def _best_place(
    places: Places, above: Ints, free: Ints, bid: int, heat: int, until: Ints, state: Ints
) -> int:
    """The place that fits and is worth most above its hours' prices, give or take some chance; or NOTHING."""
    found, most = NOTHING, 0
    for run in range(places.run_of_bid[bid], places.run_of_bid[bid + 1]):
        first, end = places.run_first[run], places.run_end[run]
        for size in range(places.size_of_run[run], places.size_of_run[run + 1]):
            units, short = places.units_of_size[size], 0
            for hour in range(first, end):
                until[hour - first] = short
                short += free[hour] < units
            until[end - first] = short
            for place in range(places.place_of_size[size], places.place_of_size[size + 1]):
                if until[places.end[place] - first] == until[places.first[place] - first]:
                    if first == end and not _fit(places, free, places.then[place]):
                        continue
                    worth = above[place] + (draw(state, 1 << 16) * heat >> 16)
                    if found == NOTHING or worth > most:
                        found, most = place, worth
    return found


@compiled
def _move(places: Places, free: Ints, place: int, sign: int) -> None:
    """Give the units of a place and its pieces back (1) or take them (-1). (Slices would take twice the time.)"""
    while place != NOTHING:
        units = sign * places.units[place]
        for hour in range(places.first[place], places.end[place]):
            free[hour] += units
        place = places.then[place]


@compiled
def _fit(places: Places, free: Ints, piece: int) -> bool:
    """Whether there is room for a piece and those after it. None takes hours that another does."""
    while piece != NOTHING:
        units = places.units[piece]
        for hour in range(places.first[piece], places.end[piece]):
            if free[hour] < units:
                return False
        piece = places.then[piece]
    return True


@compiled
def _is_near(places: Places, place: int, first: int, end: int) -> bool:
    """Whether a place or a piece of it takes any of these positions."""
    while place != NOTHING:
        if places.first[place] < end and places.end[place] > first:
            return True
        place = places.then[place]
    return False


@compiled
def _ticks(places: Places, place: int) -> int:
    return 0 if place == NOTHING else places.ticks[place]
