"""Form fields that speak Sparegrid's units."""

from django import forms
from django.core.exceptions import ValidationError

from marketplace.money import InvalidPrice, parse_price


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
