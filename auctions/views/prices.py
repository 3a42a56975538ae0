"""Price histories: every product that has one, and one product's as chart, table and CSV. Open to everyone."""

from __future__ import annotations

import csv

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from auctions.models import Market
from auctions.queries.prices import (
    DEFAULT_SPAN,
    MOST_POINTS,
    SPANS,
    Product,
    history,
    markets_of,
    priced_markets,
    priced_products,
    summary_of,
)
from inventory.models import Region, ResourceType
from marketplace.money import dollars_of_ticks

CSV_COLUMNS = (
    "window",
    "market",
    "closed_at",
    "paid_usd_per_unit_hour",
    "sold_unit_hours",
    "offered_unit_hours",
)


@require_safe
def product_list(request: HttpRequest) -> HttpResponse:
    """List what every product came to in one market's cleared windows, over a span."""
    markets = priced_markets()
    market = _chosen(markets, request.GET.get("market", ""))
    span = _span(request)
    context = {
        "markets": markets,
        "market": market,
        "span": span,
        "spans": SPANS,
        "products": priced_products(market, since=timezone.now() - SPANS[span]) if market else [],
    }
    return render(request, "auctions/price_list.html", context)


@require_safe
def product_prices(request: HttpRequest, slug: str, region: str) -> HttpResponse:
    """Show what a product came to in one market, over a span."""
    product = _product(slug, region)
    markets = markets_of(product)
    market = _chosen(markets, request.GET.get("market", ""))
    span = _span(request)
    since = timezone.now() - SPANS[span]
    prices = list(history(product, market, since=since)[:MOST_POINTS]) if market else []
    context = {
        "product": product,
        "markets": markets,
        "market": market,
        "span": span,
        "spans": SPANS,
        "prices": prices,
        "summary": summary_of(prices),
        "is_cut": len(prices) == MOST_POINTS,
    }
    return render(request, "auctions/price_history.html", context)


@require_safe
def product_prices_csv(request: HttpRequest, slug: str, region: str) -> HttpResponse:
    """Give the whole history of a product in one market as CSV, the newest first."""
    product = _product(slug, region)
    market = get_object_or_404(Market, slug=request.GET.get("market", ""))
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{slug}-{region}-{market.slug}.csv"'
    writer = csv.writer(answer)
    writer.writerow(CSV_COLUMNS)
    for price in history(product, market).iterator(chunk_size=2000):
        writer.writerow(
            (
                price.window_id,
                market.slug,
                price.window.closes_at.isoformat(),
                "" if price.paid_ticks is None else dollars_of_ticks(price.paid_ticks),
                price.sold_unit_hours,
                price.offered_unit_hours,
            )
        )
    return answer


def _product(slug: str, region: str) -> Product:
    if region not in Region.values:
        raise Http404("no such region")
    return Product(get_object_or_404(ResourceType, slug=slug), region)


def _chosen(markets: list[Market], slug: str) -> Market | None:
    return next((market for market in markets if market.slug == slug), markets[0] if markets else None)


def _span(request: HttpRequest) -> str:
    span = request.GET.get("span", DEFAULT_SPAN)
    return span if span in SPANS else DEFAULT_SPAN
