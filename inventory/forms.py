"""What sellers fill in: a site, a block, a file of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from accounts.models import Organization
from inventory.models import Region, ResourceType, Site
from inventory.terms import BlockError, BlockTerms
from marketplace.fields import PriceField

HOUR_INPUT = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "3600"}, format="%Y-%m-%dT%H:%M")


class SiteForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="How you call it; buyers see the region, not the name.")
    region = forms.ChoiceField(choices=Region)
    fabric = forms.ChoiceField(choices=Site.Fabric, help_text="The network between nodes.")
    power_kw = forms.IntegerField(
        label="Power",
        min_value=1,
        max_value=10_000_000,
        required=False,
        help_text="Kilowatts available to rented units.",
    )


class BlockForm(forms.Form):
    """Says a block's terms. What they must satisfy stands in inventory/policies.py."""

    site = forms.ModelChoiceField(Site.objects.none(), empty_label="Choose a site")
    resource_type = forms.ModelChoiceField(
        ResourceType.objects.filter(is_active=True).order_by("kind", "maker", "name"),
        label="Type",
        empty_label="Choose a type",
    )
    units = forms.IntegerField(
        help_text="GPUs, in whole nodes; for models, thousands of tokens per second.",
        error_messages={"invalid": "Write a whole number of units."},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    starts_at = forms.DateTimeField(label="Start (UTC)", widget=HOUR_INPUT)
    ends_at = forms.DateTimeField(
        label="End (UTC)", widget=HOUR_INPUT, help_text="The first hour that is not on offer."
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
    decline_hours = forms.IntegerField(
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

    def refuse(self, errors: Sequence[BlockError]) -> None:
        """Show why the terms cannot be listed, each beside its field."""
        for error in errors:
            self.add_error(error.field or None, forms.ValidationError(error.message, code=error.code))


class ImportForm(forms.Form):
    file = forms.FileField(
        label="CSV file",
        allow_empty_file=True,
        help_text="One block a row; see the template. At most 1,000 rows, 100,000 hours of blocks and 1 MB.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )
