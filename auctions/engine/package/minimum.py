"""What a bid that lost would have had to offer, all else equal. It costs searches, so it is told on demand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from auctions.engine.book import Book, Ints
from auctions.engine.clearing import NO_PRICE, Clearing
from auctions.engine.errors import MAX_EXACT
from auctions.engine.package.block import find_winners
from auctions.engine.package.columns import Placements
from auctions.engine.package.highs import MAX_NODES
from auctions.engine.package.program import blocks, write_program


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
    trial = _Trial(book, bid, option, max_nodes)
    highest = trial.highest()
    if highest == NO_PRICE or not trial.wins(highest):
        return NO_PRICE
    low, high = int(book.option_limit[option]), trial.enough(highest)
    if not trial.wins(high):
        low, high = high, highest
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if trial.wins(middle) else (middle, high)
    return high


class _Trial:
    """The bids that hang together with one, to be cleared again with other limits of its option."""

    def __init__(self, book: Book, bid: int, option: int, max_nodes: int) -> None:
        self.book, self.bid, self.option, self.max_nodes = book, bid, option, max_nodes
        self.bids = _bids_around(book, bid)

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
        for program in blocks(write_program(book, self.bids)):
            if (program.bid == self.bid).any():
                _, found = find_winners(book, program, self.max_nodes)
                return bool(np.isin(self.bid, program.winners(found.x)))
        return False

    def _surplus(self, book: Book) -> int:
        programs = blocks(write_program(book, self.bids))
        return sum(find_winners(book, program, self.max_nodes)[1].value for program in programs)

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
