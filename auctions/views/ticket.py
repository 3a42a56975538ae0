"""The bid ticket of a lot: fill in, review, confirm. Each step is a page of its own and, for htmx, a fragment."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRedirect

from accounts.access import send_to_login
from accounts.middleware import MemberRequest
from accounts.models import Organization
from auctions.forms import TicketForm
from auctions.models import Bid, Lot
from auctions.operations.bids import BidRejected, place_bid
from auctions.policies import check_terms
from auctions.queries.lots import BidCost, Ticket, cost_of, lots_with_facts, ticket_for
from auctions.views.onward import ticket_address, way_on
from marketplace.db import snapshot
from marketplace.numbers import whole_number

FORBIDDEN = 403
UNPROCESSABLE = 422
PAGE = "auctions/bid_ticket.html"


@require_safe
@vary_on_headers("HX-Request")
@snapshot()
def ticket(request: MemberRequest, pk: int) -> HttpResponse:
    """Show the ticket, filled in from the query's ``units`` and ``price``: a login in between loses nothing."""
    lot = get_object_or_404(lots_with_facts(), pk=pk)
    found = ticket_for(lot, organization=request.organization, now=timezone.now())
    form = TicketForm(
        lot=lot,
        units=request.GET.get("units") or min(lot.block.unit_step, found.units) or "",
        price=request.GET.get("price", ""),
    )
    return _show(request, found, form, step="ticket")


@require_safe
@snapshot()
def cost(request: MemberRequest, pk: int) -> HttpResponse:
    """Work out what the ticket would cost at most; a fragment that says nothing while it cannot be worked out."""
    lot = get_object_or_404(lots_with_facts(), pk=pk)
    found = ticket_for(lot, organization=request.organization, now=timezone.now())
    form = TicketForm(request.GET, lot=lot)
    context = {"ticket": found, "cost": _cost(found, form) if form.is_valid() else None}
    return render(request, "auctions/bid_ticket.html#cost", context)


@require_POST
def review(request: MemberRequest, pk: int) -> HttpResponseBase:
    """Check the ticket and show what it commits to; nothing is placed yet."""
    lot = get_object_or_404(lots_with_facts(), pk=pk)
    if (answer := _refused_person(request, lot)) is not None:
        return answer
    found = ticket_for(lot, organization=request.organization, now=timezone.now())
    form = TicketForm(request.POST, lot=lot)
    if form.is_valid():
        _check(request, found, form)
    if not form.is_valid():
        return _show(request, found, form, step="ticket", status=UNPROCESSABLE)
    return _show(request, found, form, step="review", cost=_cost(found, form), request_key=uuid4())


@require_POST
def confirm(request: MemberRequest, pk: int) -> HttpResponseBase:
    """Place the bid. The token of the review page makes two clicks one bid."""
    lot = get_object_or_404(lots_with_facts(), pk=pk)
    if (answer := _refused_person(request, lot)) is not None:
        return answer
    form = TicketForm(request.POST, lot=lot)
    if form.is_valid():
        try:
            bid = place_bid(
                organization=_buyer(request),
                placed_by=request.user,
                window_id=lot.window_id,
                terms=form.terms(),
                request_key=request_key_of(request.POST),
            )
        except BidRejected as rejected:
            form.refuse(rejected)
        else:
            tell_placed(request, bid)
            return _go(request, reverse("auctions:bid_list"))
    found = ticket_for(lot, organization=request.organization, now=timezone.now())
    return _show(request, found, form, step="ticket", status=UNPROCESSABLE)


def why_no_bid(request: MemberRequest) -> str:
    """Say why a signed-in person may not bid for the active organization; empty when they may."""
    if request.organization is None:
        return "You are not a member of an organization yet."
    if not request.organization.is_buyer:
        return f"{request.organization} is registered as a seller only, so it cannot bid."
    if not request.user.has_perm("accounts.buy_for", request.organization):
        return f"Your role in {request.organization} is to look on. Ask an owner to make you a trader."
    return ""


def tell_placed(request: MemberRequest, bid: Bid) -> None:
    """Say that a bid is in the book; of a submission sent again, what has become of its bid since."""
    if bid.status == Bid.Status.PLACED:
        messages.success(request, f"Bid {bid.pk} is in the book.")
    else:
        state = bid.get_status_display().lower()
        messages.info(
            request, f"This was sent before, as bid {bid.pk}, which is no longer in the book: {state}."
        )


def request_key_of(posted: QueryDict) -> UUID | None:
    """Return the key that the review page gave a submission."""
    try:
        return UUID(posted.get("request_key", ""))
    except ValueError:
        return None


def sequence_seen(request: MemberRequest) -> int | None:
    """Return the ``sequence`` of the bid that a page of its change was drawn from, None when it does not say."""
    said = (request.POST if request.method == "POST" else request.GET).get("sequence", "")
    return whole_number(said)


def _check(request: MemberRequest, ticket: Ticket, form: TicketForm) -> None:
    """Add to the form what the operations would refuse, so that the review page promises nothing they would not."""
    lot = ticket.lot
    if not ticket.clock.takes_bids:
        form.add_error(None, f"This window takes no bids: {ticket.clock.phase.label.lower()}.")
        return
    try:
        check_terms(window=lot.window, organization=_buyer(request), terms=form.terms())
    except BidRejected as rejected:
        form.refuse(rejected)
        return
    if _cost(ticket, form).is_above_limit:
        form.add_error(None, "This bid could cost more than what is left of your bidding limit.")


def _refused_person(request: MemberRequest, lot: Lot) -> HttpResponseBase | None:
    """Send a person whose session is over to log in and back to the ticket as it was; tell others why they may not."""
    if not request.user.is_authenticated:
        return send_to_login(request, ticket_address(lot, TicketForm(request.POST, lot=lot)))
    if why_no_bid(request):
        found = ticket_for(lot, organization=request.organization, now=timezone.now())
        return _show(request, found, TicketForm(request.POST, lot=lot), step="ticket", status=FORBIDDEN)
    return None


def _buyer(request: MemberRequest) -> Organization:
    assert request.organization is not None  # _refused_person saw to it
    return request.organization


def _cost(ticket: Ticket, form: TicketForm) -> BidCost:
    return cost_of(
        ticket.lot,
        units=form.cleaned_data["units"],
        price_ticks=form.cleaned_data["price"],
        free_cents=ticket.free_cents or 0,
    )


def _cost_so_far(request: MemberRequest, ticket: Ticket, form: TicketForm) -> BidCost | None:
    """Work out the cost of what is filled in, refused or not, as far as it says units and a price."""
    if not request.user.is_authenticated:
        return None
    typed = TicketForm({name: form[name].value() for name in form.fields}, lot=ticket.lot)
    return _cost(ticket, typed) if typed.is_valid() else None


def _show(
    request: MemberRequest, ticket: Ticket, form: TicketForm, *, step: str, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        "cost": _cost_so_far(request, ticket, form),
        "ticket": ticket,
        "lot": ticket.lot,
        "form": form,
        "step": step,
        "why_not": why_no_bid(request) if request.user.is_authenticated else "",
        "back": ticket_address(ticket.lot, form),
        "way_on": None if ticket.clock.takes_bids else way_on(form, timezone.now()),
        **more,
    }
    template = f"{PAGE}#{step}" if request.htmx else PAGE
    return render(request, template, context, status=status)


def _go(request: MemberRequest, address: str) -> HttpResponse:
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)
