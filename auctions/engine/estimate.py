"""A quick estimate of where lots would clear whose bids combine options, legs, lots or hours.

Greedy: options in the order of what they offer per unit-hour (ties: the earlier bid, the lower option) each take the
first of their lots, cheapest reserve first, with room for most of what they ask, in the cheapest run of hours; a bid
takes one option. A lot that is full in some hour is priced at the best offer it turned away, one with room at its
reserve. An optimum may choose otherwise, so nothing is sold at these prices; they tell a bidder at once where the
market stands. Work is counted in lots tried, never in seconds: the estimate is a pure function of the book.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from auctions.engine.book import Book, Ints
from auctions.engine.clearing import NO_PRICE
from auctions.engine.ranges import concatenate_ranges, running_total

MAX_TRIES = 2_500
"""Lots looked at for all options together; options beyond that count as turned away."""

MANY = 4_000
"""Hours of all runs of a leg on a lot from which on arrays are quicker than lists."""

CHUNK = 1_000
"""Options that are sifted at once: those whose lots are full by then are turned away without a look at each."""


@dataclass(frozen=True, eq=False, slots=True)
class Estimate:
    """L lots, rows of the book.

    paid, marginal, entry : int64 (L,) ticks per unit-hour; marginal is paid, entry is NO_PRICE where the lot has
        nothing on offer
    sold, offered : int64 (L,) units, in the fullest hour and in every hour
    sold_unit_hours : int64 (L,)
    """

    paid: Ints
    marginal: Ints
    entry: Ints
    sold: Ints
    offered: Ints
    sold_unit_hours: Ints


class _Run(NamedTuple):
    """Units of a lot for its hours [first, last), at a reserve cost in ticks for all of them."""

    lot: int
    first: int
    last: int
    units: int
    cost: int


class _Filling:
    """What is left of each lot-hour while options are placed."""

    def __init__(self, book: Book) -> None:
        self.book = book
        starts = book.lot_hour_offset[:-1]
        self.most_left = np.maximum.reduceat(book.lot_capacity, starts) if book.n_lots else starts.copy()
        self.left: list[list[int]] = [part.tolist() for part in np.split(book.lot_capacity, starts[1:])]
        self.reserve_until = [running_total(part).tolist() for part in np.split(book.lot_reserve, starts[1:])]
        self.step = book.lot_unit_step.tolist()
        self.lot_reserve = _mean_reserve(book)
        self.n_tries = 0

    def place(self, option: int, rate: int) -> list[_Run] | None:
        """Take units for every leg of an option, or for none."""
        runs: list[_Run] = []
        for leg in range(int(self.book.leg_offset[option]), int(self.book.leg_offset[option + 1])):
            run = self._place_leg(leg, rate)
            if run is None:
                self._give_back(runs)
                return None
            self._take(run, run.units)
            runs.append(run)
        worth = rate * sum(run.units * (run.last - run.first) for run in runs)
        if worth < sum(run.cost for run in runs):
            self._give_back(runs)
            return None
        for run in runs:
            self.most_left[run.lot] = max(self.left[run.lot])
        return runs

    def _take(self, run: _Run, units: int) -> None:
        left = self.left[run.lot]
        left[run.first : run.last] = [each - units for each in left[run.first : run.last]]

    def _give_back(self, runs: list[_Run]) -> None:
        for run in runs:
            self._take(run, -run.units)

    def _place_leg(self, leg: int, rate: int) -> _Run | None:
        """Find the leg's best run: most units, then the lot with the lowest reserve."""
        book = self.book
        lots = book.leg_lot[book.leg_lot_offset[leg] : book.leg_lot_offset[leg + 1]]
        if len(lots) > 1:
            lots = lots[np.argsort(self.lot_reserve[lots], kind="stable")]
        units, least = int(book.leg_units[leg]), int(book.leg_min_units[leg])
        best: _Run | None = None
        for lot in lots.tolist():
            if self.most_left[lot] < least:
                continue
            if self.n_tries >= MAX_TRIES:
                return None
            self.n_tries += 1
            run = self._best_run(leg, lot, units, least)
            if run is not None and (best is None or run.units > best.units):
                best = run
            if best is not None and best.units == units:
                break
        return best

    def _best_run(self, leg: int, lot: int, units: int, least: int) -> _Run | None:
        """Find the run of hours with room for most units, at most `units`, and of those the cheapest."""
        book, hours = self.book, int(self.book.leg_hours[leg])
        lot_start = int(book.lot_start[lot])
        first = max(int(book.leg_earliest[leg]) - lot_start, 0)
        last = min(int(book.leg_latest[leg]), int(book.lot_end[lot])) - lot_start - hours
        left, until, step = self.left[lot], self.reserve_until[lot], self.step[lot]
        fewest = (min(left[at : at + hours]) for at in range(first, last + 1))
        if (last - first) * hours > MANY:
            fewest = iter(
                sliding_window_view(np.array(left[first : last + hours]), hours).min(axis=1).tolist()
            )
        most, cheapest, start = max(least, 1) - 1, 0, -1
        for at, room in enumerate(fewest, start=first):
            room = min(room, units)
            room -= room % step
            if room < most or (room == most and start < 0):
                continue
            cost = until[at + hours] - until[at]
            if room > most or cost < cheapest:
                most, cheapest, start = room, cost, at
        return _Run(lot, start, start + hours, most, most * cheapest) if start >= 0 else None


def estimate(book: Book) -> Estimate:
    """Estimate prices of every lot of a book of any bids."""
    filling = _Filling(book)
    rate = _rates(book)
    bid_of_option = np.repeat(np.arange(book.n_bids), np.diff(book.option_offset))
    taken = np.zeros(book.n_bids, dtype=bool)
    lowest_winner = np.full(book.n_lots, np.iinfo(np.int64).max)
    in_order = np.argsort(-rate, kind="stable")
    in_order = in_order[_could_be_filled(book, bid_of_option, rate)[in_order]]
    for first in range(0, len(in_order), CHUNK):
        if filling.n_tries >= MAX_TRIES:
            break
        for option in _with_room(filling, in_order[first : first + CHUNK]).tolist():
            bid = bid_of_option[option]
            if not taken[bid] and (runs := filling.place(option, int(rate[option]))) is not None:
                taken[bid] = True
                for run in runs:
                    lowest_winner[run.lot] = min(lowest_winner[run.lot], int(rate[option]))
    return _prices(book, filling, lowest_winner, _best_offer(book, np.where(taken[bid_of_option], 0, rate)))


def _could_be_filled(book: Book, bid_of_option: Ints, rate: Ints) -> NDArray[np.bool_]:
    """Say of each option whether it names no lot of its own bidder's, and one it would pay for. bool (O,)"""
    first_row = book.leg_lot_offset[book.leg_offset[:-1]]
    option_of_row = np.repeat(np.arange(len(rate)), np.diff(book.leg_lot_offset[book.leg_offset]))
    is_own = book.lot_seller[book.leg_lot] == book.bid_bidder[bid_of_option[option_of_row]]
    starts = book.lot_hour_offset[:-1]
    cheapest = np.minimum.reduceat(book.lot_reserve, starts)[book.leg_lot]
    return ~np.logical_or.reduceat(is_own, first_row) & (rate >= np.minimum.reduceat(cheapest, first_row))


def _with_room(filling: _Filling, options: Ints) -> Ints:
    """Leave out the options (rows) with a leg none of whose lots has room for its least units in any hour."""
    book = filling.book
    n_legs = np.diff(book.leg_offset)[options]
    legs = concatenate_ranges(book.leg_offset[options], n_legs)
    n_lots = np.diff(book.leg_lot_offset)[legs]
    most = filling.most_left[book.leg_lot[concatenate_ranges(book.leg_lot_offset[legs], n_lots)]]
    of_leg = np.maximum.reduceat(most, np.cumsum(n_lots) - n_lots) >= book.leg_min_units[legs]
    return options[np.logical_and.reduceat(of_leg, np.cumsum(n_legs) - n_legs)]


def _rates(book: Book) -> Ints:
    """What an option offers per unit-hour, rounded down. int64 (O,) ticks"""
    unit_hours = running_total(book.leg_units * book.leg_hours)
    whole = unit_hours[book.leg_offset[1:]] - unit_hours[book.leg_offset[:-1]]
    return np.where(book.option_is_priced, book.option_limit, book.option_limit // np.maximum(whole, 1))


def _best_offer(book: Book, rate: Ints) -> Ints:
    """The highest rate among options, for each lot they name; 0 where none does. int64 (L,) ticks"""
    best = np.zeros(book.n_lots, dtype=np.int64)
    np.maximum.at(best, book.leg_lot, np.repeat(rate, np.diff(book.leg_lot_offset[book.leg_offset])))
    return best


def _mean_reserve(book: Book) -> Ints:
    """Average reserve of each lot, rounded up. int64 (L,) ticks per unit-hour"""
    total = running_total(book.lot_reserve)[book.lot_hour_offset]
    return -(-np.diff(total) // np.maximum(book.lot_end - book.lot_start, 1))


def _prices(book: Book, filling: _Filling, lowest_winner: Ints, best_loser: Ints) -> Estimate:
    left = np.array([units for lot in filling.left for units in lot], dtype=np.int64)
    used = book.lot_capacity - left
    starts = book.lot_hour_offset[:-1]
    step = book.lot_unit_step
    offered = np.minimum.reduceat(book.lot_capacity, starts) // step * step if book.n_lots else starts
    room = np.minimum.reduceat(left, starts) // step if book.n_lots else starts
    used_until = running_total(used)
    reserve = filling.lot_reserve
    price = np.where(room > 0, reserve, np.maximum(reserve, np.minimum(best_loser, lowest_winner)))
    above_winners = np.where(lowest_winner < np.iinfo(np.int64).max, lowest_winner + 1, reserve)
    return Estimate(
        paid=price,
        marginal=price,
        entry=np.where(offered > 0, np.where(room > 0, reserve, above_winners), NO_PRICE),
        sold=np.maximum.reduceat(used, starts) if book.n_lots else starts,
        offered=offered,
        sold_unit_hours=np.diff(used_until[book.lot_hour_offset]),
    )
