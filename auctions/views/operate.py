"""The operator's pages: what needs a look, markets and windows, and the health of workers, jobs and the live feed."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import operator_needed
from accounts.trail import About, history_of
from auctions.models import Market, Window
from auctions.operations import markets, windows
from auctions.operations.markets import MarketChanged, MarketRejected, MarketTerms
from auctions.queries import operations as watch
from marketplace.fields import WholeNumberField
from marketplace.hours import HOUR
from marketplace.states import IllegalTransition
from marketplace.versioned_forms import VersionedForm

MINUTE = timedelta(minutes=1)
MOST_MINUTES, MOST_HOURS = 60 * 24 * 31, 24 * 731


class MarketForm(VersionedForm):
    """A market as an operator types it: minutes between windows, hours from close to delivery."""

    name = forms.CharField(label="Name", max_length=60)
    slug = forms.SlugField(
        label="Address",
        max_length=40,
        help_text="Letters, digits and hyphens, as in /markets/overnight/. It stays.",
    )
    cadence = WholeNumberField(
        label="A window every",
        min_value=5,
        max_value=MOST_MINUTES,
        help_text="Minutes, from 5 to 44,640 (31 days).",
    )
    lead_from = WholeNumberField(
        label="Delivery from", min_value=0, max_value=MOST_HOURS, help_text="Hours after a window closes."
    )
    lead_to = WholeNumberField(
        label="Delivery until", min_value=1, max_value=MOST_HOURS, help_text="Hours after a window closes."
    )
    position = WholeNumberField(
        label="Place on the board", min_value=0, max_value=1000, help_text="0 comes first.", initial=0
    )

    def __init__(self, data: object = None, *, market: Market | None = None) -> None:
        initial = (
            {
                "name": market.name,
                "cadence": market.cadence // MINUTE,
                "lead_from": market.lead_from // HOUR,
                "lead_to": market.lead_to // HOUR,
                "position": market.position,
                "version": markets.terms_of_market(market).version,
            }
            if market
            else {}
        )
        super().__init__(data, initial=initial)  # type: ignore[arg-type]
        del self.fields["version" if market is None else "slug"]

    def terms(self) -> MarketTerms:
        said = self.cleaned_data
        return MarketTerms(
            name=said["name"],
            position=said["position"],
            cadence=said["cadence"] * MINUTE,
            lead_from=said["lead_from"] * HOUR,
            lead_to=said["lead_to"] * HOUR,
        )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        max_length=200,
        help_text="Buyers and sellers of the window will read it.",
        error_messages={"required": "Say why: buyers and sellers will read it."},
    )


@require_GET
@operator_needed
def overview(request: HttpRequest) -> HttpResponse:
    """Show what needs a person, the windows under way, and how workers, jobs and the live feed do."""
    now = timezone.now()
    health = watch.health(now=now)
    context = {
        "alarms": watch.alarms(now=now, health=health),
        "health": health,
        "windows": watch.uncleared_windows(),
        "finished": watch.finished_windows(),
        "now": now,
    }
    return render(request, "auctions/operate_overview.html", context)


@require_GET
@operator_needed
def market_list(request: HttpRequest) -> HttpResponse:
    """List all markets, those that are paused too."""
    return render(request, "auctions/operate_market_list.html", {"markets": watch.markets()})


@require_http_methods(["GET", "POST"])
@operator_needed
def market_create(request: HttpRequest) -> HttpResponse:
    """Start a market."""
    form = MarketForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            market = markets.create_market(slug=form.cleaned_data["slug"], terms=form.terms())
        except MarketRejected as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, f"{market} runs: its first window is scheduled within a second.")
            return redirect("auctions:operate_market_list")
    return _form_page(request, form, None)


@require_http_methods(["GET", "POST"])
@operator_needed
def market_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Run a market by other terms from its next window on."""
    market = get_object_or_404(Market, pk=pk)
    form = MarketForm(request.POST if request.method == "POST" else None, market=market)
    if request.method == "POST" and form.is_valid():
        try:
            market = markets.change_market(
                market_id=pk, terms=form.terms(), version_seen=form.cleaned_data["version"]
            )
        except MarketRejected as refused:
            form.add_error(refused.field, str(refused))
        except MarketChanged as changed:
            form.tell(str(changed), version=changed.terms.version)
        else:
            messages.success(request, f"{market} is changed, from its next window on.")
            return redirect("auctions:operate_market_list")
    return _form_page(request, form, market)


@require_POST
@operator_needed
def market_pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Schedule no more windows of a market, or resume."""
    market = get_object_or_404(Market, pk=pk)
    pauses = request.POST.get("to") == Market.Status.PAUSED
    try:
        (markets.pause_market if pauses else markets.resume_market)(market_id=pk)
    except IllegalTransition:
        messages.info(request, f"{market} was {'paused' if pauses else 'resumed'} already.")
    else:
        told = "is paused: the window under way runs to its end." if pauses else "runs again."
        messages.success(request, f"{market} {told}")
    return redirect("auctions:operate_market_list")


@require_http_methods(["GET", "POST"])
@operator_needed
def window_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a reason, then call a window off."""
    window = get_object_or_404(watch.every_window(), pk=pk)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            windows.cancel_window(window_id=pk, reason=form.cleaned_data["reason"])
        except IllegalTransition:
            messages.error(
                request, f"Window {pk} has cleared or was cancelled meanwhile: nothing was changed."
            )
        else:
            messages.success(
                request, f"Window {pk} is cancelled. Every bid, hold and unit in it is released."
            )
        return redirect("auctions:operate_overview")
    status = 422 if request.method == "POST" else 200
    context = {"window": window, "form": form, "trail": history_of(request, About(Window, pk))}
    return render(request, "auctions/operate_window_cancel.html", context, status=status)


@require_POST
@operator_needed
def window_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a held window's clearing tried again."""
    get_object_or_404(Window, pk=pk)
    try:
        was_held = windows.retry_held_window(window_id=pk)
    except windows.NotSealed as reason:
        messages.error(request, str(reason))
    else:
        if was_held:
            messages.success(request, f"Window {pk} is tried again within a second.")
        else:
            messages.info(request, f"Window {pk} is not held any more.")
    return redirect("auctions:operate_overview")


def _form_page(request: HttpRequest, form: MarketForm, market: Market | None) -> HttpResponse:
    trail = history_of(request, About(Market, market.pk)) if market else None
    context = {"form": form, "market": market, "trail": trail}
    status = 422 if form.is_bound else 200
    return render(request, "auctions/operate_market_form.html", context, status=status)
