"""The parts of a bid as a person fills them in: a leg, and what an option is worth."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from auctions.forms import UnitsField
from auctions.models import Lot, Window
from auctions.policies import MAX_VALUE_TICKS
from auctions.terms import ANY_PART, MAX_LOTS_PER_LEG, LegTerms, LotFilter, OptionTerms
from inventory.models import Region, ResourceType, Site
from marketplace.fields import PlainDecimalField, PriceField, require_usual_year
from marketplace.hours import HOUR
from marketplace.money import InvalidPrice, format_ticks, parse_amount

HOUR_FORMAT = "%Y-%m-%dT%H:%M"


class HourField(forms.CharField):
    """A whole UTC hour, as ``datetime-local`` inputs write it."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "3600"}, format=HOUR_FORMAT)
        super().__init__(max_length=25, widget=widget, **options)

    def clean(self, value: object) -> datetime:
        text = str(super().clean(value))
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            raise ValidationError(
                "Write a day and an hour, such as 2026-11-24T14:00.", code="no_hour"
            ) from None
        require_usual_year(instant)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


class LotsField(forms.CharField):
    """Lot numbers in the order of preference, parted by commas or spaces."""

    def clean(self, value: object) -> tuple[int, ...]:
        words = str(super().clean(value)).replace(",", " ").split()
        if not all(word.isascii() and word.isdigit() and len(word) < 19 for word in words):
            raise ValidationError("Write lot numbers, such as 12, 14.", code="no_lots")
        if len(words) > MAX_LOTS_PER_LEG:
            raise ValidationError(f"Name at most {MAX_LOTS_PER_LEG} lots.", code="too_many")
        return tuple(int(word) for word in words)


class LeastField(UnitsField):
    """A number of units, or none said."""

    def clean(self, value: object) -> int:
        return super().clean(value) if value not in self.empty_values else 0


class HoursField(forms.CharField):
    """A number of hours; empty means all there are."""

    def clean(self, value: object) -> int | None:
        text = str(super().clean(value))
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 6):
            raise ValidationError(f"“{text}” is not a whole number of hours.", code="not_whole")
        return int(text)


class LegForm(forms.Form):
    """Units of a lot for some hours."""

    LOTS, FILTER = "lots", "filter"
    ANY, ALL, LEAST = "any", "all", "least"

    accept = forms.ChoiceField(
        label="Where",
        choices=[(LOTS, "On these lots"), (FILTER, "On any lot like this")],
        widget=forms.RadioSelect,
    )
    lots = LotsField(
        label="Lots",
        required=False,
        max_length=2000,
        help_text="One will be used. Several: the ones you prefer first.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "12, 14"}),
    )
    types = forms.TypedMultipleChoiceField(
        label="Types", required=False, coerce=int, widget=forms.CheckboxSelectMultiple({"class": "long-list"})
    )
    regions = forms.MultipleChoiceField(
        label="Regions",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: any region.",
    )
    fabrics = forms.MultipleChoiceField(
        label="Fabric",
        required=False,
        choices=Site.Fabric.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: any fabric.",
    )
    reliability = PlainDecimalField(
        label="Seller’s reliability at least",
        required=False,
        min_value=Decimal("0.01"),
        max_value=100,
        decimal_places=2,
        help_text="Percent of what it sold in the last 90 days that it delivered. New sellers have none yet.",
        error_messages={"invalid": "Write a percentage, such as 99.5."},
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    units = UnitsField(
        label="Units",
        max_length=12,
        error_messages={"required": "Say how many units you want."},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    parts = forms.ChoiceField(
        label="Or fewer?",
        choices=[(ANY, "Any part of them will do"), (LEAST, "At least …"), (ALL, "All or nothing")],
    )
    least = LeastField(
        label="At least",
        required=False,
        max_length=12,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    earliest = HourField(label="From (UTC)", error_messages={"required": "Say from when on."})
    latest = HourField(label="Until (UTC)", error_messages={"required": "Say until when."})
    hours = HoursField(
        label="Hours in a row",
        required=False,
        max_length=6,
        help_text="Anywhere between the two; empty: all of it.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, prefix: str, choices: LegChoices, **more: Any
    ) -> None:
        super().__init__(data, prefix=prefix, use_required_attribute=False, **more)
        self.fields["types"].choices = choices.types  # type: ignore[attr-defined]  # set on choice fields
        self.fields["regions"].choices = choices.regions  # type: ignore[attr-defined]  # as above

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("accept") == self.LOTS and not said.get("lots") and "lots" not in self.errors:
            self.add_error("lots", "Name at least one lot.")
        if said.get("accept") == self.FILTER and not said.get("types") and "types" not in self.errors:
            self.add_error("types", "Tick at least one type.")
        if said.get("parts") == self.LEAST and not said.get("least") and "least" not in self.errors:
            self.add_error("least", "Say how many units you want at least.")
        return said

    def terms(self) -> LegTerms:
        """Return what a valid form says."""
        said = self.cleaned_data
        by_filter = said["accept"] == self.FILTER
        return LegTerms(
            lot_ids=() if by_filter else said["lots"],
            filter=LotFilter(
                resource_type_ids=tuple(sorted(said["types"])),
                regions=tuple(sorted(said["regions"])),
                fabrics=tuple(sorted(said["fabrics"])),
                min_reliability_bps=None if said["reliability"] is None else int(said["reliability"] * 100),
            )
            if by_filter
            else None,
            units=said["units"],
            min_units={self.ANY: ANY_PART, self.ALL: said["units"], self.LEAST: said["least"]}[said["parts"]],
            earliest_at=said["earliest"],
            latest_at=said["latest"],
            hours=said["hours"]
            if said["hours"] is not None
            else max(1, (said["latest"] - said["earliest"]) // HOUR),
        )


class LegChoices:
    """What a leg can be filtered by: the types and regions on offer in a window, and those a bid names already."""

    def __init__(self, window: Window) -> None:
        self.lots = list(
            Lot.objects.filter(window=window, on_offer=True)
            .values_list("block__resource_type", "block__site__region")
            .distinct()
        )
        types = ResourceType.objects.filter(is_active=True).order_by("name")
        on_offer = {type_id for type_id, _ in self.lots}
        self.types = [(one.pk, one.name) for one in types if one.pk in on_offer]
        self.types += [(one.pk, f"{one.name} (none on offer yet)") for one in types if one.pk not in on_offer]
        self.regions = Region.choices


class OptionForm(forms.Form):
    """What an option is worth: a price per unit-hour, or a value for the whole."""

    PRICE, VALUE = "price", "value"

    limit = forms.ChoiceField(
        label="You would pay",
        choices=[(PRICE, "Per unit-hour"), (VALUE, "For the whole of it")],
    )
    amount = forms.CharField(
        label="At most",
        max_length=24,
        error_messages={"required": "Say the most you would pay."},
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, prefix: str, **more: Any) -> None:
        super().__init__(data, prefix=prefix, use_required_attribute=False, **more)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if "amount" not in said or "limit" not in said:
            return said
        try:
            if said["limit"] == self.PRICE:
                said["ticks"] = PriceField().clean(said["amount"])
            else:
                said["ticks"] = parse_amount(said["amount"], most_ticks=MAX_VALUE_TICKS)
        except ValidationError as refused:
            self.add_error("amount", refused)
        except InvalidPrice as refused:
            self.add_error("amount", str(refused))
        return said

    def terms(self, legs: tuple[LegTerms, ...]) -> OptionTerms:
        """Return what a valid form says of ``legs``."""
        ticks = self.cleaned_data["ticks"]
        if self.cleaned_data["limit"] == self.PRICE:
            return OptionTerms(legs=legs, price_ticks=ticks)
        return OptionTerms(legs=legs, value_ticks=ticks)


def typed_hour(instant: datetime) -> str:
    """Return an instant as ``datetime-local`` inputs write it, in UTC."""
    return f"{instant.astimezone(UTC):{HOUR_FORMAT}}"


def typed_amount(ticks: int) -> str:
    """Return an amount as a person would type it."""
    return format_ticks(ticks).removeprefix("$").replace(",", "")
