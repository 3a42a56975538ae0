"""Placing, changing and cancelling bids.

A bid's transaction takes a shared lock on its window and then reads the database's clock; closing takes the lock
exclusively. So an acknowledged bid is in the book, a late one is refused, and nothing lies between.
"""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import Organization, User
from auctions.models import Bid, Window
from auctions.models.bids import new_nonce
from auctions.placing import (
    BidNotFound,
    Submission,
    enter_bid,
    hold_for,
    next_sequence,
    put_in_book,
    require_not_standing,
    require_phase,
    require_room,
    take_out_of_book,
    tell,
    write_terms,
)
from auctions.policies import BidRejected, check_terms
from auctions.raising import check_raise
from auctions.sealing import seal_bid
from auctions.terms import BidTerms, terms_of
from auctions.wording import bid_in_words, names_for
from marketplace.money import cents_to_cover

__all__ = ["BidNotFound", "BidRejected", "cancel_bid", "change_bid", "place_bid", "require_unchanged"]

TAKES_BIDS = (Window.Status.OPEN, Window.Status.FROZEN)


def place_bid(
    *,
    organization: Organization,
    placed_by: User | None,
    window_id: int,
    terms: BidTerms,
    request_key: UUID | None = None,
) -> Bid:
    """Place a sealed bid in a window and hold its largest possible charge. Raise BidRejected.

    ``request_key`` names the submission: repeated, it places nothing more and returns the bid of the first time.
    """
    if (placed := _placed_before(organization, request_key)) is not None:
        return placed
    try:
        with transaction.atomic(durable=True):
            return put_in_book(
                Submission(organization, placed_by, request_key),
                window_id=window_id,
                terms=terms,
                phases=TAKES_BIDS,
            )
    except IntegrityError:  # the same submission twice at once: the other one was first
        if (placed := _placed_before(organization, request_key)) is None:
            raise
        return placed


def change_bid(
    *,
    organization: Organization,
    changed_by: User | None,
    bid_id: int,
    terms: BidTerms,
    sequence: int | None = None,
) -> Bid:
    """Replace a bid's terms; it takes a new place in time. From the freeze on it can only be raised.

    ``sequence`` is that of the bid as it was read: changed by others since, it is left alone. None: whatever it says.
    Raise BidRejected or BidNotFound.
    """
    with transaction.atomic(durable=True):
        bid, window, now = enter_bid(organization, bid_id)
        require_not_standing(bid)
        require_unchanged(bid, sequence)
        phase = require_phase(window, now, *TAKES_BIDS)
        bid.share_ppm = check_terms(window=window, organization=organization, terms=terms)
        require_room(window, organization, bid.share_ppm, replacing=bid)
        if phase == Window.Status.FROZEN:
            check_raise(before=terms_of(bid), after=terms)
        bid.sequence = next_sequence()
        bid.nonce = new_nonce()
        bid.receipt_sha256 = seal_bid(window, bid, terms)
        bid.max_ticks = terms.max_ticks
        bid.hold_cents = cents_to_cover(terms.max_ticks)
        bid.changed_at = now
        if changed_by is not None:
            bid.placed_by = changed_by
        hold_for(bid, terms)
        bid.save(
            update_fields=[
                *("sequence", "nonce", "receipt_sha256"),
                *("max_ticks", "share_ppm", "hold_cents", "changed_at", "placed_by"),
            ]
        )
        bid.options.all().delete()
        write_terms(bid, terms)
        tell(bid, "bid.changed")
    return bid


def require_unchanged(bid: Bid, sequence: int | None) -> None:
    """Raise BidRejected when ``bid`` is no longer the one that was read with ``sequence``, unless that is None."""
    if sequence in (None, bid.sequence):
        return
    terms = terms_of(bid)
    first, *others = bid_in_words(terms, names_for([terms]))
    says = f"{first.sentence}{f', or {len(others)} more' if others else ''}"
    raise BidRejected(
        "changed_meanwhile", "sequence", f"This bid was changed meanwhile (now {says}); look again."
    )


def cancel_bid(*, organization: Organization, cancelled_by: User | None, bid_id: int) -> Bid:
    """Take a bid back and release its hold; only while its window is open. Raise BidRejected or BidNotFound."""
    with transaction.atomic(durable=True):
        bid, window, now = enter_bid(organization, bid_id)
        require_phase(window, now, Window.Status.OPEN)
        require_not_standing(bid)
        take_out_of_book(bid, now)
    return bid


def _placed_before(organization: Organization, request_key: UUID | None) -> Bid | None:
    if request_key is None:
        return None
    return Bid.objects.filter(organization=organization, request_key=request_key).first()
