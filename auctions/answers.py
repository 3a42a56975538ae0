"""What an inquiry is answered with: worked out of a window's published book alone, in the window's own terms.

Of a bid that lost: for each option, in the buyer's order, the least limit with which the bid would have won; None where
none would. Of one that won where packages meet: what its organization's awards displaced and how that adds up.

    {"kind": "minimum", "options": [{"limit_ticks": 21000, "is_exact": true}, …]}
    {"kind": "displaced", "lots": [7], "unit_hours": 8, "reserve_ticks": …, "second_price_ticks": …, "amount_ticks": …,
     "is_proven": true, "others": [{"before_ticks": …, "after_ticks": …, "now": [<part>], "then": [<part>]}, …],
     "group": null or {"offer_ticks": …, "keeps_ticks": …, "paid_ticks": …, "binds": true,
                       "takes": [{"worth_ticks": …, "parts": [<part>]}, …]}}

A part is `{"lot": 7, "units": 8, "starts_at": "…", "ends_at": "…"}`. Others are told without a name. Ticks are above
the reserve but for `reserve_ticks`, `second_price_ticks` and `amount_ticks`; the second price is the reserve and the
sum of `after_ticks - before_ticks`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from auctions.engine import (
    NO_PRICE,
    Book,
    Clearing,
    Minimum,
    PackageAmount,
    clearing_from_json,
    explain_packages,
    find_minimum,
)
from auctions.models import Bid, BidOption, Window, WindowRecord
from auctions.sealing import bid_pseudonym
from marketplace.hours import HOUR

MAX_NODES = 2_000
"""Branches of each search for a minimum: an answer is wanted soon, and says whether it is exact."""


class NothingToTell(Exception):
    """The receipt tells it all already, or the window's book was never published."""


def answer_about(bid: Bid) -> dict[str, Any]:
    """Work out the answer for a bid whose window has cleared. Raise NothingToTell. It may take minutes."""
    record = WindowRecord.objects.filter(window=bid.window_id).first()
    if record is None:
        raise NothingToTell
    clearing = clearing_from_json(record.book, record.clearing)
    rows = {str(name): row for row, name in enumerate(clearing.book.bid_id.tolist())}
    row = rows.get(bid_pseudonym(bid.window, bid.nonce))
    if row is None:
        raise NothingToTell
    if bid.status == Bid.Status.LOST:
        return _minimums(bid, clearing.book, row)
    return _displaced(bid.window, clearing, row)


def _minimums(bid: Bid, book: Book, row: int) -> dict[str, Any]:
    """Find the least limit of each option. One whose filter matched no lot is not in the book, and could not win."""
    found = [Minimum(NO_PRICE, True)] * bid.options.count()
    in_book = iter(range(book.option_offset[row], book.option_offset[row + 1]))
    for at, option in enumerate(bid.options.order_by("number").prefetch_related("legs__named_lots")):
        if _is_in_book(option):
            found[at] = find_minimum(book, row, next(in_book), max_nodes=MAX_NODES)
    assert next(in_book, None) is None  # or options and book do not belong together
    return {
        "kind": "minimum",
        "options": [
            {"limit_ticks": None if one.limit == NO_PRICE else one.limit, "is_exact": one.is_proven}
            for one in found
        ],
    }


def _is_in_book(option: BidOption) -> bool:
    return all(leg.named_lots.all() for leg in option.legs.all())


def _displaced(window: Window, clearing: Clearing, row: int) -> dict[str, Any]:
    book = clearing.book
    told = explain_packages(book, clearing, int(book.bid_bidder[row]))
    if told is None:
        raise NothingToTell
    return {
        "kind": "displaced",
        "lots": [int(book.lot_id[lot]) for lot in told.lots],
        "unit_hours": told.unit_hours,
        "reserve_ticks": told.reserve_cost,
        "second_price_ticks": told.vcg,
        "amount_ticks": told.amount,
        "is_proven": told.is_proven,
        "others": [
            {
                "before_ticks": change.before,
                "after_ticks": change.after,
                "now": _parts(window, book, change.now),
                "then": _parts(window, book, change.then),
            }
            for change in told.changes
        ],
        "group": _group(window, book, told),
    }


def _group(window: Window, book: Book, told: PackageAmount) -> dict[str, Any] | None:
    if told.group is None:
        return None
    return {
        "offer_ticks": told.group.offer,
        "keeps_ticks": told.group.keeps,
        "paid_ticks": told.group.paid,
        "binds": told.group.binds,
        "takes": [
            {"worth_ticks": fill.worth, "parts": _parts(window, book, fill.awards)}
            for fill in told.group.fills
        ],
    }


def _parts(
    window: Window, book: Book, awards: Iterable[tuple[int, int, int, int, int]]
) -> list[dict[str, Any]]:
    return [
        {
            "lot": int(book.lot_id[lot]),
            "units": units,
            "starts_at": (window.delivery_from + start * HOUR).isoformat(),
            "ends_at": (window.delivery_from + (start + int(book.leg_hours[leg])) * HOUR).isoformat(),
        }
        for _, leg, lot, start, units in awards
    ]
