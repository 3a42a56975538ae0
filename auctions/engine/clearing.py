"""A clearing: who won what, what each pays, the price of every lot and hour, and why the others lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Book, Ints
from auctions.engine.document import FORMAT, book_sha256, canonical_json

ENGINE_VERSION = "0.1.0"
"""Goes into every clearing, so that it can be made again. Raised when results may change: not the site's version, which
pyproject.toml holds and which changes far more often."""

REASONS = ("below_reserve", "outbid", "cannot_fit", "lost_to_own_option")
"""What `Clearing.loser_reason` counts: position in this tuple."""

NO_PRICE = -1
"""Stands for a price that does not exist: no limit would have won."""


@dataclass(frozen=True, eq=False, slots=True)
class Clearing:
    """A awards, R bidders with an award, X lot-hours, Y losing bids. Rows are rows of `book`.

    status : "optimal", or "bounded" with gap set
    gap : proven relative distance to the best surplus; None where optimal
    surplus, revenue : ticks
    award_bid, award_option, award_leg, award_lot : int64 (A,) rows, in an order that only the book decides, but which
        means nothing: the document has them by bid, then leg
    award_units : int64 (A,) units
    award_start, award_end : int64 (A,) hours, half-open
    award_value, award_amount : int64 (A,) ticks the award is worth to its bidder, and pays
    payment_bidder : int64 (R,) organization rows, ascending
    payment, vcg : int64 (R,) ticks
    price_paid, price_marginal : int64 (X,) ticks per unit-hour, for the lot-hours of the book
    price_sold : int64 (X,) units
    loser_bid : int64 (Y,) rows, ascending
    loser_reason : int8 (Y,) position in REASONS
    loser_minimum : int64 (Y,) ticks per unit-hour for priced options, else ticks for the option; NO_PRICE where none

    `price_paid` is what the units sold pay on average, rounded down to the tick; 0 where none sold. `price_marginal` is
    the highest rejected limit, or the reserve where none was rejected, rounded up: the price one more unit would set.
    """

    book: Book
    status: str
    gap: float | None
    surplus: int
    revenue: int
    award_bid: Ints
    award_option: Ints
    award_leg: Ints
    award_lot: Ints
    award_units: Ints
    award_start: Ints
    award_end: Ints
    award_value: Ints
    award_amount: Ints
    payment_bidder: Ints
    payment: Ints
    vcg: Ints
    price_paid: Ints
    price_marginal: Ints
    price_sold: Ints
    loser_bid: Ints
    loser_reason: NDArray[np.int8]
    loser_minimum: Ints

    def payments_of(self, bidder: int) -> tuple[int, int]:
        """What an organization (row) pays, and its VCG payment; ticks, 0 where it won nothing."""
        row = int(np.searchsorted(self.payment_bidder, bidder))
        if row == len(self.payment_bidder) or self.payment_bidder[row] != bidder:
            return 0, 0
        return int(self.payment[row]), int(self.vcg[row])

    def to_document(self) -> dict[str, Any]:
        """Write the clearing as format 1; ids as in `book_to_document`."""
        document: dict[str, Any] = {
            "format": FORMAT,
            "engine": ENGINE_VERSION,
            "book_sha256": book_sha256(self.book),
            "status": self.status,
            "surplus": self.surplus,
            "revenue": self.revenue,
            "awards": self._awards(),
            "payments": self._by_bidder(self.payment),
            "vcg": self._by_bidder(self.vcg),
            "prices": self._prices(),
            "losers": self._losers(),
        }
        if self.gap is not None:
            document["gap"] = self.gap
        return document

    def to_json(self) -> str:
        return canonical_json(self.to_document())

    def _awards(self) -> list[dict[str, Any]]:
        numbers = {
            "option": self.award_option - self.book.option_offset[self.award_bid],
            "leg": self.award_leg - self.book.leg_offset[self.award_option],
            "units": self.award_units,
            "start": self.award_start,
            "end": self.award_end,
            "value": self.award_value,
            "amount": self.award_amount,
        }
        names = {"bid": self.book.bid_id[self.award_bid], "lot": self.book.lot_id[self.award_lot]}
        order = np.lexsort((self.award_leg, _document_rank(self.book)[self.award_bid]))
        return _records(_taken(names, order), _taken(numbers, order))

    def _by_bidder(self, ticks: Ints) -> dict[str, int]:
        bidders = self.book.organization_id[self.payment_bidder].tolist()
        return {str(bidder): amount for bidder, amount in zip(bidders, ticks.tolist(), strict=True)}

    def _prices(self) -> list[dict[str, Any]]:
        """Rows by lot id as text, then hour: the order does not tell whether ids were numbers."""
        offset = self.book.lot_hour_offset
        lot = np.repeat(np.arange(self.book.n_lots), np.diff(offset))
        hour = np.arange(len(lot)) - (offset[:-1] - self.book.lot_start)[lot]
        numbers = {
            "hour": hour,
            "paid": self.price_paid,
            "marginal": self.price_marginal,
            "sold": self.price_sold,
        }
        rows = _records({"lot": self.book.lot_id[lot]}, numbers)
        return sorted(rows, key=lambda row: row["lot"])

    def _losers(self) -> list[dict[str, Any]]:
        order = np.argsort(_document_rank(self.book)[self.loser_bid])
        bid, minimum = self.loser_bid[order], self.loser_minimum[order]
        rows = _records({"bid": self.book.bid_id[bid]}, {"minimum_to_win": minimum})
        for row, reason in zip(rows, self.loser_reason[order].tolist(), strict=True):
            row["reason"] = REASONS[reason]
            if row["minimum_to_win"] == NO_PRICE:
                row["minimum_to_win"] = None
        return rows


def _records(names: dict[str, NDArray[Any]], numbers: dict[str, Ints]) -> list[dict[str, Any]]:
    columns = [[str(name) for name in column.tolist()] for column in names.values()]
    columns += [column.tolist() for column in numbers.values()]
    keys = [*names, *numbers]
    return [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]


def _taken(columns: dict[str, NDArray[Any]], order: Ints) -> dict[str, NDArray[Any]]:
    return {name: column[order] for name, column in columns.items()}


def _document_rank(book: Book) -> Ints:
    """Place of each bid by (sequence, id as text): its row, but where integer ids share a sequence."""
    if book.bid_id.dtype == object or (np.diff(book.bid_sequence) > 0).all():
        return np.arange(book.n_bids)
    names, sequence = book.bid_id.astype(str), book.bid_sequence
    rank = np.empty(book.n_bids, dtype=np.int64)
    rank[np.lexsort((names, sequence))] = np.arange(book.n_bids)
    return rank
