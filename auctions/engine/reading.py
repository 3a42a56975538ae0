"""A clearing read back from its JSON form, as the engine wrote it: `Clearing.to_document` the other way round."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from auctions.engine.book import Book, Ints
from auctions.engine.clearing import NO_PRICE, REASONS, Clearing
from auctions.engine.document import book_from_json


def clearing_from_json(book: bytes, clearing: bytes) -> Clearing:
    """Read a clearing and its book; both must be what was published, which `verify` says and this does not."""
    return clearing_from_document(book_from_json(book), json.loads(clearing))


def clearing_from_document(book: Book, document: dict[str, Any]) -> Clearing:
    """Read a clearing of `book`, rows of which its ids name."""
    bid_row = {str(name): row for row, name in enumerate(book.bid_id.tolist())}
    lot_row = {str(name): row for row, name in enumerate(book.lot_id.tolist())}
    organization_row = {str(name): row for row, name in enumerate(book.organization_id.tolist())}
    awards, losers = document["awards"], document["losers"]
    award_bid = _ints(bid_row[award["bid"]] for award in awards)
    award_option = book.option_offset[award_bid] + _column(awards, "option")
    bidders = sorted(document["payments"], key=organization_row.__getitem__)
    minimums = [NO_PRICE if one["minimum_to_win"] is None else one["minimum_to_win"] for one in losers]
    by_row = sorted(range(len(losers)), key=lambda at: bid_row[losers[at]["bid"]])
    return Clearing(
        book=book,
        status=document["status"],
        gap=document.get("gap"),
        surplus=document["surplus"],
        revenue=document["revenue"],
        award_bid=award_bid,
        award_option=award_option,
        award_leg=book.leg_offset[award_option] + _column(awards, "leg"),
        award_lot=_ints(lot_row[award["lot"]] for award in awards),
        award_units=_column(awards, "units"),
        award_start=_column(awards, "start"),
        award_end=_column(awards, "end"),
        award_value=_column(awards, "value"),
        award_amount=_column(awards, "amount"),
        payment_bidder=_ints(organization_row[bidder] for bidder in bidders),
        payment=_ints(document["payments"][bidder] for bidder in bidders),
        vcg=_ints(document["vcg"][bidder] for bidder in bidders),
        **_prices(book, lot_row, document["prices"]),
        loser_bid=_ints(bid_row[losers[at]["bid"]] for at in by_row),
        loser_reason=np.array([REASONS.index(losers[at]["reason"]) for at in by_row], dtype=np.int8),
        loser_minimum=_ints(minimums[at] for at in by_row),
    )


def _prices(book: Book, lot_row: dict[str, int], prices: list[dict[str, Any]]) -> dict[str, Ints]:
    """Prices in the order of the book's lot-hours."""
    lot = _ints(lot_row[price["lot"]] for price in prices)
    order = np.argsort(book.lot_hour_offset[lot] - book.lot_start[lot] + _column(prices, "hour"))
    return {f"price_{name}": _column(prices, name)[order] for name in ("paid", "marginal", "sold")}


def _column(rows: list[dict[str, Any]], name: str) -> Ints:
    return _ints(row[name] for row in rows)


def _ints(numbers: Any) -> Ints:
    return np.array(list(numbers), dtype=np.int64)
