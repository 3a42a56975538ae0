"""Between rows and arrays: a window as the engine's book, and the engine's indication as products.

The book's hour 0 is the window's ``delivery_from``; lots, bids and organizations keep their primary keys as ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from django.db import connection

from auctions.capacity import capacities
from auctions.engine import NO_PRICE, Book, indicate
from auctions.matching import present_matches
from auctions.models import Lot, Window
from marketplace.hours import n_hours

_BID_ROWS = """
    SELECT bid.id, bid.organization_id, bid.sequence,
           option.id, coalesce(option.price_ticks, -1), coalesce(option.value_ticks, -1),
           leg.id, leg.units, leg.min_units,
           (extract(epoch FROM leg.earliest_at - %(origin)s) / 3600)::int,
           (extract(epoch FROM leg.latest_at - %(origin)s) / 3600)::int,
           leg.hours, coalesce(named.lot_id, -1)
      FROM auctions_bid bid
      JOIN auctions_bidoption option ON option.bid_id = bid.id
      JOIN auctions_bidleg leg ON leg.option_id = option.id
      LEFT JOIN auctions_bidleglot named ON named.leg_id = leg.id
     WHERE bid.window_id = %(window)s AND bid.status = 'placed'
     ORDER BY bid.sequence, option.number, leg.number, named.position
"""
(
    _BID,
    _ORGANIZATION,
    _SEQUENCE,
    _OPTION,
    _PRICE,
    _VALUE,
    _LEG,
    _UNITS,
    _MIN_UNITS,
    _EARLIEST,
    _LATEST,
    _HOURS,
    _LOT,
) = range(13)
_NO_LOT = -1
"""Stands in a row for a filter that matches nothing, or nothing yet."""


@dataclass(frozen=True, slots=True)
class WindowBook:
    """A window's book with what the engine does not need to know.

    ``lots`` by id, those with anything on offer; ``leg_ids`` int (P,): primary keys of the book's legs, row by row.
    ``left_out``: organizations by bid, of the bids none of whose options has a lot for each leg. They cannot fit, and a
    book has no way to say them.
    """

    book: Book
    lots: dict[int, Lot]
    leg_ids: list[int]
    left_out: dict[int, int]


CROWD = 3
"""Organizations bidding on a product from which on its indicative prices are told as they are."""


@dataclass(frozen=True, slots=True)
class ProductIndication:
    """Where a product of a window would clear if it closed now. Prices: ticks per unit-hour; see Indication."""

    resource_type_id: int
    region: str
    paid_ticks: int | None
    entry_ticks: int | None
    offered_units: int
    n_lots: int
    is_estimate: bool


def window_book(window: Window) -> WindowBook:
    """Read a window's placed bids and its lots as a book. Lots without anything on offer stay in, with capacity 0."""
    lots = list(
        Lot.objects.filter(window=window, on_offer=True).select_related("block__site", "block__resource_type")
    )
    capacity = capacities(lots)
    said = _bid_rows(window)
    rows = said[~np.isin(said[:, _OPTION], said[said[:, _LOT] == _NO_LOT, _OPTION])]
    option_starts = _starts(rows[:, _OPTION])
    leg_starts = _starts(rows[:, _LEG])
    bid_starts = _starts(rows[:, _BID])
    bids, options, legs = rows[bid_starts], rows[option_starts], rows[leg_starts]
    book = Book.from_arrays(
        hours=n_hours(window.delivery_from, window.delivery_to),
        lot_id=[lot.pk for lot in lots],
        lot_seller=[lot.block.site.organization_id for lot in lots],
        lot_units=[lot.block.units for lot in lots],
        lot_unit_step=[lot.block.unit_step for lot in lots],
        lot_start=[n_hours(window.delivery_from, lot.starts_at) for lot in lots],
        lot_end=[n_hours(window.delivery_from, lot.ends_at) for lot in lots],
        lot_reserve=[lot.reserve_ticks for lot in lots],
        lot_capacity=[units for lot in lots for units in capacity[lot.pk]],
        bid_id=bids[:, _BID],
        bid_bidder=bids[:, _ORGANIZATION],
        bid_sequence=bids[:, _SEQUENCE],
        option_offset=_offsets(option_starts, bid_starts),
        option_price=options[:, _PRICE],
        option_value=options[:, _VALUE],
        leg_offset=_offsets(leg_starts, option_starts),
        leg_units=legs[:, _UNITS],
        leg_min_units=legs[:, _MIN_UNITS],
        leg_earliest=legs[:, _EARLIEST],
        leg_latest=legs[:, _LATEST],
        leg_hours=legs[:, _HOURS],
        leg_lot_offset=np.append(leg_starts, len(rows)),
        leg_lot=rows[:, _LOT],
    )
    without_lots = said[~np.isin(said[:, _BID], rows[:, _BID])]
    return WindowBook(
        book=book,
        lots={lot.pk: lot for lot in lots},
        leg_ids=legs[:, _LEG].tolist(),
        left_out=dict(without_lots[:, [_BID, _ORGANIZATION]].tolist()),
    )


def indicate_window(window_id: int) -> list[ProductIndication]:
    """Compute where each product of a window would clear if it closed now, as far as that gives no bid away.

    With fewer than CROWD organizations bidding on a product only prices at a reserve are told.
    """
    source = window_book(Window.objects.get(pk=window_id))
    result = indicate(source.book)
    by_product: dict[tuple[int, str], list[int]] = defaultdict(list)
    for row, lot_id in enumerate(result.book.lot_id.tolist()):
        block = source.lots[lot_id].block
        by_product[block.resource_type_id, block.site.region].append(row)
    bidders = _bidders_by_lot(result.book)
    products = []
    for (resource_type_id, region), lot_rows in sorted(by_product.items()):
        sold = int(result.sold_unit_hours[lot_rows].sum())
        paid = int((result.paid[lot_rows] * result.sold_unit_hours[lot_rows]).sum()) // sold if sold else None
        entries = [entry for entry in result.entry[lot_rows].tolist() if entry != NO_PRICE]
        reserves = [source.lots[lot_id].reserve_ticks for lot_id in result.book.lot_id[lot_rows].tolist()]
        if len(set().union(*(bidders[row] for row in lot_rows))) < CROWD:
            # Beside so few, any price but a reserve would tell what one of them bid.
            is_at_reserve = (result.paid[lot_rows] == reserves) | (result.sold_unit_hours[lot_rows] == 0)
            paid = paid if is_at_reserve.all() else None
            entries = [entry for entry in entries if entry in reserves]
        products.append(
            ProductIndication(
                resource_type_id=resource_type_id,
                region=region,
                paid_ticks=paid,
                entry_ticks=min((_blurred(entry, reserves) for entry in entries), default=None),
                offered_units=int(result.offered[lot_rows].sum()),
                n_lots=int(np.count_nonzero(result.offered[lot_rows])),
                is_estimate=bool(result.is_estimate[lot_rows].any()),
            )
        )
    return products


def _bidders_by_lot(book: Book) -> list[set[int]]:
    """Return, for each lot of the book, who bids on it: rows of its organizations."""
    leg = np.repeat(np.arange(len(book.leg_units)), np.diff(book.leg_lot_offset))
    option = np.searchsorted(book.leg_offset, leg, side="right") - 1
    bid = np.searchsorted(book.option_offset, option, side="right") - 1
    bidders: list[set[int]] = [set() for _ in range(book.n_lots)]
    pairs = np.unique(np.stack([book.leg_lot, book.bid_bidder[bid]]), axis=1)
    for lot, bidder in pairs.T.tolist():
        bidders[lot].add(bidder)
    return bidders


def _blurred(entry_ticks: int, reserves: list[int]) -> int:
    """Round the price of entry up to three figures, enough still, but nobody's bid; a reserve stays as it is."""
    if entry_ticks in reserves:
        return entry_ticks
    grain = 10 ** max(0, len(str(entry_ticks)) - 3)
    return -(-entry_ticks // grain) * grain


def _bid_rows(window: Window) -> np.ndarray:
    """Return int64 (K, 13): one row per lot a leg accepts, in the order of the book.

    A leg whose filter matches nothing has one row, without a lot.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BID_ROWS, {"window": window.pk, "origin": window.delivery_from})
        rows = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 13)
    are_settled = window.status in (Window.Status.CLOSED, Window.Status.CLEARED)
    if are_settled or not (rows[:, _LOT] == _NO_LOT).any():
        return rows
    return _with_matches(rows, present_matches(window))


def _with_matches(rows: np.ndarray, matches: Mapping[int, list[int]]) -> np.ndarray:
    """Repeat each row without a lot for every lot that its leg matches."""
    open_rows = np.flatnonzero(rows[:, _LOT] == _NO_LOT)
    found = [matches.get(leg, [_NO_LOT]) for leg in rows[open_rows, _LEG].tolist()]
    count = np.ones(len(rows), dtype=np.int64)
    count[open_rows] = [len(lots) for lots in found]
    expanded = np.repeat(rows, count, axis=0)
    expanded[expanded[:, _LOT] == _NO_LOT, _LOT] = [lot for lots in found for lot in lots]
    return expanded


def _starts(keys: np.ndarray) -> np.ndarray:
    """Return the rows at which a new key begins."""
    return np.flatnonzero(np.diff(keys, prepend=-1))


def _offsets(inner_starts: np.ndarray, outer_starts: np.ndarray) -> np.ndarray:
    """Return, for each outer group, where its inner groups begin, and the number of inner groups at the end."""
    return np.append(np.searchsorted(inner_starts, outer_starts), len(inner_starts))
