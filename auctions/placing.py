"""Putting a bid in a window's book and taking it out again: the steps of every operation on bids.

Each function assumes a transaction. It takes a shared lock on the bid's window and then reads the database's clock;
closing takes the lock exclusively. So an acknowledged bid is in the book, a late one is refused, nothing lies between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q, Sum

from accounts.holds import LimitExceeded, LimitSuspended, set_hold
from accounts.models import BiddingLimit, Organization, User
from accounts.stream import append_event
from auctions.models import Bid, BidLeg, BidLegLot, BidOption, StandingOrder, Window
from auctions.policies import (
    MAX_SHARE_OF_ORGANIZATION_PPM,
    MAX_SHARE_OF_WINDOW_PPM,
    BidRejected,
    check_terms,
)
from auctions.sealing import seal_bid
from auctions.terms import BidTerms
from marketplace.db import LockSpace, database_now, lock_exclusive, lock_shared
from marketplace.money import cents_to_cover, format_cents
from marketplace.states import require_transition

CARD_MAXIMUM_CENTS = 99_999_999
"""The most a card is charged at once. Source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts."""


class BidNotFound(Exception):
    """No such bid of this organization. Whether another's bid has that number is nobody's business."""


@dataclass(frozen=True, slots=True)
class Submission:
    """Who places a bid; ``request_key`` names the submission, ``standing_order`` the order that it is placed for."""

    organization: Organization
    placed_by: User | None
    request_key: UUID | None = None
    standing_order: StandingOrder | None = None


def put_in_book(
    submission: Submission, *, window_id: int, terms: BidTerms, phases: Sequence[Window.Status]
) -> Bid:
    """Place a bid, hold the most that it can cost, and tell its organization. Raise BidRejected."""
    window, now = enter_window(window_id)
    require_phase(window, now, *phases)
    share_ppm = check_terms(window=window, organization=submission.organization, terms=terms)
    require_room(window, submission.organization, share_ppm)
    bid = Bid(
        window=window,
        organization=submission.organization,
        placed_by=submission.placed_by,
        standing_order=submission.standing_order,
        sequence=next_sequence(),
        request_key=submission.request_key,
        max_ticks=terms.max_ticks,
        share_ppm=share_ppm,
        hold_cents=cents_to_cover(terms.max_ticks),
        placed_at=now,
        changed_at=now,
    )
    bid.receipt_sha256 = seal_bid(window, bid, terms)
    bid.save()
    hold_for(bid, terms)
    write_terms(bid, terms)
    tell(bid, "bid.placed")
    return bid


def take_out_of_book(bid: Bid, now: datetime) -> None:
    """Cancel a placed bid, which the caller has locked, and release its hold."""
    require_transition(Bid.TRANSITIONS, bid.status, Bid.Status.CANCELLED)
    bid.status = Bid.Status.CANCELLED
    bid.changed_at = now
    bid.save(update_fields=["status", "changed_at"])
    set_hold(organization_id=bid.organization_id, reference=f"bid:{bid.pk}", amount_cents=0)
    tell(bid, "bid.cancelled")


def require_room(
    window: Window, organization: Organization, share_ppm: int, *, replacing: Bid | None = None
) -> None:
    """Raise BidRejected where a window's bids, or its organization's, take as much of the engine as they may already.

    Bids that take any of it are placed one after another: all together at one moment, each would find the room free.
    """
    if not share_ppm:
        return
    lock_exclusive(LockSpace.WINDOW_ROOM, window.pk)
    others = Bid.objects.filter(window=window, status=Bid.Status.PLACED, share_ppm__gt=0)
    if replacing is not None:
        others = others.exclude(pk=replacing.pk)
    taken = others.aggregate(
        ppm=Sum("share_ppm", default=0),
        own_ppm=Sum("share_ppm", default=0, filter=Q(organization=organization)),
    )
    if taken["own_ppm"] + share_ppm > MAX_SHARE_OF_ORGANIZATION_PPM:
        raise BidRejected(
            "organization_full_of_ways",
            "hours",
            "Your organization's bids in this window have as many ways to be filled as one organization's may. Narrow "
            "the hours or the lots of this one, or cancel another of them.",
        )
    if taken["ppm"] + share_ppm > MAX_SHARE_OF_WINDOW_PPM:
        raise BidRejected(
            "window_full_of_ways",
            "hours",
            "This window takes no more bids with so many ways and hours to fill. Name one lot for all of its hours, or "
            "ask for fewer hours.",
        )


def require_not_standing(bid: Bid) -> None:
    """Raise BidRejected for a bid of a standing order: the order decides about it, within its budget."""
    if bid.standing_order_id is not None:
        raise BidRejected(
            "of_a_standing_order",
            "bid",
            f"This bid was placed by standing order {bid.standing_order_id}: change, pause or cancel that instead.",
        )


def enter_window(window_id: int) -> tuple[Window, datetime]:
    """Lock a window against its closing and return it, with the time by the database's clock. Raise BidRejected."""
    lock_shared(LockSpace.WINDOW, window_id)
    now = database_now()
    window = Window.objects.filter(pk=window_id).select_related("market").first()
    if window is None:
        raise BidRejected("unknown_window", "window", "There is no such auction window.")
    return window, now


def enter_bid(organization: Organization, bid_id: int) -> tuple[Bid, Window, datetime]:
    """Lock a bid in the book, and its window against closing. Raise BidNotFound, BidRejected."""
    window_id = (
        Bid.objects.filter(pk=bid_id, organization=organization).values_list("window_id", flat=True).first()
    )
    if window_id is None:
        raise BidNotFound(f"no bid {bid_id} of organization {organization.pk}")
    window, now = enter_window(window_id)
    bid = Bid.objects.select_for_update(no_key=True).get(pk=bid_id)
    if bid.status != Bid.Status.PLACED:
        raise BidRejected(
            "bid_not_in_book",
            "bid",
            f"This bid is no longer in the book: {bid.get_status_display().lower()}.",
        )
    return bid, window, now


def require_phase(window: Window, now: datetime, *allowed: Window.Status) -> Window.Status:
    """Return the phase of a window by the clock. Raise BidRejected where it is none of those ``allowed``."""
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


def next_sequence() -> int:
    """Draw a place in time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('auctions_bid_order')")
        (sequence,) = cursor.fetchone()
    return int(sequence)


def hold_for(bid: Bid, terms: BidTerms) -> None:
    """Hold the most that a bid can cost. Raise BidRejected where the limit does not allow it, or no card could pay."""
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
    _require_chargeable(bid.organization_id, cents_to_cover(terms.max_charge_ticks))


def _require_chargeable(organization_id: int, charge_cents: int) -> None:
    """Raise BidRejected for a charge that the prepaid balance and a card cannot pay together."""
    limit = BiddingLimit.objects.values_list("prepaid_cents", flat=True)
    prepaid_cents = limit.get(organization_id=organization_id)
    if charge_cents - prepaid_cents > CARD_MAXIMUM_CENTS:
        raise BidRejected(
            "above_card_maximum",
            "limit",
            f"This bid can be charged {format_cents(charge_cents)} at once, and a card pays at most "
            f"{format_cents(CARD_MAXIMUM_CENTS)}. Pay in {format_cents(charge_cents - CARD_MAXIMUM_CENTS)} or more by "
            f"bank transfer on the limit page first; {format_cents(prepaid_cents)} is prepaid now.",
        )


def write_terms(bid: Bid, terms: BidTerms) -> None:
    """Write down what a bid says."""
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


def tell(bid: Bid, kind: str) -> None:
    """Tell a bid's organization what happened to it."""
    held_cents = bid.hold_cents if bid.status == Bid.Status.PLACED else 0
    append_event(
        organization_id=bid.organization_id,
        kind=kind,
        data={"bid": bid.pk, "window": bid.window_id, "hold_cents": held_cents, "status": bid.status},
    )
