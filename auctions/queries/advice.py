"""What past lots of a product offered and sold, and the advice on reserves that follows from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from auctions.advice import Advice, OfferedLot, Outcome, PastSale, advise
from auctions.models import Award, Lot, Market, Window
from auctions.queries.lots import COMPARED_LOTS
from auctions.queries.prices import Product
from inventory.costs import HourlyCost


@dataclass(frozen=True, slots=True)
class Sample:
    """The latest lots of a product in a market, and the closings of the first and last window they come from."""

    lots: list[OfferedLot]
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class AdviceRow:
    """One reserve tried. ``margin_ticks`` is None where the seller's costs are not known."""

    outcome: Outcome
    margin_ticks: int | None
    marks: list[str]
    is_best: bool
    is_below_power: bool


def sample_of(product: Product, market: Market) -> Sample:
    """Return at most COMPARED_LOTS lots of the market's cleared windows, in two queries.

    What a buyer did not pay for does not count as sold.
    """
    rows = list(
        Lot.objects.filter(
            window__market=market,
            window__status=Window.Status.CLEARED,
            block__resource_type=product.resource_type,
            block__site__region=product.region,
            capacity_units__isnull=False,
        )
        .exclude(capacity_units__contained_by=[0])
        .order_by("-window__closes_at", "-id")
        .values_list("id", "capacity_units", "window__closes_at")[:COMPARED_LOTS]
    )
    sales: dict[int, list[PastSale]] = defaultdict(list)
    for award in Award.objects.filter(lot__in=[row[0] for row in rows], cancelled_at=None).order_by("id"):
        sales[award.lot_id].append(
            PastSale(
                unit_hours=award.unit_hours,
                limit_ticks=award.value_ticks // award.unit_hours,
                paid_ticks=award.amount_ticks // award.unit_hours,
                is_at_reserve=award.amount_ticks <= award.reserve_cost_ticks,
            )
        )
    lots = [OfferedLot(sum(capacity or []), tuple(sales[lot_id])) for lot_id, capacity, _ in rows]
    return Sample(lots, rows[-1][2] if rows else None, rows[0][2] if rows else None)


def advice_on(sample: Sample, *, cost: HourlyCost | None, own_ticks: int | None) -> Advice:
    """Advise on reserves around the sample's typical price, the seller's own one and its cost floors."""
    floors = [cost.power_ticks, cost.full_ticks] if cost else []
    also = [ticks for ticks in (own_ticks, *floors) if ticks]
    return advise(sample.lots, also=also, power_ticks=cost.power_ticks if cost else 0)


def rows_of(advice: Advice, *, cost: HourlyCost | None, own_ticks: int | None) -> Sequence[AdviceRow]:
    """Return the advice row by row, each reserve with what it is."""
    named = {"typical price": advice.typical_ticks, "your reserve": own_ticks}
    if cost:
        named |= {"power": cost.power_ticks, "power and depreciation": cost.full_ticks}
    return [
        AdviceRow(
            outcome=outcome,
            margin_ticks=outcome.margin_ticks(cost.power_ticks) if cost else None,
            marks=[name for name, ticks in named.items() if ticks == outcome.reserve_ticks],
            is_best=outcome == advice.best,
            is_below_power=cost is not None and outcome.reserve_ticks < cost.power_ticks,
        )
        for outcome in advice.outcomes
    ]
