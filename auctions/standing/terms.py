"""What a standing order asks for, before it is a row, and what is left of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from auctions.models import StandingOrder
from auctions.terms import LotFilter
from inventory.models import ResourceType
from marketplace.money import TICKS_PER_CENT


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """Unit-hours of any lot that ``wanted`` matches, in runs of ``min_hours`` or more, all by ``deadline_at``.

    ``price_ticks`` is the most per unit-hour, ``budget_cents`` the most in all; ``market_id`` None is every market.
    """

    wanted: LotFilter
    goal_unit_hours: int
    min_hours: int
    price_ticks: int
    budget_cents: int
    deadline_at: datetime
    market_id: int | None = None

    @property
    def budget_ticks(self) -> int:
        return self.budget_cents * TICKS_PER_CENT


@dataclass(frozen=True, slots=True)
class Remaining:
    """What an order may still bid for, beside what it won and what its open bids could win."""

    unit_hours: int
    budget_ticks: int


def order_terms_of(order: StandingOrder) -> OrderTerms:
    """Read back what an order asks for."""
    return OrderTerms(
        wanted=LotFilter(
            resource_type_ids=tuple(order.resource_types),
            regions=tuple(order.regions),
            fabrics=tuple(order.fabrics),
            min_reliability_bps=order.min_reliability_bps,
        ),
        goal_unit_hours=order.goal_unit_hours,
        min_hours=order.min_hours,
        price_ticks=order.price_ticks,
        budget_cents=order.budget_cents,
        deadline_at=order.deadline_at,
        market_id=order.market_id,
    )


def smallest_purchase(types: Iterable[ResourceType], min_hours: int) -> int:
    """Return the fewest unit-hours that can be bought at once: a node for the shortest run worth having."""
    return min(one.node_units for one in types) * min_hours


def largest_rounding(types: Iterable[ResourceType], min_hours: int) -> int:
    """Return what an order's unit-hours come in where the node is largest; the goal is passed by less than this."""
    return max(one.node_units for one in types) * min_hours


def price_for_all(*, goal_unit_hours: int, budget_cents: int, rounding: int) -> int:
    """Return the price, ticks per unit-hour, at which a budget pays for all of a goal, rounded up to whole nodes."""
    return budget_cents * TICKS_PER_CENT // (-(-goal_unit_hours // rounding) * rounding)
