"""What a standing order must say to be taken. Every refusal names its field."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NoReturn

from auctions.models import Market
from auctions.policies import MAX_VALUE_TICKS
from auctions.standing.terms import OrderTerms, smallest_purchase
from inventory.models import Region, ResourceType, Site
from marketplace.hours import HOUR, is_whole_hour
from marketplace.money import MAX_PRICE_TICKS, TICKS_PER_CENT, cents_to_cover, format_cents, format_ticks

MAX_GOAL_UNIT_HOURS = 10**9
MAX_MIN_HOURS = 24 * 31
MAX_BUDGET_CENTS = MAX_VALUE_TICKS // TICKS_PER_CENT
MAX_AHEAD = timedelta(days=400)
"""How far ahead a deadline may lie: no market sells later hours."""


class OrderRejected(Exception):
    """A standing order was refused; nothing changed. ``field`` names what to mend, ``message`` says it to a person."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message


def check_order(terms: OrderTerms, *, now: datetime) -> list[ResourceType]:
    """Raise OrderRejected unless ``terms`` can be ordered at ``now``; return the types that will do."""
    types = _check_wanted(terms)
    _check_amounts(terms)
    _check_deadline(terms, now)
    if terms.market_id is not None and not Market.objects.filter(pk=terms.market_id).exists():
        _refuse("unknown_market", "market", "There is no such market.")
    least_ticks = smallest_purchase(types, terms.min_hours) * terms.price_ticks
    if least_ticks > terms.budget_ticks:
        _refuse(
            "below_one_node",
            "budget",
            f"At {format_ticks(terms.price_ticks)}, the smallest purchase (one node for {terms.min_hours} h) costs up "
            f"to {format_cents(cents_to_cover(least_ticks))}: more than the budget.",
        )
    return types


def _check_wanted(terms: OrderTerms) -> list[ResourceType]:
    wanted = terms.wanted
    if not wanted.resource_type_ids:
        _refuse("required", "types", "Say at least one type that will do.")
    types = list(ResourceType.objects.filter(pk__in=wanted.resource_type_ids))
    if len(types) < len(wanted.resource_type_ids):
        _refuse("unknown_type", "types", "There is no such resource type.")
    if len({one.kind for one in types}) > 1:
        _refuse("mixed_kinds", "types", "GPUs and model throughput are counted in different units.")
    if not set(wanted.regions) <= set(Region.values):
        _refuse("unknown_region", "regions", "There is no such region.")
    if not set(wanted.fabrics) <= set(Site.Fabric.values):
        _refuse("unknown_fabric", "fabrics", "There is no such fabric.")
    if wanted.min_reliability_bps is not None and not 1 <= wanted.min_reliability_bps <= 10_000:
        _refuse("out_of_range", "min_reliability_bps", "Reliability is at most 100 %.")
    return types


def _check_amounts(terms: OrderTerms) -> None:
    if not 1 <= terms.goal_unit_hours <= MAX_GOAL_UNIT_HOURS:
        _refuse("out_of_range", "goal", f"Ask for 1 to {MAX_GOAL_UNIT_HOURS:,} unit-hours.")
    if not 1 <= terms.min_hours <= MAX_MIN_HOURS:
        _refuse("out_of_range", "min_hours", f"The shortest run is 1 to {MAX_MIN_HOURS} hours.")
    if not 1 <= terms.budget_cents <= MAX_BUDGET_CENTS:
        _refuse(
            "out_of_range", "budget", f"The budget lies between $0.01 and {format_cents(MAX_BUDGET_CENTS)}."
        )
    if terms.price_ticks < 1:
        _refuse("below_tick", "price", "The price must be at least one tick, $0.0001 per unit-hour.")
    if terms.price_ticks > MAX_PRICE_TICKS:
        _refuse(
            "price_too_high", "price", f"A price cannot exceed {format_ticks(MAX_PRICE_TICKS)} per unit-hour."
        )


def _check_deadline(terms: OrderTerms, now: datetime) -> None:
    if not is_whole_hour(terms.deadline_at):
        _refuse("not_a_whole_hour", "deadline", "Delivery ends on whole UTC hours.")
    if terms.deadline_at <= now or terms.deadline_at - terms.min_hours * HOUR <= now:
        _refuse(
            "too_soon",
            "deadline",
            "The deadline has passed."
            if terms.deadline_at <= now
            else f"Before this deadline there is no run of {terms.min_hours} h left to buy.",
        )
    if terms.deadline_at > now + MAX_AHEAD:
        _refuse("too_late", "deadline", f"A deadline lies at most {MAX_AHEAD.days} days ahead.")


def _refuse(code: str, field: str, message: str) -> NoReturn:
    raise OrderRejected(code, field, message)
