"""Putting a bid together that has several ways to be filled, for a lot's window or in place of an own bid.

One address does every step by the button pressed (``do``): add and take away parts, cost, review, edit, confirm. All of
it works without scripts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import send_to_login
from accounts.middleware import MemberRequest
from accounts.models import BiddingLimit, Organization
from auctions.composer import Composer, edit, read_options
from auctions.matching import count_matches
from auctions.models import Lot, Window
from auctions.operations.bids import BidNotFound, BidRejected, change_bid, place_bid, require_unchanged
from auctions.policies import check_terms
from auctions.queries.bids import OwnBid, bids_of, own_bid
from auctions.queries.lots import lots_with_facts
from auctions.queries.windows import Clock, clock_of
from auctions.terms import BidTerms
from auctions.views.ticket import (
    FORBIDDEN,
    UNPROCESSABLE,
    request_key_of,
    sequence_seen,
    tell_placed,
    why_no_bid,
)
from auctions.wording import OptionWords, bid_in_words, names_for
from marketplace.db import snapshot
from marketplace.money import cents_to_cover

PAGE = "auctions/bid_compose.html"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is being put together: a new bid, started from ``lot``, or what shall stand in place of ``own``."""

    window: Window
    clock: Clock
    lot: Lot | None = None
    own: OwnBid | None = None
    seen: int | None = None
    """The sequence of ``own`` as the page was drawn from it."""

    def start(self, query: QueryDict) -> Composer:
        """Return the bid as it stands, or as an address says it: a login in between loses nothing."""
        if (options := read_options(query)) is not None:
            return Composer(self.window, options)
        if self.own is not None:
            return Composer.for_terms(self.window, self.own.terms)
        assert self.lot is not None
        return Composer.for_lot(self.lot, units=query.get("units", ""), price=query.get("price", ""))


@dataclass(frozen=True, slots=True)
class Cost:
    """The most a bid can cost, over its options, and what the limit has left then."""

    max_cents: int
    left_cents: int

    @property
    def is_above_limit(self) -> bool:
        return self.left_cents < 0


@require_http_methods(["GET", "HEAD", "POST"])
def compose(request: MemberRequest, pk: int) -> HttpResponseBase:
    """Put a bid together, starting from a lot."""
    lot = get_object_or_404(lots_with_facts(), pk=pk)
    return _step(request, Subject(window=lot.window, clock=clock_of(lot.window, timezone.now()), lot=lot))


@require_http_methods(["GET", "HEAD", "POST"])
def recompose(request: MemberRequest, pk: int) -> HttpResponseBase:
    """Put together what shall stand in place of an own bid."""
    if not request.user.is_authenticated:
        return _to_login(request)
    if request.organization is None:
        raise Http404
    with snapshot():
        own = own_bid(get_object_or_404(bids_of(request.organization), pk=pk), timezone.now())
    subject = Subject(window=own.bid.window, clock=own.clock, own=own, seen=sequence_seen(request))
    return _step(request, subject)


def _step(request: MemberRequest, subject: Subject) -> HttpResponseBase:
    if request.method == "POST" and not request.user.is_authenticated:
        return _to_login(request)
    if request.user.is_authenticated and why_no_bid(request):
        return _show(request, subject, subject.start(QueryDict()), status=FORBIDDEN)
    options = read_options(request.POST)
    if request.method != "POST" or options is None:
        return _show(request, subject, subject.start(request.GET))
    match request.POST.get("do", "review"):
        case "cost":
            return _tell_cost(request, subject, Composer(subject.window, options, is_checked=True))
        case "review":
            return _review(request, subject, Composer(subject.window, options, is_checked=True))
        case "confirm":
            return _confirm(request, subject, Composer(subject.window, options, is_checked=True))
        case action:
            return _show(request, subject, Composer(subject.window, edit(options, action)))


def _tell_cost(request: MemberRequest, subject: Subject, composer: Composer) -> HttpResponse:
    cost = _cost(request, subject, composer.terms()) if composer.is_valid() else None
    context = {"cost": cost, "free_cents": _free_cents(request, subject)}
    return render(request, f"{PAGE}#cost", context)


def _review(request: MemberRequest, subject: Subject, composer: Composer) -> HttpResponse:
    """Check what was put together and show what it commits to; nothing is placed yet."""
    _check_unchanged(subject, composer)
    if composer.is_valid():
        _check(request, subject, composer)
    if not composer.is_valid():
        return _show(request, subject, composer, status=UNPROCESSABLE)
    terms = composer.terms()
    return _show(
        request,
        subject,
        composer,
        step="review",
        words=_words(terms),
        matches=_matches(request, subject, terms),
        cost=_cost(request, subject, terms),
        request_key=uuid4(),
    )


def _confirm(request: MemberRequest, subject: Subject, composer: Composer) -> HttpResponse:
    """Place the bid, or put it in place of the old one."""
    _check_unchanged(subject, composer)
    if composer.is_valid():
        try:
            return _commit(request, subject, composer.terms())
        except BidRejected as rejected:
            composer.refuse(rejected)
        except BidNotFound as missing:
            raise Http404 from missing
    return _show(request, subject, composer, status=UNPROCESSABLE)


def _commit(request: MemberRequest, subject: Subject, terms: BidTerms) -> HttpResponse:
    if subject.own is None:
        bid = place_bid(
            organization=_buyer(request),
            placed_by=request.user,
            window_id=subject.window.pk,
            terms=terms,
            request_key=request_key_of(request.POST),
        )
        tell_placed(request, bid)
        return redirect("auctions:bid_list")
    bid_id = subject.own.bid.pk
    change_bid(
        organization=_buyer(request),
        changed_by=request.user,
        bid_id=bid_id,
        terms=terms,
        sequence=subject.seen,
    )
    messages.success(request, f"Bid {bid_id} was changed and took a new place in time.")
    return redirect("auctions:bid_detail", pk=bid_id)


def _check_unchanged(subject: Subject, composer: Composer) -> None:
    if subject.own is None:
        return
    try:
        require_unchanged(subject.own.bid, subject.seen)
    except BidRejected as rejected:
        composer.refuse(rejected)


def _check(request: MemberRequest, subject: Subject, composer: Composer) -> None:
    """Show what the operations would refuse, so that the review promises nothing they would not."""
    terms = composer.terms()
    try:
        check_terms(window=subject.window, organization=_buyer(request), terms=terms)
    except BidRejected as rejected:
        composer.refuse(rejected)
        return
    if not subject.clock.takes_bids:
        composer.errors.append(f"This window takes no bids: {subject.clock.phase.label.lower()}.")
    elif _cost(request, subject, terms).is_above_limit:
        composer.errors.append("This bid could cost more than what is left of your bidding limit.")


def _words(terms: BidTerms) -> list[OptionWords]:
    return bid_in_words(terms, names_for([terms]))


def _matches(request: MemberRequest, subject: Subject, terms: BidTerms) -> list[int]:
    """Return how many lots each filter would match now, leg by leg."""
    organization_id = _buyer(request).pk
    return [
        count_matches(subject.window, leg, organization_id=organization_id)
        for option in terms.options
        for leg in option.legs
        if leg.filter is not None
    ]


def _cost(request: MemberRequest, subject: Subject, terms: BidTerms) -> Cost:
    max_cents = cents_to_cover(terms.max_ticks)
    return Cost(max_cents, (_free_cents(request, subject) or 0) - max_cents)


def _free_cents(request: MemberRequest, subject: Subject) -> int | None:
    """Return what the limit has left, with the hold of a bid that is being replaced."""
    limit = BiddingLimit.objects.filter(organization=request.organization).first()
    if limit is None:
        return None
    return limit.free_cents + (subject.own.bid.hold_cents if subject.own else 0)


def _buyer(request: MemberRequest) -> Organization:
    assert request.organization is not None  # _step saw to it
    return request.organization


def _to_login(request: MemberRequest) -> HttpResponseBase:
    """Send a person whose session is over to log in and back, with what was typed."""
    typed = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name.startswith("option") or name == "sequence"
    ]
    return send_to_login(request, f"{request.path}?{urlencode(typed)}")


def _show(
    request: MemberRequest,
    subject: Subject,
    composer: Composer,
    *,
    step: str = "form",
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    if step == "form" and request.user.is_authenticated:
        whole = composer.checked(subject.window)
        more["cost"] = _cost(request, subject, whole.terms()) if whole.is_valid() else None
    context = {
        "sequence": _sequence(subject, composer),
        "window": subject.window,
        "clock": subject.clock,
        "lot": subject.lot,
        "own": subject.own,
        "composer": composer,
        "step": step,
        "why_not": why_no_bid(request) if request.user.is_authenticated else "",
        "free_cents": _free_cents(request, subject),
        **more,
    }
    return render(request, PAGE, context, status=status)


def _sequence(subject: Subject, composer: Composer) -> int | None:
    """Return what the next step is measured by: until the page has been checked, the bid as it was first shown."""
    if subject.own is None:
        return None
    fresh = subject.own.bid.sequence
    return fresh if composer.is_checked else subject.seen or fresh
