from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.money import (
    MAX_PRICE_TICKS,
    InvalidPrice,
    cents_from_ticks,
    cents_to_cover,
    format_cents,
    format_ticks,
    parse_price,
    split_cents,
)

AMOUNTS = st.integers(0, 10**18)


class TestCents:
    @given(AMOUNTS)
    def test_charge_rounds_down_and_hold_rounds_up_by_less_than_a_cent(self, ticks):
        charged, held = cents_from_ticks(ticks), cents_to_cover(ticks)

        assert charged * 100 <= ticks < (charged + 1) * 100
        assert (held - 1) * 100 < ticks <= held * 100

    @pytest.mark.parametrize("turn", [cents_from_ticks, cents_to_cover])
    def test_refuses_negative_amounts(self, turn):
        with pytest.raises(ValueError, match="never negative"):
            turn(-1)


class TestSplitCents:
    @given(AMOUNTS, st.lists(st.integers(0, 10**15), min_size=1, max_size=40))
    def test_parts_sum_to_the_total(self, total, weights):
        assert sum(split_cents(total, weights)) == total

    @given(AMOUNTS, st.lists(st.integers(0, 10**15), min_size=1, max_size=40).filter(any))
    def test_each_part_is_within_a_cent_of_its_share(self, total, weights):
        for part, weight in zip(split_cents(total, weights), weights, strict=True):
            assert abs(part - Fraction(total * weight, sum(weights))) < 1
            assert part == 0 or weight > 0

    @given(AMOUNTS, st.lists(st.integers(0, 10**6), min_size=2, max_size=20).filter(any))
    def test_more_weight_never_gets_less(self, total, weights):
        parts = split_cents(total, weights)

        by_weight = sorted(zip(weights, parts, strict=True))
        assert [part for _, part in by_weight] == sorted(part for _, part in by_weight)

    @pytest.mark.parametrize(
        ("total", "weights", "parts"),
        [
            (100, [1, 1, 1], [34, 33, 33]),
            (5, [0, 0], [5, 0]),
            (0, [3, 4], [0, 0]),
            (7, [0, 1, 0], [0, 7, 0]),
            (10, [1, 2], [3, 7]),
        ],
    )
    def test_examples(self, total, weights, parts):
        assert split_cents(total, weights) == parts

    @pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (1, [-1, 2]), (1, [])])
    def test_refuses_what_cannot_be_split(self, total, weights):
        with pytest.raises(ValueError, match=r"never negative|no parts"):
            split_cents(total, weights)


class TestParsePrice:
    @given(st.integers(0, MAX_PRICE_TICKS))
    def test_reads_back_what_format_wrote(self, ticks):
        assert parse_price(format_ticks(ticks)) == ticks

    @pytest.mark.parametrize(
        ("text", "ticks"),
        [
            ("2.495", 24_950),
            (" $2.4950 ", 24_950),
            ("1,234.5", 12_345_000),
            ("0", 0),
            (".5", 5_000),
            ("3.", 30_000),
            ("2.49500000", 24_950),
            ("10000", MAX_PRICE_TICKS),
        ],
    )
    def test_reads_dollars(self, text, ticks):
        assert parse_price(text) == ticks

    @pytest.mark.parametrize(
        "text", ["", " ", "abc", "2,49", "2.49.1", "1e3", "NaN", "inf", "1_000", "٣", "$", ".", "2 49", "€2"]
    )
    def test_refuses_what_is_no_price(self, text):
        with pytest.raises(InvalidPrice, match="is not a price"):
            parse_price(text)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("-1", "negative"),
            ("−$1", "negative"),
            ("2.00001", r"\$0\.0001"),
            ("10000.0001", "exceed"),
            ("9" * 5000, "exceed"),
        ],
    )
    def test_says_what_is_wrong_with_a_price(self, text, why):
        with pytest.raises(InvalidPrice, match=why):
            parse_price(text)

    @given(st.text(max_size=30))
    def test_any_text_is_a_price_or_refused(self, text):
        try:
            ticks = parse_price(text)
        except InvalidPrice:
            return
        assert 0 <= ticks <= MAX_PRICE_TICKS


class TestFormat:
    @pytest.mark.parametrize(
        ("ticks", "text"),
        [(24_950, "$2.4950"), (0, "$0.0000"), (-1, "−$0.0001"), (12_345_678, "$1,234.5678")],
    )
    def test_shows_ticks_as_dollars(self, ticks, text):
        assert format_ticks(ticks) == text

    @pytest.mark.parametrize(("cents", "text"), [(123_456, "$1,234.56"), (5, "$0.05"), (-250, "−$2.50")])
    def test_shows_cents_as_dollars(self, cents, text):
        assert format_cents(cents) == text
