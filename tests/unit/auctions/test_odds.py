"""The odds of a price: Wilson's band, and what lots like it paid."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auctions import odds
from auctions.odds import FEWEST, PastLot, band, odds_of


def test_the_examples_in_the_text_hold() -> None:
    assert doctest.testmod(odds).failed == 0


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_band_holds_the_share_and_narrows_with_the_sample(won_of: tuple[int, int]) -> None:
    won, n = won_of
    low, high = band(won, n)

    assert 0 <= low <= 100 * won / n <= high <= 100
    wider = band(won * 10, n * 10)
    assert low <= wider[0] + 1
    assert wider[1] <= high + 1


def test_a_price_wins_where_it_meets_the_margin() -> None:
    past = [PastLot(marginal, marginal) for marginal in range(100, 110)]

    found = odds_of(104, past)

    assert (found.n, found.n_won) == (10, 5)
    assert found.likely_ticks == 102


def test_nobody_pays_above_the_own_price_and_unsold_lots_paid_nothing() -> None:
    found = odds_of(100, [PastLot(90, 130), PastLot(80, None)])

    assert (found.n_won, found.likely_ticks) == (2, 100)


@pytest.mark.parametrize(("n", "is_enough"), [(0, False), (FEWEST - 1, False), (FEWEST, True)])
def test_says_when_the_sample_is_too_small(n: int, *, is_enough: bool) -> None:
    found = odds_of(100, [PastLot(90, 90)] * n)

    assert found.is_enough is is_enough


@given(st.lists(st.tuples(st.integers(0, 10**6), st.none() | st.integers(0, 10**6)), min_size=1))
def test_a_higher_price_never_has_lower_odds(past: list[tuple[int, int | None]]) -> None:
    lots = [PastLot(marginal, paid) for marginal, paid in past]
    low, high = odds_of(1000, lots), odds_of(2000, lots)

    assert low.n_won <= high.n_won
    assert low.low <= high.low
