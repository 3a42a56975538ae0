"""A bid of a past window put into a present one: its lots found again, its hours moved where they are over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from auctions.models import Lot, Window
from auctions.terms import BidTerms, LegTerms, OptionTerms
from marketplace.hours import HOUR


@dataclass(slots=True)
class Copy:
    """What a bid comes to in another window. ``lot`` is one of that window's to start from, None when it has none.

    ``gone`` are lots it named of which nothing is on offer there; ``moved_hours`` says that hours had to move.
    """

    terms: BidTerms
    lot: Lot | None
    gone: list[int] = field(default_factory=list)
    moved_hours: bool = False

    @property
    def has_lots(self) -> bool:
        """Say whether every leg still has somewhere to go."""
        return all(leg.lot_ids or leg.filter for option in self.terms.options for leg in option.legs)


def copy_into(window: Window, terms: BidTerms) -> Copy:
    """Return what ``terms``, a bid of an earlier window, say in ``window``."""
    before = Lot.objects.in_bulk(
        {lot_id for option in terms.options for leg in option.legs for lot_id in leg.lot_ids}
    )
    present = list(Lot.objects.filter(window=window, on_offer=True).order_by("starts_at", "id"))
    copied = Copy(terms, present[0] if present else None)
    successors = {lot_id: successor(lot, present) for lot_id, lot in before.items()}
    copied.gone = sorted(lot_id for lot_id, lot in successors.items() if lot is None)
    options = []
    for option in terms.options:
        legs = tuple(_leg(leg, window, before, successors, copied) for leg in option.legs)
        options.append(OptionTerms(legs=legs, price_ticks=option.price_ticks, value_ticks=option.value_ticks))
    copied.terms = BidTerms(options=tuple(options))
    first = next((lot for lot in successors.values() if lot is not None), None)
    copied.lot = first or copied.lot
    return copied


def successor(lot: Lot, present: list[Lot]) -> Lot | None:
    """Return the lot of the same block that shares most hours with ``lot``, else its first one."""
    of_block = [one for one in present if one.block_id == lot.block_id]

    def shared(one: Lot) -> float:
        return (min(one.ends_at, lot.ends_at) - max(one.starts_at, lot.starts_at)).total_seconds()

    return max(of_block, key=lambda one: (shared(one), -one.pk), default=None)


def _leg(
    leg: LegTerms,
    window: Window,
    before: Mapping[int, Lot],
    successors: Mapping[int, Lot | None],
    copied: Copy,
) -> LegTerms:
    lots = [lot for lot_id in leg.lot_ids if (lot := successors[lot_id]) is not None]
    lot_ids = tuple(dict.fromkeys(lot.pk for lot in lots))
    if len(leg.lot_ids) == 1 and lots and leg.hours == before[leg.lot_ids[0]].n_hours:
        (lot,) = lots
        if (lot.starts_at, lot.ends_at) != (leg.earliest_at, leg.latest_at):
            copied.moved_hours = True
        return replace(
            leg, lot_ids=lot_ids, earliest_at=lot.starts_at, latest_at=lot.ends_at, hours=lot.n_hours
        )
    earliest_at, latest_at = (
        max(leg.earliest_at, window.delivery_from),
        min(leg.latest_at, window.delivery_to),
    )
    if latest_at - earliest_at < leg.hours * HOUR:
        copied.moved_hours = True
        earliest_at = max(
            window.delivery_from, min((lot.starts_at for lot in lots), default=window.delivery_from)
        )
        is_fixed = leg.latest_at - leg.earliest_at == leg.hours * HOUR
        latest_at = earliest_at + leg.hours * HOUR if is_fixed else window.delivery_to
    return replace(leg, lot_ids=lot_ids, earliest_at=earliest_at, latest_at=latest_at)
