from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.hours import HOUR, ceil_hour, floor_hour, hours_in, is_whole_hour, n_hours

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))])
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=ZONES)  # noqa: DTZ001 - bounds are naive here
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class TestRounding:
    @given(INSTANTS)
    def test_an_instant_lies_between_its_floor_and_its_ceiling(self, instant):
        floor, ceiling = floor_hour(instant), ceil_hour(instant)

        assert floor <= instant <= ceiling
        assert ceiling - floor == (timedelta(0) if is_whole_hour(instant) else HOUR)
        assert is_whole_hour(floor)
        assert is_whole_hour(ceiling)
        assert floor.tzinfo == ceiling.tzinfo == UTC

    def test_hours_are_those_of_utc(self):
        half_past_in_delhi = datetime(2026, 3, 1, 17, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))

        assert is_whole_hour(half_past_in_delhi)

    def test_an_instant_without_a_zone_names_no_hour(self):
        with pytest.raises(ValueError, match="without a time zone"):
            floor_hour(NOON.replace(tzinfo=None))


class TestRanges:
    @given(st.integers(0, 500))
    def test_are_half_open(self, count):
        hours = hours_in(NOON, NOON + count * HOUR)

        assert len(hours) == n_hours(NOON, NOON + count * HOUR) == count
        assert NOON + count * HOUR not in hours
        assert all(later - earlier == HOUR for earlier, later in pairwise(hours))

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            (NOON, NOON - HOUR),
            (NOON + timedelta(minutes=1), NOON + HOUR),
            (NOON, NOON + timedelta(minutes=59)),
        ],
    )
    def test_have_whole_hours_in_order(self, start, end):
        with pytest.raises(ValueError, match="no range of whole hours"):
            n_hours(start, end)
