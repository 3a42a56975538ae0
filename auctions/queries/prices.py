"""The price history of a product: what it came to in cleared windows, one market's at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, QuerySet

from auctions.models import Market, ProductPrice, Window
from inventory.models import Region, ResourceType

SPANS = {
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "14d": timedelta(days=14),
    "90d": timedelta(days=90),
}
DEFAULT_SPAN = "7d"
MOST_POINTS = 2_000


@dataclass(frozen=True, slots=True)
class Product:
    """A resource type in a region: the row of the price board."""

    resource_type: ResourceType
    region: str

    @property
    def region_label(self) -> str:
        return Region(self.region).label

    def __str__(self) -> str:
        return f"{self.resource_type.name}, {self.region_label}"


@dataclass(frozen=True, slots=True)
class PricedProduct:
    """A product that was on offer in cleared windows: how many of them, and when the last one closed."""

    product: Product
    n_windows: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """A span in figures. Prices are ticks per unit-hour; the mean weighs each window by the unit-hours it sold, rounded
    down; None where nothing sold. ``sold_share`` is whole per cent of the unit-hours offered."""

    n_windows: int
    n_sold: int
    last_ticks: int | None
    mean_ticks: int | None
    low_ticks: int | None
    high_ticks: int | None
    sold_unit_hours: int
    offered_unit_hours: int

    @property
    def sold_share(self) -> int | None:
        return self.sold_unit_hours * 100 // self.offered_unit_hours if self.offered_unit_hours else None


def priced_products() -> list[PricedProduct]:
    """Return every product with a price history, by name and region."""
    rows = (
        ProductPrice.objects.values_list("resource_type_id", "region")
        .annotate(n=Count("id"), last=Max("window__closes_at"))
        .order_by("resource_type__name", "region")
    )
    types = ResourceType.objects.in_bulk()
    return [PricedProduct(Product(types[type_id], region), n, last) for type_id, region, n, last in rows]


def markets_of(product: Product) -> list[Market]:
    """Return the markets in which a product has a history, in the board's order."""
    priced = ProductPrice.objects.filter(resource_type=product.resource_type, region=product.region)
    return list(Market.objects.filter(pk__in=priced.values("window__market")).order_by("position", "id"))


def history(product: Product, market: Market, *, since: datetime | None = None) -> QuerySet[ProductPrice]:
    """Return what a product came to in a market's cleared windows, the newest first."""
    prices = ProductPrice.objects.filter(
        resource_type=product.resource_type,
        region=product.region,
        window__market=market,
        window__status=Window.Status.CLEARED,
    )
    if since is not None:
        prices = prices.filter(window__closes_at__gte=since)
    return prices.select_related("window").order_by("-window__closes_at", "-id")


def summary_of(prices: Sequence[ProductPrice]) -> Summary:
    """Sum a history (the newest first) up."""
    paid = [(price.paid_ticks, price.sold_unit_hours) for price in prices if price.paid_ticks is not None]
    sold = sum(unit_hours for _, unit_hours in paid)
    ticks = [each for each, _ in paid]
    return Summary(
        n_windows=len(prices),
        n_sold=len(paid),
        last_ticks=ticks[0] if ticks else None,
        mean_ticks=sum(each * unit_hours for each, unit_hours in paid) // sold if sold else None,
        low_ticks=min(ticks, default=None),
        high_ticks=max(ticks, default=None),
        sold_unit_hours=sold,
        offered_unit_hours=sum(price.offered_unit_hours for price in prices),
    )
