"""What a bid must say to be taken, and what counts as raising one. Every refusal names its field."""

from __future__ import annotations

from accounts.models import Organization
from auctions.capacity import whole_period_units
from auctions.models import Lot, Window
from auctions.terms import BidTerms, LegTerms, OptionTerms
from marketplace.hours import n_hours
from marketplace.money import MAX_PRICE_TICKS, format_ticks


class BidRejected(Exception):
    """A bid was refused; nothing changed. ``field`` names what to mend, ``message`` says it to a person."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message


def check_terms(*, window: Window, organization: Organization, terms: BidTerms) -> None:
    """Raise BidRejected unless ``terms`` may stand in ``window`` for ``organization``."""
    option, leg = _only_leg(terms)
    _check_price(option)
    lot = _only_lot(window, leg)
    if lot.block.site.organization_id == organization.pk:
        raise BidRejected("own_lot", "lot", "This lot is your own organization's; you cannot bid on it.")
    _check_units(lot, leg)
    _check_hours(lot, leg)


def check_raise(*, before: BidTerms, after: BidTerms) -> None:
    """Raise BidRejected unless ``after`` offers no less than ``before`` in anything, and more in something."""
    (old, old_leg), (new, new_leg) = _only_leg(before), _only_leg(after)
    if new_leg.lot_ids != old_leg.lot_ids:
        raise BidRejected("window_frozen", "lot", "This window is frozen: a bid cannot move to another lot.")
    assert old.price_ticks is not None
    assert new.price_ticks is not None
    if new.price_ticks < old.price_ticks:
        raise BidRejected(
            "window_frozen",
            "price",
            f"This window is frozen: the price can only rise from {format_ticks(old.price_ticks)}.",
        )
    if new_leg.units < old_leg.units:
        raise BidRejected(
            "window_frozen", "units", f"This window is frozen: the units can only rise from {old_leg.units}."
        )
    if (new.price_ticks, new_leg.units) == (old.price_ticks, old_leg.units):
        raise BidRejected("unchanged", "price", "Nothing was raised: price and units are as they were.")


def _only_leg(terms: BidTerms) -> tuple[OptionTerms, LegTerms]:
    if not terms.options or not all(option.legs for option in terms.options):
        raise BidRejected(
            "empty", "options", "A bid needs at least one option, and an option at least one leg."
        )
    if len(terms.options) > 1:
        raise BidRejected("not_yet_supported", "options", "Bids with several options are not taken yet.")
    if len(terms.options[0].legs) > 1:
        raise BidRejected("not_yet_supported", "options", "Options of several legs are not taken yet.")
    return terms.options[0], terms.options[0].legs[0]


def _check_price(option: OptionTerms) -> None:
    if option.price_ticks is None:
        raise BidRejected(
            "not_yet_supported", "price", "Bids at a value for the whole are not taken yet; name a price."
        )
    if option.price_ticks < 1:
        raise BidRejected(
            "below_tick", "price", "The price must be at least one tick, $0.0001 per unit-hour."
        )
    if option.price_ticks > MAX_PRICE_TICKS:
        raise BidRejected(
            "price_too_high", "price", f"A price cannot exceed {format_ticks(MAX_PRICE_TICKS)} per unit-hour."
        )


def _only_lot(window: Window, leg: LegTerms) -> Lot:
    if len(leg.lot_ids) != 1:
        raise BidRejected(
            "not_yet_supported", "lot", "A bid names exactly one lot; any-of bids are not taken yet."
        )
    lot = (
        Lot.objects.filter(pk=leg.lot_ids[0], window=window)
        .select_related("block__site", "block__resource_type")
        .first()
    )
    if lot is None:
        raise BidRejected("unknown_lot", "lot", "There is no such lot in this window.")
    return lot


def _check_units(lot: Lot, leg: LegTerms) -> None:
    step = lot.block.unit_step
    if leg.units < 1:
        raise BidRejected("too_few_units", "units", "Bid for at least one unit.")
    if leg.units % step:
        raise BidRejected(
            "not_whole_nodes",
            "units",
            f"Units are sold in whole nodes of {step}: bid for a multiple of {step}.",
        )
    on_offer = whole_period_units(lot)
    if leg.units > on_offer:
        raise BidRejected(
            "beyond_the_lot",
            "units",
            f"This lot offers {on_offer} units for its whole period; {leg.units} are more than that."
            if on_offer
            else "Nothing of this lot is left on offer.",
        )
    if leg.min_units > step:
        raise BidRejected(
            "not_yet_supported", "min_units", "All-or-nothing and minimum units are not taken yet."
        )


def _check_hours(lot: Lot, leg: LegTerms) -> None:
    whole = (lot.starts_at, lot.ends_at, n_hours(lot.starts_at, lot.ends_at))
    if (leg.earliest_at, leg.latest_at, leg.hours) != whole:
        raise BidRejected(
            "not_yet_supported",
            "hours",
            "A bid takes the lot for its whole period; parts of it are not taken yet.",
        )
