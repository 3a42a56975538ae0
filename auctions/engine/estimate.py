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

from auctions.engine.book import Book, Ints
from auctions.engine.clearing import NO_PRICE
from auctions.engine.ranges import running_total

MAX_TRIES = 20_000
"""Lots looked at for all options together; options beyond that count as turned away."""


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
    """Units of a lot for the lot-hours [first, last) of the book, at a reserve cost in ticks for all of them."""

    lot: int
    first: int
    last: int
    units: int
    cost: int


class _Filling:
    """What is left of each lot-hour while options are placed."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.left = book.lot_capacity.copy()
        self.reserve_until = running_total(book.lot_reserve)
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
            self.left[run.first : run.last] -= run.units
            runs.append(run)
        worth = rate * sum(run.units * (run.last - run.first) for run in runs)
        if worth < sum(run.cost for run in runs):
            self._give_back(runs)
            return None
        return runs

    def _give_back(self, runs: list[_Run]) -> None:
        for run in runs:
            self.left[run.first : run.last] += run.units

    def _place_leg(self, leg: int, rate: int) -> _Run | None:
        """Find the leg's best run: most units, then the lot with the lowest reserve."""
        book = self.book
        lots = book.leg_lot[book.leg_lot_offset[leg] : book.leg_lot_offset[leg + 1]]
        best: _Run | None = None
        for lot in lots[np.argsort(self.lot_reserve[lots], kind="stable")].tolist():
            if self.n_tries >= MAX_TRIES:
                return None
            self.n_tries += 1
            run = self._best_run(leg, lot)
            if run is not None and (best is None or run.units > best.units):
                best = run
            if best is not None and best.units == book.leg_units[leg]:
                break
        return best

    def _best_run(self, leg: int, lot: int) -> _Run | None:
        book, hours = self.book, int(self.book.leg_hours[leg])
        begin = int(book.lot_hour_offset[lot] - book.lot_start[lot])
        first = begin + max(int(book.leg_earliest[leg]), int(book.lot_start[lot]))
        last = begin + min(int(book.leg_latest[leg]), int(book.lot_end[lot]))
        if last - first < hours:
            return None
        fewest = sliding_window_view(self.left[first:last], hours).min(axis=1)
        units = np.minimum(fewest, book.leg_units[leg])
        units -= units % book.lot_unit_step[lot]
        most = int(units.max())
        if most < max(1, int(book.leg_min_units[leg])):
            return None
        cost = self.reserve_until[first + hours : last + 1] - self.reserve_until[first : last + 1 - hours]
        starts = np.flatnonzero(units == most)
        start = int(starts[np.argmin(cost[starts])])
        return _Run(lot, first + start, first + start + hours, most, most * int(cost[start]))


def estimate(book: Book) -> Estimate:
    """Estimate prices of every lot of a book of any bids."""
    filling = _Filling(book)
    rate = _rates(book)
    bid_of_option = np.repeat(np.arange(book.n_bids), np.diff(book.option_offset))
    taken: set[int] = set()
    lowest_winner = np.full(book.n_lots, np.iinfo(np.int64).max)
    turned_away: list[int] = []
    for option in np.argsort(-rate, kind="stable").tolist():
        bid = int(bid_of_option[option])
        if bid in taken:
            continue
        if not _is_own(book, option, bid) and (runs := filling.place(option, int(rate[option]))) is not None:
            taken.add(bid)
            for run in runs:
                lowest_winner[run.lot] = min(lowest_winner[run.lot], int(rate[option]))
        else:
            turned_away.append(option)
    losing = [option for option in turned_away if int(bid_of_option[option]) not in taken]
    return _prices(book, filling, lowest_winner, _best_offer(book, rate, losing))


def _rates(book: Book) -> Ints:
    """What an option offers per unit-hour, rounded down. int64 (O,) ticks"""
    unit_hours = running_total(book.leg_units * book.leg_hours)
    whole = unit_hours[book.leg_offset[1:]] - unit_hours[book.leg_offset[:-1]]
    return np.where(book.option_is_priced, book.option_limit, book.option_limit // np.maximum(whole, 1))


def _is_own(book: Book, option: int, bid: int) -> bool:
    """Say whether an option names a lot of its own bidder's, which it cannot win."""
    lots = _lots_of(book, option)
    return bool((book.lot_seller[lots] == book.bid_bidder[bid]).any())


def _lots_of(book: Book, option: int) -> Ints:
    first, last = book.leg_lot_offset[book.leg_offset[option : option + 2]]
    return book.leg_lot[first:last]


def _best_offer(book: Book, rate: Ints, options: list[int]) -> Ints:
    """The highest rate among options, for each lot they name; 0 where none does. int64 (L,) ticks"""
    best = np.zeros(book.n_lots, dtype=np.int64)
    for option in options:
        np.maximum.at(best, _lots_of(book, option), rate[option])
    return best


def _mean_reserve(book: Book) -> Ints:
    """Average reserve of each lot, rounded up. int64 (L,) ticks per unit-hour"""
    total = running_total(book.lot_reserve)[book.lot_hour_offset]
    return -(-np.diff(total) // np.maximum(book.lot_end - book.lot_start, 1))


def _prices(book: Book, filling: _Filling, lowest_winner: Ints, best_loser: Ints) -> Estimate:
    used = book.lot_capacity - filling.left
    starts = book.lot_hour_offset[:-1]
    step = book.lot_unit_step
    offered = np.minimum.reduceat(book.lot_capacity, starts) // step * step if book.n_lots else starts
    room = np.minimum.reduceat(filling.left, starts) // step if book.n_lots else starts
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
