"""What a field must not take, by what it is: nothing, too much, no number, no day, no such choice."""

from __future__ import annotations

from collections.abc import Iterator

from django import forms

from auctions.composer_forms import HourField, HoursField, LotsField
from auctions.forms import UnitsField
from auctions.order_forms import CountField
from marketplace.fields import PriceField

Value = str | list[str] | None
"""What is sent: None leaves the field out."""

HUGE = "1" + "0" * 30
NO_WHOLE_NUMBERS = ("abc", "-5", "9" * 5000, "NaN", "1e9", "1.5", "²", "١٢", "1_0", " +5", "1\0")
NO_NUMBERS = ("-5", HUGE, "NaN", "1e9", "1e999999999", "١٢", "1_0", "1\0")
NO_INSTANTS = (
    "soon",
    "2026-02-31T10:00",
    "2026-12-01T25:00",
    "0001-01-01T00:00+23:59",
    "9999-12-31T23:00-23:59",
    "2026-12-01T10:00\0",
)
NO_DAYS = ("soon", "2026-02-31", "9999-12-31", "0001-01-01", "2026-12-01\0")
NO_ROWS = ("no-such", "-1", HUGE, "\0")
COUNTS = UnitsField | CountField | HoursField | forms.IntegerField
NUMBERS = PriceField | forms.DecimalField


def wrong_values(field: forms.Field) -> Iterator[Value]:
    """Go through what a field has to refuse, most of it by its type alone."""
    several = isinstance(field, forms.MultipleChoiceField | forms.ModelMultipleChoiceField)
    if field.required and not isinstance(field, forms.BooleanField):
        yield None
        if not several:
            yield "   "
    if isinstance(field, forms.BooleanField | forms.FileField):
        return
    for value in _wrong_by_type(field):
        yield [value] if several else value


def _wrong_by_type(field: forms.Field) -> Iterator[str]:
    match field:
        case forms.ModelChoiceField():
            yield from NO_ROWS
            yield from _another_one(field)
        case forms.ChoiceField():
            yield from ("no-such", "\0")
        case forms.DateTimeField() | HourField():
            yield from NO_INSTANTS
        case forms.DateField():
            yield from NO_DAYS
        case forms.IntegerField() if not isinstance(field, NUMBERS):
            yield from NO_WHOLE_NUMBERS
            yield from _below(field)
        case UnitsField() | CountField():
            yield from (*NO_WHOLE_NUMBERS, "0")
        case HoursField():
            yield from NO_WHOLE_NUMBERS
        case PriceField() | forms.DecimalField():
            yield from NO_NUMBERS
            yield from _below(field)
        case forms.UUIDField():
            yield from ("abc", HUGE, "\0")
        case LotsField():
            yield from ("abc", "-1", HUGE, "²", "1\0")
        case forms.EmailField():
            yield from ("nobody", "a@b", f"{'x' * 400}@example.com", "a\0@example.com")
        case forms.SlugField():
            yield from ("två ord", "a\0", "x" * 41)
        case forms.CharField():
            yield "a\0b"
            if field.max_length:
                yield "x" * (field.max_length + 1)


def _below(field: forms.Field) -> Iterator[str]:
    least = getattr(field, "min_value", None)
    if least is not None and least > 0:
        yield "0"
    if isinstance(field, PriceField):
        yield "0"


def _another_one(field: forms.ModelChoiceField) -> Iterator[str]:
    """A row that exists and is not the person's to choose, such as another organization's."""
    assert field.queryset is not None
    others = field.queryset.model._default_manager.exclude(pk__in=field.queryset.values("pk"))
    if (other := others.first()) is not None:
        yield str(other.pk)
