"""Placing, changing and cancelling bids.

A bid's transaction takes a shared lock on its window and then reads the database's clock; closing takes the lock
exclusively. So an acknowledged bid is in the book, a late one is refused, and nothing lies between.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from accounts.holds import LimitExceeded, LimitSuspended, set_hold
from accounts.models import Organization, User
from accounts.stream import append_event
from auctions.models import Bid, BidLeg, BidLegLot, BidOption, Window
from auctions.models.bids import new_nonce
from auctions.policies import MAX_SHARE_OF_WINDOW_PPM, BidRejected, check_terms
from auctions.raising import check_raise
from auctions.sealing import seal_bid
from auctions.terms import BidTerms, terms_of
from auctions.wording import bid_in_words, names_for
from marketplace.db import LockSpace, database_now, lock_shared
from marketplace.money import cents_to_cover, format_cents
from marketplace.states import require_transition


class BidNotFound(Exception):
    """No such bid of this organization. Whether another's bid has that number is nobody's business."""


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
            return _place(organization, placed_by, window_id, terms, request_key)
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
        bid, window, now = _enter_bid(organization, bid_id)
        require_unchanged(bid, sequence)
        phase = _require_phase(window, now, Window.Status.OPEN, Window.Status.FROZEN)
        bid.share_ppm = check_terms(window=window, organization=organization, terms=terms)
        _require_room(window, bid.share_ppm, replacing=bid)
        if phase == Window.Status.FROZEN:
            check_raise(before=terms_of(bid), after=terms)
        bid.sequence = _next_sequence()
        bid.nonce = new_nonce()
        bid.receipt_sha256 = seal_bid(window, bid, terms)
        bid.max_ticks = terms.max_ticks
        bid.hold_cents = cents_to_cover(terms.max_ticks)
        bid.changed_at = now
        if changed_by is not None:
            bid.placed_by = changed_by
        _hold(bid)
        bid.save(
            update_fields=[
                *("sequence", "nonce", "receipt_sha256"),
                *("max_ticks", "share_ppm", "hold_cents", "changed_at", "placed_by"),
            ]
        )
        bid.options.all().delete()
        _write_terms(bid, terms)
        _tell(bid, "bid.changed")
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
        bid, window, now = _enter_bid(organization, bid_id)
        _require_phase(window, now, Window.Status.OPEN)
        require_transition(Bid.TRANSITIONS, bid.status, Bid.Status.CANCELLED)
        bid.status = Bid.Status.CANCELLED
        bid.changed_at = now
        bid.save(update_fields=["status", "changed_at"])
        set_hold(organization_id=bid.organization_id, reference=f"bid:{bid.pk}", amount_cents=0)
        _tell(bid, "bid.cancelled")
    return bid


def _placed_before(organization: Organization, request_key: UUID | None) -> Bid | None:
    if request_key is None:
        return None
    return Bid.objects.filter(organization=organization, request_key=request_key).first()


def _place(
    organization: Organization,
    placed_by: User | None,
    window_id: int,
    terms: BidTerms,
    request_key: UUID | None,
) -> Bid:
    window, now = _enter_window(window_id)
    _require_phase(window, now, Window.Status.OPEN, Window.Status.FROZEN)
    share_ppm = check_terms(window=window, organization=organization, terms=terms)
    _require_room(window, share_ppm)
    bid = Bid(
        window=window,
        organization=organization,
        placed_by=placed_by,
        sequence=_next_sequence(),
        request_key=request_key,
        max_ticks=terms.max_ticks,
        share_ppm=share_ppm,
        hold_cents=cents_to_cover(terms.max_ticks),
        placed_at=now,
        changed_at=now,
    )
    bid.receipt_sha256 = seal_bid(window, bid, terms)
    bid.save()
    _hold(bid)
    _write_terms(bid, terms)
    _tell(bid, "bid.placed")
    return bid


def _require_room(window: Window, share_ppm: int, *, replacing: Bid | None = None) -> None:
    """Raise BidRejected where a window's bids take as much of the engine as they may already.

    Bids placed at the same moment do not see each other: what is kept in reserve covers them.
    """
    if not share_ppm:
        return
    others = Bid.objects.filter(window=window, status=Bid.Status.PLACED, share_ppm__gt=0)
    if replacing is not None:
        others = others.exclude(pk=replacing.pk)
    taken = others.aggregate(ppm=Sum("share_ppm", default=0))
    if taken["ppm"] + share_ppm > MAX_SHARE_OF_WINDOW_PPM:
        raise BidRejected(
            "window_full_of_ways",
            "hours",
            "This window takes no more bids with so many ways to fill them. Name one lot for all of its hours, or "
            "narrow the hours.",
        )


def _enter_window(window_id: int) -> tuple[Window, datetime]:
    lock_shared(LockSpace.WINDOW, window_id)
    now = database_now()
    window = Window.objects.filter(pk=window_id).select_related("market").first()
    if window is None:
        raise BidRejected("unknown_window", "window", "There is no such auction window.")
    return window, now


def _enter_bid(organization: Organization, bid_id: int) -> tuple[Bid, Window, datetime]:
    window_id = (
        Bid.objects.filter(pk=bid_id, organization=organization).values_list("window_id", flat=True).first()
    )
    if window_id is None:
        raise BidNotFound(f"no bid {bid_id} of organization {organization.pk}")
    window, now = _enter_window(window_id)
    bid = Bid.objects.select_for_update(no_key=True).get(pk=bid_id)
    if bid.status != Bid.Status.PLACED:
        raise BidRejected(
            "bid_not_in_book",
            "bid",
            f"This bid is no longer in the book: {bid.get_status_display().lower()}.",
        )
    return bid, window, now


def _require_phase(window: Window, now: datetime, *allowed: Window.Status) -> Window.Status:
    phase = window.phase_at(now)
    if phase in allowed:
        return phase
    refusals = {
        Window.Status.SCHEDULED: ("window_not_open", "This window has not opened yet."),
        Window.Status.FROZEN: (
            "window_frozen",
            "This window is frozen: bids can be raised or added, but no longer cancelled.",
        ),
        Window.Status.CLOSED: (
            "window_closed",
            "This window has closed: the bid came too late and was not placed.",
        ),
        Window.Status.CLEARED: ("window_closed", "This window has closed and cleared; bid in the next one."),
        Window.Status.CANCELLED: ("window_cancelled", "This window was cancelled; no bids are taken."),
    }
    code, message = refusals[phase]
    raise BidRejected(code, "window", message)


def _next_sequence() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('auctions_bid_order')")
        (sequence,) = cursor.fetchone()
    return int(sequence)


def _hold(bid: Bid) -> None:
    try:
        set_hold(organization_id=bid.organization_id, reference=f"bid:{bid.pk}", amount_cents=bid.hold_cents)
    except LimitSuspended as refused:
        raise BidRejected("limit_suspended", "limit", str(refused)) from None
    except LimitExceeded as refused:
        free_cents = max(0, refused.limit_cents - refused.held_cents)
        raise BidRejected(
            "above_limit",
            "limit",
            f"This bid can cost up to {format_cents(bid.hold_cents)}. That is more than your bidding limit allows: "
            f"{format_cents(free_cents)} of {format_cents(refused.limit_cents)} is free.",
        ) from None


def _write_terms(bid: Bid, terms: BidTerms) -> None:
    for option_number, option in enumerate(terms.options):
        option_row = BidOption.objects.create(
            bid=bid, number=option_number, price_ticks=option.price_ticks, value_ticks=option.value_ticks
        )
        for leg_number, leg in enumerate(option.legs):
            leg_row = BidLeg.objects.create(
                option=option_row,
                number=leg_number,
                units=leg.units,
                min_units=leg.min_units,
                earliest_at=leg.earliest_at,
                latest_at=leg.latest_at,
                hours=leg.hours,
                filter_types=leg.filter.resource_type_ids if leg.filter else (),
                filter_regions=leg.filter.regions if leg.filter else (),
                filter_fabrics=leg.filter.fabrics if leg.filter else (),
                filter_min_reliability_bps=leg.filter.min_reliability_bps if leg.filter else None,
            )
            BidLegLot.objects.bulk_create(
                BidLegLot(leg=leg_row, lot_id=lot_id, position=position)
                for position, lot_id in enumerate(leg.lot_ids)
            )


def _tell(bid: Bid, kind: str) -> None:
    held_cents = bid.hold_cents if bid.status == Bid.Status.PLACED else 0
    append_event(
        organization_id=bid.organization_id,
        kind=kind,
        data={"bid": bid.pk, "window": bid.window_id, "hold_cents": held_cents, "status": bid.status},
    )
