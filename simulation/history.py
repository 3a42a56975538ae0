"""Two weeks of prices before the demo began: an hourly book of invented bids for each product, cleared by the engine.

Only what a product came to is written down, not the bids and lots behind it: nobody placed them. Prices follow the
hours of a working day in the product's part of the world, and a slow drift.
"""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta

from django.db import transaction

from auctions.engine import book_from_document, clear
from auctions.models import Market, ProductPrice, Window
from inventory.models import Region, ResourceType
from marketplace.hours import HOUR
from marketplace.money import TICKS_PER_CENT, parse_price
from settlements.models import SettledWindow
from simulation.cast import ANCHOR_DOLLARS, SELLERS

DAYS = 14
LOT_HOURS = 4
FREEZE = timedelta(minutes=6)
BUSIEST_HOUR_UTC = {"us": 19, "ca": 18, "eu": 12, "ap": 5, "me": 10, "sa": 17}
"""When people are at work, by the first part of a region's name."""


def seed_history(*, now: datetime, seed: int = 2026) -> int:
    """Write two weeks of hourly windows of the first market, up to ``now``; return how many, 0 if it has a history."""
    market = Market.objects.order_by("position", "id")[0]
    if ProductPrice.objects.filter(window__market=market).exists():
        return 0
    dice = random.Random(seed)
    products = _products()
    last = now.replace(minute=0, second=0, microsecond=0) - HOUR
    closes = [last - n * HOUR for n in reversed(range(24 * DAYS))]
    with transaction.atomic(durable=True):
        windows = Window.objects.bulk_create(_window(market, at) for at in closes)
        prices = [
            _price(window, resource_type, region, dice)
            for window in windows
            for resource_type, region in products
        ]
        ProductPrice.objects.bulk_create(prices, batch_size=2000)
        Window.objects.bulk_update(windows, ["surplus_ticks", "revenue_ticks"], batch_size=500)
        SettledWindow.objects.bulk_create(SettledWindow(window=window) for window in windows)
    return len(windows)


def _products() -> list[tuple[ResourceType, Region]]:
    types = ResourceType.objects.in_bulk(field_name="slug")
    found = {
        (slug, site.region) for seller in SELLERS for site in seller.sites for slug in site.resource_types
    }
    return [(types[slug], region) for slug, region in sorted(found)]


def _window(market: Market, closes_at: datetime) -> Window:
    return Window(
        market=market,
        status=Window.Status.CLEARED,
        opens_at=closes_at - HOUR,
        freezes_at=closes_at - FREEZE,
        closes_at=closes_at,
        closed_at=closes_at,
        cleared_at=closes_at,
        delivery_from=closes_at + HOUR,
        delivery_to=closes_at + (1 + LOT_HOURS) * HOUR,
        surplus_ticks=0,
        revenue_ticks=0,
    )


def _price(window: Window, resource_type: ResourceType, region: Region, dice: random.Random) -> ProductPrice:
    """Clear an invented book of one product and sum it up; the window's own sums grow with it."""
    step = resource_type.node_units
    anchor = resource_type.posted_price_ticks or parse_price(ANCHOR_DOLLARS[resource_type.slug])
    level = anchor * _level(window.closes_at, region)
    units = step * dice.randint(4, 16)
    lot = {"id": "lot", "seller": "seller", "units": units, "unit_step": step, "start": 0, "end": LOT_HOURS}
    bids = [_bid(number, level, units, step, dice) for number in range(dice.randint(2, 8))]
    document = {
        "format": 1,
        "rule": "core",
        "hours": LOT_HOURS,
        "lots": [lot | {"reserve": _cents(level * 0.6)}],
        "bids": bids,
    }
    clearing = clear(book_from_document(document))
    sold = int((clearing.award_units * (clearing.award_end - clearing.award_start)).sum())
    revenue = int(clearing.award_amount.sum())
    window.surplus_ticks = (window.surplus_ticks or 0) + clearing.surplus
    window.revenue_ticks = (window.revenue_ticks or 0) + revenue
    return ProductPrice(
        window=window,
        resource_type=resource_type,
        region=region,
        paid_ticks=revenue // sold if sold else None,
        sold_unit_hours=sold,
        offered_unit_hours=units * LOT_HOURS,
    )


def _bid(number: int, level: float, units: int, step: int, dice: random.Random) -> dict[str, object]:
    wanted = step * dice.randint(1, max(1, units // step // 2))
    leg = {
        "lots": ["lot"],
        "units": wanted,
        "min_units": step,
        "earliest": 0,
        "latest": LOT_HOURS,
        "hours": LOT_HOURS,
    }
    price = _cents(level * dice.lognormvariate(0.0, 0.1))
    return {
        "id": f"bid{number}",
        "bidder": f"buyer{number}",
        "sequence": number,
        "options": [{"price": price, "legs": [leg]}],
    }


def _level(at: datetime, region: Region) -> float:
    """What a unit-hour is worth at an hour, as a share of the posted price: 24 to 46 %."""
    busiest = BUSIEST_HOUR_UTC[region.value.split("-")[0]]
    day = math.cos((at.hour - busiest) / 24 * 2 * math.pi)
    week = 0.85 if at.weekday() >= 5 else 1.0  # Saturday, Sunday
    drift = math.sin(at.timestamp() / (9 * 86_400))
    return (0.35 + 0.06 * day + 0.04 * drift) * week


def _cents(ticks: float) -> int:
    return max(1, round(ticks / TICKS_PER_CENT)) * TICKS_PER_CENT
