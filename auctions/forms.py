"""The bid ticket: what a person types, made into units and ticks, or refused in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from auctions.models import Lot
from auctions.policies import BidRejected
from auctions.terms import BidTerms, single_lot_terms
from marketplace.fields import PLAIN_WHOLE, PriceField
from marketplace.money import format_ticks

MAX_UNITS = 1_000_000
"""More than any lot; keeps what is typed within the database's integers."""


class UnitsField(forms.CharField):
    """A whole number of units. Typed with thousands separators or without."""

    def clean(self, value: object) -> int:
        text = str(super().clean(value)).replace(",", "")
        if not PLAIN_WHOLE.fullmatch(text):
            raise ValidationError(
                f"“{text}” is not a whole number of units; parts of a unit are not sold.", code="not_whole"
            )
        units = int(text)
        if units < 1:
            raise ValidationError("Bid for at least one unit.", code="too_few_units")
        if units > MAX_UNITS:
            raise ValidationError(f"No lot has more than {MAX_UNITS:,} units.", code="beyond_the_lot")
        return units


class TicketForm(forms.Form):
    """Units of one lot for its whole period, at a price per unit-hour."""

    units = UnitsField(
        label="Units",
        max_length=12,
        error_messages={"required": "Say how many units you want."},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    price = PriceField(
        label="Price",
        max_length=20,
        error_messages={"required": "Say the most you would pay per unit-hour."},
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, lot: Lot, **initial: object) -> None:
        super().__init__(data, initial=initial)
        self.lot = lot

    def terms(self) -> BidTerms:
        """Return what a valid form says as the terms of a bid."""
        return single_lot_terms(
            self.lot, units=self.cleaned_data["units"], price_ticks=self.cleaned_data["price"]
        )

    def refuse(self, rejected: BidRejected) -> None:
        """Show a refusal of the operations at the field it names."""
        field = rejected.field if rejected.field in self.fields else None
        self.add_error(field, ValidationError(rejected.message, code=rejected.code))


def typed_price(price_ticks: int) -> str:
    """Return a price as a person would type it: ``24950`` ticks is ``2.4950``."""
    return format_ticks(price_ticks).removeprefix("$").replace(",", "")
