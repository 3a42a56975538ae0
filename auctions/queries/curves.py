"""What a cleared window's published book holds of one product, as supply and demand: no names, nothing sooner.

Demand has the bids with one way to be filled, by this product alone. Those with several options or legs, or lots of
other products beside, have no single place on a curve of this product: they are counted, with what they won of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import F, Max, Sum

from accounts.models import Organization
from auctions.curves import Crossing, Step, crossing_of, steps_of
from auctions.models import Bid, Lot, LotPrice, ProductPrice, Window, WindowRecord

MOST_STEPS = 1_000
"""Steps of a curve on screen; the file has all."""

_DRAWN, _SEVERAL, _ELSEWHERE = "drawn", "several", "elsewhere"
_IN_BOOK = [Bid.Status.WON, Bid.Status.PART_WON, Bid.Status.LOST]
_DEMAND = """
    WITH asked AS (
        SELECT bid.id,
               bid.organization_id,
               count(DISTINCT leg.id) > 1 AS is_several,
               NOT bool_and(named.lot_id = ANY(%(lots)s)) AS is_elsewhere,
               count(named.lot_id) > 1 OR min(leg.hours) < max(extract(epoch FROM lot.ends_at - lot.starts_at) / 3600)
                   AS is_choosing,
               bool_or(leg.min_units > block.unit_step) AS is_whole,
               min(leg.units)::bigint * min(leg.hours) AS unit_hours,
               coalesce(min(option.price_ticks), min(option.value_ticks) / (min(leg.units)::bigint * min(leg.hours)))
                   AS price_ticks
          FROM auctions_bid bid
          JOIN auctions_bidoption option ON option.bid_id = bid.id
          JOIN auctions_bidleg leg ON leg.option_id = option.id
          JOIN auctions_bidleglot named ON named.leg_id = leg.id
          JOIN auctions_lot lot ON lot.id = named.lot_id
          JOIN inventory_block block ON block.id = lot.block_id
         WHERE bid.window_id = %(window)s AND bid.status = ANY(%(in_book)s)
         GROUP BY bid.id
        HAVING bool_or(named.lot_id = ANY(%(lots)s))
    ), won AS (
        SELECT award.bid_id,
               sum(award.units * extract(epoch FROM award.ends_at - award.starts_at) / 3600) AS unit_hours
          FROM auctions_award award
         WHERE award.window_id = %(window)s AND award.lot_id = ANY(%(lots)s)
         GROUP BY award.bid_id
    ), told AS (
        SELECT asked.*,
               coalesce(won.unit_hours, 0) AS won,
               CASE WHEN is_several THEN 'several' WHEN is_elsewhere THEN 'elsewhere' ELSE 'drawn' END AS kind
          FROM asked LEFT JOIN won ON won.bid_id = asked.id
    )
    SELECT kind,
           CASE WHEN kind = 'drawn' THEN price_ticks END AS price,
           count(*),
           sum(unit_hours)::bigint,
           sum(won)::bigint,
           count(*) FILTER (WHERE is_choosing),
           count(*) FILTER (WHERE is_whole),
           coalesce(sum(unit_hours) FILTER (WHERE organization_id = %(own)s), 0)::bigint
      FROM told
     GROUP BY kind, price
     ORDER BY price DESC NULLS LAST
"""


@dataclass(frozen=True, slots=True)
class DemandStep:
    """A step of demand with what its bids won, and how much of it the reader's own organization asked for."""

    step: Step
    won: int
    own: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Bids that no curve of one product can hold, and the unit-hours of it that they won."""

    n_several: int = 0
    n_elsewhere: int = 0
    won: int = 0

    @property
    def n_bids(self) -> int:
        return self.n_several + self.n_elsewhere


@dataclass(frozen=True, slots=True)
class Cleared:
    """What the lots came to, whoever won. Ticks per unit-hour: paid on average, and at the highest margin."""

    sold: int
    offered: int
    paid_ticks: int | None
    margin_ticks: int | None


@dataclass(frozen=True, slots=True)
class Curves:
    """Supply and demand of some lots of a cleared window. ``n_choosing`` and ``n_whole`` are of the bids drawn."""

    demand: list[DemandStep]
    supply: list[Step]
    crossing: Crossing | None
    n_drawn: int
    n_choosing: int
    n_whole: int
    left_out: LeftOut
    cleared: Cleared


def is_published(window: Window) -> bool:
    """Return whether anyone may read the window's book: only then are there curves."""
    return window.status == Window.Status.CLEARED and WindowRecord.objects.filter(window=window).exists()


def lots_of_product(window: Window, product: ProductPrice) -> list[Lot]:
    """Return the lots of a product that the window had on offer, by time."""
    lots = Lot.objects.filter(
        window=window,
        block__resource_type=product.resource_type_id,
        block__site__region=product.region,
        capacity_units__isnull=False,
    )
    return list(lots.order_by("starts_at", "ends_at", "id"))


def curves_of(window: Window, lots: Sequence[Lot], *, own: Organization | None) -> Curves:
    """Return supply and demand of ``lots``, all of one product, in two queries."""
    demand, counts, left_out = _demand(window, lots, own)
    supply = _supply(lots)
    return Curves(
        demand=demand,
        supply=supply,
        crossing=crossing_of([each.step for each in demand], supply),
        **counts,
        left_out=left_out,
        cleared=_cleared(lots),
    )


def _demand(
    window: Window, lots: Sequence[Lot], own: Organization | None
) -> tuple[list[DemandStep], dict[str, int], LeftOut]:
    with connection.cursor() as cursor:
        cursor.execute(
            _DEMAND,
            {
                "window": window.pk,
                "lots": [lot.pk for lot in lots],
                "in_book": [str(status) for status in _IN_BOOK],
                "own": own.pk if own else None,
            },
        )
        rows = cursor.fetchall()
    drawn = [row for row in rows if row[0] == _DRAWN]
    others = {row[0]: row for row in rows if row[0] != _DRAWN}
    steps = steps_of((price, unit_hours, n) for _, price, n, unit_hours, *_ in drawn)
    demand = [DemandStep(step, won=row[4], own=row[7]) for step, row in zip(steps, drawn, strict=True)]
    counts = {
        "n_drawn": sum(row[2] for row in drawn),
        "n_choosing": sum(row[5] for row in drawn),
        "n_whole": sum(row[6] for row in drawn),
    }
    left_out = LeftOut(
        n_several=others[_SEVERAL][2] if _SEVERAL in others else 0,
        n_elsewhere=others[_ELSEWHERE][2] if _ELSEWHERE in others else 0,
        won=sum(row[4] for row in others.values()),
    )
    return demand, counts, left_out


def _supply(lots: Sequence[Lot]) -> list[Step]:
    offered: dict[int, tuple[int, int]] = {}
    for lot in lots:
        unit_hours, n = offered.get(lot.reserve_ticks, (0, 0))
        if more := sum(lot.capacity_units or []):
            offered[lot.reserve_ticks] = (unit_hours + more, n + 1)
    return steps_of((reserve, *offered[reserve]) for reserve in sorted(offered))


def _cleared(lots: Sequence[Lot]) -> Cleared:
    sums = LotPrice.objects.filter(lot__in=[lot.pk for lot in lots], sold_units__gt=0).aggregate(
        sold=Sum("sold_units", default=0),
        spent=Sum(F("sold_units") * F("paid_ticks"), default=0),
        high=Max("marginal_ticks"),
    )
    sold = int(sums["sold"])
    return Cleared(
        sold=sold,
        offered=sum(sum(lot.capacity_units or []) for lot in lots),
        paid_ticks=int(sums["spent"]) // sold if sold else None,
        margin_ticks=sums["high"],
    )
