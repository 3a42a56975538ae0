"""What sellers fill in: a site, a block, a file of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from accounts.models import Organization
from inventory.models import Region, ResourceType, Site, UnitCost
from inventory.terms import BlockError, BlockTerms, CostTerms, Pattern, PatternTerms
from marketplace.fields import AmountField, InstantField, PriceField, WholeNumberField
from marketplace.money import CENTS_PER_DOLLAR, dollars_of_ticks
from marketplace.versioned_forms import VersionedForm

HOUR_INPUT = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "3600"}, format="%Y-%m-%dT%H:%M")
DAY_INPUT = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
HOURS_OF_DAY = [(hour, f"{hour:02d}:00") for hour in range(24)]
WEEKDAYS = dict(enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")))


class SiteForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="How you call it; buyers see the region, not the name.")
    region = forms.ChoiceField(choices=Region)
    fabric = forms.ChoiceField(choices=Site.Fabric, help_text="The network between nodes.")
    power_kw = WholeNumberField(
        label="Power",
        min_value=1,
        max_value=10_000_000,
        required=False,
        help_text="Kilowatts available to rented units.",
    )


class CapacityForm(forms.Form):
    """What a listing says whenever it is idle: where, what, how much, at which price."""

    site = forms.ModelChoiceField(Site.objects.none(), empty_label="Choose a site")
    resource_type = forms.ModelChoiceField(
        ResourceType.objects.filter(is_active=True).order_by("kind", "maker", "name"),
        label="Type",
        empty_label="Choose a type",
    )
    units = WholeNumberField(
        help_text="GPUs, in whole nodes; for models, thousands of tokens per second.",
        error_messages={"invalid": "Write a whole number of units."},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    reserve = PriceField(
        label="Reserve price",
        max_length=20,
        help_text="The least you accept, dollars per unit-hour. Buyers’ bids below it never win.",
    )
    floor = PriceField(
        label="Declining to",
        max_length=20,
        required=False,
        help_text="Lower the reserve in a straight line to this floor as delivery nears.",
    )
    decline_hours = WholeNumberField(
        label="Over the last",
        required=False,
        help_text="Hours before the start.",
        error_messages={"invalid": "Write a whole number of hours."},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, seller: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sites = self.fields["site"]
        assert isinstance(sites, forms.ModelChoiceField)
        sites.queryset = Site.objects.filter(organization=seller).order_by("name", "id")

    def refuse(self, errors: Sequence[BlockError]) -> None:
        """Show why the terms cannot be listed, each beside its field."""
        for error in errors:
            self.add_error(error.field or None, forms.ValidationError(error.message, code=error.code))


class BlockForm(CapacityForm):
    """Says a block's terms. What they must satisfy stands in inventory/policies.py."""

    field_order = ("site", "resource_type", "units", "starts_at", "ends_at")
    starts_at = InstantField(label="Start (UTC)", widget=HOUR_INPUT)
    ends_at = InstantField(
        label="End (UTC)", widget=HOUR_INPUT, help_text="The first hour that is not on offer."
    )

    @property
    def terms(self) -> BlockTerms:
        """The terms that a valid form says."""
        said = self.cleaned_data
        return BlockTerms(
            site_id=said["site"].pk,
            resource_type_id=said["resource_type"].pk,
            units=said["units"],
            starts_at=said["starts_at"],
            ends_at=said["ends_at"],
            reserve_ticks=said["reserve"],
            floor_ticks=said["floor"],
            decline_hours=said["decline_hours"],
        )


class ListingForm(BlockForm):
    """A block on one page. What overlaps a listed block is listed only once the box says that it is meant."""

    is_another = forms.BooleanField(
        label="Another cluster",
        required=False,
        help_text="Tick it if these units stand beside those of the block named below: both are listed then. "
        "Else change the hours, or withdraw that block first: units listed twice could be sold twice.",
    )


class PatternForm(CapacityForm):
    """Says a recurring idle period. What it must satisfy stands in inventory/patterns.py."""

    field_order = (
        "site",
        "resource_type",
        "units",
        "weekdays",
        "from_hour",
        "to_hour",
        "first_day",
        "last_day",
    )
    weekdays = forms.TypedMultipleChoiceField(
        choices=list(WEEKDAYS.items()),
        coerce=int,
        label="Beginning on",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one weekday."},
    )
    from_hour = forms.TypedChoiceField(choices=HOURS_OF_DAY, coerce=int, label="From (UTC)", initial=22)
    to_hour = forms.TypedChoiceField(
        choices=HOURS_OF_DAY,
        coerce=int,
        label="To (UTC)",
        initial=6,
        help_text="At or before the start means on the next day.",
    )
    first_day = forms.DateField(label="First day", widget=DAY_INPUT)
    last_day = forms.DateField(
        label="Last day", widget=DAY_INPUT, help_text="The last one that a period begins on."
    )

    @property
    def terms(self) -> PatternTerms:
        """The terms that a valid form says."""
        said = self.cleaned_data
        return PatternTerms(
            site_id=said["site"].pk,
            resource_type_id=said["resource_type"].pk,
            units=said["units"],
            pattern=Pattern(
                weekdays=frozenset(said["weekdays"]),
                from_hour=said["from_hour"],
                to_hour=said["to_hour"],
                first_day=said["first_day"],
                last_day=said["last_day"],
            ),
            reserve_ticks=said["reserve"],
            floor_ticks=said["floor"],
            decline_hours=said["decline_hours"],
        )


class ImportForm(forms.Form):
    file = forms.FileField(
        label="CSV file",
        allow_empty_file=True,
        help_text="One block a row; see the template. At most 1,000 rows, 100,000 hours of blocks and 1 MB.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )


class CostForm(VersionedForm):
    """What a unit of a type costs its owner. Starts from what was saved, else from the type's own power."""

    purchase = AmountField(
        label="Purchase price",
        max_dollars=10_000_000,
        help_text="One unit, with its part of node, network and installation.",
        error_messages={"invalid": "Write an amount in dollars, such as 30000.00."},
    )
    life_years = WholeNumberField(
        label="Life",
        min_value=1,
        max_value=30,
        help_text="Years over which you write it off.",
        error_messages={"invalid": "Write a whole number of years."},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    residual_percent = WholeNumberField(
        label="Worth then",
        min_value=0,
        max_value=100,
        help_text="Of the purchase price, when the years are over.",
        error_messages={"invalid": "Write a whole number of per cent."},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    power_watts = WholeNumberField(
        label="Power",
        min_value=0,
        max_value=1_000_000,
        help_text="One rented unit under load, cooling included.",
        error_messages={"invalid": "Write a whole number of watts."},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    energy = PriceField(label="Electricity", max_length=20, help_text="Dollars per kilowatt-hour.")

    @classmethod
    def initial_of(cls, cost: UnitCost | None, resource_type: ResourceType) -> dict[str, object]:
        """Return what the form shows before anything is typed."""
        if cost is None:
            return {"power_watts": resource_type.power_watts}
        dollars, cents = divmod(cost.purchase_cents, CENTS_PER_DOLLAR)
        return {
            "purchase": f"{dollars}.{cents:02d}",
            "life_years": cost.life_years,
            "residual_percent": cost.residual_percent,
            "power_watts": cost.power_watts,
            "energy": dollars_of_ticks(cost.energy_ticks),
        }

    @property
    def terms(self) -> CostTerms:
        """The costs that a valid form says."""
        said = self.cleaned_data
        return CostTerms(
            purchase_cents=said["purchase"],
            life_years=said["life_years"],
            residual_percent=said["residual_percent"],
            power_watts=said["power_watts"],
            energy_ticks=said["energy"],
        )
