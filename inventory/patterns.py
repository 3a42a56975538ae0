"""A recurring idle period, such as every night from 22 to 06, as the periods it stands for. Pure; all of it UTC.

>>> from datetime import date
>>> nights = Pattern(frozenset({0, 4}), 22, 6, first_day=date(2026, 12, 1), last_day=date(2026, 12, 8))
>>> [f"{start:%a %d %H:%M} to {end:%a %d %H:%M}" for start, end in periods_of(nights)]
['Fri 04 22:00 to Sat 05 06:00', 'Mon 07 22:00 to Tue 08 06:00']
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from inventory.terms import BlockError, BlockTerms, Pattern, PatternTerms
from marketplace.hours import HOUR

MAX_PATTERN_DAYS = 366
DAY = timedelta(days=1)


def periods_of(pattern: Pattern) -> list[tuple[datetime, datetime]]:
    """Return the periods ``[start, end)`` that begin on the pattern's days, in order.

    A period whose last hour is not after its first ends on the next day; equal hours mean 24 of them.
    """
    length = (pattern.to_hour - pattern.from_hour) % 24 or 24
    n_days = (pattern.last_day - pattern.first_day).days + 1
    days = (pattern.first_day + index * DAY for index in range(min(n_days, MAX_PATTERN_DAYS)))
    starts = (
        datetime.combine(day, time(pattern.from_hour), tzinfo=UTC)
        for day in days
        if day.weekday() in pattern.weekdays
    )
    return [(start, start + length * HOUR) for start in starts]


def blocks_of_pattern(terms: PatternTerms) -> list[BlockTerms]:
    """Return the terms of one block a period."""
    return [
        BlockTerms(
            site_id=terms.site_id,
            resource_type_id=terms.resource_type_id,
            units=terms.units,
            starts_at=start,
            ends_at=end,
            reserve_ticks=terms.reserve_ticks,
            floor_ticks=terms.floor_ticks,
            decline_hours=terms.decline_hours,
        )
        for start, end in periods_of(terms.pattern)
    ]


def pattern_errors(pattern: Pattern, *, now: datetime) -> Iterator[BlockError]:
    """Say what is wrong with a pattern at ``now``, field by field."""
    if pattern.last_day < pattern.first_day:
        yield BlockError("last_day", "before_first", "The last day must not come before the first.")
    elif (pattern.last_day - pattern.first_day).days >= MAX_PATTERN_DAYS:
        yield BlockError(
            "last_day",
            "too_long",
            f"A pattern runs for at most {MAX_PATTERN_DAYS} days; list the rest later.",
        )
    elif not (periods := periods_of(pattern)):
        yield BlockError(
            "weekdays", "no_days", "None of these weekdays lies between the first and the last day."
        )
    elif periods[0][0] <= now:
        yield BlockError(
            "first_day",
            "past",
            f"The first period would start {periods[0][0]:%a %-d %b %H:%M} UTC, which has passed. Choose a later day.",
        )
