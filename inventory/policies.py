"""What may be listed, and what a block's reserve is at an instant. Pure: no database, no clock."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from inventory.models import Block, ResourceType
from inventory.terms import BlockError, BlockTerms
from marketplace.hours import HOUR, is_whole_hour
from marketplace.money import MAX_PRICE_TICKS, format_ticks

MICROSECOND = timedelta(microseconds=1)
MAX_BLOCK_DAYS = 366
MAX_BLOCK_UNITS = 1_000_000
"""More than any site has; times a year of hours at the highest price it still fits 64 bits."""


def effective_reserve_ticks(block: Block, at: datetime) -> int:
    """Return the reserve of ``block`` at ``at``, ticks per unit-hour.

    With a floor it falls in a straight line from the reserve, ``decline_hours`` before delivery starts, to the floor at
    the start; rounded down, never under the floor.
    """
    if block.floor_ticks is None or block.decline_hours is None:
        return block.reserve_ticks
    span = block.decline_hours * HOUR
    left = min(max(block.starts_at - at, timedelta(0)), span)
    fall_ticks = block.reserve_ticks - block.floor_ticks
    return block.floor_ticks + fall_ticks * (left // MICROSECOND) // (span // MICROSECOND)


def block_errors(terms: BlockTerms, *, resource_type: ResourceType, now: datetime) -> list[BlockError]:
    """Return everything that keeps ``terms`` from being listed at ``now``, field by field; nothing when they may."""
    return [
        *_units_errors(terms.units, resource_type),
        *_period_errors(terms.starts_at, terms.ends_at, now),
        *_price_errors("reserve", terms.reserve_ticks),
        *_decline_errors(terms),
    ]


def _units_errors(units: int, resource_type: ResourceType) -> Iterator[BlockError]:
    node = resource_type.node_units
    if units < 1:
        yield BlockError("units", "too_few", "List at least one unit.")
    elif units > MAX_BLOCK_UNITS:
        yield BlockError("units", "too_many", f"A block has at most {MAX_BLOCK_UNITS:,} units.")
    elif units % node:
        yield BlockError(
            "units",
            "not_whole_nodes",
            f"{resource_type.name} is sold in whole nodes: list a multiple of {node} units.",
        )


def _period_errors(starts_at: datetime, ends_at: datetime, now: datetime) -> Iterator[BlockError]:
    if not is_whole_hour(starts_at):
        yield BlockError("starts_at", "not_whole_hour", "Start on a whole UTC hour, such as 14:00.")
    if not is_whole_hour(ends_at):
        yield BlockError("ends_at", "not_whole_hour", "End on a whole UTC hour, such as 20:00.")
    if starts_at <= now:
        yield BlockError("starts_at", "past", "The start has passed. Capacity is sold ahead of its hour.")
    if ends_at <= starts_at:
        yield BlockError("ends_at", "before_start", "The end must come after the start.")
    elif ends_at - starts_at > timedelta(days=MAX_BLOCK_DAYS):
        yield BlockError(
            "ends_at", "too_long", f"A block lasts at most {MAX_BLOCK_DAYS} days; list the rest as another."
        )


def _price_errors(field: str, ticks: int) -> Iterator[BlockError]:
    if ticks < 0:
        yield BlockError(field, "negative", "A price cannot be negative.")
    elif ticks > MAX_PRICE_TICKS:
        yield BlockError(
            field, "too_high", f"A price cannot exceed {format_ticks(MAX_PRICE_TICKS)} per unit-hour."
        )


def _decline_errors(terms: BlockTerms) -> Iterator[BlockError]:
    if terms.floor_ticks is None and terms.decline_hours is None:
        return
    if terms.floor_ticks is None:
        yield BlockError("floor", "missing", "Say which floor the reserve declines to.")
    else:
        yield from _price_errors("floor", terms.floor_ticks)
        if terms.floor_ticks > terms.reserve_ticks:
            yield BlockError("floor", "above_reserve", "The floor cannot lie above the reserve.")
    if terms.decline_hours is None:
        yield BlockError("decline_hours", "missing", "Say over how many hours the reserve declines.")
    elif not 1 <= terms.decline_hours <= MAX_BLOCK_DAYS * 24:
        yield BlockError(
            "decline_hours", "out_of_range", f"The reserve declines over 1 to {MAX_BLOCK_DAYS * 24:,} hours."
        )
