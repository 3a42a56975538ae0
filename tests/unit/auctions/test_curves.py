"""Where supply meets demand: what is worked out by hand, and what holds for any two curves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auctions.curves import Crossing, crossing_of, steps_of

ROWS = st.dictionaries(st.integers(1, 60), st.integers(1, 30), max_size=12)


def demand_of(rows: dict[int, int]):
    return steps_of((price, rows[price], 1) for price in sorted(rows, reverse=True))


def supply_of(rows: dict[int, int]):
    return steps_of((price, rows[price], 1) for price in sorted(rows))


@pytest.mark.parametrize(
    ("demand", "supply", "crossing"),
    [
        ({}, {10: 5}, None),
        ({10: 5}, {}, None),
        ({9: 5}, {10: 5}, None),
        ({10: 5}, {10: 5}, Crossing(5, 10, 10)),
        ({30: 5}, {10: 5}, Crossing(5, 10, 30)),
        ({30: 5, 20: 5}, {10: 5}, Crossing(5, 20, 30)),
        ({30: 5}, {10: 5, 25: 5}, Crossing(5, 10, 25)),
        ({30: 5, 20: 5}, {10: 5, 25: 5}, Crossing(5, 20, 25)),
        ({30: 5, 20: 5}, {10: 7}, Crossing(7, 20, 20)),
        ({30: 5}, {10: 2, 20: 9}, Crossing(5, 20, 20)),
    ],
)
def test_worked_cases(demand, supply, crossing) -> None:
    assert crossing_of(demand_of(demand), supply_of(supply)) == crossing


@given(ROWS, ROWS)
def test_meets_as_a_unit_by_unit_comparison_does(demand, supply) -> None:
    asked = [price for price in sorted(demand, reverse=True) for _ in range(demand[price])]
    offered = [price for price in sorted(supply) for _ in range(supply[price])]
    n = sum(bid >= reserve for bid, reserve in zip(asked, offered, strict=False))

    crossing = crossing_of(demand_of(demand), supply_of(supply))

    assert (crossing.unit_hours if crossing else 0) == n
    if crossing:
        assert crossing.low_ticks <= crossing.high_ticks
        assert offered[n - 1] <= crossing.low_ticks
        assert crossing.high_ticks <= asked[n - 1]
