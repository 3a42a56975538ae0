"""The availability of a product hour by hour, where a buyer picks the hours of a bid. Open to everyone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from auctions.models import Market, Window
from auctions.queries.hours import Span, heat_map, span_of
from auctions.queries.lots import product_choices
from auctions.queries.windows import clock_of, current_window_of
from inventory.models import ResourceType
from marketplace.db import snapshot
from marketplace.hours import HOUR, is_whole_hour


@require_safe
@snapshot()
def hour_map(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a product's units on offer by day and hour; two hours picked lead to a bid for them.

    ``from`` and ``to`` name the first and the last hour picked, in either order.
    """
    market = get_object_or_404(Market, slug=slug)
    now = timezone.now()
    window = current_window_of(market, now)
    context: dict[str, Any] = {"market": market, "window": window}
    choices = product_choices(window) if window else []
    if window is not None and choices:
        asked = request.GET.get("product", "")
        product = next((choice for choice in choices if choice.value == asked), choices[0])
        start, end = _picked(request, window)
        span = span_of(window, product.value, start, end) if start and end else None
        context |= {
            "clock": clock_of(window, now),
            "choices": choices,
            "product": product,
            "map": heat_map(window, product.value, first_day=_day(request.GET.get("day", ""))),
            "picked_from": start,
            "picked_last": end - HOUR if end else None,
            "span": span,
            "bid_url": _bid_url(product.value, span) if span and span.first_lot else "",
        }
    return render(request, "auctions/hour_map.html", context)


def _picked(request: HttpRequest, window: Window) -> tuple[datetime | None, datetime | None]:
    """Return the first hour picked and the end of the last; an address that names no such hours picks nothing."""
    ends = [hour for name in ("from", "to") if (hour := _hour(request.GET.get(name, ""), window))]
    if not ends:
        return None, None
    return min(ends), max(ends) + HOUR if len(ends) == 2 else None


def _hour(text: str, window: Window) -> datetime | None:
    try:
        hour = datetime.fromisoformat(text)
    except ValueError:
        return None
    if hour.tzinfo is None:
        hour = hour.replace(tzinfo=UTC)
    try:
        is_within = is_whole_hour(hour) and window.delivery_from <= hour < window.delivery_to
    except OverflowError:  # a year that an offset takes out of the calendar
        return None
    return hour.astimezone(UTC) if is_within else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _bid_url(product: str, span: Span) -> str:
    """Lead to the composer with any lot of the product for the hours picked."""
    slug, _, region = product.partition("@")
    assert span.first_lot is not None
    leg = {
        "accept": "filter",
        "types": ResourceType.objects.get(slug=slug).pk,
        "regions": region,
        "parts": "any",
        "earliest": f"{span.start:%Y-%m-%dT%H:%M}",
        "latest": f"{span.end:%Y-%m-%dT%H:%M}",
    }
    typed = {"options": 1, "option-0-legs": 1, "option-0-limit": "price"}
    typed |= {f"option-0-leg-0-{name}": value for name, value in leg.items()}
    return f"{reverse('auctions:bid_compose', args=[span.first_lot.pk])}?{urlencode(typed)}"
