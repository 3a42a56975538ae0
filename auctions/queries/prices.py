"""The price history of a product: what it came to in cleared windows, one market's at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.postgres.aggregates import ArrayAgg
from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, Count, Exists, F, Func, Max, Min, OuterRef, Q, QuerySet, Sum

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
LINE_POINTS = 24
"""Of the small line beside a price."""


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


@dataclass(frozen=True, slots=True)
class PricedProduct:
    """A product that a market's cleared windows offered. ``ticks``: what it came to lately, the newest first."""

    product: Product
    summary: Summary
    ticks: tuple[int, ...]
    last_at: datetime

    @property
    def change_ticks(self) -> int | None:
        return self.ticks[0] - self.ticks[1] if len(self.ticks) > 1 else None

    @property
    def line(self) -> tuple[int, ...]:
        return self.ticks[::-1]


def priced_markets() -> list[Market]:
    """Return the markets that have a price history, in the board's order."""
    has_history = Exists(ProductPrice.objects.filter(window__market=OuterRef("pk")))
    return list(Market.objects.filter(has_history).order_by("position", "id"))


def priced_products(market: Market, *, since: datetime) -> list[PricedProduct]:
    """Return what every product came to in a market's windows that closed since then, by name and region."""
    rows = (
        ProductPrice.objects.filter(
            window__market=market, window__status=Window.Status.CLEARED, window__closes_at__gte=since
        )
        .values("resource_type_id", "region")
        .annotate(
            n_windows=Count("id"),
            n_sold=Count("paid_ticks"),
            low_ticks=Min("paid_ticks"),
            high_ticks=Max("paid_ticks"),
            worth_ticks=Sum(F("paid_ticks") * F("sold_unit_hours"), default=0),
            sold=Sum("sold_unit_hours"),
            offered=Sum("offered_unit_hours"),
            last_at=Max("window__closes_at"),
            ticks=_latest_ticks(),
        )
        .order_by("resource_type__name", "region")
    )
    types = ResourceType.objects.in_bulk({row["resource_type_id"] for row in rows})
    return [
        PricedProduct(
            product=Product(types[row["resource_type_id"]], row["region"]),
            summary=Summary(
                n_windows=row["n_windows"],
                n_sold=row["n_sold"],
                last_ticks=row["ticks"][0] if row["ticks"] else None,
                mean_ticks=int(row["worth_ticks"] // row["sold"]) if row["sold"] else None,
                low_ticks=row["low_ticks"],
                high_ticks=row["high_ticks"],
                sold_unit_hours=row["sold"],
                offered_unit_hours=row["offered"],
            ),
            ticks=tuple(row["ticks"] or ()),
            last_at=row["last_at"],
        )
        for row in rows
    ]


def _latest_ticks() -> Func:
    newest_first = ArrayAgg(
        "paid_ticks", filter=Q(paid_ticks__isnull=False), order_by=("-window__closes_at", "-id")
    )
    return Func(
        newest_first,
        template=f"(%(expressions)s)[1:{LINE_POINTS}]",
        output_field=ArrayField(BigIntegerField()),
    )


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
