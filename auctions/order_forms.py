"""A standing order as a person fills it in: what is wanted, by when, and for how much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.datastructures import MultiValueDict

from auctions.composer_forms import HourField, typed_hour
from auctions.models import Lot, Market
from auctions.standing.policy import MAX_BUDGET_CENTS, MAX_GOAL_UNIT_HOURS, MAX_MIN_HOURS, OrderRejected
from auctions.standing.terms import OrderTerms, largest_rounding, price_for_all
from auctions.terms import LotFilter
from inventory.models import Region, ResourceType, Site
from marketplace.fields import AmountField, PlainDecimalField, PriceField
from marketplace.money import CENTS_PER_DOLLAR, dollars_of_ticks

NUMBERS = {"inputmode": "numeric", "autocomplete": "off"}
AMOUNTS = {"inputmode": "decimal", "autocomplete": "off"}
MANY = ("types", "regions", "fabrics")


class CountField(forms.CharField):
    """A whole number of ``noun``, typed with thousands separators or without."""

    def __init__(self, *, noun: str, most: int, **options: Any) -> None:
        super().__init__(max_length=20, widget=forms.TextInput(attrs=NUMBERS), **options)
        self.noun = noun
        self.most = most

    def clean(self, value: object) -> int | None:
        typed = str(super().clean(value))
        text = typed.replace(",", "")
        if not text:
            return None
        if not (text.isascii() and text.isdigit()):
            raise ValidationError(f"“{typed}” is not a whole number of {self.noun}.", code="not_whole")
        if not 1 <= int(text) <= self.most:
            raise ValidationError(f"Say 1 to {self.most:,} {self.noun}.", code="out_of_range")
        return int(text)


class OrderForm(forms.Form):
    """Unit-hours of some types by a deadline, within a budget."""

    types = forms.TypedMultipleChoiceField(
        label="Any of these types",
        coerce=int,
        widget=forms.CheckboxSelectMultiple({"class": "long-list"}),
        error_messages={"required": "Tick at least one type.", "invalid_choice": "There is no such type."},
    )
    goal = CountField(
        label="How much",
        noun="unit-hours",
        most=MAX_GOAL_UNIT_HOURS,
        help_text="One GPU for one hour is a GPU-hour; for models, 1,000 tokens/s for one hour.",
        error_messages={"required": "Say how many unit-hours you want."},
    )
    deadline = HourField(
        label="Done by (UTC)",
        help_text="Every hour it buys ends by then.",
        error_messages={"required": "Say by when."},
    )
    budget = AmountField(
        label="Budget",
        max_dollars=MAX_BUDGET_CENTS // CENTS_PER_DOLLAR,
        min_dollars=Decimal("0.01"),
        help_text="Never exceeded: what is won and all that open bids could cost stay within it.",
        error_messages={
            "required": "Say the most you would pay in all.",
            "invalid": "Write dollars, such as 4000 or 1250.50.",
        },
    )
    price = PriceField(
        label="Price at most",
        required=False,
        max_length=20,
        help_text="Empty: what the budget allows for all of it. You pay the second price, often less.",
    )
    min_hours = CountField(
        label="Shortest run",
        noun="hours",
        most=MAX_MIN_HOURS,
        required=False,
        help_text="Hours in a row worth having. Empty: one.",
    )
    market = forms.ChoiceField(label="Where it bids", required=False)
    regions = forms.MultipleChoiceField(
        label="Regions",
        required=False,
        choices=Region.choices,
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
        widget=forms.TextInput(attrs=AMOUNTS),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(data, use_required_attribute=False, **more)
        on_offer = set(Lot.objects.filter(on_offer=True).values_list("block__resource_type", flat=True))
        types = ResourceType.objects.filter(is_active=True).order_by("name", "id")
        self.resource_types = {one.pk: one for one in sorted(types, key=lambda one: one.pk not in on_offer)}
        markets = [("", "In every market")]
        markets += [(str(one.pk), f"In {one.name} only") for one in Market.objects.order_by("position", "id")]
        _offer(
            self.fields["types"],
            (
                (pk, one.name if pk in on_offer else f"{one.name} (none now)")
                for pk, one in self.resource_types.items()
            ),
        )
        _offer(self.fields["market"], markets)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        types = [self.resource_types[pk] for pk in said.get("types", ())]
        if len({one.kind for one in types}) > 1:
            self.add_error("types", "GPUs and model throughput are counted in different units.")
        if not types or self.errors:
            return said
        if said["price"] is None:
            price_ticks = price_for_all(
                goal_unit_hours=said["goal"],
                budget_cents=said["budget"],
                rounding=largest_rounding(types, said["min_hours"] or 1),
            )
            said["price"] = price_ticks
            if price_ticks < 1:
                self.add_error("budget", "That is less than one tick, $0.0001, per unit-hour.")
        return said

    def terms(self) -> OrderTerms:
        """Return what a valid form says."""
        said = self.cleaned_data
        return OrderTerms(
            wanted=LotFilter(
                resource_type_ids=tuple(sorted(said["types"])),
                regions=tuple(sorted(said["regions"])),
                fabrics=tuple(sorted(said["fabrics"])),
                min_reliability_bps=None if said["reliability"] is None else int(said["reliability"] * 100),
            ),
            goal_unit_hours=said["goal"],
            min_hours=said["min_hours"] or 1,
            price_ticks=said["price"],
            budget_cents=said["budget"],
            deadline_at=said["deadline"],
            market_id=int(said["market"]) if said["market"] else None,
        )

    def refuse(self, rejected: OrderRejected) -> None:
        """Show a refusal of the operations at the field it names, or above everything."""
        name = _FIELDS.get(rejected.field, rejected.field)
        self.add_error(
            name if name in self.fields else None, ValidationError(rejected.message, code=rejected.code)
        )

    def typed_pairs(self) -> list[tuple[str, str]]:
        """Return everything filled in as names and values: for hidden inputs, or for an address."""
        pairs = []
        for name in self.fields:
            value = self[name].value()
            values = value if isinstance(value, list | tuple) else [value]
            pairs += [(name, str(one)) for one in values if one not in (None, "")]
        return pairs


_FIELDS = {"min_reliability_bps": "reliability"}


def typed_in(query: MultiValueDict[str, str]) -> dict[str, Any]:
    """Return what an address fills in."""
    names = [name for name in OrderForm.base_fields if name in query]
    return {name: query.getlist(name) if name in MANY else query[name] for name in names}


def order_typed(terms: OrderTerms) -> dict[str, Any]:
    """Return an order as a person would type it."""
    wanted = terms.wanted
    bps = wanted.min_reliability_bps
    return {
        "types": [str(pk) for pk in wanted.resource_type_ids],
        "regions": list(wanted.regions),
        "fabrics": list(wanted.fabrics),
        "reliability": "" if bps is None else f"{bps / 100:g}",
        "goal": str(terms.goal_unit_hours),
        "deadline": typed_hour(terms.deadline_at),
        "budget": f"{terms.budget_cents // CENTS_PER_DOLLAR}.{terms.budget_cents % CENTS_PER_DOLLAR:02d}",
        "price": dollars_of_ticks(terms.price_ticks),
        "min_hours": str(terms.min_hours),
        "market": "" if terms.market_id is None else str(terms.market_id),
    }


def _offer(field: forms.Field, choices: Iterable[tuple[object, str]]) -> None:
    field.choices = list(choices)  # type: ignore[attr-defined]  # set on choice fields
