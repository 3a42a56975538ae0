"""Cards on file: list, add on Stripe's page, choose the default, remove."""

from __future__ import annotations

import logging

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import buyer_needed
from accounts.middleware import MemberRequest
from settlements.models import PaymentMethod
from settlements.operations.cards import (
    CardNotSaved,
    PaymentMethodInUse,
    make_default,
    open_card_page,
    remove_card,
    save_card_of_session,
)
from settlements.queries.cards import payable_cards, why_no_limit
from settlements.stripe_facts import OutcomeUnknown, Refused
from settlements.views.own import own

logger = logging.getLogger(__name__)

NO_ANSWER = "Stripe cannot be reached just now. Nothing was changed; try again in a little while."


@require_GET
@buyer_needed
def payment_methods(request: MemberRequest) -> HttpResponse:
    """List the organization's cards."""
    context = {"cards": payable_cards(own(request).pk), "why_no_limit": why_no_limit(own(request).pk)}
    return render(request, "settlements/payment_methods.html", context)


@require_POST
@buyer_needed
def card_add(request: MemberRequest) -> HttpResponse:
    """Send the buyer to Stripe's page, where the card is typed in: its number never passes through here."""
    try:
        return redirect(open_card_page(organization_id=own(request).pk))
    except (OutcomeUnknown, Refused) as problem:
        logger.warning("no card page for organization %s: %s", own(request).pk, problem)
        messages.error(request, NO_ANSWER)
        return redirect("settlements:payment_methods")


@require_GET
@buyer_needed
def card_return(request: MemberRequest) -> HttpResponse:
    """Take the buyer back from Stripe's page and the card on file, unless the webhook did so already."""
    try:
        card = save_card_of_session(
            organization_id=own(request).pk, session_id=request.GET.get("session_id", "")
        )
        messages.success(request, f"{card} is on file.")
    except CardNotSaved as reason:
        messages.error(request, str(reason))
    except Refused:
        messages.error(request, "Stripe does not know this page. No card was added.")
    except OutcomeUnknown:
        messages.warning(request, "Stripe has not answered yet. The card appears here once it has.")
    return redirect("settlements:payment_methods")


@require_POST
@buyer_needed
def card_default(request: MemberRequest, pk: int) -> HttpResponse:
    """Make a card the one that settlements are charged to."""
    get_object_or_404(payable_cards(own(request).pk), pk=pk)
    card = make_default(organization_id=own(request).pk, payment_method_id=pk)
    messages.success(request, f"Settlements are now charged to {card}.")
    return redirect("settlements:payment_methods")


@require_http_methods(["GET", "POST"])
@buyer_needed
def card_remove(request: MemberRequest, pk: int) -> HttpResponse:
    """Ask, then take a card off file."""
    card: PaymentMethod = get_object_or_404(payable_cards(own(request).pk), pk=pk)
    if request.method == "GET":
        return render(request, "settlements/card_remove.html", {"card": card})
    try:
        remove_card(organization_id=own(request).pk, payment_method_id=pk)
        messages.success(request, f"{card} was removed.")
    except PaymentMethodInUse as reason:
        messages.error(request, str(reason))
    return redirect("settlements:payment_methods")
