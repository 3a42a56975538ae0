"""A buyer's limit and holds, and paying in: the page at Stripe, the bank's details, and coming back."""

from __future__ import annotations

import logging
from decimal import Decimal
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.access import buyer_needed, member_needed
from accounts.middleware import MemberRequest
from marketplace.db import database_now
from marketplace.fields import AmountField
from marketplace.money import format_cents
from settlements.models import Prepayment
from settlements.operations.payments import PaymentMismatch
from settlements.operations.prepaid_returns import ReturnDraft, ReturnRefused, return_prepaid
from settlements.operations.prepayments import (
    PrepaymentDraft,
    PrepaymentRejected,
    cancel_prepayment,
    resolve_prepayment,
    start_prepayment,
)
from settlements.queries.funds import (
    N_LATEST,
    held_for,
    limit_of,
    live_holds,
    prepayments_of,
    released_holds,
    returnable_of,
    returns_of,
)
from settlements.stripe_facts import OutcomeUnknown, Refused
from settlements.views.own import own
from settlements.views.paging import before_of

logger = logging.getLogger(__name__)

MIN_DOLLARS = Decimal("1.00")
MAX_DOLLARS = 999_999
NOT_KNOWN_YET = (
    "Stripe has not answered yet. What you paid appears here once it has; it is never taken twice."
)


class PrepaymentForm(forms.Form):
    """How much to pay in and which way, in US dollars; ``key`` makes a form sent twice one prepayment."""

    amount = AmountField(
        label="Amount in US dollars",
        min_dollars=MIN_DOLLARS,
        max_dollars=MAX_DOLLARS,
        help_text="From $1.00 to $999,999.00.",
    )
    method = forms.ChoiceField(
        label="Pay by",
        choices=Prepayment.Method.choices,
        initial=Prepayment.Method.CARD,
        widget=forms.RadioSelect,
    )
    key = forms.UUIDField(widget=forms.HiddenInput)


class ReturnForm(forms.Form):
    """How much of the prepaid balance to have returned, in US dollars; sent twice, it asks once."""

    amount = AmountField(label="Amount in US dollars", min_dollars=Decimal("0.01"), max_dollars=MAX_DOLLARS)
    key = forms.UUIDField(widget=forms.HiddenInput)


@require_GET
@member_needed
def limit(request: MemberRequest) -> HttpResponse:
    """Show what the organization's limit is made of, what is held of it, and what was paid in."""
    return _limit_page(request, PrepaymentForm(initial={"key": uuid4()}))


@require_GET
@member_needed
def hold_history(request: MemberRequest) -> HttpResponse:
    """List holds that were released."""
    page = released_holds(own(request).pk, before=before_of(request))
    return render(request, "settlements/hold_history.html", {"page": page})


@require_POST
@buyer_needed
def prepayment_start(request: MemberRequest) -> HttpResponse:
    """Begin a prepayment: go to Stripe's page, or show where to send the transfer."""
    form = PrepaymentForm(request.POST)
    if not form.is_valid():
        return _limit_page(request, form, status=422)
    draft = PrepaymentDraft(
        organization_id=own(request).pk,
        method=Prepayment.Method(form.cleaned_data["method"]),
        amount_cents=form.cleaned_data["amount"],
        form_key=form.cleaned_data["key"],
    )
    try:
        prepayment = start_prepayment(draft=draft, by=request.user)
    except PrepaymentRejected as refused:
        form.add_error(None, str(refused))
        return _limit_page(request, form, status=422)
    except (OutcomeUnknown, Refused, PaymentMismatch) as problem:
        logger.warning("no prepayment for organization %s: %s", own(request).pk, problem)
        form.add_error(
            None, "Stripe cannot be reached just now. Nothing was taken; try again in a little while."
        )
        return _limit_page(request, form, status=503)
    goes_to_stripe = (
        prepayment.status == Prepayment.Status.OPEN and prepayment.method == Prepayment.Method.CARD
    )
    if goes_to_stripe and prepayment.page_url:
        return redirect(prepayment.page_url)
    return redirect("settlements:prepayment_detail", prepayment.pk)


@require_GET
@member_needed
def prepayment_detail(request: MemberRequest, pk: int) -> HttpResponse:
    """Show one prepayment: where to send a transfer, and what has come."""
    prepayment = get_object_or_404(prepayments_of(own(request).pk).select_related("started_by"), pk=pk)
    may_pay = request.user.has_perm("accounts.buy_for", own(request))
    return render(
        request, "settlements/prepayment_detail.html", {"prepayment": prepayment, "may_pay": may_pay}
    )


@require_GET
@member_needed
def prepayment_return(request: MemberRequest, pk: int) -> HttpResponse:
    """Take the buyer back from Stripe's page: look the payment up, whatever the address says."""
    prepayment = get_object_or_404(prepayments_of(own(request).pk), pk=pk)
    try:
        status = resolve_prepayment(prepayment_id=prepayment.pk, now=database_now())
    except (OutcomeUnknown, Refused, PaymentMismatch) as problem:
        logger.warning("%s is not known yet: %s", prepayment, problem)
        messages.warning(request, NOT_KNOWN_YET)
        return redirect("settlements:prepayment_detail", pk)
    if status == Prepayment.Status.RECEIVED:
        messages.success(request, "Paid in. Thank you: your limit is higher by it from now on.")
        return redirect("settlements:limit")
    messages.warning(request, "Nothing was paid yet.")
    return redirect("settlements:prepayment_detail", pk)


@require_POST
@buyer_needed
def prepayment_cancel(request: MemberRequest, pk: int) -> HttpResponse:
    """Give up a bank transfer that has not come."""
    get_object_or_404(prepayments_of(own(request).pk), pk=pk)
    try:
        status = cancel_prepayment(organization_id=own(request).pk, prepayment_id=pk)
    except PrepaymentRejected as refused:
        messages.error(request, str(refused))
    except (OutcomeUnknown, Refused, PaymentMismatch):
        messages.warning(request, NOT_KNOWN_YET)
    else:
        if status == Prepayment.Status.RECEIVED:
            messages.warning(request, "The transfer had come already: it is on your balance.")
        else:
            messages.success(
                request, "The transfer is cancelled. What came of it counts towards your next one."
            )
    return redirect("settlements:prepayment_detail", pk)


@require_POST
@buyer_needed
def prepaid_return(request: MemberRequest) -> HttpResponse:
    """Have prepaid money returned to what it was paid with."""
    form = ReturnForm(request.POST, auto_id="id_return_%s")
    if form.is_valid():
        draft = ReturnDraft(own(request).pk, form.cleaned_data["amount"], form.cleaned_data["key"])
        try:
            returns = return_prepaid(draft=draft, by=request.user)
        except ReturnRefused as refused:
            form.add_error("amount", str(refused))
        else:
            cents = format_cents(sum(each.amount_cents for each in returns))
            messages.success(request, f"{cents} is on its way back. By card it takes 5 to 10 days.")
            return redirect("settlements:limit")
    return _limit_page(request, PrepaymentForm(initial={"key": uuid4()}), status=422, return_form=form)


def _limit_page(
    request: MemberRequest,
    form: PrepaymentForm,
    status: int = 200,
    return_form: ReturnForm | None = None,
) -> HttpResponse:
    organization = own(request)
    limit = limit_of(organization.pk)
    context = {
        "limit": limit,
        "returnable": returnable_of(limit),
        "returns": returns_of(organization.pk)[:N_LATEST],
        "return_form": return_form or ReturnForm(initial={"key": uuid4()}, auto_id="id_return_%s"),
        "holds": held_for(live_holds(organization.pk)),
        "prepayments": prepayments_of(organization.pk)[:N_LATEST],
        "may_pay": request.user.has_perm("accounts.buy_for", organization),
        "form": form,
    }
    return render(request, "settlements/limit.html", context, status=status)
