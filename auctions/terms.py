"""What a bid says, before it is a row: the terms that forms and the API hand to the operations.

Prices and values are ticks; see DESIGN's vocabulary for option and leg.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import prefetch_related_objects

from auctions.models import Bid, Lot
from marketplace.hours import n_hours


@dataclass(frozen=True, slots=True)
class LegTerms:
    """Units for ``hours`` contiguous hours inside ``[earliest_at, latest_at)`` on one of the lots named.

    ``min_units`` equal to ``units`` is all or nothing.
    """

    lot_ids: tuple[int, ...]
    units: int
    min_units: int
    earliest_at: datetime
    latest_at: datetime
    hours: int


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
        return self.price_ticks * sum(leg.units * leg.hours for leg in self.legs)


@dataclass(frozen=True, slots=True)
class BidTerms:
    """A bid's options, in the order of the buyer's preference; at most one is filled."""

    options: tuple[OptionTerms, ...]

    @property
    def max_ticks(self) -> int:
        """The most the bid can cost, over its options, ticks."""
        return max(option.max_ticks for option in self.options)


def single_lot_terms(lot: Lot, *, units: int, price_ticks: int) -> BidTerms:
    """Return the terms of the simplest bid: up to ``units`` of one lot for its whole period, in any part."""
    leg = LegTerms(
        lot_ids=(lot.pk,),
        units=units,
        min_units=min(units, lot.block.unit_step),
        earliest_at=lot.starts_at,
        latest_at=lot.ends_at,
        hours=n_hours(lot.starts_at, lot.ends_at),
    )
    return BidTerms(options=(OptionTerms(legs=(leg,), price_ticks=price_ticks),))


def terms_of(bid: Bid) -> BidTerms:
    """Read back what a bid says."""
    prefetch_related_objects([bid], "options__legs__named_lots")
    return BidTerms(
        options=tuple(
            OptionTerms(
                price_ticks=option.price_ticks,
                value_ticks=option.value_ticks,
                legs=tuple(
                    LegTerms(
                        lot_ids=tuple(
                            named.lot_id
                            for named in sorted(leg.named_lots.all(), key=lambda named: named.position)
                        ),
                        units=leg.units,
                        min_units=leg.min_units,
                        earliest_at=leg.earliest_at,
                        latest_at=leg.latest_at,
                        hours=leg.hours,
                    )
                    for leg in sorted(option.legs.all(), key=lambda leg: leg.number)
                ),
            )
            for option in sorted(bid.options.all(), key=lambda option: option.number)
        )
    )
