"""Finance decides about an unpaid settlement: more time, another try, default. A page each, with a reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import finance_needed
from marketplace.fields import InstantField
from settlements.operations.decisions import (
    Decision,
    DecisionRefused,
    call_default,
    extend_deadline,
    retry_now,
)
from settlements.queries.collecting import collection_of
from settlements.queries.settlements import listed
from settlements.stripe_facts import OutcomeUnknown, Refused

NOT_KNOWN_YET = "Stripe has not answered yet. We keep asking; the outcome appears on this page."
Decide = Callable[[Decision, "ReasonForm"], str]


class ReasonForm(forms.Form):
    """Why, and which version of the settlement the person saw."""

    reason = forms.CharField(
        max_length=300, help_text="Stays on record with your name.", widget=forms.Textarea(attrs={"rows": 2})
    )
    version = forms.CharField(widget=forms.HiddenInput)


class ExtendForm(ReasonForm):
    deadline = InstantField(
        label="New deadline, UTC",
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    field_order = ["deadline", "reason", "version"]


@require_http_methods(["GET", "POST"])
@finance_needed
def deadline_extend(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the buyer more time."""

    def decide(decision: Decision, form: ReasonForm) -> str:
        deadline_at = form.cleaned_data["deadline"].replace(tzinfo=UTC)
        extend_deadline(decision, deadline_at=deadline_at, now=timezone.now())
        return "The deadline is extended, and the buyer is told."

    return _decide(request, pk, ExtendForm, "extend", decide)


@require_http_methods(["GET", "POST"])
@finance_needed
def settlement_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try the default card again at once."""

    def decide(decision: Decision, form: ReasonForm) -> str:
        status = retry_now(decision, now=timezone.now())
        return f"The card was tried. The settlement is {str(status.label).lower()} now."

    return _decide(request, pk, ReasonForm, "retry", decide)


@require_http_methods(["GET", "POST"])
@finance_needed
def settlement_default(request: HttpRequest, pk: int) -> HttpResponse:
    """Call a default before the deadline."""

    def decide(decision: Decision, form: ReasonForm) -> str:
        call_default(decision, now=timezone.now())
        return "The settlement has defaulted. Its awards are cancelled and for sale again."

    return _decide(request, pk, ReasonForm, "default", decide)


def _decide(
    request: HttpRequest, pk: int, form_class: type[ReasonForm], what: str, decide: Decide
) -> HttpResponse:
    settlement = get_object_or_404(listed(), pk=pk)
    collection = collection_of(settlement)
    form = form_class(request.POST or None, initial={"version": collection.version})
    if request.method == "POST" and form.is_valid():
        decision = Decision(
            settlement_id=pk,
            version=form.cleaned_data["version"],
            by=request.user,  # type: ignore[arg-type]  # somebody of finance
            reason=form.cleaned_data["reason"],
        )
        try:
            messages.success(request, decide(decision, form))
        except DecisionRefused as refused:
            form.add_error(refused.field or None, str(refused))
        except (OutcomeUnknown, Refused):
            messages.warning(request, NOT_KNOWN_YET)
            return redirect("settlements:settlement_detail", pk)
        else:
            return redirect("settlements:settlement_detail", pk)
    context = {"form": form, "settlement": settlement, "collection": collection, "what": what}
    status = 422 if request.method == "POST" else 200
    return render(request, "settlements/settlement_decide.html", context, status=status)
