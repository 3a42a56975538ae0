"""What a bid says, in words its people read: "8 GPUs for any 6 h between … on lot 12 or lot 14"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from auctions.models import Lot
from auctions.terms import BidTerms, LegTerms, LotFilter, OptionTerms
from inventory.models import Region, ResourceType, Site
from marketplace.hours import n_hours
from marketplace.money import cents_to_cover, format_ticks

LOTS_SPELT_OUT = 4
"""Lots a sentence names before it counts the rest."""


@dataclass(frozen=True, slots=True)
class Names:
    """What lots and types are called."""

    lots: Mapping[int, Lot]
    types: Mapping[int, ResourceType]

    def kind_of(self, leg: LegTerms) -> str:
        """Return the kind of resource that a leg's units are of."""
        if leg.filter is not None:
            return self.types[leg.filter.resource_type_ids[0]].kind
        return self.lots[leg.lot_ids[0]].block.resource_type.kind


@dataclass(frozen=True, slots=True)
class OptionWords:
    """One way to fill a bid; ``legs`` belong together."""

    legs: list[str]
    limit: str
    max_cents: int

    @property
    def sentence(self) -> str:
        return f"{', and '.join(self.legs)} {self.limit}"


def names_for(terms: Iterable[BidTerms], *, lots: Iterable[Lot] = ()) -> Names:
    """Read what is needed to speak of bids: lots not given, and the types of filters."""
    legs = [leg for bid in terms for option in bid.options for leg in option.legs]
    known = {lot.pk: lot for lot in lots}
    missing = {lot_id for leg in legs for lot_id in leg.lot_ids} - known.keys()
    if missing:
        known |= Lot.objects.select_related("block__site", "block__resource_type").in_bulk(missing)
    type_ids = {pk for leg in legs if leg.filter for pk in leg.filter.resource_type_ids}
    return Names(lots=known, types=ResourceType.objects.in_bulk(type_ids) if type_ids else {})


def bid_in_words(terms: BidTerms, names: Names) -> list[OptionWords]:
    """Return a bid's options in words, in the order of preference."""
    return [_option_in_words(option, names) for option in terms.options]


def wanted_in_words(filters: Iterable[LotFilter]) -> list[str]:
    """Return what each filter accepts, in words: "any H100 lot in US East"."""
    wanted = list(filters)
    type_ids = {pk for one in wanted for pk in one.resource_type_ids}
    names = Names(lots={}, types=ResourceType.objects.in_bulk(type_ids) if type_ids else {})
    return [_filter_in_words(one, names) for one in wanted]


def _option_in_words(option: OptionTerms, names: Names) -> OptionWords:
    if option.value_ticks is not None:
        limit = f"for {format_ticks(option.value_ticks)} in all"
    else:
        assert option.price_ticks is not None
        unit = "GPU" if names.kind_of(option.legs[0]) == ResourceType.Kind.GPU else "1k tok/s"
        limit = f"at {format_ticks(option.price_ticks)} per {unit}-hour"
    return OptionWords(
        legs=[_leg_in_words(leg, names) for leg in option.legs],
        limit=f"{limit} at most",
        max_cents=cents_to_cover(option.max_ticks),
    )


def _leg_in_words(leg: LegTerms, names: Names) -> str:
    where = _filter_in_words(leg.filter, names) if leg.filter else _lots_in_words(leg, names)
    return f"{_units_in_words(leg, names)} for {_hours_in_words(leg)} on {where}"


def _units_in_words(leg: LegTerms, names: Names) -> str:
    is_gpu = names.kind_of(leg) == ResourceType.Kind.GPU
    noun = ("GPU" if leg.units == 1 else "GPUs") if is_gpu else "× 1k tok/s"
    if leg.min_units == leg.units:
        return f"{leg.units:,} {noun}"
    steps = [names.lots[lot_id].block.unit_step for lot_id in leg.lot_ids]
    if leg.min_units <= min(steps, default=1):
        return f"up to {leg.units:,} {noun}"
    return f"{leg.min_units:,} to {leg.units:,} {noun}"


def _hours_in_words(leg: LegTerms) -> str:
    start, end = leg.earliest_at.astimezone(UTC), leg.latest_at.astimezone(UTC)
    until = f"{end:%H:%M}" if start.date() == end.date() else _moment(end)
    if n_hours(start, end) == leg.hours:
        return f"{_moment(start)}–{until} UTC ({leg.hours} h)"
    return f"any {leg.hours} h in a row between {_moment(start)} and {until} UTC"


def _moment(instant: datetime) -> str:
    return f"{instant:%a} {instant.day} {instant:%b %H:%M}"


def _lots_in_words(leg: LegTerms, names: Names) -> str:
    spelt = [f"lot {lot_id} ({_product(names.lots[lot_id])})" for lot_id in leg.lot_ids[:LOTS_SPELT_OUT]]
    if (n_more := len(leg.lot_ids) - len(spelt)) > 0:
        spelt.append(f"{n_more} more")
    return " or ".join(spelt)


def _product(lot: Lot) -> str:
    return f"{lot.block.resource_type.name}, {lot.block.site.get_region_display()}"


def _filter_in_words(wanted: LotFilter, names: Names) -> str:
    types = _any_of(names.types[pk].name for pk in wanted.resource_type_ids)
    regions = _any_of(str(Region(region).label) for region in wanted.regions)
    words = f"any {types} lot{f' in {regions}' if regions else ''}"
    if wanted.fabrics:
        words += f", fabric {_any_of(str(Site.Fabric(fabric).label) for fabric in wanted.fabrics)}"
    if wanted.min_reliability_bps is not None:
        words += f", sellers at {wanted.min_reliability_bps / 100:g} % reliability or more"
    return words


def _any_of(words: Iterable[str]) -> str:
    return " or ".join(words)
