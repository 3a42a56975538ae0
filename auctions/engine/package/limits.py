"""How much of a book the package path takes: its ways to fill bids are written out, so they must fit in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Book, Ints
from auctions.engine.checks import quote
from auctions.engine.errors import BookNotSupported
from auctions.engine.package.columns import MAX_COMBINATIONS, MAX_SIZES

MAX_WAYS = 3_000_000
"""Columns of a book's integer programs."""

MAX_WAY_HOURS = 40_000_000
"""Coefficients of a book's integer programs: hours of all ways together."""


def check_size(book: Book, bids: Ints) -> None:
    """Raise `BookNotSupported` naming the first bid (rows, ascending) with which a limit is passed."""
    ways, hours = ways_of_options(book)
    for name, most, each in (("ways", MAX_WAYS, ways), ("hours in all ways", MAX_WAY_HOURS, hours)):
        of_bid = np.add.reduceat(each, book.option_offset[:-1])[bids]
        passed = np.flatnonzero(np.cumsum(of_bid) > most)
        if len(passed):
            bid = quote(str(book.bid_id[bids[passed[0]]]))
            raise BookNotSupported(
                "bids", f"up to bid {bid} there are more than the limit of {most} {name} to fill them"
            )


def fits(book: Book) -> bool:
    """Say whether all bids of a book together keep the limits, so that whatever of them must be written out does."""
    if not book.n_bids:
        return True
    ways, hours = ways_of_options(book)
    return bool(ways.sum() <= MAX_WAYS and hours.sum() <= MAX_WAY_HOURS)


def ways_of_options(book: Book) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Upper bounds of the columns of each option, and of their hours. float64 (O,), (O,)"""
    leg = np.repeat(np.arange(len(book.leg_units)), np.diff(book.leg_lot_offset))
    lot = book.leg_lot
    room = np.minimum(book.leg_latest[leg], book.lot_end[lot])
    room -= np.maximum(book.leg_earliest[leg], book.lot_start[lot])
    starts = np.maximum(room - book.leg_hours[leg] + 1, 0).astype(np.float64)
    spots = np.add.reduceat(starts, book.leg_lot_offset[:-1])
    n_legs = np.diff(book.leg_offset)
    alone = spots * _columns_of_spot(book)
    ways = np.add.reduceat(alone, book.leg_offset[:-1])
    hours = np.add.reduceat(alone * book.leg_hours, book.leg_offset[:-1])
    together = n_legs > 1
    combined = np.multiply.reduceat(spots, book.leg_offset[:-1])
    apart = np.add.reduceat(spots, book.leg_offset[:-1])
    leg_hours = np.add.reduceat(spots * book.leg_hours, book.leg_offset[:-1])
    ways[together] = np.where(combined <= MAX_COMBINATIONS, combined, apart + 1)[together]
    longest = np.add.reduceat(book.leg_hours, book.leg_offset[:-1])
    hours[together] = np.where(combined <= MAX_COMBINATIONS, combined * longest, leg_hours)[together]
    return ways, hours


def _columns_of_spot(book: Book) -> NDArray[np.float64]:
    """Columns of each leg for one lot and hour: two for each run of sizes whose ticks grow evenly. float64 (P,)"""
    option = np.repeat(np.arange(len(book.option_limit)), np.diff(book.leg_offset))
    first_lot = book.leg_lot[book.leg_lot_offset[:-1]]
    units, step = book.leg_units, book.lot_unit_step[first_lot]
    cycle = units // np.gcd(units, book.option_limit[option] % units * (step % units) % units)
    sizes = np.maximum(units // step - -(-book.leg_min_units // step) + 1, 1)
    runs = np.minimum(cycle, sizes)
    runs = np.where(book.option_is_priced[option] | (runs > MAX_SIZES), 1, runs)
    return np.minimum(2 * runs, sizes).astype(np.float64)
