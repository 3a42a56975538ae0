import pytest
from django.core.exceptions import ValidationError

from marketplace.fields import AmountField, InstantField, WholeNumberField
from marketplace.numbers import whole_number


class TestAmountField:
    def test_is_cents(self) -> None:
        assert AmountField(max_dollars=10_000).clean(" 1250.50 ") == 1250_50

    @pytest.mark.parametrize("text", ["1e3", "1_000", "١٢", "1.005", "-1", "NaN"])
    def test_takes_plain_digits_only(self, text: str) -> None:
        with pytest.raises(ValidationError):
            AmountField(max_dollars=10_000).clean(text)


class TestWholeNumberField:
    @pytest.mark.parametrize(("text", "number"), [("12", 12), (" 8 ", 8), (5, 5), ("007", 7), ("", None)])
    def test_is_a_number(self, text: object, number: int | None) -> None:
        assert WholeNumberField(required=False).clean(text) == number

    @pytest.mark.parametrize("text", ["+5", "1_0", "١٢", "5.0", "1e9", "²", "1 0", "--1", "9" * 5000])
    def test_takes_plain_digits_only(self, text: str) -> None:
        with pytest.raises(ValidationError, match="whole number"):
            WholeNumberField().clean(text)

    def test_says_the_least_to_what_is_below_it(self) -> None:
        with pytest.raises(ValidationError, match="greater than or equal to 1"):
            WholeNumberField(min_value=1).clean("-5")


class TestInstantField:
    def test_is_utc(self) -> None:
        assert f"{InstantField().clean('2026-11-24T14:00'):%Y-%m-%d %H:%M %Z}" == "2026-11-24 14:00 UTC"

    @pytest.mark.parametrize("text", ["0001-01-01T00:00+23:59", "9999-12-31T23:00-23:59", "2026-02-31T10:00"])
    def test_refuses_what_no_calendar_reckons_with(self, text: str) -> None:
        with pytest.raises(ValidationError):
            InstantField().clean(text)


@pytest.mark.parametrize(
    ("text", "number"), [("12", 12), ("", None), ("-1", None), ("²", None), ("1_0", None), ("9" * 5000, None)]
)
def test_whole_number(text: str, number: int | None) -> None:
    assert whole_number(text) == number
