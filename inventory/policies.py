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
        *units_errors(terms.units, resource_type),
        *period_errors(terms.starts_at, terms.ends_at, now),
        *reserve_errors(terms.reserve_ticks, terms.floor_ticks, terms.decline_hours),
    ]


def units_errors(units: int, resource_type: ResourceType) -> Iterator[BlockError]:
    """Yield what is wrong with the number of units."""
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


def period_errors(starts_at: datetime, ends_at: datetime, now: datetime) -> Iterator[BlockError]:
    """Yield what is wrong with the hours."""
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


def reserve_errors(
    reserve_ticks: int, floor_ticks: int | None, decline_hours: int | None
) -> Iterator[BlockError]:
    """Yield what is wrong with the reserve and its decline."""
    yield from _price_errors("reserve", reserve_ticks)
    if floor_ticks is None and decline_hours is None:
        return
    if floor_ticks is None:
        yield BlockError("floor", "missing", "Say which floor the reserve declines to.")
    else:
        yield from _price_errors("floor", floor_ticks)
        if floor_ticks > reserve_ticks:
            yield BlockError("floor", "above_reserve", "The floor cannot lie above the reserve.")
    if decline_hours is None:
        yield BlockError("decline_hours", "missing", "Say over how many hours the reserve declines.")
    elif not 1 <= decline_hours <= MAX_BLOCK_DAYS * 24:
        yield BlockError(
            "decline_hours", "out_of_range", f"The reserve declines over 1 to {MAX_BLOCK_DAYS * 24:,} hours."
        )


def _price_errors(field: str, ticks: int) -> Iterator[BlockError]:
    if ticks < 0:
        yield BlockError(field, "negative", "A price cannot be negative.")
    elif ticks > MAX_PRICE_TICKS:
        yield BlockError(
            field, "too_high", f"A price cannot exceed {format_ticks(MAX_PRICE_TICKS)} per unit-hour."
        )
