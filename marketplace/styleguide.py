"""Every component in every state on one page, for whoever builds pages. Served in DEBUG only."""

from datetime import UTC, datetime, timedelta

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone

from marketplace import stylesheet
from marketplace.fields import WholeNumberField
from marketplace.hours import HOUR, ceil_hour

STATES = {
    "Windows": ["scheduled", "open", "frozen", "closed", "cleared", "cancelled"],
    "Bids": ["placed", "won", "part_won", "lost", "cancelled", "released"],
    "Blocks": ["listed", "withdrawn"],
    "Settlements": ["due", "charging", "action_required", "declined", "paid", "carried"],
}


class TicketForm(forms.Form):
    """A form with every kind of field; no page uses it."""

    resource_type = forms.ChoiceField(choices=[("h100", "H100-SXM5-80GB"), ("h200", "H200-SXM5-141GB")])
    units = WholeNumberField(min_value=8, step_size=8, help_text="In whole nodes of 8.")
    limit = forms.CharField(
        label="Limit price",
        help_text="You pay the second price, never more than this.",
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )
    starts_at = forms.DateTimeField(widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    fabric = forms.ChoiceField(
        choices=[("infiniband", "InfiniBand"), ("roce", "RoCE")], widget=forms.RadioSelect, required=False
    )
    manifest = forms.FileField(label="CSV file", required=False)
    note = forms.CharField(widget=forms.Textarea, required=False)
    agreed = forms.BooleanField(label="I have read what happens when a payment is declined")

    def clean(self) -> dict[str, object]:
        raise forms.ValidationError("Your limit has $1,200.00 free; this bid could cost $3,193.60.")


def styleguide(request: HttpRequest) -> HttpResponse:
    """Show the design system."""
    now = timezone.now()
    hour = ceil_hour(now)
    for level, text in [
        (messages.SUCCESS, "Bid placed: 16 × H100-SXM5-80GB at up to $2.4950."),
        (messages.WARNING, "This window is frozen: bids can only be raised."),
        (messages.ERROR, "The bid came after the window closed. Nothing was placed."),
        (messages.INFO, "Prices shown are indicative until the window clears."),
    ]:
        messages.add_message(request, level, text)
    context = {
        "states": STATES,
        "form": TicketForm(),
        "bad_form": TicketForm({"bad-resource_type": "h100", "bad-units": "12"}, prefix="bad"),
        "page": Paginator(range(4812), 50).get_page(request.GET.get("page", 2)),
        "now": now,
        "soon": now + timedelta(seconds=75),
        "later": now + timedelta(hours=5, minutes=9),
        "far": now + timedelta(days=3, hours=4),
        "past": datetime(2026, 1, 2, 9, tzinfo=UTC),
        "start": hour,
        "end": hour + 6 * HOUR,
        "end_next_day": hour + 30 * HOUR,
        "products": _products(now),
        "events": _events(now),
        "consequences": ["The hold of $798.40 is released at once.", "It cannot be undone."],
        "stripe_test_mode": "Payments go to the local sandbox. No real money moves.",
    }
    return render(request, "styleguide/styleguide.html", context)


def _products(now: datetime) -> list[dict[str, object]]:
    rows = [
        ("H100-SXM5-80GB", "US East", "open", 24_950, 350, 1_024, 75),
        ("H200-SXM5-141GB", "EU North", "frozen", 31_200, -1_150, 512, 42),
        ("B200-SXM-180GB", "US West", "open", 47_500, 0, 96, 75),
        ("GB200-NVL72", "Middle East", "cleared", 61_075, 1_200, 1_152, 0),
        ("A100-SXM4-80GB", "Singapore", "scheduled", None, None, 0, 900),
        ("Llama-4-Maverick", "US Central", "open", 8_125, -25, 40, 75),
    ]
    return [
        {
            "name": name,
            "region": region,
            "status": status,
            "indicative": indicative,
            "change": change,
            "units": units,
            "closes_at": now + timedelta(seconds=seconds),
            "last": None if indicative is None else indicative - (change or 0),
        }
        for name, region, status, indicative, change, units, seconds in rows
    ]


def _events(now: datetime) -> list[dict[str, object]]:
    return [
        {"title": "Window cleared", "at": now - timedelta(minutes=9), "state": "done"},
        {
            "title": "Charge declined",
            "at": now - timedelta(minutes=8),
            "state": "failed",
            "detail": "insufficient_funds; next attempt in 4 hours",
        },
        {"title": "Charge collected", "at": now, "state": "done", "detail": "$9,580.80 · Visa ending 4242"},
        {"title": "Delivery", "at": None, "state": "pending"},
    ]


urlpatterns = [path("", styleguide, name="styleguide"), *stylesheet.urlpatterns]
