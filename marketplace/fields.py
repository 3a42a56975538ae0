"""Form fields that speak Sparegrid's units."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from marketplace.money import CENTS_PER_DOLLAR, InvalidPrice, parse_price

FIRST_YEAR, LAST_YEAR = 2000, 2199
"""Of instants that can be typed: far from where a day more or less falls off the calendar."""


PLAIN_WHOLE = re.compile(r"-?[0-9]{1,19}")
"""The sign stays, so that a field can say what its least number is; no field's most has more digits."""


class PriceField(forms.CharField):
    """A price in dollars per unit-hour, such as ``2.4950``; cleaned to ticks, or to None when empty and optional."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def clean(self, value: object) -> int | None:
        text = str(super().clean(value))
        if not text:
            return None
        try:
            return parse_price(text)
        except InvalidPrice as refused:
            raise ValidationError(str(refused), code="invalid_price") from None


class WholeNumberField(forms.IntegerField):
    """A whole number in plain digits: Python would also read ``+5``, ``1_0``, ``5.0`` and digits of other scripts."""

    def to_python(self, value: object) -> int | None:
        if value in self.empty_values:
            return None
        text = str(value).strip()
        if text and not PLAIN_WHOLE.fullmatch(text):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(text)


class PlainDecimalField(forms.DecimalField):
    """A number in plain digits: Python would also read ``1e9``, ``1_0`` and digits of other scripts."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def to_python(self, value: object) -> Decimal | None:  # type: ignore[override]  # the stubs' parent counts
        number = super().to_python(value)
        if number is not None and set(str(value).strip()) - set("+-.0123456789"):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return number


class AmountField(PlainDecimalField):
    """An amount of money in dollars, such as ``1250.00``; cleaned to cents, or to None when empty and optional."""

    def __init__(self, *, max_dollars: int, min_dollars: Decimal | int = 0, **options: Any) -> None:
        super().__init__(min_value=min_dollars, max_value=max_dollars, decimal_places=2, **options)

    def clean(self, value: object) -> int | None:
        dollars = super().clean(value)
        return None if dollars is None else int(dollars * CENTS_PER_DOLLAR)


class InstantField(forms.DateTimeField):
    """An instant in UTC, as ``datetime-local`` inputs write it."""

    default_error_messages = {"invalid": "Write a day and a time, such as 2026-11-24T14:00."}

    def to_python(self, value: Any) -> datetime | None:
        if isinstance(value, str) and "\0" in value:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        instant = super().to_python(value)
        if instant is not None:
            require_usual_year(instant)
        return instant


def require_usual_year(instant: datetime) -> None:
    """Raise ValidationError for a year that nobody means, with which no reckoning goes well."""
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise ValidationError(f"Say a year from {FIRST_YEAR} to {LAST_YEAR}.", code="unusual_year")
