"""Supply and demand of a cleared window, product by product, as chart, table and CSV. Open to all, as its book is."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from accounts.middleware import MemberRequest
from auctions.models import Lot, ProductPrice, Window
from auctions.queries.curves import MOST_STEPS, curves_of, is_published, lots_of_product
from auctions.queries.windows import product_prices
from marketplace.db import snapshot
from marketplace.money import dollars_of_ticks

LOTS_TO_CHOOSE = 500
CSV_COLUMNS = (
    "side",
    "price_usd_per_unit_hour",
    "unit_hours",
    "up_to_unit_hours",
    "bids_or_lots",
    "won_unit_hours",
)


@require_safe
@snapshot()
def window_curves(request: MemberRequest, pk: int) -> HttpResponse:
    """Show supply and demand of a product, or of one of its lots. A window that still runs is shown by its market."""
    window = get_object_or_404(Window.objects.select_related("market"), pk=pk)
    if window.status in Window.UNCLEARED:
        return redirect("auctions:market", slug=window.market.slug)
    products = product_prices(window)
    context: dict[str, Any] = {"window": window, "products": products}
    if is_published(window) and products:
        product = _product(products, request)
        lots = lots_of_product(window, product)
        chosen = _lot(lots, request)
        curves = curves_of(window, [chosen] if chosen else lots, own=request.organization)
        context |= {
            "product": product,
            "lots": lots[:LOTS_TO_CHOOSE],
            "lot": chosen,
            "curves": curves,
            "demand": curves.demand[:MOST_STEPS],
            "supply": curves.supply[:MOST_STEPS],
            "is_cut": max(len(curves.demand), len(curves.supply)) > MOST_STEPS,
        }
    return render(request, "auctions/window_curves.html", context)


@require_safe
@snapshot()
def window_curves_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """Give every step of both curves as CSV: demand from the highest price, then supply from the lowest reserve."""
    window = get_object_or_404(Window, pk=pk)
    products = product_prices(window)
    if not is_published(window) or not products:
        raise Http404("the book of this window is not published")
    product = _product(products, request)
    lots = lots_of_product(window, product)
    chosen = _lot(lots, request)
    curves = curves_of(window, [chosen] if chosen else lots, own=None)
    what = f"lot-{chosen.pk}" if chosen else f"{product.resource_type.slug}-{product.region}"
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="window-{pk}-{what}-curves.csv"'
    writer = csv.writer(answer)
    writer.writerow(CSV_COLUMNS)
    for each in curves.demand:
        step = each.step
        writer.writerow(
            ("demand", dollars_of_ticks(step.price_ticks), step.unit_hours, step.up_to, step.n, each.won)
        )
    for step in curves.supply:
        writer.writerow(
            ("supply", dollars_of_ticks(step.price_ticks), step.unit_hours, step.up_to, step.n, "")
        )
    return answer


def _product(products: Sequence[ProductPrice], request: HttpRequest) -> ProductPrice:
    """The product asked for, else the one of which most was sold."""
    asked = request.GET.get("product", "")
    for product in products:
        if f"{product.resource_type.slug}@{product.region}" == asked:
            return product
    if asked:
        raise Http404("the window offered no such product")
    return max(products, key=lambda product: product.sold_unit_hours)


def _lot(lots: list[Lot], request: HttpRequest) -> Lot | None:
    asked = request.GET.get("lot", "")
    if not asked:
        return None
    for lot in lots:
        if str(lot.pk) == asked:
            return lot
    raise Http404("the product has no such lot in this window")
