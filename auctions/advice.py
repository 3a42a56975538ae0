"""What a reserve would have come to: fill and revenue of past lots, replayed at other reserves. Pure.

A sale of a past lot goes through at reserve ``r`` if its buyer's limit was at least ``r``; other bids stand still. It
pays ``r``, or what it did pay if that is more and was set by another bid. Where the old reserve alone set the price,
nothing is known of what it would be without, so a lower reserve counts with itself. Fill never rises with the reserve;
revenue has a hump, above which buyers are lost faster than the price gains.

>>> lot = OfferedLot(100, (PastSale(40, limit_ticks=30_000, paid_ticks=22_000, is_at_reserve=False),
...                        PastSale(10, limit_ticks=22_000, paid_ticks=20_000, is_at_reserve=True)))
>>> outcome_at(20_000, [lot]), outcome_at(25_000, [lot])  # doctest: +NORMALIZE_WHITESPACE
(Outcome(reserve_ticks=20000, n_lots=1, n_sold=1, low=26, high=100, fill_percent=50, sold_unit_hours=50,
         offered_unit_hours=100, revenue_ticks=10800),
 Outcome(reserve_ticks=25000, n_lots=1, n_sold=1, low=26, high=100, fill_percent=40, sold_unit_hours=40,
         offered_unit_hours=100, revenue_ticks=10000))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auctions.odds import FEWEST, band

STEPS_PERCENT = (40, 55, 70, 80, 90, 110, 120, 135, 150, 175)
"""Where reserves are tried beside the typical price, per cent of it."""
GRAIN_TICKS = 100
"""Reserves tried are whole cents, unless the typical price is below ten of them."""


@dataclass(frozen=True, slots=True)
class PastSale:
    """Unit-hours that one buyer won of a lot; limit and price are ticks per unit-hour.

    ``is_at_reserve``: the lot's reserve alone set the price.
    """

    unit_hours: int
    limit_ticks: int
    paid_ticks: int
    is_at_reserve: bool


@dataclass(frozen=True, slots=True)
class OfferedLot:
    """A lot of a cleared window: the unit-hours it offered, and what sold of them."""

    offered_unit_hours: int
    sales: tuple[PastSale, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reserve would have come to on past lots.

    ``n_sold`` of ``n_lots`` would have sold at least in part; ``low`` to ``high`` per cent is Wilson's band for that.
    ``fill_percent`` is what would have sold of the unit-hours offered, ``revenue_ticks`` what would have been paid per
    unit-hour offered; both rounded down.
    """

    reserve_ticks: int
    n_lots: int
    n_sold: int
    low: int
    high: int
    fill_percent: int
    sold_unit_hours: int
    offered_unit_hours: int
    revenue_ticks: int

    def margin_ticks(self, power_ticks: int) -> int:
        """Return the revenue less the power that the sold hours draw, ticks per unit-hour offered, rounded down."""
        return self.revenue_ticks - -(-power_ticks * self.sold_unit_hours // self.offered_unit_hours)


def outcome_at(reserve_ticks: int, lots: Sequence[OfferedLot]) -> Outcome:
    """Replay ``lots`` (at least one, each with something offered) at a reserve."""
    offered = sum(lot.offered_unit_hours for lot in lots)
    sold = revenue = n_sold = 0
    for lot in lots:
        through = [sale for sale in lot.sales if sale.limit_ticks >= reserve_ticks]
        n_sold += bool(through)
        sold += sum(sale.unit_hours for sale in through)
        revenue += sum(sale.unit_hours * _price_at(reserve_ticks, sale) for sale in through)
    low, high = band(n_sold, len(lots))
    return Outcome(
        reserve_ticks=reserve_ticks,
        n_lots=len(lots),
        n_sold=n_sold,
        low=low,
        high=high,
        fill_percent=100 * sold // offered,
        sold_unit_hours=sold,
        offered_unit_hours=offered,
        revenue_ticks=revenue // offered,
    )


def _price_at(reserve_ticks: int, sale: PastSale) -> int:
    return reserve_ticks if sale.is_at_reserve else max(reserve_ticks, sale.paid_ticks)


def typical_ticks(lots: Sequence[OfferedLot]) -> int | None:
    """Return the median price paid, each unit-hour counted; None where nothing sold."""
    sales = sorted((sale.paid_ticks, sale.unit_hours) for lot in lots for sale in lot.sales)
    half, passed = sum(unit_hours for _, unit_hours in sales) / 2, 0
    for paid, unit_hours in sales:
        passed += unit_hours
        if passed >= half:
            return paid
    return None


def reserves_around(typical: int) -> list[int]:
    """Return the reserves to try around a typical price, ticks per unit-hour, rising."""
    grain = GRAIN_TICKS if typical >= 10 * GRAIN_TICKS else 1
    return sorted({max(grain, typical * step // 100 // grain * grain) for step in STEPS_PERCENT} | {typical})


@dataclass(frozen=True, slots=True)
class Advice:
    """Outcomes by rising reserve, and the sample they are told from; no outcomes where it is too small."""

    n_lots: int
    typical_ticks: int | None
    outcomes: list[Outcome]
    best: Outcome | None

    @property
    def is_enough(self) -> bool:
        return bool(self.outcomes)


def advise(lots: Sequence[OfferedLot], *, also: Sequence[int] = (), power_ticks: int = 0) -> Advice:
    """Try reserves around the typical price and ``also`` (the seller's own, its cost floors).

    The best has the highest margin over power per unit-hour offered; of equals, the lowest reserve: it sells more.
    A reserve below the power is never the best: each hour sold at it would cost more than it pays.
    """
    typical = typical_ticks(lots)
    if typical is None or len(lots) < FEWEST:
        return Advice(len(lots), typical, [], None)
    outcomes = [outcome_at(ticks, lots) for ticks in sorted({*reserves_around(typical), *also})]
    worth_it = [
        each for each in outcomes if each.n_sold and each.reserve_ticks >= power_ticks and each.reserve_ticks
    ]
    best = max(worth_it, key=lambda each: (each.margin_ticks(power_ticks), -each.reserve_ticks), default=None)
    return Advice(len(lots), typical, outcomes, best)
