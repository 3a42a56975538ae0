"""What a bid that lost would have had to offer, all else equal. It costs searches, so it is told on demand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from auctions.engine.book import Book, Ints
from auctions.engine.clearing import NO_PRICE, Clearing
from auctions.engine.errors import MAX_EXACT
from auctions.engine.package.block import find_winners
from auctions.engine.package.columns import Placements
from auctions.engine.package.found import Found
from auctions.engine.package.highs import MAX_NODES
from auctions.engine.package.large import is_large
from auctions.engine.package.program import Program, blocks, write_program
from auctions.engine.package.work import Work

MAX_SEARCHES = 64
"""Searches for one answer. Where they run out, what is told is enough, but less might be as well."""

MAX_SEARCHES_IF_LARGE = 6
"""As above where the bids that hang together are too many to be searched to the end."""


class OutOfWork(Exception):
    """The limit of searches is reached."""


class Minimum(NamedTuple):
    """A limit that would have won, NO_PRICE where none would. ``is_proven``: one tick less would not have."""

    limit: int
    is_proven: bool


def minimum_to_win(
    book: Book, clearing: Clearing, bid: int, *, option: int | None = None, max_nodes: int = MAX_NODES
) -> int:
    """Find the lowest limit with which a losing bid (row) would have won something; NO_PRICE where none would.

    The limit is that of `option` (row; by default the bid's first), with its other options as they are: ticks per
    unit-hour where it is priced, else ticks. Raise `ValueError` for a bid that won. Where the clearing is `bounded`,
    so is the answer: it wins by the choices the search finds.
    """
    if np.isin(bid, clearing.award_bid):
        raise ValueError(f"bid {book.bid_id[bid]} won")
    option = int(book.option_offset[bid]) if option is None else option
    return find_minimum(book, bid, option, max_nodes=max_nodes, max_searches=sys.maxsize).limit


def find_minimum(
    book: Book, bid: int, option: int, *, max_nodes: int = MAX_NODES, max_searches: int = MAX_SEARCHES
) -> Minimum:
    """As `minimum_to_win` for a bid known to have lost, within a limit of work, and saying whether it is exact.

    What the option adds, wanted whole, makes up for what it displaces at a limit that two searches tell. Only where
    part of it would do, or a tie decides, is it another: the search goes on from there in doubling steps, then halves.
    """
    trial = _Trial(book, bid, option, max_nodes, max_searches)
    highest = trial.highest()
    if highest == NO_PRICE or not trial.wins(highest):
        return Minimum(NO_PRICE, trial.is_proven)
    low, high = int(book.option_limit[option]), highest
    try:
        for guess in _around(trial.enough(highest), low, high):
            if low < guess < high:
                low, high = (low, guess) if trial.wins(guess) else (guess, high)
        while low + 1 < high:
            middle = (low + high) // 2
            low, high = (low, middle) if trial.wins(middle) else (middle, high)
    except OutOfWork:
        return Minimum(high, False)
    return Minimum(high, trial.is_proven)


def _around(guess: int, low: int, high: int) -> Iterator[int]:
    """Yield limits near a guess, both ways in doubling steps; those outside what is known by then are passed over."""
    yield guess
    step = 1
    while guess - step > low or guess + step < high:
        yield guess - step
        yield guess + step
        step *= 2


class _Trial:
    """The bids that hang together with one, to be cleared again with other limits of its option."""

    def __init__(self, book: Book, bid: int, option: int, max_nodes: int, max_searches: int) -> None:
        self.book, self.bid, self.option, self.max_nodes = book, bid, option, max_nodes
        self.bids = _bids_around(book, bid)
        self.is_proven = True
        self._left = max_searches
        self._work = Work()

    def highest(self) -> int:
        """A limit above all that others offer together; NO_PRICE where the option fits nowhere."""
        generous = self._with_limit(MAX_EXACT, by_value=True)
        placements = Placements(generous)
        placements.write(self.bid)
        if self.option not in placements.columns.option:
            return NO_PRICE
        spare = MAX_EXACT - int(_values(self.book)[self.bids].sum())
        return max(spare // self._unit_hours(), 0)

    def enough(self, highest: int) -> int:
        """Limit at which what the bid adds, wanted whole, makes up for what it displaces."""
        surplus, at_highest = self._surplus(self.book), self._surplus(self._with_limit(highest))
        short = surplus - (at_highest - highest * self._unit_hours())
        return min(max(-(-short // self._unit_hours()), 0), highest)

    def wins(self, limit: int) -> bool:
        book = self._with_limit(limit)
        programs = blocks(write_program(book, self.bids))
        self._spend(programs)
        for program in programs:
            if (program.bid == self.bid).any():
                found = self._find(book, program)
                return bool(np.isin(self.bid, program.winners(found.x)))
        return False

    def _surplus(self, book: Book) -> int:
        programs = blocks(write_program(book, self.bids))
        self._spend(programs)
        return sum(self._find(book, program).value for program in programs)

    def _spend(self, programs: list[Program]) -> None:
        if any(is_large(program) for program in programs):
            self._left = min(self._left, MAX_SEARCHES_IF_LARGE)
        if self._left < 1:
            raise OutOfWork
        self._left -= 1

    def _find(self, book: Book, program: Program) -> Found:
        work = Work() if is_large(program) else self._work  # large ones have limits of their own
        if work.is_spent:
            raise OutOfWork
        _, found = find_winners(book, program, self.max_nodes, work)
        self.is_proven &= found.is_proven
        return found

    def _unit_hours(self) -> int:
        """Ticks of the option for one tick of its limit."""
        if not self.book.option_is_priced[self.option]:
            return 1
        legs = slice(self.book.leg_offset[self.option], self.book.leg_offset[self.option + 1])
        return int((self.book.leg_units[legs] * self.book.leg_hours[legs]).sum())

    def _with_limit(self, limit: int, *, by_value: bool = False) -> Book:
        limits, is_priced = self.book.option_limit.copy(), self.book.option_is_priced.copy()
        limits[self.option] = limit
        if by_value:
            is_priced[self.option] = False
        return replace(self.book, option_limit=limits, option_is_priced=is_priced)


def _values(book: Book) -> Ints:
    """Largest value of each bid, in ticks. int64 (B,)"""
    unit_hours = np.add.reduceat(book.leg_units * book.leg_hours, book.leg_offset[:-1])
    value = np.where(book.option_is_priced, book.option_limit * unit_hours, book.option_limit)
    return np.maximum.reduceat(value, book.option_offset[:-1])


def _bids_around(book: Book, bid: int) -> Ints:
    """Bids that hang together with one through lots, ascending."""
    option_of_leg = np.repeat(np.arange(len(book.option_limit)), np.diff(book.leg_offset))
    bid_of_option = np.repeat(np.arange(book.n_bids), np.diff(book.option_offset))
    naming = bid_of_option[np.repeat(option_of_leg, np.diff(book.leg_lot_offset))]
    size = book.n_bids + book.n_lots
    graph = coo_array(
        (np.ones(len(naming), dtype=np.int8), (naming, book.n_bids + book.leg_lot)), shape=(size, size)
    )
    _, label = connected_components(graph, directed=False)
    return np.flatnonzero(label[: book.n_bids] == label[bid])
