"""What reserves would have come to: worked by hand, and as laws."""

import doctest

from hypothesis import given
from hypothesis import strategies as st

from auctions import advice as module
from auctions.advice import OfferedLot, PastSale, advise, outcome_at, reserves_around, typical_ticks


@st.composite
def lots(draw: st.DrawFn) -> list[OfferedLot]:
    """Past lots that could be: sold within what was offered, paid within the limit."""
    found = []
    for _ in range(draw(st.integers(1, 12))):
        sales = []
        for unit_hours, paid, beyond, is_at_reserve in draw(
            st.lists(
                st.tuples(st.integers(1, 50), st.integers(0, 50_000), st.integers(0, 30_000), st.booleans()),
                max_size=5,
            )
        ):
            sales.append(PastSale(unit_hours, paid + beyond, paid, is_at_reserve))
        sold = sum(sale.unit_hours for sale in sales)
        found.append(OfferedLot(sold + draw(st.integers(0 if sold else 1, 100)), tuple(sales)))
    return found


@given(lots(), st.integers(0, 90_000), st.integers(0, 90_000))
def test_a_higher_reserve_never_sells_more(past: list[OfferedLot], one: int, other: int) -> None:
    low, high = (outcome_at(ticks, past) for ticks in sorted((one, other)))

    assert high.sold_unit_hours <= low.sold_unit_hours
    assert (high.n_sold, high.fill_percent) <= (low.n_sold, low.fill_percent)


@given(lots(), st.integers(0, 90_000))
def test_nothing_sells_below_the_reserve_or_above_its_limit(past: list[OfferedLot], ticks: int) -> None:
    outcome = outcome_at(ticks, past)

    least = outcome.sold_unit_hours * ticks
    most = sum(
        sale.unit_hours * sale.limit_ticks for lot in past for sale in lot.sales if sale.limit_ticks >= ticks
    )
    assert least // outcome.offered_unit_hours <= outcome.revenue_ticks <= most // outcome.offered_unit_hours
    assert 0 <= outcome.low <= outcome.high <= 100


@given(lots(), st.integers(0, 40_000))
def test_the_best_is_never_beaten_and_never_below_the_power(past: list[OfferedLot], power: int) -> None:
    advice = advise(past, power_ticks=power)

    if advice.best is not None:
        assert advice.best.reserve_ticks >= power
        margins = [each.margin_ticks(power) for each in advice.outcomes if each.reserve_ticks >= power]
        assert advice.best.margin_ticks(power) == max(margins)


def test_counts_a_lower_reserve_with_itself_where_the_reserve_alone_set_the_price() -> None:
    lots = [OfferedLot(10, (PastSale(10, 30_000, 20_000, is_at_reserve=True),))]

    assert [outcome_at(ticks, lots).revenue_ticks for ticks in (10_000, 20_000, 30_000, 30_001)] == [
        10_000,
        20_000,
        30_000,
        0,
    ]


def test_keeps_what_another_bid_set() -> None:
    lots = [OfferedLot(10, (PastSale(10, 30_000, 20_000, is_at_reserve=False),))]

    assert outcome_at(10_000, lots).revenue_ticks == 20_000


def test_takes_power_off_the_hours_sold_only() -> None:
    outcome = outcome_at(10_000, [OfferedLot(100, (PastSale(25, 20_000, 20_000, is_at_reserve=False),))])

    assert (outcome.revenue_ticks, outcome.margin_ticks(1_001)) == (5_000, 4_749)


def test_the_typical_price_counts_each_unit_hour() -> None:
    sales = (PastSale(1, 9, 9, is_at_reserve=False), PastSale(10, 5, 5, is_at_reserve=False))

    assert typical_ticks([OfferedLot(20, sales)]) == 5
    assert typical_ticks([OfferedLot(20, ())]) is None


def test_says_nothing_from_a_small_sample_or_where_nothing_sold() -> None:
    sold = OfferedLot(10, (PastSale(10, 20_000, 20_000, is_at_reserve=False),))

    assert not advise([sold] * 7).is_enough
    assert advise([sold] * 8).is_enough
    assert not advise([OfferedLot(10, ())] * 8).is_enough


def test_tries_rising_reserves_with_the_typical_one_among_them() -> None:
    for typical in (1, 7, 999, 1_000, 24_950):
        tried = reserves_around(typical)

        assert tried == sorted(set(tried))
        assert typical in tried
        assert tried[0] > 0


def test_the_worked_example() -> None:
    assert doctest.testmod(module).failed == 0
