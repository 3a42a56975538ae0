"""Finance: the platform's fee, in force and to come, and adding a version after seeing what it would come to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import finance_needed
from accounts.models import User
from auctions.models import Market
from marketplace.fields import InstantField, PlainDecimalField
from settlements.operations.fees import FeeRejected, add_fee_policy
from settlements.queries.fees import PREVIEW_DAYS, fee_in_force, fees_of_markets, preview_of, versions

BPS_PER_PERCENT = 100
HOUR_INPUT = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "60"}, format="%Y-%m-%dT%H:%M")


class PercentField(PlainDecimalField):
    """A share in percent, such as ``2.5``; cleaned to basis points."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=100, decimal_places=2, **options)

    def clean(self, value: object) -> int | None:
        percent = super().clean(value)
        return None if percent is None else int(percent * BPS_PER_PERCENT)


class FeeForm(forms.Form):
    """A version of the fee."""

    market = forms.ModelChoiceField(
        Market.objects.order_by("name", "id"),
        required=False,
        label="Market",
        empty_label="All without a fee of their own",
    )
    bps = PercentField(label="Fee, percent", help_text="Of what the buyer pays; at most two decimals.")
    valid_from = InstantField(
        label="Valid from (UTC)", widget=HOUR_INPUT, help_text="For windows that close from then on."
    )
    note = forms.CharField(label="Note", required=False, max_length=300)


@require_http_methods(["GET", "POST"])
@finance_needed
def fee_list(request: HttpRequest) -> HttpResponse:
    """Show fees and versions; POST shows what a new version would come to, and adds it once that was confirmed."""
    now = datetime.now(UTC)
    form = FeeForm(request.POST or None)
    preview = None
    if request.method == "POST" and form.is_valid():
        if "confirm" in request.POST and _added(request, form, now):
            return redirect("settlements:fee_list")
        if not form.errors and _begins_later(form, now):
            preview = preview_of(market_id=_market_id(form), bps=form.cleaned_data["bps"], now=now)
    context = {
        "form": form,
        "preview": preview,
        "preview_days": PREVIEW_DAYS,
        "fee": fee_in_force(None, now),
        "markets": fees_of_markets(now),
        "versions": versions()[:100],
    }
    status = 400 if form.is_bound and form.errors else 200
    return render(request, "settlements/fee_list.html", context, status=status)


def _added(request: HttpRequest, form: FeeForm, now: datetime) -> bool:
    """Add the version; False when it cannot be, with the reason beside its field."""
    assert isinstance(request.user, User)
    given = form.cleaned_data
    try:
        policy = add_fee_policy(
            market_id=_market_id(form),
            bps=given["bps"],
            valid_from=given["valid_from"],
            note=given["note"],
            by=request.user,
            now=now,
        )
    except FeeRejected as refused:
        form.add_error(refused.field, str(refused))
        return False
    messages.success(request, f"Added: {policy} from {policy.valid_from:%Y-%m-%d %H:%M} UTC on.")
    return True


def _begins_later(form: FeeForm, now: datetime) -> bool:
    if form.cleaned_data["valid_from"] > now:
        return True
    form.add_error("valid_from", "A version begins in the future: the past keeps its fee.")
    return False


def _market_id(form: FeeForm) -> int | None:
    market = form.cleaned_data["market"]
    return None if market is None else market.pk
