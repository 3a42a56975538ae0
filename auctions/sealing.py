"""Sealed bids: what the marketplace binds itself to when it takes a bid, and the names it gives people in a book.

docs/sealed-auctions.md writes the formats down so that they can be built again without this code.
"""

from __future__ import annotations

import hashlib
import hmac
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auctions.engine.inclusion import (
    PROOF_FORMAT,
    bids_root,
    inclusion_paths,
    merkle_root,
    receipt_sha256,
)
from auctions.models import Bid, Window
from auctions.terms import BidTerms, LegTerms, OptionTerms, terms_of
from marketplace.hours import HOUR

PSEUDONYM_HEX_DIGITS = 20


class SealBroken(ValueError):
    """The book is not the one that was sealed: a bid differs from its receipt, or the receipts from the root."""


@dataclass(frozen=True, slots=True)
class SealedBid:
    """A placed bid's seal. ``arrival`` is its number in time over the whole marketplace; ``receipt`` 32 bytes."""

    nonce: str
    arrival: int
    receipt: bytes


def organization_pseudonym(window: Window, organization_id: int) -> str:
    """Name an organization in one window's book; nobody can link its names in different windows."""
    return _pseudonym(window, f"organization:{organization_id}")


def bid_pseudonym(window: Window, nonce: str) -> str:
    """Name a bid in its window's book; a changed bid has another nonce and so another name."""
    return _pseudonym(window, f"bid:{nonce}")


def seal_bid(window: Window, bid: Bid, terms: BidTerms) -> str:
    """Return the receipt of a bid in ``window``: SHA-256 of its terms as the book will hold them, in hex."""
    return receipt_sha256(
        window=str(window.pk),
        arrival=bid.sequence,
        nonce=bid.nonce,
        bid=published_bid(window, bid, terms),
    )


def published_bid(window: Window, bid: Bid, terms: BidTerms) -> dict[str, Any]:
    """Return a bid as its window's book holds it, less its rank there, which nobody knows before the close."""
    return {
        "id": bid_pseudonym(window, bid.nonce),
        "bidder": organization_pseudonym(window, bid.organization_id),
        "options": [_option(option, window.delivery_from) for option in terms.options],
    }


def sealed_bids(window: Window) -> list[SealedBid]:
    """Return the seals of every placed bid of ``window``, in the order of its book."""
    return _seals(window, [Bid.Status.PLACED])


def seals_of_closed(window: Window) -> list[SealedBid]:
    """Return the seals of every bid that stood in the book when ``window`` closed, in its order."""
    return _seals(window, [status for status in Bid.Status if status != Bid.Status.CANCELLED])


def root_of(seals: Sequence[SealedBid]) -> str:
    """Return what a window with these bids publishes at close, in hex."""
    return bids_root(len(seals), merkle_root([seal.receipt for seal in seals])).hex()


def require_sealed(window: Window, seals: Sequence[SealedBid], bids: Iterable[dict[str, Any]]) -> None:
    """Raise SealBroken unless the ``bids`` of a book are those that ``seals`` and the window's root promise.

    Bids with filters are compared as they were said; nothing else may be missing from the book.
    """
    said = {bid["id"]: bid for bid in bids} | _filtered_bids(window)
    for seal in seals:
        bid = said.get(bid_pseudonym(window, seal.nonce))
        if bid is None:
            raise SealBroken(f"the bid of arrival {seal.arrival} is not in the book")
        receipt = receipt_sha256(
            window=str(window.pk), arrival=seal.arrival, nonce=seal.nonce, bid=_without_rank(bid)
        )
        if receipt != seal.receipt.hex():
            raise SealBroken(f"bid {bid['id']} is not the one its receipt was given for")
    if root_of(seals) != window.bids_root:
        raise SealBroken("the bids do not give the root that was published at close")


def inclusion_proof(window: Window, seals: Sequence[SealedBid], bid: Bid, terms: BidTerms) -> dict[str, Any]:
    """Return what proves that ``bid`` was in the book when ``window`` closed; ``seals`` are those of the window."""
    (proof,) = inclusion_proofs(window, seals, [(bid, terms)])
    return proof


def inclusion_proofs(
    window: Window, seals: Sequence[SealedBid], bids: Sequence[tuple[Bid, BidTerms]]
) -> list[dict[str, Any]]:
    """Return what proves that each of ``bids`` was in the book when ``window`` closed; its tree is built once."""
    sealed = {"book_sha256": window.book_sha256, "seal": window.seal} if window.seal else {}
    arrivals = [seal.arrival for seal in seals]
    positions = [bisect_left(arrivals, bid.sequence) for bid, _ in bids]
    paths = inclusion_paths([seal.receipt for seal in seals], positions)
    return [
        sealed
        | {
            "format": PROOF_FORMAT if sealed else 1,
            "window": str(window.pk),
            "arrival": bid.sequence,
            "nonce": bid.nonce,
            "bid": published_bid(window, bid, terms),
            "receipt_sha256": bid.receipt_sha256,
            "position": position,
            "n_bids": len(seals),
            "path": [node.hex() for node in path],
            "bids_root": window.bids_root,
        }
        for (bid, terms), position, path in zip(bids, positions, paths, strict=True)
    ]


def _filtered_bids(window: Window) -> dict[str, dict[str, Any]]:
    """Return the placed bids that have a filter as they were said, by their names in the book."""
    bids = (
        Bid.objects.filter(window=window, status=Bid.Status.PLACED)
        .filter(options__legs__filter_types__len__gt=0)
        .distinct()
        .prefetch_related("options__legs__named_lots")
    )
    said = (published_bid(window, bid, terms_of(bid)) for bid in bids)
    return {bid["id"]: bid for bid in said}


def _without_rank(bid: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in bid.items() if name != "sequence"}


def _pseudonym(window: Window, subject: str) -> str:
    digest = hmac.new(bytes.fromhex(window.pseudonym_key), subject.encode(), hashlib.sha256)
    return digest.hexdigest()[:PSEUDONYM_HEX_DIGITS]


def _seals(window: Window, statuses: Iterable[str]) -> list[SealedBid]:
    rows = (
        Bid.objects.filter(window=window, status__in=list(statuses))
        .order_by("sequence")
        .values_list("nonce", "sequence", "receipt_sha256")
    )
    return [SealedBid(nonce, arrival, bytes.fromhex(receipt)) for nonce, arrival, receipt in rows]


def _option(option: OptionTerms, origin: datetime) -> dict[str, Any]:
    limit = {"price": option.price_ticks} if option.value_ticks is None else {"value": option.value_ticks}
    return limit | {"legs": [_leg(leg, origin) for leg in option.legs]}


def _leg(leg: LegTerms, origin: datetime) -> dict[str, Any]:
    said: dict[str, Any] = {
        **_lots(leg),
        "units": leg.units,
        "earliest": (leg.earliest_at - origin) // HOUR,
        "latest": (leg.latest_at - origin) // HOUR,
        "hours": leg.hours,
    }
    return said if leg.min_units == leg.units else said | {"min_units": leg.min_units}


def _lots(leg: LegTerms) -> dict[str, Any]:
    """The lots a leg names, or its filter: what that comes to, the book says, and nobody knows before the close."""
    if leg.filter is None:
        return {"lots": [str(lot_id) for lot_id in leg.lot_ids]}
    said: dict[str, Any] = {
        "types": [str(type_id) for type_id in leg.filter.resource_type_ids],
        "regions": list(leg.filter.regions),
        "fabrics": list(leg.filter.fabrics),
    }
    if leg.filter.min_reliability_bps is not None:
        said["min_reliability_bps"] = leg.filter.min_reliability_bps
    return {"filter": said}
