"""Indicative prices while a window is open: where each lot would clear if it closed now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auctions.engine.book import Book, Ints
from auctions.engine.clearing import NO_PRICE
from auctions.engine.lotbids import lot_bids
from auctions.engine.lotclearing import unit_hour_prices
from auctions.engine.vectorised import clear_lots


@dataclass(frozen=True, eq=False, slots=True)
class Indication:
    """L lots, rows of `book` (sorted by id).

    paid, marginal : int64 (L,) ticks per unit-hour, as in `Clearing`
    entry : int64 (L,) ticks per unit-hour: lowest price with which one more bid would win a step; NO_PRICE where
        the lot has nothing on offer
    sold, offered : int64 (L,) units
    """

    book: Book
    paid: Ints
    marginal: Ints
    entry: Ints
    sold: Ints
    offered: Ints


def indicate(book: Book) -> Indication:
    """Compute indicative prices of every lot; raise `BookNotSupported` as `clear` does."""
    bids = lot_bids(book)
    result = clear_lots(bids)
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
    )
