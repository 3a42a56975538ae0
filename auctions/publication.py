"""A window's book as everyone may read it, and the way back from its rows to the window's own.

What is published is what is cleared: the engine is given the book as read from the published bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np

from auctions.engine import Book, Clearing, book_from_json, book_to_document, canonical_json
from auctions.engine.ranges import concatenate_ranges
from auctions.models import Window
from auctions.sealing import (
    SealBroken,
    bid_pseudonym,
    organization_pseudonym,
    require_sealed,
    sealed_bids,
)


@dataclass(frozen=True, eq=False, slots=True)
class PublishedBook:
    """A book with pseudonyms: its canonical bytes, and what the engine reads from them."""

    text: bytes
    book: Book


def publish_book(window: Window, own: Book) -> PublishedBook:
    """Write a closed window's book. Raise SealBroken where it is not, byte for byte, the one sealed at close."""
    text = write_book(window, own)
    if sha256(text).hexdigest() != window.book_sha256:
        raise SealBroken("the lots, or what the filters matched, are not those the window was sealed with")
    return PublishedBook(text, book_from_json(text))


def write_book(window: Window, own: Book) -> bytes:
    """Write a closed window's book with pseudonyms; lots keep their public numbers, sequences become ranks.

    A rank without a bid is that of one whose filters matched nothing. Raise SealBroken where its bids are not those of
    their receipts and of the window's root.
    """
    seals = sealed_bids(window)
    rank_of = {seal.arrival: rank for rank, seal in enumerate(seals, start=1)}
    ranks = [rank_of[arrival] for arrival in own.bid_sequence.tolist()]
    renamed = replace(
        own,
        lot_id=_texts(str(lot_id) for lot_id in own.lot_id.tolist()),
        bid_id=_texts(bid_pseudonym(window, seals[rank - 1].nonce) for rank in ranks),
        bid_sequence=np.array(ranks, dtype=np.int64),
        organization_id=_texts(organization_pseudonym(window, one) for one in own.organization_id.tolist()),
    )
    document = book_to_document(renamed)
    document["lots"].sort(key=lambda lot: lot["id"])
    require_sealed(window, seals, document["bids"])
    return canonical_json(document).encode()


def in_rows_of(own: Book, window: Window, clearing: Clearing) -> Clearing:
    """Return a clearing of the published book in the rows of the window's own: lots and organizations differ."""
    published = clearing.book
    lot_row = np.searchsorted(
        own.lot_id, np.array([int(lot_id) for lot_id in published.lot_id], dtype=np.int64)
    )
    row_of = {
        organization_pseudonym(window, one): row for row, one in enumerate(own.organization_id.tolist())
    }
    bidder = np.array(
        [row_of[name] for name in published.organization_id[clearing.payment_bidder]], dtype=np.int64
    )
    by_bidder = np.argsort(bidder)
    hours = _hours_by_own_lot(published, lot_row)
    return replace(
        clearing,
        book=own,
        award_lot=lot_row[clearing.award_lot],
        payment_bidder=bidder[by_bidder],
        payment=clearing.payment[by_bidder],
        vcg=clearing.vcg[by_bidder],
        price_paid=clearing.price_paid[hours],
        price_marginal=clearing.price_marginal[hours],
        price_sold=clearing.price_sold[hours],
    )


def _hours_by_own_lot(published: Book, lot_row: np.ndarray) -> np.ndarray:
    """Rows of the published book's lot-hours, int64 (X,), in the order of the window's own lots."""
    lots = np.argsort(lot_row)
    first = published.lot_hour_offset
    return concatenate_ranges(first[:-1][lots], np.diff(first)[lots])


def _texts(names: Iterable[str]) -> np.ndarray:
    """Return ids as the engine keeps texts: object (n,)."""
    return np.array([*names, None], dtype=object)[:-1]
