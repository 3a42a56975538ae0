"""Cut a book into what the vectorised path takes and what needs packages."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from auctions.engine.book import Book, Ints
from auctions.engine.ranges import concatenate_ranges, running_total

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """Some lots and bids of a book as a book of their own.

    lots, bids, options, legs : int64 rows of the whole book, ascending
    hours : int64 rows of its lot-hours
    """

    book: Book
    lots: Ints
    bids: Ints
    options: Ints
    legs: Ints
    hours: Ints


def divisible_bids(book: Book) -> Bools:
    """Bids the vectorised path takes exactly: see `lotbids`. bool (B,)"""
    n_options, n_legs, n_lots = (
        np.diff(offset) for offset in (book.option_offset, book.leg_offset, book.leg_lot_offset)
    )
    first_option = book.option_offset[:-1]
    first_leg = book.leg_offset[first_option]
    single = (n_options == 1) & (n_legs[first_option] == 1) & (n_lots[first_leg] == 1)
    lot = book.leg_lot[book.leg_lot_offset[first_leg]]
    step = book.lot_unit_step[lot]
    whole_lot = book.leg_hours[first_leg] == (book.lot_end - book.lot_start)[lot]
    steps = book.leg_units[first_leg] // step
    least = -(-book.leg_min_units[first_leg] // step)
    offered = np.minimum.reduceat(book.lot_capacity, book.lot_hour_offset[:-1])[lot] // step
    whole = book.leg_min_units[first_leg] > step
    fits = (steps > 0) & (~whole | ((least <= steps) & (least <= offered)))
    units = book.leg_units[first_leg]
    rest = book.option_limit[first_option] % units * step % units
    whole_ticks = book.option_is_priced[first_option] | (rest == 0)
    return np.asarray(single & whole_lot & (~fits | (~whole & whole_ticks)))


def lots_of_packages(book: Book) -> Bools:
    """Lots that hang together, through bids, with one that some bid asks for otherwise. bool (L,)"""
    bid_of_option = np.repeat(np.arange(book.n_bids), np.diff(book.option_offset))
    option_of_leg = np.repeat(np.arange(len(bid_of_option)), np.diff(book.leg_offset))
    leg = np.repeat(np.arange(len(option_of_leg)), np.diff(book.leg_lot_offset))
    bid = bid_of_option[option_of_leg[leg]]
    size = book.n_bids + book.n_lots
    graph = coo_array(
        (np.ones(len(bid), dtype=np.int8), (bid, book.n_bids + book.leg_lot)), shape=(size, size)
    )
    _, label = connected_components(graph, directed=False)
    needs_packages = np.zeros(size, dtype=bool)
    needs_packages[label[: book.n_bids][~divisible_bids(book)]] = True
    return np.asarray(needs_packages[label[book.n_bids :]])


def bids_on(book: Book, lots: Bools) -> Bools:
    """Bids that name only such lots, where a bid's lots are all such or none. bool (B,)"""
    first_leg = book.leg_offset[book.option_offset[:-1]]
    return np.asarray(lots[book.leg_lot[book.leg_lot_offset[first_leg]]])


def part_of(book: Book, lots: Bools) -> Part:
    """Take some lots and the bids on them, where no bid names both such and other lots."""
    lot_rows, bid_rows = np.flatnonzero(lots), np.flatnonzero(bids_on(book, lots))
    options, option_offset = _children(book.option_offset, bid_rows)
    legs, leg_offset = _children(book.leg_offset, options)
    named, leg_lot_offset = _children(book.leg_lot_offset, legs)
    hours, hour_offset = _children(book.lot_hour_offset, lot_rows)
    new_row = np.cumsum(lots) - 1
    part = replace(
        book,
        **{
            name: getattr(book, name)[lot_rows]
            for name in ("lot_id", "lot_seller", "lot_units", "lot_unit_step", "lot_start", "lot_end")
        },
        lot_hour_offset=hour_offset,
        lot_capacity=book.lot_capacity[hours],
        lot_reserve=book.lot_reserve[hours],
        **{name: getattr(book, name)[bid_rows] for name in ("bid_id", "bid_bidder", "bid_sequence")},
        option_offset=option_offset,
        option_is_priced=book.option_is_priced[options],
        option_limit=book.option_limit[options],
        leg_offset=leg_offset,
        **{
            name: getattr(book, name)[legs]
            for name in ("leg_units", "leg_min_units", "leg_earliest", "leg_latest", "leg_hours")
        },
        leg_lot_offset=leg_lot_offset,
        leg_lot=new_row[book.leg_lot[named]],
    )
    return Part(part, lot_rows, bid_rows, options, legs, hours)


def _children(offset: Ints, parents: Ints) -> tuple[Ints, Ints]:
    length = np.diff(offset)[parents]
    return concatenate_ranges(offset[parents], length), running_total(length)
