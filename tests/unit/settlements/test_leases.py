"""The law of months: in order, without gaps, summing to the cent."""

import doctest
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from settlements import leases
from settlements.leases import is_lease, months_of, split_lease

starts = st.integers(min_value=0, max_value=24 * 365 * 7).map(
    lambda hours: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
)
hours = st.integers(min_value=1, max_value=24 * 800)


@given(starts_at=starts, n=hours, amount=st.integers(0, 10**13), fee_bps=st.integers(0, 10_000))
def test_months_sum_to_the_whole(starts_at: datetime, n: int, amount: int, fee_bps: int) -> None:
    fee = amount * fee_bps // 10_000

    months = split_lease(starts_at, starts_at + n * timedelta(hours=1), amount_cents=amount, fee_cents=fee)

    assert sum(month.amount_cents for month in months) == amount
    assert sum(month.fee_cents for month in months) == fee
    assert all(0 <= month.fee_cents <= month.amount_cents for month in months)


@given(starts_at=starts, n=hours)
def test_months_follow_each_other_without_gaps(starts_at: datetime, n: int) -> None:
    ends_at = starts_at + n * timedelta(hours=1)

    months = months_of(starts_at, ends_at)

    assert months[0][0] == starts_at
    assert months[-1][1] == ends_at
    assert all(one[1] == other[0] for one, other in pairwise(months))
    assert all(timedelta(0) < end - start <= timedelta(days=31) for start, end in months)


@given(starts_at=starts, n=hours)
def test_every_lease_has_more_than_one_month(starts_at: datetime, n: int) -> None:
    ends_at = starts_at + n * timedelta(hours=1)

    if is_lease(starts_at, ends_at):
        assert len(months_of(starts_at, ends_at)) > 1


def test_thirty_one_days_are_no_lease_and_an_hour_more_is() -> None:
    starts_at = datetime(2026, 5, 1, tzinfo=UTC)

    assert not is_lease(starts_at, starts_at + timedelta(days=31))
    assert is_lease(starts_at, starts_at + timedelta(days=31, hours=1))


def test_a_leap_day_is_in_february() -> None:
    months = months_of(datetime(2028, 1, 31, tzinfo=UTC), datetime(2028, 3, 31, tzinfo=UTC))

    assert [start.day for start, _ in months] == [31, 29]


def test_the_worked_example() -> None:
    assert doctest.testmod(leases).failed == 0
