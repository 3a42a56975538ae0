"""A bid with several ways to fill it, while a person puts it together: options and legs added and taken away.

What is typed travels as ``option-0-amount``, ``option-0-leg-1-units`` and so on, with ``options`` and ``option-0-legs``
saying how many there are. Nothing is kept on the server until the bid is placed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from auctions.composer_forms import LegChoices, LegForm, OptionForm, typed_amount, typed_hour
from auctions.models import Lot, Window
from auctions.policies import MAX_LEGS, MAX_OPTIONS, BidRejected
from auctions.terms import BidTerms, LegTerms

Typed = dict[str, list[str]]
"""What is typed into a form, by field; lists, since boxes may be ticked in several."""

_FIELDS = {
    "lots": "lots",
    "types": "types",
    "regions": "regions",
    "fabrics": "fabrics",
    "min_reliability_bps": "reliability",
    "units": "units",
    "min_units": "least",
    "earliest_at": "earliest",
    "latest_at": "latest",
    "hours": "hours",
    "price": "amount",
    "value": "amount",
}
"""Fields of the forms by the names that refusals use."""


@dataclass
class Option:
    """What is typed for one option, and its forms."""

    typed: Typed
    legs: list[Typed]
    form: OptionForm = field(init=False)
    leg_forms: list[LegForm] = field(init=False, default_factory=list)


class Composer:
    """A bid being put together. Its forms are checked only when it was sent for that: half a bid shows no errors."""

    def __init__(self, window: Window, options: list[Option], *, is_checked: bool = False) -> None:
        self.options = options
        self.errors: list[str] = []
        self.is_checked = is_checked
        choices = LegChoices(window)
        for number, option in enumerate(options):
            prefix = f"option-{number}"
            option.form = OptionForm(**self._said(option.typed, prefix), prefix=prefix)
            option.leg_forms = [
                LegForm(**self._said(leg, f"{prefix}-leg-{at}"), prefix=f"{prefix}-leg-{at}", choices=choices)
                for at, leg in enumerate(option.legs)
            ]

    def _said(self, typed: Typed, prefix: str) -> dict[str, Any]:
        if self.is_checked:
            return {"data": MultiValueDict({f"{prefix}-{name}": values for name, values in typed.items()})}
        many = {"types", "regions", "fabrics"}
        initial = {name: values if name in many else values[-1] for name, values in typed.items() if values}
        return {"initial": initial}

    @classmethod
    def for_lot(cls, lot: Lot, *, units: str, price: str) -> Self:
        """Start with a bid for a lot over its whole period."""
        return cls(lot.window, [Option(_option_typed(price), [_leg_typed_for(lot, units)])])

    @classmethod
    def for_terms(cls, window: Window, terms: BidTerms) -> Self:
        """Start with what a bid says."""
        return cls(window, options_typed(terms))

    @property
    def can_add_option(self) -> bool:
        return len(self.options) < MAX_OPTIONS

    @property
    def forms(self) -> Iterator[OptionForm | LegForm]:
        for option in self.options:
            yield option.form
            yield from option.leg_forms

    @property
    def places(self) -> Iterator[tuple[str, OptionForm | LegForm]]:
        """Each form with where it stands, as far as there are several: ``Option 2, leg 1: ``."""
        for number, option in enumerate(self.options, start=1):
            which = [f"option {number}"] if len(self.options) > 1 else []
            yield _place(which), option.form
            for at, form in enumerate(option.leg_forms, start=1):
                yield _place([*which, f"leg {at}"] if len(option.leg_forms) > 1 else which), form

    def checked(self, window: Window) -> Self:
        """Return the same, checked, to see whether it is complete already."""
        return type(self)(
            window, [Option(option.typed, option.legs) for option in self.options], is_checked=True
        )

    def is_valid(self) -> bool:
        """Check every form, so that all mistakes show at once."""
        are_valid = [form.is_valid() for form in self.forms]
        return all(are_valid) and not self.errors

    def terms(self) -> BidTerms:
        """Return what a valid bid says. Legs that belong together are all or nothing."""
        return BidTerms(
            options=tuple(
                option.form.terms(tuple(form.terms() for form in option.leg_forms)) for option in self.options
            )
        )

    def refuse(self, rejected: BidRejected) -> None:
        """Show a refusal of the operations at the field it names, or above everything."""
        error = ValidationError(rejected.message, code=rejected.code)
        name = _FIELDS.get(rejected.field)
        if rejected.option is None or name is None:
            self.errors.append(rejected.message)
            return
        option = self.options[rejected.option]
        form = option.form if rejected.leg is None else option.leg_forms[rejected.leg]
        form.add_error(name if name in form.fields else None, error)

    def typed_pairs(self) -> list[tuple[str, str]]:
        """Return everything typed as names and values: for hidden inputs, or for an address."""
        pairs = [("options", str(len(self.options)))]
        for number, option in enumerate(self.options):
            prefix = f"option-{number}"
            pairs.append((f"{prefix}-legs", str(len(option.legs))))
            parts = [
                (prefix, option.typed),
                *((f"{prefix}-leg-{at}", leg) for at, leg in enumerate(option.legs)),
            ]
            pairs += [
                (f"{part}-{name}", value)
                for part, typed in parts
                for name, values in typed.items()
                for value in values
            ]
        return pairs


def read_options(posted: QueryDict) -> list[Option] | None:
    """Read what was sent; None where it is no bid at all."""
    count = _count(posted, "options", MAX_OPTIONS)
    return [_read_option(posted, f"option-{number}") for number in range(count)] or None


def edit(options: list[Option], action: str) -> list[Option]:
    """Add or take away an option or a leg: ``add-option``, ``add-leg-0``, ``remove-option-1``, ``remove-leg-0-1``.

    What does not apply changes nothing. Something of a bid is always left.
    """
    verb, *numbers = action.replace("-option", "_option").replace("-leg", "_leg").split("-")
    at = [int(number) for number in numbers if number.isascii() and number.isdigit() and len(number) < 4]
    match verb, at:
        case "add_option", [] if len(options) < MAX_OPTIONS:
            last = options[-1]
            return [*options, Option(dict(last.typed), [dict(last.legs[0])])]
        case "remove_option", [option] if len(options) > 1 and option < len(options):
            return options[:option] + options[option + 1 :]
        case "add_leg", [option] if option < len(options) and len(options[option].legs) < MAX_LEGS:
            legs = options[option].legs
            options[option].legs = [
                {**leg, "parts": [LegForm.ALL], "hours": [""]} for leg in [*legs, legs[-1]]
            ]
        case "remove_leg", [option, leg] if option < len(options) and 1 < len(options[option].legs) > leg:
            del options[option].legs[leg]
    return options


def options_typed(terms: BidTerms) -> list[Option]:
    """Return a bid's terms as a person would type them."""
    options = []
    for option in terms.options:
        is_priced = option.price_ticks is not None
        ticks = option.price_ticks if is_priced else option.value_ticks
        assert ticks is not None
        typed = {
            "limit": [OptionForm.PRICE if is_priced else OptionForm.VALUE],
            "amount": [typed_amount(ticks)],
        }
        options.append(Option(typed, [_leg_typed(leg) for leg in option.legs]))
    return options


def _place(parts: list[str]) -> str:
    return f"{', '.join(parts)}: ".capitalize() if parts else ""


def _count(posted: QueryDict, name: str, most: int) -> int:
    text = posted.get(name, "")
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _read_option(posted: QueryDict, prefix: str) -> Option:
    n_legs = max(1, _count(posted, f"{prefix}-legs", MAX_LEGS))
    return Option(
        typed=_read(posted, prefix, OptionForm.base_fields),
        legs=[_read(posted, f"{prefix}-leg-{at}", LegForm.base_fields) for at in range(n_legs)],
    )


def _read(posted: QueryDict, prefix: str, names: Iterable[str]) -> Typed:
    return {name: posted.getlist(f"{prefix}-{name}") for name in names}


def _option_typed(price: str) -> Typed:
    return {"limit": [OptionForm.PRICE], "amount": [price]}


def _leg_typed_for(lot: Lot, units: str) -> Typed:
    return {
        "accept": [LegForm.LOTS],
        "lots": [str(lot.pk)],
        "types": [str(lot.block.resource_type_id)],
        "regions": [lot.block.site.region],
        "fabrics": [],
        "reliability": [""],
        "units": [units],
        "parts": [LegForm.ANY],
        "least": [""],
        "earliest": [typed_hour(lot.starts_at)],
        "latest": [typed_hour(lot.ends_at)],
        "hours": [""],
    }


def _leg_typed(leg: LegTerms) -> Typed:
    is_all = leg.min_units == leg.units
    is_any = leg.min_units == 1 and not is_all
    wanted = leg.filter
    return {
        "accept": [LegForm.FILTER if wanted else LegForm.LOTS],
        "lots": [", ".join(map(str, leg.lot_ids))],
        "types": [str(pk) for pk in wanted.resource_type_ids] if wanted else [],
        "regions": list(wanted.regions) if wanted else [],
        "fabrics": list(wanted.fabrics) if wanted else [],
        "reliability": [_typed_percent(wanted.min_reliability_bps if wanted else None)],
        "units": [str(leg.units)],
        "parts": [LegForm.ALL if is_all else LegForm.ANY if is_any else LegForm.LEAST],
        "least": ["" if is_all or is_any else str(leg.min_units)],
        "earliest": [typed_hour(leg.earliest_at)],
        "latest": [typed_hour(leg.latest_at)],
        "hours": [str(leg.hours)],
    }


def _typed_percent(bps: int | None) -> str:
    return "" if bps is None else f"{bps / 100:g}"
