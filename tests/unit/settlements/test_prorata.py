"""What minutes of an outage are worth: all of them the whole, and the order or number of decisions nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlements.prorata import refund_of_outage


@given(
    amount_cents=st.integers(0, 10**11),
    parts=st.lists(st.integers(0, 5000), min_size=1, max_size=8),
    rest=st.integers(1, 5000),
)
def test_outages_one_by_one_come_to_the_same_as_one(amount_cents: int, parts: list[int], rest: int) -> None:
    n_minutes = sum(parts) + rest
    refunds, before = [], 0
    for part in parts:
        refunds.append(
            refund_of_outage(amount_cents, n_minutes=n_minutes, refunded_minutes=before, upheld_minutes=part)
        )
        before += part

    assert all(refund >= 0 for refund in refunds)
    assert sum(refunds) == refund_of_outage(
        amount_cents, n_minutes=n_minutes, refunded_minutes=0, upheld_minutes=before
    )
    last = refund_of_outage(amount_cents, n_minutes=n_minutes, refunded_minutes=before, upheld_minutes=rest)
    assert sum(refunds) + last == amount_cents


@given(amount_cents=st.integers(0, 10**9), n_minutes=st.integers(1, 100_000), data=st.data())
def test_a_refund_is_its_share_to_the_cent(amount_cents: int, n_minutes: int, data: st.DataObject) -> None:
    upheld = data.draw(st.integers(0, n_minutes))

    refund = refund_of_outage(amount_cents, n_minutes=n_minutes, refunded_minutes=0, upheld_minutes=upheld)

    assert abs(refund * n_minutes - amount_cents * upheld) < n_minutes


@pytest.mark.parametrize(("refunded", "upheld"), [(0, 61), (30, 31), (-1, 5), (5, -1)])
def test_there_are_no_more_minutes_than_were_paid_for(refunded: int, upheld: int) -> None:
    with pytest.raises(ValueError, match="of 60 minutes"):
        refund_of_outage(100, n_minutes=60, refunded_minutes=refunded, upheld_minutes=upheld)
