"""Form fields that speak Sparegrid's units."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from marketplace.money import CENTS_PER_DOLLAR, InvalidPrice, parse_price


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


class AmountField(forms.DecimalField):
    """An amount of money in dollars, such as ``1250.00``; cleaned to cents, or to None when empty and optional."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def __init__(self, *, max_dollars: int, min_dollars: Decimal | int = 0, **options: Any) -> None:
        super().__init__(min_value=min_dollars, max_value=max_dollars, decimal_places=2, **options)

    def clean(self, value: object) -> int | None:
        dollars = super().clean(value)
        return None if dollars is None else int(dollars * CENTS_PER_DOLLAR)
