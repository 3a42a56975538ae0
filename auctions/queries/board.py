"""The board: every product on offer, market by market, with what it would cost now and what it cost last."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count, F, IntegerField, Min, Q, Sum, Value
from django.db.models.functions import Coalesce, Mod

from auctions.models import Indication, Lot, Market, Window
from auctions.queries.lots import is_anything_left, units_in_every_hour
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
    history_ticks: tuple[int, ...]
    is_narrowed: bool
    """Whether ``n_lots`` and ``offered_units`` leave out lots that the filter does, so that live updates, which count
    all of the product's, must not write over them."""

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
    units: int
    """Of some lots only; 0 where an indication tells those of all."""


@dataclass(frozen=True, slots=True)
class _LastPrices:
    """What a product came to in the latest windows that sold it, the newest first."""

    ticks: list[int]


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """What a reader narrows the board down to; empty means any. ``most_ticks`` bounds the price to win now."""

    words: str = ""
    kind: str = ""
    region: str = ""
    fabric: str = ""
    most_ticks: int | None = None

    @property
    def narrows_lots(self) -> bool:
        return bool(self.fabric)

    def of_lots(self) -> Q:
        """Return what a lot must be."""
        asked = {
            "block__resource_type__kind": self.kind,
            "block__site__region": self.region,
            "block__site__fabric": self.fabric,
        }
        wanted = Q(**{name: value for name, value in asked.items() if value})
        for word in self.words.split():
            wanted &= (
                Q(block__resource_type__name__icontains=word)
                | Q(block__resource_type__slug__icontains=word)
                | Q(block__resource_type__maker__icontains=word)
            )
        return wanted

    def takes(self, row: BoardRow) -> bool:
        """Say whether a row is cheap enough to win now; nothing is known of one without an indication yet."""
        price = row.entry_ticks if row.entry_ticks is not None else row.reserve_ticks
        return self.most_ticks is None or price <= self.most_ticks


EVERYTHING = BoardFilter()


def board_sections(now: datetime, narrowed: BoardFilter = EVERYTHING) -> list[BoardSection]:
    """Return the board, markets in their order, products by name and region. Six queries at most."""
    windows = _windows_on_board(now)
    offers = _offers(windows, narrowed)
    indications = {
        (row.window_id, row.resource_type_id, row.region): row
        for row in Indication.objects.filter(window__in=windows)
    }
    if narrowed.narrows_lots:
        units = {key: offer.units for key, offer in offers.items()}
    else:
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
                last_ticks=last.ticks[0] if last else None,
                change_ticks=_change(last),
                history_ticks=tuple(last.ticks[::-1]) if last else (),
                is_narrowed=narrowed.narrows_lots,
            )
        )
    return [
        BoardSection(
            market=window.market,
            window=window,
            clock=clock_of(window, now),
            rows=sorted(
                filter(narrowed.takes, rows[window.pk]), key=lambda row: (row.resource_type.name, row.region)
            ),
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


def _offers(windows: list[Window], narrowed: BoardFilter) -> dict[tuple[int, int, str], _Offer]:
    lots = Lot.objects.filter(is_anything_left(), narrowed.of_lots(), window__in=windows, on_offer=True)
    if narrowed.narrows_lots:
        lots = lots.annotate(fewest=units_in_every_hour())
    groups = (
        lots.values_list("window_id", "block__resource_type_id", "block__site__region")
        .annotate(
            n_lots=Count("id"),
            lowest_ticks=Min("reserve_ticks"),
            units=_WHOLE_NODES if narrowed.narrows_lots else Value(0),
        )
        .order_by("window_id", "block__resource_type_id", "block__site__region")
    )
    return {(window_id, type_id, region): _Offer(*figures) for window_id, type_id, region, *figures in groups}


def _units_of(window_ids: set[int]) -> dict[tuple[int, int, str], int]:
    """Add up the units on offer before an indication says them, as it does: what each lot has in all of its hours."""
    sums = (
        Lot.objects.filter(window__in=window_ids, on_offer=True)
        .annotate(fewest=units_in_every_hour())
        .values_list("window_id", "block__resource_type_id", "block__site__region")
        .annotate(units=_WHOLE_NODES)
        .order_by()
    )
    return {(window_id, type_id, region): units for window_id, type_id, region, units in sums}


_WHOLE_NODES = Coalesce(Sum(F("fewest") - Mod("fewest", "block__unit_step", output_field=IntegerField())), 0)


HISTORY_POINTS = 24
_LAST_PRICES = """
    SELECT product.market_id, product.resource_type_id, product.region,
           array_agg(price.paid_ticks ORDER BY price.window_id DESC)
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
        LIMIT %s
    ) AS price
    GROUP BY 1, 2, 3
"""
"""One walk down the price history's index per product, however long the history is."""


def _last_prices(
    windows: list[Window], offers: dict[tuple[int, int, str], _Offer]
) -> dict[tuple[int, int, str], _LastPrices]:
    markets = {window.pk: window.market_id for window in windows}
    products = sorted({(markets[window_id], type_id, region) for window_id, type_id, region in offers})
    if not products:
        return {}
    columns = [list(column) for column in zip(*products, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_LAST_PRICES, [*columns, HISTORY_POINTS])
        return {
            (market_id, type_id, region): _LastPrices(ticks) for market_id, type_id, region, ticks in cursor
        }


def _change(last: _LastPrices | None) -> int | None:
    if last is None or len(last.ticks) < 2:
        return None
    return last.ticks[0] - last.ticks[1]
