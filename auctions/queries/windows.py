"""Where a window stands by the clock, which window of a market is the current one, and what a window came to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Max, QuerySet, Sum

from auctions.models import Lot, LotPrice, Market, ProductPrice, Window

Status = Window.Status
_LIVE = (Status.OPEN, Status.FROZEN)


@dataclass(frozen=True, slots=True)
class Clock:
    """A window's phase by the clock, and what happens next and when; no ``next_at`` when nothing is scheduled."""

    phase: Window.Status
    next_label: str
    next_at: datetime | None

    @property
    def takes_bids(self) -> bool:
        return self.phase in _LIVE

    @property
    def raises_only(self) -> bool:
        """Bids can be added or raised, nothing cancelled."""
        return self.phase == Status.FROZEN


@dataclass(frozen=True, slots=True)
class PhaseStep:
    """A line of a window's timeline, in the words of the timeline component."""

    title: str
    at: datetime | None
    state: str
    detail: str = ""


def clock_of(window: Window, now: datetime) -> Clock:
    """Return where ``window`` stands at ``now``."""
    phase = window.phase_at(now)
    if phase == Status.SCHEDULED and now < window.opens_at:
        return Clock(phase, "opens in", window.opens_at)
    if phase == Status.OPEN:
        return Clock(phase, "freezes in", window.freezes_at)
    if phase == Status.FROZEN:
        return Clock(phase, "closes in", window.closes_at)
    return Clock(phase, "", None)


def timeline_of(window: Window, now: datetime) -> list[PhaseStep]:
    """Return the window's phases in order, each done or still to come at ``now``."""
    steps = [
        ("Opens", "Opened", window.opens_at, "Bids can be placed, changed and cancelled."),
        ("Freezes", "Frozen", window.freezes_at, "Bids can only be added or raised."),
        ("Closes", "Closed", window.closes_at, "No bid is taken any more."),
    ]
    lines = [
        PhaseStep(done, at, "done", detail) if at <= now else PhaseStep(coming, at, "pending", detail)
        for coming, done, at, detail in steps
    ]
    if window.status == Status.CANCELLED:
        happened = [
            line for line in lines if line.at and window.cancelled_at and line.at <= window.cancelled_at
        ]
        return [*happened, PhaseStep("Cancelled", window.cancelled_at, "failed", window.cancelled_reason)]
    if window.status == Status.CLEARED:
        return [*lines, PhaseStep("Cleared", window.cleared_at, "done")]
    if window.held_reason:
        return [*lines, PhaseStep("Clearing held", None, "failed", "An operator is looking into it.")]
    return [*lines, PhaseStep("Clears", None, "pending", "Every bid at once, at second prices.")]


def current_window(windows: Iterable[Window], now: datetime) -> Window | None:
    """Choose among a market's uncleared windows: the one that takes bids, else the one clearing, else the next."""
    rank = {Status.OPEN: 0, Status.FROZEN: 0, Status.CLOSED: 1, Status.SCHEDULED: 2}
    return min(
        windows, key=lambda window: (rank[window.phase_at(now)], window.opens_at, window.pk), default=None
    )


def uncleared_windows() -> QuerySet[Window]:
    """Return every window that has not cleared or been cancelled, markets in board order."""
    return (
        Window.objects.filter(status__in=Window.UNCLEARED)
        .select_related("market")
        .order_by("market__position", "market_id", "opens_at", "id")
    )


def current_window_of(market: Market, now: datetime) -> Window | None:
    """Return the window of ``market`` that its page shows, or None between windows."""
    return current_window(uncleared_windows().filter(market=market), now)


@dataclass(frozen=True, slots=True)
class PastWindow:
    """A finished window in a list: unit-hours offered and sold over all its products."""

    window: Window
    sold_unit_hours: int
    offered_unit_hours: int


def past_windows(market: Market, *, limit: int) -> list[PastWindow]:
    """Return the market's last windows that cleared or were cancelled, newest first."""
    windows = (
        Window.objects.filter(market=market, status__in=(Status.CLEARED, Status.CANCELLED))
        .order_by("-closes_at", "-id")
        .annotate(
            sold=Sum("product_prices__sold_unit_hours", default=0),
            offered=Sum("product_prices__offered_unit_hours", default=0),
        )[:limit]
    )
    return [PastWindow(window, window.sold, window.offered) for window in windows]


def product_prices(window: Window) -> Sequence[ProductPrice]:
    """Return what each product came to in a cleared window."""
    return list(
        ProductPrice.objects.filter(window=window)
        .select_related("resource_type")
        .order_by("resource_type__name", "region", "id")
    )


@dataclass(frozen=True, slots=True)
class Totals:
    """What a window sold and offered, in unit-hours over all products."""

    sold_unit_hours: int
    offered_unit_hours: int
    n_lots: int


def totals(window: Window) -> Totals:
    """Add up what a cleared window came to. Single bids never come out of here, nor what would reveal one."""
    sums = ProductPrice.objects.filter(window=window).aggregate(
        sold=Sum("sold_unit_hours", default=0), offered=Sum("offered_unit_hours", default=0)
    )
    return Totals(sums["sold"], sums["offered"], Lot.objects.filter(window=window).count())


@dataclass(frozen=True, slots=True)
class LotResult:
    """What a lot came to: unit-hours, and ticks per unit-hour paid on average and at the highest margin."""

    lot: Lot
    sold_unit_hours: int
    offered_unit_hours: int
    paid_ticks: int | None
    marginal_ticks: int | None


def lots_of(window: Window) -> QuerySet[Lot]:
    """Return a finished window's lots, by product and time."""
    return (
        Lot.objects.filter(window=window)
        .select_related("block__resource_type", "block__site")
        .order_by("block__resource_type__name", "block__site__region", "starts_at", "id")
    )


def lot_results(lots: Iterable[Lot]) -> list[LotResult]:
    """Sum up the hours of cleared lots, in the database: a lot may have thousands. Averages are rounded down."""
    lots = list(lots)
    sums = (
        LotPrice.objects.filter(lot__in=lots, sold_units__gt=0)
        .values("lot_id")
        .annotate(
            sold=Sum("sold_units"),
            spent=Sum(F("sold_units") * F("paid_ticks")),
            margin=Max("marginal_ticks"),
        )
        .order_by("lot_id")
    )
    by_lot = {row["lot_id"]: (int(row["sold"]), int(row["spent"]), row["margin"]) for row in sums}
    return [_lot_result(lot, *by_lot.get(lot.pk, (0, 0, None))) for lot in lots]


def _lot_result(lot: Lot, sold: int, spent: int, margin: int | None) -> LotResult:
    return LotResult(
        lot=lot,
        sold_unit_hours=sold,
        offered_unit_hours=sum(lot.capacity_units or []),
        paid_ticks=spent // sold if sold else None,
        marginal_ticks=margin,
    )
