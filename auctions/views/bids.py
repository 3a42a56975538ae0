"""An organization's own bids and awards: to read, to change, to cancel."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import buyer_needed, member_needed, send_to_login
from accounts.middleware import MemberRequest
from accounts.models import Organization
from accounts.stream import last_sequence
from auctions.forms import TicketForm, typed_price
from auctions.models import Bid
from auctions.operations.bids import BidNotFound, BidRejected, cancel_bid, change_bid, require_unchanged
from auctions.operations.inquiries import InquiryRefused, ask_about_bid
from auctions.policies import check_terms
from auctions.queries.bids import (
    OwnBid,
    average_ticks,
    awards_of,
    bids_of,
    history_of,
    outcome_in_words,
    own_bid,
    own_bids,
)
from auctions.queries.inquiries import explanation_of
from auctions.queries.lots import BidCost, Ticket, cost_of, ticket_for
from auctions.queries.receipts import receipt_of
from auctions.views.onward import way_on
from auctions.views.ticket import sequence_seen, why_no_bid
from marketplace.db import snapshot
from marketplace.money import format_cents

UNPROCESSABLE = 422
ROWS_PER_PAGE = 50


@require_safe
@member_needed
@vary_on_headers("HX-Request")
@snapshot()
def bid_list(request: MemberRequest) -> HttpResponse:
    """List own bids, those in the book first; to htmx, only the list."""
    organization = _organization(request)
    own_after = last_sequence(organization_id=organization.pk)
    bids = bids_of(organization)
    only_open = request.GET.get("show") == "open"
    page = Paginator(bids.filter(status=Bid.Status.PLACED) if only_open else bids, ROWS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    now = timezone.now()
    context = {
        "page": page,
        "bids": own_bids(page, now),
        "own_after": own_after,
        "only_open": only_open,
        "why_not": why_no_bid(request),
        "may_bid": request.user.has_perm("accounts.buy_for", request.organization),
    }
    template = "auctions/bid_list.html#bids" if request.htmx else "auctions/bid_list.html"
    return render(request, template, context)


@require_safe
@member_needed
@vary_on_headers("HX-Request")
@snapshot()
def bid_detail(request: MemberRequest, pk: int) -> HttpResponse:
    """Show one own bid: what it says, what became of it and why."""
    own_after = last_sequence(organization_id=_organization(request).pk)
    own = _own_bid(request, pk)
    context = {
        "own": own,
        "own_after": own_after,
        "steps": history_of(own),
        "outcome": outcome_in_words(own),
        "awards": [(award, average_ticks(award)) for award in own.awards],
        "receipt": receipt_of(own.bid),
        "explanation": explanation_of(own),
        "may_bid": request.user.has_perm("accounts.buy_for", request.organization),
    }
    template = "auctions/bid_detail.html#bid" if request.htmx else "auctions/bid_detail.html"
    return render(request, template, context)


@require_POST
@buyer_needed
def bid_ask(request: MemberRequest, pk: int) -> HttpResponse:
    """Have it worked out why an own bid ended as it did, and go back to the bid."""
    try:
        ask_about_bid(organization=_organization(request), asked_by=request.user, bid_id=pk)
    except BidNotFound as missing:
        raise Http404 from missing
    except InquiryRefused as refused:
        messages.warning(request, str(refused))
    return redirect(f"{reverse('auctions:bid_detail', args=[pk])}#explanation")


@require_http_methods(["GET", "HEAD", "POST"])
def bid_change(request: MemberRequest, pk: int) -> HttpResponseBase:
    """Change an own bid; a login in between, when the session was over, loses nothing that was typed."""
    if request.method == "POST" and not request.user.is_authenticated:
        typed = {name: request.POST.get(name, "") for name in ("units", "price", "sequence")}
        return send_to_login(request, f"{request.path}?{urlencode(typed)}")
    return _bid_change(request, pk)


@buyer_needed
def _bid_change(request: MemberRequest, pk: int) -> HttpResponse:
    """Change units and price of an own bid: review first, then confirm. From the freeze on they can only rise."""
    own = _own_bid(request, pk)
    lot = own.lot
    seen = sequence_seen(request)
    if lot is None:
        if request.method == "POST":
            messages.warning(request, f"Bid {pk} was changed meanwhile; look again.")
        return redirect("auctions:bid_recompose", pk=pk)
    ticket = ticket_for(lot, organization=request.organization, now=timezone.now())
    if request.method != "POST":
        form = TicketForm(
            lot=lot,
            units=request.GET.get("units", own.units),
            price=request.GET.get("price", typed_price(own.price_ticks or 0)),
        )
        return _show_change(request, own, ticket, form, sequence=seen or own.bid.sequence)
    form = TicketForm(request.POST, lot=lot)
    try:
        require_unchanged(own.bid, seen)
        if not ticket.clock.takes_bids:
            form.add_error(None, f"This window takes no bids: {ticket.clock.phase.label.lower()}.")
        if form.is_valid():
            check_terms(window=own.bid.window, organization=_organization(request), terms=form.terms())
    except BidRejected as rejected:
        form.refuse(rejected)
    if not form.is_valid():
        return _show_change(request, own, ticket, form, status=UNPROCESSABLE)
    if "confirm" not in request.POST:
        return _show_change(request, own, ticket, form, cost=_cost(own, ticket, form))
    try:
        change_bid(
            organization=_organization(request),
            changed_by=request.user,
            bid_id=pk,
            terms=form.terms(),
            sequence=seen,
        )
    except BidNotFound as missing:
        raise Http404 from missing
    except BidRejected as rejected:
        form.refuse(rejected)
        return _show_change(request, _own_bid(request, pk), ticket, form, status=UNPROCESSABLE)
    messages.success(request, f"Bid {pk} was changed and took a new place in time.")
    return redirect("auctions:bid_detail", pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_needed
def bid_cancel(request: MemberRequest, pk: int) -> HttpResponse:
    """Ask, then take an own bid back; only while its window is open."""
    own = _own_bid(request, pk)
    context = {
        "own": own,
        "question": f"Cancel bid {pk}?",
        "consequences": [f"{format_cents(own.bid.hold_cents)} held for it is free again at once."],
    }
    if request.method != "POST":
        return render(request, "auctions/bid_cancel.html", context)
    try:
        cancel_bid(organization=_organization(request), cancelled_by=request.user, bid_id=pk)
    except BidNotFound as missing:
        raise Http404 from missing
    except BidRejected as rejected:
        return render(
            request, "auctions/bid_cancel.html", context | {"refusal": rejected.message}, status=UNPROCESSABLE
        )
    messages.success(request, f"Bid {pk} was cancelled. What was held for it is free again.")
    return redirect("auctions:bid_list")


@require_safe
@member_needed
@vary_on_headers("HX-Request")
@snapshot()
def award_list(request: MemberRequest) -> HttpResponse:
    """List what the organization won, newest first; to htmx, only the list."""
    own_after = last_sequence(organization_id=_organization(request).pk)
    page = Paginator(awards_of(_organization(request)), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "own_after": own_after,
        "page": page,
        "awards": [(award, average_ticks(award)) for award in page],
    }
    template = "auctions/award_list.html#awards" if request.htmx else "auctions/award_list.html"
    return render(request, template, context)


def _organization(request: MemberRequest) -> Organization:
    assert request.organization is not None  # the guards saw to it
    return request.organization


@snapshot()
def _own_bid(request: MemberRequest, pk: int) -> OwnBid:
    """Find a bid of the active organization; anybody else's is as unknown as one that does not exist."""
    bid = get_object_or_404(bids_of(_organization(request)), pk=pk)
    return own_bid(bid, timezone.now())


def _cost(own: OwnBid, ticket: Ticket, form: TicketForm) -> BidCost:
    return cost_of(
        ticket.lot,
        units=form.cleaned_data["units"],
        price_ticks=form.cleaned_data["price"],
        free_cents=ticket.free_cents or 0,
        replacing=own.bid,
    )


def _show_change(
    request: MemberRequest, own: OwnBid, ticket: Ticket, form: TicketForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        "own": own,
        "lot": ticket.lot,
        "ticket": ticket,
        "form": form,
        "sequence": own.bid.sequence,
        "way_on": None if ticket.clock.takes_bids else way_on(form, timezone.now()),
        **more,
    }
    return render(request, "auctions/bid_change.html", context, status=status)
