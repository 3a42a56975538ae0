"""Recurring periods: which hours they stand for, and what is wrong with them."""

import doctest
import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import patterns as module
from inventory.patterns import MAX_PATTERN_DAYS, pattern_errors, periods_of
from inventory.terms import Pattern
from marketplace.hours import n_hours

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
EVERY_DAY = frozenset(range(7))
patterns = st.builds(
    Pattern,
    weekdays=st.frozensets(st.integers(0, 6)),
    from_hour=st.integers(0, 23),
    to_hour=st.integers(0, 23),
    first_day=st.dates(date(2026, 1, 1), date(2028, 1, 1)),
    last_day=st.dates(date(2026, 1, 1), date(2028, 1, 1)),
)


def test_the_worked_example() -> None:
    assert doctest.testmod(module).failed == 0


@given(patterns)
def test_periods_begin_on_their_days_last_as_long_as_said_and_never_overlap(pattern: Pattern) -> None:
    periods = periods_of(pattern)

    for start, end in periods:
        assert start.weekday() in pattern.weekdays
        assert pattern.first_day <= start.date() <= pattern.last_day
        assert (start.hour, end.hour) == (pattern.from_hour, pattern.to_hour)
        assert 1 <= n_hours(start, end) <= 24
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(periods))
    assert len(periods) <= MAX_PATTERN_DAYS


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"last_day": date(2026, 11, 24)}, "last_day", "before_first"),
        ({"last_day": date(2027, 11, 26)}, "last_day", "too_long"),
        ({"weekdays": frozenset({6}), "last_day": date(2026, 11, 27)}, "weekdays", "no_days"),
        ({"first_day": date(2026, 11, 24), "from_hour": 12}, "first_day", "past"),
    ],
)
def test_says_which_field_is_wrong(changes: dict[str, object], field: str, code: str) -> None:
    said = {
        "weekdays": EVERY_DAY,
        "from_hour": 22,
        "to_hour": 6,
        "first_day": date(2026, 11, 25),
        "last_day": date(2026, 12, 24),
    }

    [error] = pattern_errors(Pattern(**(said | changes)), now=NOW)  # type: ignore[arg-type]

    assert (error.field, error.code) == (field, code)


def test_takes_the_longest_pattern() -> None:
    first = date(2026, 11, 25)
    longest = Pattern(EVERY_DAY, 0, 0, first, first + timedelta(days=MAX_PATTERN_DAYS - 1))

    assert not list(pattern_errors(longest, now=NOW))
    assert len(periods_of(longest)) == MAX_PATTERN_DAYS
