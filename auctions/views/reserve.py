"""Reserve advice: what other reserves would have come to on past lots, against what a unit costs its seller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import seller_needed
from accounts.middleware import MemberRequest, active_organization
from auctions.models import Market
from auctions.odds import FEWEST
from auctions.queries.advice import advice_on, rows_of, sample_of
from auctions.queries.lots import COMPARED_LOTS
from auctions.queries.prices import Product, markets_of
from inventory.costs import hourly_cost
from inventory.forms import CostForm
from inventory.models import Region, ResourceType, Site, UnitCost
from inventory.operations import CostsChanged, save_unit_cost, version_of_costs
from inventory.queries import resource_types_on_sale
from marketplace.money import InvalidPrice, dollars_of_ticks, parse_price
from marketplace.numbers import whole_number

UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks about. ``reserve_error`` says what is wrong with the reserve it names."""

    resource_type: ResourceType | None
    region: str
    market: str
    reserve_text: str
    reserve_ticks: int | None
    reserve_error: str

    @property
    def product(self) -> Product | None:
        return Product(self.resource_type, self.region) if self.resource_type and self.region else None


@require_http_methods(["GET", "POST"])
@seller_needed
def reserve_advice(request: MemberRequest) -> HttpResponse:
    """Show the advice for a product; POST saves what a unit costs and comes back to it."""
    seller = active_organization(request)
    types = list(resource_types_on_sale())
    asked = _asked(request.GET, types)
    cost = UnitCost.objects.filter(organization=seller, resource_type=asked.resource_type).first()
    form = None
    if asked.resource_type is not None:
        typed = request.POST if request.method == "POST" else None
        seen = {"version": version_of_costs(cost)}
        form = CostForm(typed, initial=CostForm.initial_of(cost, asked.resource_type) | seen)
        if typed is not None and form.is_valid():
            try:
                save_unit_cost(
                    seller=seller,
                    resource_type=asked.resource_type,
                    saved_by=request.user,
                    costs=form.terms,
                    version_seen=form.cleaned_data["version"],
                )
            except CostsChanged as changed:
                form.tell(str(changed), version=changed.version)
            else:
                messages.success(request, f"What {asked.resource_type} costs you is saved.")
                return redirect(f"{reverse('auctions:reserve_advice')}?{request.GET.urlencode()}")
    context = _advice_context(asked, cost) | {
        "asked": asked,
        "types": types,
        "regions": Region,
        "cost_form": form,
        "reserve_error": asked.reserve_error,
    }
    status = UNPROCESSABLE if request.method == "POST" or asked.reserve_error else 200
    return render(request, "auctions/reserve_advice.html", context, status=status)


@require_safe
@seller_needed
def reserve_brief(request: MemberRequest) -> HttpResponse:
    """Give the advice in a few lines, for the form of a new block: by the site and type chosen there."""
    seller = active_organization(request)
    site = Site.objects.filter(organization=seller, pk=_id(request.GET.get("site", ""))).first()
    resource_type = resource_types_on_sale().filter(pk=_id(request.GET.get("resource_type", ""))).first()
    chosen = QueryDict(mutable=True)
    chosen["type"], chosen["region"] = (
        resource_type.slug if resource_type else "",
        site.region if site else "",
    )
    chosen["reserve"] = request.GET.get("reserve", "")
    asked = _asked(chosen, [resource_type] if resource_type else [])
    cost = UnitCost.objects.filter(organization=seller, resource_type=resource_type).first()
    context = _advice_context(asked, cost) | {"asked": asked, "page_url": _page_url(asked)}
    return render(request, "auctions/reserve_advice.html#brief", context)


def _asked(query: QueryDict, types: list[ResourceType]) -> Asked:
    slug, region, text = query.get("type", ""), query.get("region", ""), query.get("reserve", "").strip()
    ticks, error = None, ""
    if text:
        try:
            ticks = parse_price(text)
        except InvalidPrice as refused:
            error = str(refused)
    return Asked(
        resource_type=next((each for each in types if each.slug == slug), None),
        region=region if region in Region.values else "",
        market=query.get("market", ""),
        reserve_text=text,
        reserve_ticks=ticks,
        reserve_error=error,
    )


def _advice_context(asked: Asked, cost: UnitCost | None) -> dict[str, Any]:
    hourly = hourly_cost(cost) if cost else None
    context: dict[str, Any] = {"cost": cost, "hourly": hourly, "most_lots": COMPARED_LOTS, "fewest": FEWEST}
    if asked.product is None:
        return context
    markets = markets_of(asked.product)
    market = _chosen(markets, asked.market)
    context |= {"product": asked.product, "markets": markets, "market": market}
    if market is None:
        return context
    sample = sample_of(asked.product, market)
    advice = advice_on(sample, cost=hourly, own_ticks=asked.reserve_ticks)
    rows = rows_of(advice, cost=hourly, own_ticks=asked.reserve_ticks)
    return context | {"sample": sample, "advice": advice, "rows": rows}


def _chosen(markets: list[Market], slug: str) -> Market | None:
    return next((market for market in markets if market.slug == slug), markets[0] if markets else None)


def _page_url(asked: Asked) -> str:
    said = {
        "type": asked.resource_type.slug if asked.resource_type else "",
        "region": asked.region,
        "reserve": "" if asked.reserve_ticks is None else dollars_of_ticks(asked.reserve_ticks),
    }
    return f"{reverse('auctions:reserve_advice')}?{urlencode({name: text for name, text in said.items() if text})}"


def _id(text: str) -> int:
    """Return the id a form's choice says, or one that no row has."""
    return whole_number(text) or 0
