"""Finance: amounts too small for a card, and writing off those that found no other settlement."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import finance_needed
from settlements.models import Account, Settlement
from settlements.operations.carrying import CARRIED_FOR, WriteOff, WriteOffRefused, write_off
from settlements.queries.collecting import carried_page
from settlements.views.paging import before_of


class WriteOffForm(forms.Form):
    """Which carried settlements to write off, to which account, and why."""

    settlement = forms.ModelMultipleChoiceField(
        Settlement.objects.all(),
        widget=forms.MultipleHiddenInput,
        error_messages={"required": "Choose at least one settlement."},
    )
    account = forms.ChoiceField(
        label="Book to",
        choices=[(kind.value, kind.label) for kind in (Account.Kind.ROUNDING, Account.Kind.LOSSES)],
    )
    reason = forms.CharField(max_length=300, help_text="Stays on record with your name.")


@require_http_methods(["GET", "POST"])
@finance_needed
def carried_list(request: HttpRequest) -> HttpResponse:
    """List what is carried and not collected yet, oldest first; write off what has waited long enough."""
    now = timezone.now()
    form = WriteOffForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            done = write_off(
                WriteOff(
                    settlement_ids=[settlement.pk for settlement in form.cleaned_data["settlement"]],
                    account=Account.Kind(form.cleaned_data["account"]),
                    by=request.user,  # type: ignore[arg-type]  # somebody of finance
                    reason=form.cleaned_data["reason"],
                ),
                now=now,
            )
        except WriteOffRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, f"{len(done)} written off.")
            return redirect("settlements:carried_list")
    page = carried_page(before=before_of(request), now=now, ripe_after=CARRIED_FOR)
    context = {
        "page": page,
        "form": form,
        "chosen": request.POST.getlist("settlement"),
        "days": CARRIED_FOR.days,
    }
    return render(
        request, "settlements/carried_list.html", context, status=422 if request.method == "POST" else 200
    )
