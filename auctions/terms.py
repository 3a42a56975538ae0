"""What a bid says, before it is a row: the terms that forms and the API hand to the operations.

Prices and values are ticks; see DESIGN's vocabulary for option and leg.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import prefetch_related_objects

from auctions.models import Bid, BidLeg, Lot
from marketplace.hours import n_hours

ANY_PART = 1
"""As ``min_units``: any number of whole nodes is worth having."""
MONTH_HOURS = 31 * 24
"""What runs longer than this is charged month by month."""

MAX_LOTS_PER_LEG = 200
"""Lots that a leg can name, or that count of those its filter matches."""


@dataclass(frozen=True, slots=True)
class LotFilter:
    """Lots a leg accepts without naming them: of one of the types, and of the regions and fabrics where any are given.

    Which lots those are is settled when the window closes. All three are sets, in ascending order. With
    ``min_reliability_bps`` the seller's score is at least so much (inventory/reliability.py); new sellers have none.
    """

    resource_type_ids: tuple[int, ...]
    regions: tuple[str, ...] = ()
    fabrics: tuple[str, ...] = ()
    min_reliability_bps: int | None = None


@dataclass(frozen=True, slots=True)
class LegTerms:
    """Units for ``hours`` contiguous hours inside ``[earliest_at, latest_at)`` on one of the lots it accepts.

    It names them in the order of preference, or gives a filter. ``min_units`` equal to ``units`` is all or nothing.
    """

    lot_ids: tuple[int, ...]
    units: int
    min_units: int
    earliest_at: datetime
    latest_at: datetime
    hours: int
    filter: LotFilter | None = None

    @property
    def unit_hours(self) -> int:
        return self.units * self.hours


@dataclass(frozen=True, slots=True)
class OptionTerms:
    """One way to fill a bid: its legs together, at ``price_ticks`` per unit-hour or ``value_ticks`` for the whole."""

    legs: tuple[LegTerms, ...]
    price_ticks: int | None = None
    value_ticks: int | None = None

    @property
    def max_ticks(self) -> int:
        """The most this option can cost, ticks."""
        if self.value_ticks is not None:
            return self.value_ticks
        assert self.price_ticks is not None
        return self.price_ticks * sum(leg.unit_hours for leg in self.legs)

    @property
    def max_charge_ticks(self) -> int:
        """The most of it that is charged at once, ticks."""
        hours = max(min(leg.hours for leg in self.legs), MONTH_HOURS)
        return -(-self.max_ticks * MONTH_HOURS // hours)


@dataclass(frozen=True, slots=True)
class BidTerms:
    """A bid's options, in the order of the buyer's preference; at most one is filled."""

    options: tuple[OptionTerms, ...]

    @property
    def max_ticks(self) -> int:
        """The most the bid can cost, over its options, ticks."""
        return max(option.max_ticks for option in self.options)

    @property
    def max_charge_ticks(self) -> int:
        """The most that is charged at once, ticks: what runs longer than a month is charged month by month."""
        return max(option.max_charge_ticks for option in self.options)


def single_lot_terms(lot: Lot, *, units: int, price_ticks: int) -> BidTerms:
    """Return the terms of the simplest bid: up to ``units`` of one lot for its whole period, in any part."""
    leg = LegTerms(
        lot_ids=(lot.pk,),
        units=units,
        min_units=ANY_PART,
        earliest_at=lot.starts_at,
        latest_at=lot.ends_at,
        hours=n_hours(lot.starts_at, lot.ends_at),
    )
    return BidTerms(options=(OptionTerms(legs=(leg,), price_ticks=price_ticks),))


def is_single_lot(terms: BidTerms, lot: Lot) -> bool:
    """Say whether a bid is for any part of ``lot`` over its whole period, at a price: the simplest there is."""
    (option, *others) = terms.options
    (leg, *more) = option.legs
    return (
        not (others or more)
        and option.price_ticks is not None
        and leg.lot_ids == (lot.pk,)
        and leg.hours == lot.n_hours
        and leg.min_units <= lot.block.unit_step
    )


def terms_of(bid: Bid) -> BidTerms:
    """Read back what a bid says. The lots that a filter came to are not among its terms."""
    prefetch_related_objects([bid], "options__legs__named_lots")
    return BidTerms(
        options=tuple(
            OptionTerms(
                price_ticks=option.price_ticks,
                value_ticks=option.value_ticks,
                legs=tuple(_leg_of(leg) for leg in sorted(option.legs.all(), key=lambda leg: leg.number)),
            )
            for option in sorted(bid.options.all(), key=lambda option: option.number)
        )
    )


def _leg_of(leg: BidLeg) -> LegTerms:
    named = sorted(leg.named_lots.all(), key=lambda named: named.position)
    return LegTerms(
        lot_ids=() if leg.is_filtered else tuple(accepted.lot_id for accepted in named),
        units=leg.units,
        min_units=leg.min_units,
        earliest_at=leg.earliest_at,
        latest_at=leg.latest_at,
        hours=leg.hours,
        filter=_filter_of(leg) if leg.is_filtered else None,
    )


def _filter_of(leg: BidLeg) -> LotFilter:
    return LotFilter(
        resource_type_ids=tuple(leg.filter_types),
        regions=tuple(leg.filter_regions),
        fabrics=tuple(leg.filter_fabrics),
        min_reliability_bps=leg.filter_min_reliability_bps,
    )
