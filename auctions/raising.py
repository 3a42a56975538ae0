"""What counts as raising a bid: from the freeze on it offers no less in anything, and more in something."""

from __future__ import annotations

from auctions.policies import BidRejected
from auctions.terms import BidTerms, LegTerms, OptionTerms
from marketplace.money import format_ticks


def check_raise(*, before: BidTerms, after: BidTerms) -> None:
    """Raise BidRejected unless ``after`` has the shape of ``before``, offers no less in anything and more in something.

    An option's price or value can rise, units can rise, and the fewest units worth having can fall.
    """
    if len(after.options) != len(before.options):
        raise _frozen("options", "options cannot be added or taken away")
    for number, (old, new) in enumerate(zip(before.options, after.options, strict=True)):
        _check_option(number, old, new)
    if after == before:
        field = "value" if after.options[0].price_ticks is None else "price"
        raise BidRejected("unchanged", field, "Nothing was raised: the bid is as it was.", option=0)


def _check_option(number: int, old: OptionTerms, new: OptionTerms) -> None:
    if (old.price_ticks is None) != (new.price_ticks is None):
        raise _frozen("price", "a price cannot become a value, nor a value a price", number)
    if len(new.legs) != len(old.legs):
        raise _frozen("legs", "legs cannot be added or taken away", number)
    for leg_number, (old_leg, new_leg) in enumerate(zip(old.legs, new.legs, strict=True)):
        _check_leg(number, leg_number, old_leg, new_leg)
    field, was, now = (
        ("price", old.price_ticks, new.price_ticks)
        if old.price_ticks is not None
        else ("value", old.value_ticks, new.value_ticks)
    )
    assert was is not None
    assert now is not None
    if now < was:
        raise _frozen(field, f"the {field} can only rise from {format_ticks(was)}", number)
    if old.value_ticks is not None and [leg.units for leg in new.legs] != [leg.units for leg in old.legs]:
        raise _frozen("units", "more units for the same value would be less for each", number, 0)


def _check_leg(option: int, number: int, old: LegTerms, new: LegTerms) -> None:
    if (new.lot_ids, new.filter) != (old.lot_ids, old.filter):
        raise _frozen("lots", "a bid cannot move to another lot", option, number)
    if (new.earliest_at, new.latest_at, new.hours) != (old.earliest_at, old.latest_at, old.hours):
        raise _frozen("hours", "its hours stand still", option, number)
    if new.units < old.units:
        raise _frozen("units", f"the units can only rise from {old.units}", option, number)
    if new.min_units > old.min_units:
        raise _frozen(
            "min_units", f"the fewest units worth having can only fall from {old.min_units}", option, number
        )


def _frozen(field: str, rule: str, option: int | None = None, leg: int | None = None) -> BidRejected:
    return BidRejected("window_frozen", field, f"This window is frozen: {rule}.", option=option, leg=leg)
