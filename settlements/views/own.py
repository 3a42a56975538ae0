"""A buyer's own settlements: what is owed and paid, and paying what the card on file could not."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.access import buyer_needed, member_needed
from accounts.middleware import MemberRequest
from accounts.models import Organization
from accounts.stream import last_sequence
from settlements.models import PaymentMethod, Settlement
from settlements.operations.charging import CannotPay, PaymentStart, continue_payment, pay_settlement
from settlements.operations.payments import PaymentMismatch
from settlements.queries.cards import payable_cards
from settlements.queries.collecting import collection_of, what_to_do
from settlements.queries.queue import page_of
from settlements.queries.refunds import own_refunds
from settlements.queries.settlements import listed, story_of, why_unpaid
from settlements.stripe_facts import OutcomeUnknown, Refused
from settlements.views.paging import before_of

NOT_KNOWN_YET = (
    "Stripe has not answered yet. We keep asking and show the outcome here; you will not be charged twice."
)


class CardForm(forms.Form):
    """Which card to pay with."""

    card = forms.ModelChoiceField(PaymentMethod.objects.none(), label="Card", empty_label=None)

    def __init__(self, data: object = None, *, organization: Organization) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        cards = payable_cards(organization.pk)
        self.fields["card"].queryset = cards  # type: ignore[attr-defined]
        self.initial["card"] = cards.first()


@require_GET
@member_needed
@vary_on_headers("HX-Request")
def own_settlement_list(request: MemberRequest) -> HttpResponse:
    """List the organization's settlements, newest first."""
    own_after = last_sequence(organization_id=own(request).pk)
    page = page_of(listed().filter(organization=own(request)), before=before_of(request))
    template = "settlements/own_settlement_list.html" + ("#payments" if request.htmx else "")
    return render(request, template, {"page": page, "own_after": own_after})


@require_GET
@member_needed
@vary_on_headers("HX-Request")
def own_settlement_detail(request: MemberRequest, pk: int) -> HttpResponse:
    """Show one of the organization's settlements; another's is as good as none."""
    own_after = last_sequence(organization_id=own(request).pk)
    settlement = get_object_or_404(listed(), pk=pk, organization=own(request))
    story = story_of(settlement)
    collection = collection_of(settlement)
    may_pay = settlement.status in Settlement.COLLECTABLE and request.user.has_perm(
        "accounts.buy_for", own(request)
    )
    context = {
        "own_after": own_after,
        "story": story,
        "settlement": settlement,
        "collection": collection,
        "what_to_do": what_to_do(settlement, collection),
        "why_unpaid": why_unpaid(settlement, story.attempts),
        "may_pay": may_pay,
        "refunds": own_refunds(own(request).pk).filter(settlement=settlement).order_by("id"),
        "form": CardForm(organization=own(request))
        if may_pay and payable_cards(own(request).pk).exists()
        else None,
    }
    template = "settlements/own_settlement_detail.html" + ("#settlement" if request.htmx else "")
    return render(request, template, context)


@require_POST
@buyer_needed
def pay(request: MemberRequest, pk: int) -> HttpResponse:
    """Pay a settlement with the chosen card; go to the bank when it wants to see the cardholder."""
    form = CardForm(request.POST, organization=own(request))
    if not form.is_valid():
        messages.error(request, "This card is no longer on file. Choose another one.")
        return redirect("settlements:own_settlement_detail", pk)
    try:
        start = pay_settlement(
            organization_id=own(request).pk,
            settlement_id=pk,
            payment_method_id=form.cleaned_data["card"].pk,
        )
    except Settlement.DoesNotExist as missing:
        raise Http404("no such settlement") from missing
    except CannotPay as reason:
        messages.error(request, str(reason))
    except (OutcomeUnknown, Refused, PaymentMismatch):
        messages.warning(request, NOT_KNOWN_YET)
    else:
        if start.authentication_url:
            return redirect(start.authentication_url)
        _say(request, start)
    return redirect("settlements:own_settlement_detail", pk)


@require_GET
@member_needed
def payment_return(request: MemberRequest, pk: int) -> HttpResponse:
    """Take the buyer back from the bank: look the payment up, whatever the address says, and show what came of it."""
    try:
        _say(request, continue_payment(organization_id=own(request).pk, settlement_id=pk))
    except Settlement.DoesNotExist as missing:
        raise Http404("no such settlement") from missing
    except (OutcomeUnknown, Refused, PaymentMismatch):
        messages.warning(request, NOT_KNOWN_YET)
    return redirect("settlements:own_settlement_detail", pk)


def own(request: MemberRequest) -> Organization:
    """Return the organization the person acts for; the guards above made sure of one."""
    assert request.organization is not None
    return request.organization


def _say(request: HttpRequest, start: PaymentStart) -> None:
    match start.status:
        case Settlement.Status.PAID:
            messages.success(request, "Paid. Thank you.")
        case Settlement.Status.DECLINED:
            messages.error(request, "The payment was declined. The reason is below.")
        case _:
            messages.warning(request, "The payment is not finished yet.")
