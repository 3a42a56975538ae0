"""What lies ahead of a standing order: the windows that can still deliver in time, and what it would bid at once.

Where one bid in a present window can win all of it, that bid is worked out too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from auctions.models import Lot, Market, Window
from auctions.policies import MAX_LEGS
from auctions.queries.windows import Clock, clock_of, current_window, uncleared_windows
from auctions.standing.planning import Plan, Supply, plan_bid, run_lengths, supply_in
from auctions.standing.terms import OrderTerms, Remaining
from auctions.terms import MAX_LOTS_PER_LEG, BidTerms, LegTerms, OptionTerms
from marketplace.hours import HOUR, floor_hour, n_hours
from marketplace.money import cents_to_cover

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_OPTIONS = 4


@dataclass(frozen=True, slots=True)
class MarketOutlook:
    """A market's windows that close from now on and can still deliver a run in time: how many, and the present one.

    ``plan`` is what the order would bid in the present window, None where that takes no bids.
    """

    market: Market
    n_windows: int
    window: Window | None
    clock: Clock | None
    plan: Plan | None
    reserve_ticks: int | None
    whole: BidTerms | None
    """One bid that wins all of it, if any one can."""
    whole_lot: Lot | None

    @property
    def max_cents(self) -> int | None:
        """The most that the order's bid in the present window can cost, cents."""
        return cents_to_cover(self.plan.terms.max_ticks) if self.plan and self.plan.terms else None

    @property
    def whole_cents(self) -> int | None:
        return cents_to_cover(self.whole.max_ticks) if self.whole else None


def outlook_of(
    order: OrderTerms, remaining: Remaining, *, organization_id: int, now: datetime
) -> list[MarketOutlook]:
    """Return what lies ahead, market by market; an order for one market has one."""
    markets = Market.objects.filter(status=Market.Status.ACTIVE).order_by("position", "id")
    if order.market_id is not None:
        markets = markets.filter(pk=order.market_id)
    present: dict[int, list[Window]] = {}
    for window in uncleared_windows():
        present.setdefault(window.market_id, []).append(window)
    return [
        _outlook(
            market,
            current_window(present.get(market.pk, []), now),
            order,
            remaining,
            organization_id=organization_id,
            now=now,
        )
        for market in markets
    ]


def _outlook(
    market: Market,
    window: Window | None,
    order: OrderTerms,
    remaining: Remaining,
    *,
    organization_id: int,
    now: datetime,
) -> MarketOutlook:
    clock = clock_of(window, now) if window else None
    plan = whole = whole_lot = reserve_ticks = None
    if window is not None and clock is not None and clock.phase == Window.Status.OPEN:
        supply = supply_in(window, order, organization_id=organization_id)
        plan = plan_bid(order, remaining, supply)
        whole = whole_bid(order, remaining, supply)
        whole_lot = supply.lots[0] if whole else None
        reserve_ticks = min((lot.reserve_ticks for lot in supply.lots), default=None)
    return MarketOutlook(
        market=market,
        n_windows=n_windows_in_time(market, order, now),
        window=window,
        clock=clock,
        plan=plan,
        reserve_ticks=reserve_ticks,
        whole=whole,
        whole_lot=whole_lot,
    )


def n_windows_in_time(market: Market, order: OrderTerms, now: datetime) -> int:
    """Return how many of a market's windows, the present one among them, deliver a run before the deadline."""
    present = EPOCH + (now - EPOCH) // market.cadence * market.cadence
    last_start = floor_hour(order.deadline_at) - order.min_hours * HOUR
    # a window delivers from the whole hour after its close and lead: see operations/windows.py
    latest_opening = last_start - market.lead_from - market.cadence
    return max(0, -((present - latest_opening) // market.cadence))


def whole_bid(order: OrderTerms, remaining: Remaining, supply: Supply) -> BidTerms | None:
    """Return one bid, all or nothing, that wins all that is left, within the budget; None where nothing on offer can.

    Its options are runs of several lengths on any one lot; where no lot has enough, lots together for all their hours.
    """
    if remaining.unit_hours <= 0 or not supply.lots:
        return None
    options = _on_one_lot(order, remaining, supply) or _on_several(order, remaining, supply)
    return BidTerms(options=tuple(options[:MAX_OPTIONS])) if options else None


def _on_one_lot(order: OrderTerms, remaining: Remaining, supply: Supply) -> list[OptionTerms]:
    step = min(lot.block.unit_step for lot in supply.lots)
    found = []
    for hours in run_lengths(order, supply):
        units = _up_to_nodes(-(-remaining.unit_hours // hours), step)
        leg = LegTerms(
            lot_ids=(),
            filter=order.wanted,
            units=units,
            min_units=units,
            earliest_at=supply.earliest_at,
            latest_at=supply.latest_at,
            hours=hours,
        )
        option = OptionTerms(legs=(leg,), price_ticks=order.price_ticks)
        if supply.most_units(leg) >= units and option.max_ticks <= remaining.budget_ticks:
            found.append(option)
    return sorted(found, key=lambda option: (option.max_ticks, -option.legs[0].hours))


def _on_several(order: OrderTerms, remaining: Remaining, supply: Supply) -> list[OptionTerms]:
    legs: list[LegTerms] = []
    missing = remaining.unit_hours
    for lot in supply.lots[:MAX_LOTS_PER_LEG]:
        leg = _all_hours_of(lot, supply)
        most = _alone(lot, supply).most_units(leg)
        if most == 0:
            continue
        units = min(most, _up_to_nodes(-(-missing // leg.hours), lot.block.unit_step))
        legs.append(replace(leg, units=units, min_units=units))
        missing -= units * leg.hours
        if missing <= 0 or len(legs) == MAX_LEGS:
            break
    option = OptionTerms(legs=tuple(legs), price_ticks=order.price_ticks)
    return [option] if missing <= 0 and option.max_ticks <= remaining.budget_ticks else []


def _alone(lot: Lot, supply: Supply) -> Supply:
    return Supply([lot], supply.capacities, supply.earliest_at, supply.latest_at)


def _all_hours_of(lot: Lot, supply: Supply) -> LegTerms:
    start, end = max(lot.starts_at, supply.earliest_at), min(lot.ends_at, supply.latest_at)
    return LegTerms(
        lot_ids=(lot.pk,),
        units=1,
        min_units=1,
        earliest_at=start,
        latest_at=end,
        hours=n_hours(start, end),
    )


def _up_to_nodes(units: int, step: int) -> int:
    return -(-units // step) * step
