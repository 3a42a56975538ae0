"""What an hour of a unit costs its owner."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import costs as module
from inventory.costs import HOURS_PER_YEAR, hourly_cost
from inventory.terms import CostTerms


def test_the_worked_example() -> None:
    assert doctest.testmod(module).failed == 0


@given(
    st.integers(0, 10**9),
    st.integers(1, 30),
    st.integers(0, 100),
    st.integers(0, 10**6),
    st.integers(0, 10**8),
)
def test_covers_the_loss_of_value_within_a_tick_an_hour(
    purchase: int, years: int, residual: int, watts: int, energy: int
) -> None:
    cost = hourly_cost(CostTerms(purchase, years, residual, watts, energy))

    hours = years * HOURS_PER_YEAR
    lost_ticks = purchase * (100 - residual)  # cents × per cent = ticks
    assert 0 <= cost.depreciation_ticks * hours - lost_ticks < hours
    assert 0 <= cost.power_ticks * 1_000 - watts * energy < 1_000


@pytest.mark.parametrize("costs", [CostTerms(0, 1, 0, 0, 0), CostTerms(10**6, 5, 100, 0, 1_200)])
def test_of_nothing_is_nothing(costs: CostTerms) -> None:
    assert hourly_cost(costs).full_ticks == 0
