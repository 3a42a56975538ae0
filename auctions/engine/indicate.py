"""Indicative prices while a window is open: where each lot would clear if it closed now.

Exact for lots whose bids are all divisible single-lot bids; an estimate, and marked so, for the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Book, Ints
from auctions.engine.clearing import NO_PRICE
from auctions.engine.errors import BookNotSupported
from auctions.engine.estimate import estimate
from auctions.engine.halves import threads_for
from auctions.engine.lotbids import LotBids, lot_bids
from auctions.engine.lotclearing import unit_hour_prices
from auctions.engine.package.parts import lots_of_packages, part_of
from auctions.engine.vectorised import clear_lots


@dataclass(frozen=True, eq=False, slots=True)
class Indication:
    """L lots, rows of `book` (sorted by id).

    paid, marginal : int64 (L,) ticks per unit-hour, as in `Clearing`, for all hours of the lot
    entry : int64 (L,) ticks per unit-hour: lowest price with which one more bid would win a step; NO_PRICE where
        the lot has nothing on offer
    sold, offered : int64 (L,) units, in the fullest hour and in every hour
    sold_unit_hours : int64 (L,)
    is_estimate : bool (L,) whether prices and units sold are what `estimate` found, not what `clear` would
    """

    book: Book
    paid: Ints
    marginal: Ints
    entry: Ints
    sold: Ints
    offered: Ints
    sold_unit_hours: Ints
    is_estimate: NDArray[np.bool_]


def indicate(book: Book) -> Indication:
    """Compute indicative prices of every lot."""
    try:
        return _exact(book, lot_bids(book, threads_for(book.n_bids)))
    except BookNotSupported:
        return _mixed(book)


def _exact(book: Book, bids: LotBids) -> Indication:
    result = clear_lots(bids, threads_for(book.n_bids))
    paid, marginal = unit_hour_prices(bids, result)
    equal_wins = result.lot_entry_before == len(bids.lot)
    at_least = -(-result.lot_entry // bids.lot_step_hours)
    above = result.lot_entry // bids.lot_step_hours + 1
    entry = np.where(equal_wins, at_least, above)
    return Indication(
        book=book,
        paid=paid,
        marginal=marginal,
        entry=np.where(bids.lot_steps > 0, entry, NO_PRICE),
        sold=result.lot_sold * book.lot_unit_step,
        offered=bids.lot_steps * book.lot_unit_step,
        sold_unit_hours=result.lot_sold * bids.lot_step_hours,
        is_estimate=np.zeros(book.n_lots, dtype=bool),
    )


def _mixed(book: Book) -> Indication:
    """Lots that hang together with a bid beyond the vectorised path are estimated, all others exact."""
    is_estimate = lots_of_packages(book)
    exact_part, other_part = part_of(book, ~is_estimate), part_of(book, is_estimate)
    exact, other = _exact(exact_part.book, lot_bids(exact_part.book)), estimate(other_part.book)

    def merged(name: str) -> Ints:
        column = np.empty(book.n_lots, dtype=np.int64)
        column[exact_part.lots] = getattr(exact, name)
        column[other_part.lots] = getattr(other, name)
        return column

    return Indication(
        book=book,
        is_estimate=is_estimate,
        **{
            name: merged(name) for name in ("paid", "marginal", "entry", "sold", "offered", "sold_unit_hours")
        },
    )
