"""A bid's terms as JSON: read strictly, and made into what the operations take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from auctions.api.fields import Ticks, Units, WholeNumber
from auctions.models import Lot
from auctions.policies import BidRejected
from auctions.terms import BidTerms, LegTerms, OptionTerms

MAX_OPTIONS = 20
MAX_LEGS = 20
MAX_LOTS = 200


class LegInput(serializers.Serializer):
    """Units of one of the lots named. With one lot, everything else defaults to its whole period, in any part."""

    lots = serializers.ListField(
        child=WholeNumber(min_value=1, max_value=2**63 - 1), min_length=1, max_length=MAX_LOTS
    )
    units = Units()
    min_units = Units(required=False, help_text="Fewest units worth having; all of them is all or nothing.")
    earliest_at = serializers.DateTimeField(required=False, help_text="A whole UTC hour.")
    latest_at = serializers.DateTimeField(required=False, help_text="A whole UTC hour.")
    hours = WholeNumber(required=False, min_value=1, max_value=24 * 366)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        missing = {"earliest_at", "latest_at", "hours"} - set(attrs)
        if len(attrs["lots"]) > 1 and missing:
            raise serializers.ValidationError(
                dict.fromkeys(sorted(missing), "Needed when a leg names several lots."), code="required"
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


class BidInput(TermsInput):
    """A bid for a window."""

    window = WholeNumber(min_value=1, max_value=2**63 - 1)


def _terms(said: Mapping[str, Any]) -> BidTerms:
    named = {lot_id for option in said["options"] for leg in option["legs"] for lot_id in leg["lots"]}
    lots = Lot.objects.select_related("block").in_bulk(named)
    return BidTerms(
        options=tuple(
            OptionTerms(
                legs=tuple(_leg(leg, lots) for leg in option["legs"]),
                price_ticks=option.get("price_ticks"),
                value_ticks=option.get("value_ticks"),
            )
            for option in said["options"]
        )
    )


def _leg(said: Mapping[str, Any], lots: Mapping[int, Lot]) -> LegTerms:
    first = lots.get(said["lots"][0])
    if first is None:
        raise BidRejected("unknown_lot", "lot", "There is no such lot in this window.")
    units = said["units"]
    return LegTerms(
        lot_ids=tuple(said["lots"]),
        units=units,
        min_units=said.get("min_units", min(units, first.block.unit_step)),
        earliest_at=said.get("earliest_at", first.starts_at),
        latest_at=said.get("latest_at", first.ends_at),
        hours=said.get("hours", first.n_hours),
    )
