"""What a seller's reliability is: the share of unit-hours due that it delivered, once there are enough of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.reliability import FEWEST_DELIVERIES, DeliveryRecord, reliability_bps


@pytest.mark.parametrize(
    ("record", "bps"),
    [
        (DeliveryRecord(), None),
        (DeliveryRecord(n_deliveries=4, due_unit_minutes=1000), None),
        (DeliveryRecord(n_deliveries=5, due_unit_minutes=1000), 10_000),
        (DeliveryRecord(n_deliveries=5, due_unit_minutes=1000, lost_unit_minutes=1000), 0),
        (DeliveryRecord(n_deliveries=9, due_unit_minutes=3, lost_unit_minutes=1), 6666),
    ],
)
def test_is_the_share_delivered_rounded_down(record: DeliveryRecord, bps: int | None) -> None:
    assert reliability_bps(record) == bps


@given(due=st.integers(1, 10**12), data=st.data())
def test_is_whole_only_where_nothing_was_lost(due: int, data: st.DataObject) -> None:
    lost = data.draw(st.integers(0, due))

    score = reliability_bps(
        DeliveryRecord(n_deliveries=FEWEST_DELIVERIES, due_unit_minutes=due, lost_unit_minutes=lost)
    )

    assert score is not None
    assert 0 <= score <= 10_000
    assert (score == 10_000) == (lost == 0)
