"""The board: every product on offer, market by market, with what it would cost now and what it cost last."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count, Min

from auctions.models import Indication, Lot, Market, Window
from auctions.queries.lots import is_anything_left, lots_with_facts, units_on_offer
from auctions.queries.windows import Clock, clock_of, current_window, uncleared_windows
from inventory.models import Region, ResourceType


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A product in a window. Prices are ticks per unit-hour; ``change_ticks`` is the last against the one before."""

    window_id: int
    resource_type: ResourceType
    region: str
    n_lots: int
    reserve_ticks: int
    offered_units: int
    indicative_ticks: int | None
    entry_ticks: int | None
    is_estimate: bool
    last_ticks: int | None
    change_ticks: int | None

    @property
    def product(self) -> str:
        """Name the product to live updates."""
        return f"{self.resource_type.pk}:{self.region}"

    @property
    def choice(self) -> str:
        """Name the product to the market page's filter."""
        return f"{self.resource_type.slug}@{self.region}"

    @property
    def region_label(self) -> str:
        return Region(self.region).label


@dataclass(frozen=True, slots=True)
class BoardSection:
    """A market's current window and the products in it."""

    market: Market
    window: Window
    clock: Clock
    rows: list[BoardRow]


@dataclass(frozen=True, slots=True)
class _Offer:
    """What the lots of a product in a window add up to, as far as anything of them is left."""

    n_lots: int
    reserve_ticks: int


@dataclass(frozen=True, slots=True)
class _LastPrices:
    last_ticks: int
    before_ticks: int | None


def board_sections(now: datetime) -> list[BoardSection]:
    """Return the board, markets in their order, products by name and region. Six queries at most."""
    windows = _windows_on_board(now)
    offers = _offers(windows)
    indications = {
        (row.window_id, row.resource_type_id, row.region): row
        for row in Indication.objects.filter(window__in=windows)
    }
    units = {key: row.offered_units for key, row in indications.items()}
    unseen = {window_id for window_id, *product in offers if (window_id, *product) not in units}
    units = {**(_units_of(unseen) if unseen else {}), **units}
    types = ResourceType.objects.in_bulk({type_id for _, type_id, _ in offers})
    history = _last_prices(windows, offers)

    rows: dict[int, list[BoardRow]] = defaultdict(list)
    markets = {window.pk: window.market_id for window in windows}
    for (window_id, type_id, region), offer in offers.items():
        key = (window_id, type_id, region)
        if not units[key]:
            continue
        indication = indications.get(key)
        last = history.get((markets[window_id], type_id, region))
        rows[window_id].append(
            BoardRow(
                window_id=window_id,
                resource_type=types[type_id],
                region=region,
                n_lots=offer.n_lots,
                reserve_ticks=offer.reserve_ticks,
                offered_units=units[key],
                indicative_ticks=indication.paid_ticks if indication else None,
                entry_ticks=indication.entry_ticks if indication else None,
                is_estimate=indication.is_estimate if indication else False,
                last_ticks=last.last_ticks if last else None,
                change_ticks=_change(last),
            )
        )
    return [
        BoardSection(
            market=window.market,
            window=window,
            clock=clock_of(window, now),
            rows=sorted(rows[window.pk], key=lambda row: (row.resource_type.name, row.region)),
        )
        for window in windows
    ]


def _windows_on_board(now: datetime) -> list[Window]:
    """Choose one window a market, and beside it any that is still clearing."""
    by_market: dict[int, list[Window]] = defaultdict(list)
    for window in uncleared_windows():
        by_market[window.market_id].append(window)
    chosen = []
    for windows in by_market.values():
        current = current_window(windows, now)
        clearing = [window for window in windows if window.phase_at(now) == Window.Status.CLOSED]
        chosen += [*(window for window in clearing if window != current), current]
    return [window for window in chosen if window is not None]


def _offers(windows: list[Window]) -> dict[tuple[int, int, str], _Offer]:
    groups = (
        Lot.objects.filter(is_anything_left(), window__in=windows, on_offer=True)
        .values_list("window_id", "block__resource_type_id", "block__site__region")
        .annotate(n_lots=Count("id"), reserve_ticks=Min("reserve_ticks"))
        .order_by("window_id", "block__resource_type_id", "block__site__region")
    )
    return {(window_id, type_id, region): _Offer(*figures) for window_id, type_id, region, *figures in groups}


def _units_of(window_ids: set[int]) -> dict[tuple[int, int, str], int]:
    """Add up the units on offer in windows whose first indication has yet to be computed."""
    lots = list(lots_with_facts().filter(window__in=window_ids, on_offer=True))
    units = units_on_offer(lots)
    totals: dict[tuple[int, int, str], int] = defaultdict(int)
    for lot in lots:
        totals[lot.window_id, lot.block.resource_type_id, lot.block.site.region] += units[lot.pk]
    return dict(totals)


_LAST_TWO_PRICES = """
    SELECT product.market_id, product.resource_type_id, product.region, price.paid_ticks
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS product (market_id, resource_type_id, region)
    CROSS JOIN LATERAL (
        SELECT told.paid_ticks, told.window_id
        FROM auctions_productprice AS told
        JOIN auctions_window ON auctions_window.id = told.window_id
        WHERE told.resource_type_id = product.resource_type_id
          AND told.region = product.region
          AND told.paid_ticks IS NOT NULL
          AND auctions_window.market_id = product.market_id
        ORDER BY told.window_id DESC
        LIMIT 2
    ) AS price
    ORDER BY 1, 2, 3, price.window_id DESC
"""
"""One walk down the price history's index per product, however long the history is."""


def _last_prices(
    windows: list[Window], offers: dict[tuple[int, int, str], _Offer]
) -> dict[tuple[int, int, str], _LastPrices]:
    markets = {window.pk: window.market_id for window in windows}
    products = sorted({(markets[window_id], type_id, region) for window_id, type_id, region in offers})
    if not products:
        return {}
    told: dict[tuple[int, int, str], list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_LAST_TWO_PRICES, [list(column) for column in zip(*products, strict=True)])
        for market_id, type_id, region, paid_ticks in cursor.fetchall():
            told[market_id, type_id, region].append(paid_ticks)
    return {
        product: _LastPrices(prices[0], prices[1] if len(prices) > 1 else None)
        for product, prices in told.items()
    }


def _change(last: _LastPrices | None) -> int | None:
    if last is None or last.before_ticks is None:
        return None
    return last.last_ticks - last.before_ticks
