"""A market's page with its current window, and the page of a window that is over. Open to everyone."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.middleware import MemberRequest
from accounts.trail import About, history_of
from auctions.models import Bid, Market, Window
from auctions.queries.bids import bids_of, own_bids
from auctions.queries.curves import is_published
from auctions.queries.lots import by_product, lots_on_offer, product_choices
from auctions.queries.windows import (
    clock_of,
    current_window_of,
    lot_results,
    lots_of,
    past_windows,
    product_prices,
    timeline_of,
    totals,
)
from marketplace.db import snapshot

LOTS_PER_PAGE = 50
PAST_WINDOWS = 12
OWN_BIDS_SHOWN = 50
FINISHED = (Window.Status.CLEARED, Window.Status.CANCELLED)


@require_safe
@vary_on_headers("HX-Request")
@snapshot()
def market(request: MemberRequest, slug: str) -> HttpResponse:
    """Show a market's current window, its lots, and the windows before it; to htmx, only the window."""
    found = get_object_or_404(Market, slug=slug)
    now = timezone.now()
    window = current_window_of(found, now)
    context: dict[str, Any] = {"market": found, "window": window, "now": now}
    if window is not None:
        context |= _window_context(request, window)
    if request.htmx:
        return render(request, "auctions/market_detail.html#window", context)
    context["past"] = past_windows(found, limit=PAST_WINDOWS)
    return render(request, "auctions/market_detail.html", context)


@require_safe
@snapshot()
def window(request: MemberRequest, pk: int) -> HttpResponse:
    """Show what a window came to. One that is not over yet is shown by its market's page."""
    found = get_object_or_404(Window.objects.select_related("market"), pk=pk)
    if found.status not in FINISHED:
        return redirect("auctions:market", slug=found.market.slug)
    now = timezone.now()
    page = Paginator(lots_of(found), LOTS_PER_PAGE).get_page(request.GET.get("page"))
    own = bids_of(request.organization).filter(window=found) if request.organization else Bid.objects.none()
    context = {
        "window": found,
        "steps": timeline_of(found, now),
        "is_published": is_published(found),
        "products": product_prices(found),
        "totals": totals(found),
        "page": page,
        "lots": lot_results(page),
        "own_bids": own_bids(own[:OWN_BIDS_SHOWN], now),
        "n_own_bids": own.count(),
    }
    if request.user.has_perm("accounts.operate_markets"):
        context["trail"] = history_of(request, About(Window, pk))
    return render(request, "auctions/window_detail.html", context)


def _window_context(request: MemberRequest, window: Window) -> dict[str, Any]:
    now = timezone.now()
    choices = product_choices(window)
    asked = request.GET.get("product", "")
    product = asked if asked in {choice.value for choice in choices} else ""
    page = Paginator(lots_on_offer(window, product=product), LOTS_PER_PAGE).get_page(request.GET.get("page"))
    return {
        "clock": clock_of(window, now),
        "steps": timeline_of(window, now),
        "choices": choices,
        "product": product,
        "products": by_product(window, page),
        "page": page,
    }
