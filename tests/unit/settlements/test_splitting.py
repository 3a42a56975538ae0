"""The rounding law: what a buyer is charged is, to the cent, what its lines say, and that is sellers plus fee."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlements.splitting import prepaid_part, split_amount, split_refund

awards = st.lists(st.integers(0, 10**13), min_size=1, max_size=40)
fees = st.integers(0, 10_000)


@given(awards, fees)
def test_every_cent_has_one_place(ticks: list[int], fee_bps: int) -> None:
    split = split_amount(ticks, fee_bps=fee_bps)

    sellers = [line - fee for line, fee in zip(split.lines_cents, split.fees_cents, strict=True)]
    assert split.amount_cents == sum(split.lines_cents)
    assert split.amount_cents == sum(sellers) + sum(split.fees_cents)
    assert all(0 <= fee <= line for fee, line in zip(split.fees_cents, split.lines_cents, strict=True))


@given(awards, fees)
def test_rounds_down_once(ticks: list[int], fee_bps: int) -> None:
    split = split_amount(ticks, fee_bps=fee_bps)

    assert 0 <= sum(ticks) - 100 * split.amount_cents < 100
    assert sum(split.fees_cents) == split.amount_cents * fee_bps // 10_000


@given(awards, fees)
def test_no_line_is_a_cent_off_its_exact_share(ticks: list[int], fee_bps: int) -> None:
    split = split_amount(ticks, fee_bps=fee_bps)

    whole = sum(ticks)
    for line, own in zip(split.lines_cents, ticks, strict=True):
        assert abs(line * whole - split.amount_cents * own) < max(whole, 1)


def test_ticks_that_single_awards_would_lose_are_charged() -> None:
    assert split_amount([50, 50, 150], fee_bps=0).lines_cents == [1, 0, 1]


def test_refuses_a_fee_above_the_amount() -> None:
    with pytest.raises(ValueError, match="10001 basis points"):
        split_amount([100], fee_bps=10_001)


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.lists(st.integers(1, 10**12), max_size=8))
def test_refunds_of_a_line_come_to_its_fee_and_share_and_never_exceed_them(
    share_cents: int, fee_cents: int, asked: list[int]
) -> None:
    share, fee = share_cents, fee_cents
    for cents in [*asked, share_cents + fee_cents]:
        cents = min(cents, share + fee)
        if cents == 0:
            break
        part = split_refund(cents, share_cents=share, fee_cents=fee)
        share -= part.amount_cents - part.fee_cents
        fee -= part.fee_cents
        assert part.amount_cents == cents
        assert share >= 0
        assert fee >= 0

    assert share + fee == 0 or sum(asked) < share_cents + fee_cents


@given(st.integers(1, 10**12), st.integers(0, 10**12), st.integers(0, 10**12))
def test_card_and_balance_get_back_no_more_than_they_paid(cents: int, card: int, prepaid: int) -> None:
    if cents > card + prepaid:
        with pytest.raises(ValueError, match="are left"):
            prepaid_part(cents, card_left_cents=card, prepaid_left_cents=prepaid)
        return
    part = prepaid_part(cents, card_left_cents=card, prepaid_left_cents=prepaid)
    assert 0 <= part <= prepaid
    assert 0 <= cents - part <= card


@pytest.mark.parametrize("cents", [0, -1, 101])
def test_refuses_a_refund_of_nothing_or_of_more_than_the_line(cents: int) -> None:
    with pytest.raises(ValueError, match="of a line"):
        split_refund(cents, share_cents=95, fee_cents=5)
