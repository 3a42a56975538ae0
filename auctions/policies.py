"""What a bid must say to be taken, and what counts as raising one. Every refusal names its place in the bid."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from accounts.models import Organization
from auctions.capacity import capacities, units_for
from auctions.engine.package.columns import MAX_COMBINATIONS, MAX_SIZES
from auctions.engine.package.limits import MAX_WAY_HOURS, MAX_WAYS
from auctions.matching import count_matches
from auctions.models import Lot, Window
from auctions.terms import MAX_LOTS_PER_LEG, BidTerms, LegTerms, LotFilter, OptionTerms
from inventory.models import Region, ResourceType, Site
from marketplace.hours import HOUR, is_whole_hour
from marketplace.money import MAX_PRICE_TICKS, format_ticks

MAX_OPTIONS = 20
MAX_LEGS = 10
MAX_LOTS_PER_BID = 400
MAX_UNITS = 1_000_000
"""More than any lot; keeps products of units and hours far inside int64."""
MAX_VALUE_TICKS = 2**53 - 1
"""The highest worth of an option, ticks: up to here sums are exact everywhere."""
PLAIN_WAYS = 2
"""Of a bid for one lot over the whole of its hours: the least it takes of it, and more."""
FREE_WAY_HOURS = PLAIN_WAYS * 168
"""Hours in all ways up to which a plain bid takes no room: a week of them."""
WHOLE_PPM = 1_000_000
MAX_SHARE_OF_BID_PPM = 100_000
"""The most that one bid may take of what the engine can clear in one window, millionths."""
MAX_SHARE_OF_WINDOW_PPM = 800_000
"""The most that all bids of a window may take together; the rest is for lots that join, which filters then match."""
MAX_SHARE_OF_ORGANIZATION_PPM = 250_000
"""The most that all bids of one organization may take of a window together, so that others find room too."""
SPARE_LOTS = 10
"""A filter is taken to match twice the lots it matches now, and so many more."""


class BidRejected(Exception):
    """A bid was refused; nothing changed. ``field`` names what to mend, ``message`` says it to a person.

    ``option`` and ``leg`` count from 0 and say where in the bid, as far as it is about one option or one leg.
    """

    def __init__(
        self, code: str, field: str, message: str, *, option: int | None = None, leg: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message
        self.option = option
        self.leg = leg


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a bid a check stands."""

    option: int
    leg: int | None = None

    def refuse(self, code: str, field: str, message: str) -> NoReturn:
        raise BidRejected(code, field, message, option=self.option, leg=self.leg)


@dataclass(frozen=True, slots=True)
class _Supply:
    """The lots that a bid names, and the units they offer hour by hour."""

    lots: Mapping[int, Lot]
    capacities: Mapping[int, list[int]]
    types: Mapping[int, ResourceType]


def check_terms(*, window: Window, organization: Organization, terms: BidTerms) -> int:
    """Raise BidRejected unless ``terms`` may stand in ``window``; return its share of the engine, see ``_share``."""
    _check_size(terms)
    supply = _supply(window, terms)
    for number, option in enumerate(terms.options):
        kinds = {
            _check_leg(_Place(number, leg_number), window, organization, leg, supply)
            for leg_number, leg in enumerate(option.legs)
        }
        _check_option(_Place(number), option, kinds)
    return _share(window, organization, terms, supply)


def _share(window: Window, organization: Organization, terms: BidTerms, supply: _Supply) -> int:
    """Return how much of what the engine can clear in one window a bid takes, millionths; 0 for a plain, short one.

    The engine writes out every way to fill a bid: each lot a leg accepts, from each hour it may start, and where any
    part will do, each run of sizes. A bid for one lot over the whole of its hours has one or two; where packages meet
    it is written out with them, so it counts by its hours where they are many. Raise BidRejected where a bid alone
    takes more than it may.
    """
    n_legs = sum(len(option.legs) for option in terms.options)
    share = 0
    for number, option in enumerate(terms.options):
        ways, hours = _ways(window, organization, option, supply)
        if ways > PLAIN_WAYS or hours > FREE_WAY_HOURS or n_legs > 1:
            share += max(ways * WHOLE_PPM // MAX_WAYS, hours * WHOLE_PPM // MAX_WAY_HOURS)
        if share > MAX_SHARE_OF_BID_PPM:
            _Place(number, len(option.legs) - 1).refuse(
                "too_many_ways",
                "hours",
                "There are too many ways to fill this bid: narrow its hours, name fewer lots, take all or nothing, or "
                "make several of it.",
            )
    return share


def _ways(
    window: Window, organization: Organization, option: OptionTerms, supply: _Supply
) -> tuple[int, int]:
    """Return in how many ways an option can be filled, and the hours of all of them, as the engine counts."""
    spots = [_n_spots(window, organization, leg) for leg in option.legs]
    if len(option.legs) == 1:
        (leg,) = option.legs
        ways = spots[0] * _n_columns(option, leg, supply)
        return ways, ways * leg.hours
    if math.prod(spots) <= MAX_COMBINATIONS:
        return math.prod(spots), math.prod(spots) * sum(leg.hours for leg in option.legs)
    return sum(spots) + 1, sum(n * leg.hours for n, leg in zip(spots, option.legs, strict=True))


def _n_spots(window: Window, organization: Organization, leg: LegTerms) -> int:
    """Return how many lots, times hours to start, a leg accepts."""
    n_lots = len(leg.lot_ids) if leg.filter is None else _lots_to_come(window, organization, leg)
    return n_lots * (int((leg.latest_at - leg.earliest_at) / HOUR) - leg.hours + 1)


def _n_columns(option: OptionTerms, leg: LegTerms, supply: _Supply) -> int:
    """Return in how many columns the engine writes the sizes of a leg on one lot from one hour.

    Sizes whose ticks grow evenly take two together. At a value they grow so only where every part of it is whole ticks.
    """
    step = _smallest_step(leg, supply)
    sizes = max(1, leg.units // step - -(-leg.min_units // step) + 1)
    if option.value_ticks is None:
        return min(2, sizes)
    runs = min(leg.units // math.gcd(leg.units, option.value_ticks * step), sizes)
    return min(2 * runs, sizes) if runs <= MAX_SIZES else 2


def _smallest_step(leg: LegTerms, supply: _Supply) -> int:
    if leg.filter is None:
        return min(supply.lots[lot_id].block.unit_step for lot_id in leg.lot_ids)
    return min(supply.types[pk].node_units for pk in leg.filter.resource_type_ids)


def _lots_to_come(window: Window, organization: Organization, leg: LegTerms) -> int:
    now = count_matches(window, leg, organization_id=organization.pk)
    return min(2 * now + SPARE_LOTS, MAX_LOTS_PER_LEG)


def _check_size(terms: BidTerms) -> None:
    if not terms.options or not all(option.legs for option in terms.options):
        raise BidRejected(
            "empty", "options", "A bid needs at least one option, and an option at least one leg."
        )
    if len(terms.options) > MAX_OPTIONS:
        raise BidRejected("too_many", "options", f"A bid has at most {MAX_OPTIONS} options.")
    for number, option in enumerate(terms.options):
        if len(option.legs) > MAX_LEGS:
            _Place(number).refuse("too_many", "legs", f"An option has at most {MAX_LEGS} legs.")
        for leg_number, leg in enumerate(option.legs):
            if len(leg.lot_ids) > MAX_LOTS_PER_LEG:
                _Place(number, leg_number).refuse(
                    "too_many", "lots", f"A leg names at most {MAX_LOTS_PER_LEG} lots; use a filter for more."
                )
    if len(_named(terms)) > MAX_LOTS_PER_BID:
        raise BidRejected(
            "too_many", "options", f"A bid names at most {MAX_LOTS_PER_BID} lots; use a filter for more."
        )


def _named(terms: BidTerms) -> set[int]:
    return {lot_id for option in terms.options for leg in option.legs for lot_id in leg.lot_ids}


def _supply(window: Window, terms: BidTerms) -> _Supply:
    lots = (Lot.objects.filter(window=window).select_related("block__site", "block__resource_type")).in_bulk(
        _named(terms)
    )
    filters = [leg.filter for option in terms.options for leg in option.legs if leg.filter]
    wanted = {pk for one in filters for pk in one.resource_type_ids}
    types = ResourceType.objects.in_bulk(wanted) if wanted else {}
    return _Supply(lots=lots, capacities=capacities(lots.values()), types=types)


def _check_leg(
    place: _Place, window: Window, organization: Organization, leg: LegTerms, supply: _Supply
) -> str:
    """Return the kind of resource that the leg's units are of."""
    if bool(leg.lot_ids) == (leg.filter is not None):
        place.refuse(
            "lots_or_filter", "lots", "Name the lots that will do, or give a filter: one of the two."
        )
    if leg.filter is not None:
        kind = _check_filter(place, leg.filter, supply)
    else:
        kind = _check_lots(place, organization, leg, supply)
    _check_units(place, leg)
    _check_hours(place, window, leg)
    if leg.filter is None:
        _check_fit(place, [supply.lots[lot_id] for lot_id in leg.lot_ids], leg, supply)
    return kind


def _check_filter(place: _Place, wanted: LotFilter, supply: _Supply) -> str:
    if not wanted.resource_type_ids:
        place.refuse("required", "types", "Say at least one type that will do.")
    types = [supply.types.get(pk) for pk in wanted.resource_type_ids]
    known = [found for found in types if found is not None]
    if len(known) < len(types):
        place.refuse("unknown_type", "types", "There is no such resource type.")
    if not set(wanted.regions) <= set(Region.values):
        place.refuse("unknown_region", "regions", "There is no such region.")
    if not set(wanted.fabrics) <= set(Site.Fabric.values):
        place.refuse("unknown_fabric", "fabrics", "There is no such fabric.")
    if wanted.min_reliability_bps is not None and not 1 <= wanted.min_reliability_bps <= 10_000:
        place.refuse("out_of_range", "min_reliability_bps", "Reliability is at most 100 %.")
    return _only_kind(place, "types", known)


def _check_lots(place: _Place, organization: Organization, leg: LegTerms, supply: _Supply) -> str:
    if len(set(leg.lot_ids)) < len(leg.lot_ids):
        place.refuse("named_twice", "lots", "A lot is named twice.")
    lots = []
    for lot_id in leg.lot_ids:
        lot = supply.lots.get(lot_id)
        if lot is None:
            place.refuse("unknown_lot", "lots", "There is no such lot in this window.")
        if lot.block.site.organization_id == organization.pk:
            place.refuse("own_lot", "lots", f"Lot {lot_id} is your own organization's; you cannot bid on it.")
        lots.append(lot)
    return _only_kind(place, "lots", [lot.block.resource_type for lot in lots])


def _only_kind(place: _Place, field: str, types: Iterable[ResourceType]) -> str:
    kinds = {resource_type.kind for resource_type in types}
    if len(kinds) > 1:
        place.refuse("mixed_kinds", field, "GPUs and model throughput are counted in different units.")
    return kinds.pop()


def _check_units(place: _Place, leg: LegTerms) -> None:
    if leg.units < 1:
        place.refuse("too_few_units", "units", "Bid for at least one unit.")
    if leg.units > MAX_UNITS:
        place.refuse("beyond_the_lot", "units", f"No lot has more than {MAX_UNITS:,} units.")
    if not 1 <= leg.min_units <= leg.units:
        place.refuse(
            "min_units_out_of_range", "min_units", f"The fewest units lie between 1 and {leg.units}."
        )


def _check_hours(place: _Place, window: Window, leg: LegTerms) -> None:
    for field, instant in (("earliest_at", leg.earliest_at), ("latest_at", leg.latest_at)):
        if not is_whole_hour(instant):
            place.refuse("not_a_whole_hour", field, "Delivery starts and ends on whole UTC hours.")
    if leg.latest_at <= leg.earliest_at:
        place.refuse("hours_out_of_order", "latest_at", "The latest end comes after the earliest start.")
    if leg.earliest_at < window.delivery_from:
        place.refuse(
            "outside_the_window", "earliest_at", f"This window delivers from {_at(window.delivery_from)} on."
        )
    if leg.latest_at > window.delivery_to:
        place.refuse(
            "outside_the_window", "latest_at", f"This window delivers until {_at(window.delivery_to)}."
        )
    room = int((leg.latest_at - leg.earliest_at) / HOUR)
    if not 1 <= leg.hours <= room:
        place.refuse("hours_out_of_range", "hours", f"Ask for between 1 and {room} hours: that is the range.")


def _check_fit(place: _Place, lots: list[Lot], leg: LegTerms, supply: _Supply) -> None:
    """Refuse what no lot could give, and lots that do not go with the rest of the leg."""
    for lot in lots:
        step = lot.block.unit_step
        if leg.units % step:
            which = "Units" if len(lots) == 1 else f"Units of lot {lot.pk}"
            place.refuse(
                "not_whole_nodes",
                "units",
                f"{which} are sold in whole nodes of {step}: bid for a multiple of {step}.",
            )
        shared = min(lot.ends_at, leg.latest_at) - max(lot.starts_at, leg.earliest_at)
        if shared < timedelta(hours=leg.hours):
            place.refuse(
                "beyond_the_lot",
                "hours",
                f"Lot {lot.pk} runs from {_at(lot.starts_at)} to {_at(lot.ends_at)}: it does not have "
                f"{leg.hours} h in a row inside your hours.",
            )
    most = max(units_for(lot, supply.capacities[lot.pk], leg) for lot in lots)
    if leg.units > most:
        place.refuse("beyond_the_lot", "units", _too_much(lots, leg, most))


def _too_much(lots: list[Lot], leg: LegTerms, most: int) -> str:
    if len(lots) > 1:
        return f"None of these lots offers {leg.units} units for {leg.hours} h in a row; {most} is the most."
    if not most:
        return "Nothing of this lot is left on offer."
    if leg.hours == lots[0].n_hours:
        return f"This lot offers {most} units for its whole period; {leg.units} are more than that."
    return f"This lot offers {most} units for {leg.hours} h in a row; {leg.units} are more than that."


def _check_option(place: _Place, option: OptionTerms, kinds: set[str]) -> None:
    _check_limit(place, option)
    if option.price_ticks is not None and len(kinds) > 1:
        place.refuse(
            "mixed_kinds", "price", "These legs count different units: name a value for the whole instead."
        )
    if len(option.legs) == 1:
        return
    for number, leg in enumerate(option.legs):
        part = _Place(place.option, number)
        if leg.min_units != leg.units:
            part.refuse("all_or_nothing", "min_units", "Legs that belong together are all or nothing.")
        if timedelta(hours=leg.hours) != leg.latest_at - leg.earliest_at:
            part.refuse("fixed_hours", "hours", "Legs that belong together name their hours exactly.")


def _check_limit(place: _Place, option: OptionTerms) -> None:
    if (option.price_ticks is None) == (option.value_ticks is None):
        place.refuse("price_or_value", "price", "Name a price per unit-hour, or a value for the whole.")
    if option.price_ticks is not None:
        if option.price_ticks < 1:
            place.refuse("below_tick", "price", "The price must be at least one tick, $0.0001 per unit-hour.")
        if option.price_ticks > MAX_PRICE_TICKS:
            place.refuse(
                "price_too_high",
                "price",
                f"A price cannot exceed {format_ticks(MAX_PRICE_TICKS)} per unit-hour.",
            )
    elif option.max_ticks < 1:
        place.refuse("below_tick", "value", "The value must be at least one tick, $0.0001.")
    if option.max_ticks > MAX_VALUE_TICKS:
        field = "value" if option.price_ticks is None else "price"
        place.refuse(
            "value_too_high", field, f"No bid can be worth more than {format_ticks(MAX_VALUE_TICKS)}."
        )


def _at(instant: datetime) -> str:
    return f"{instant:%-d %b %H:%M} UTC"
