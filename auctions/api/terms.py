"""A bid's terms as JSON: read strictly, and made into what the operations take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from auctions.api.fields import Ticks, Units, WholeNumber
from auctions.models import Lot
from auctions.policies import MAX_LEGS, MAX_OPTIONS, BidRejected
from auctions.terms import ANY_PART, MAX_LOTS_PER_LEG, BidTerms, LegTerms, LotFilter, OptionTerms
from inventory.models import Region, ResourceType, Site
from marketplace.hours import HOUR


class FilterInput(serializers.Serializer):
    """Lots that will do without being named: what matches when the window closes, lowest reserve first."""

    types = serializers.ListField(
        child=serializers.SlugField(), min_length=1, max_length=100, help_text="Slugs of resource types."
    )
    regions = serializers.MultipleChoiceField(choices=Region.choices, required=False, help_text="None: any.")
    fabrics = serializers.MultipleChoiceField(
        choices=Site.Fabric.choices, required=False, help_text="None: any."
    )
    min_reliability_bps = WholeNumber(
        min_value=1,
        max_value=10_000,
        required=False,
        help_text="The seller’s reliability, basis points, at least; new sellers have none. Left out: any.",
    )


class LegInput(serializers.Serializer):
    """Units of one of the lots named, or of any lot that a filter matches, for some hours in a row.

    With one lot and nothing else said: its whole period, in any part.
    """

    lots = serializers.ListField(
        child=WholeNumber(min_value=1, max_value=2**63 - 1),
        required=False,
        min_length=1,
        max_length=MAX_LOTS_PER_LEG,
        help_text="In the order of preference; any one of them will do.",
    )
    filter = FilterInput(required=False)
    units = Units()
    min_units = Units(
        required=False,
        help_text="Fewest units worth having; all of them is all or nothing. Default: any part, or all where an "
        "option has several legs.",
    )
    earliest_at = serializers.DateTimeField(required=False, help_text="A whole UTC hour.")
    latest_at = serializers.DateTimeField(required=False, help_text="A whole UTC hour.")
    hours = WholeNumber(
        required=False,
        min_value=1,
        max_value=24 * 366,
        help_text="In a row, anywhere from earliest_at to latest_at. Default: all of it.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("lots" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError("Give either lots or a filter.", code="lots_or_filter")
        missing = {"earliest_at", "latest_at"} - set(attrs)
        if len(attrs.get("lots", ())) != 1 and missing:
            raise serializers.ValidationError(
                dict.fromkeys(sorted(missing), "Needed unless a leg names a single lot."), code="required"
            )
        return attrs


class OptionInput(serializers.Serializer):
    """One way to fill the bid, at a price per unit-hour or at a value for the whole."""

    price_ticks = Ticks(required=False)
    value_ticks = Ticks(required=False)
    legs = LegInput(many=True, allow_empty=False, max_length=MAX_LEGS)  # type: ignore[call-arg]  # goes to the list

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("price_ticks" in attrs) == ("value_ticks" in attrs):
            raise serializers.ValidationError(
                "Give either price_ticks or value_ticks.", code="price_or_value"
            )
        return attrs


class TermsInput(serializers.Serializer):
    """What a bid says: its options in the order of preference, of which at most one is filled."""

    options = OptionInput(many=True, allow_empty=False, max_length=MAX_OPTIONS)  # type: ignore[call-arg]  # as above

    def terms(self) -> BidTerms:
        """Return valid input as terms. Raise BidRejected when a lot it relies on is unknown."""
        return _terms(self.validated_data)


class ChangeInput(TermsInput):
    """What shall stand in place of a bid's terms."""

    sequence = WholeNumber(
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        help_text="The bid's sequence as you read it: refused (changed_meanwhile) if the bid was changed since.",
    )


class BidInput(TermsInput):
    """A bid for a window."""

    window = WholeNumber(min_value=1, max_value=2**63 - 1)


def _terms(said: Mapping[str, Any]) -> BidTerms:
    named = {
        lot_id for option in said["options"] for leg in option["legs"] for lot_id in leg.get("lots", ())[:1]
    }
    lots = Lot.objects.in_bulk(named)
    slugs = {
        slug
        for option in said["options"]
        for leg in option["legs"]
        for slug in leg.get("filter", {}).get("types", ())
    }
    types = dict(ResourceType.objects.filter(slug__in=slugs).values_list("slug", "id")) if slugs else {}
    return BidTerms(
        options=tuple(
            OptionTerms(
                legs=tuple(
                    _leg(leg, _Place(number, leg_number, len(option["legs"])), lots, types)
                    for leg_number, leg in enumerate(option["legs"])
                ),
                price_ticks=option.get("price_ticks"),
                value_ticks=option.get("value_ticks"),
            )
            for number, option in enumerate(said["options"])
        )
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a leg stands in what was said."""

    option: int
    leg: int
    n_legs: int


def _leg(
    said: Mapping[str, Any], place: _Place, lots: Mapping[int, Lot], types: Mapping[str, int]
) -> LegTerms:
    units = said["units"]
    only = _only_lot(said, place, lots)
    earliest_at = said["earliest_at"] if "earliest_at" in said or only is None else only.starts_at
    latest_at = said["latest_at"] if "latest_at" in said or only is None else only.ends_at
    return LegTerms(
        lot_ids=tuple(said.get("lots", ())),
        filter=_filter(said["filter"], place, types) if "filter" in said else None,
        units=units,
        min_units=said.get("min_units", units if place.n_legs > 1 else ANY_PART),
        earliest_at=earliest_at,
        latest_at=latest_at,
        hours=said.get("hours", max(1, (latest_at - earliest_at) // HOUR)),
    )


def _only_lot(said: Mapping[str, Any], place: _Place, lots: Mapping[int, Lot]) -> Lot | None:
    """Return the lot of a leg that names a single one."""
    if len(said.get("lots", ())) != 1:
        return None
    lot = lots.get(said["lots"][0])
    if lot is None:
        raise BidRejected(
            "unknown_lot", "lots", "There is no such lot in this window.", option=place.option, leg=place.leg
        )
    return lot


def _filter(said: Mapping[str, Any], place: _Place, types: Mapping[str, int]) -> LotFilter:
    unknown = [slug for slug in said["types"] if slug not in types]
    if unknown:
        raise BidRejected(
            "unknown_type",
            "types",
            f"There is no resource type “{unknown[0]}”.",
            option=place.option,
            leg=place.leg,
        )
    return LotFilter(
        resource_type_ids=tuple(sorted({types[slug] for slug in said["types"]})),
        regions=tuple(sorted(said.get("regions", ()))),
        fabrics=tuple(sorted(said.get("fabrics", ()))),
        min_reliability_bps=said.get("min_reliability_bps"),
    )


_API_NAMES = {
    "price": "price_ticks",
    "value": "value_ticks",
    "types": "filter.types",
    "regions": "filter.regions",
    "fabrics": "filter.fabrics",
    "min_reliability_bps": "filter.min_reliability_bps",
}


def path_of(rejected: BidRejected) -> str:
    """Return where in the request a refusal points, such as ``options.1.legs.0.units``."""
    parts: list[object] = []
    if rejected.option is not None:
        parts += ["options", rejected.option]
    if rejected.leg is not None:
        parts += ["legs", rejected.leg]
    return ".".join(map(str, [*parts, _API_NAMES.get(rejected.field, rejected.field)]))
