"""A book: everything one clearing depends on, as a struct of numpy arrays.

Rows refer to each other by position. Ranges of rows (the options of a bid, the legs of an option, the lots of a leg,
the hours of a lot) are offsets: the options of bid `b` are rows `option_offset[b]:option_offset[b + 1]`.

A `Book` has one form whatever the order its rows came in: lots are sorted by id, bids by (sequence, id). A bid's row
number is therefore its rank in every tie. Options, the legs of an option and the lots of a leg keep their order, which
the tie rule speaks of.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auctions.engine import checks
from auctions.engine.columns import (
    Ids,
    IdsLike,
    IntsLike,
    ascending,
    hourly,
    ids,
    ints,
    limits,
    lot_rows,
    offsets,
    organizations,
)
from auctions.engine.errors import MAX_HOURS, MAX_LOT_HOURS, BookRefused
from auctions.engine.ranges import Ints, concatenate_ranges, running_total

RULES = ("core", "vcg")


@dataclass(frozen=True, eq=False, slots=True)
class Book:
    """L lots, X lot-hours, B bids, O options, P legs, K lots named by legs, N organizations.

    lot_id : int64 or object (str) (L,)
    lot_seller : int64 (L,) row of organization_id
    lot_units : int64 (L,) units listed
    lot_unit_step : int64 (L,) units; awards are multiples of it
    lot_start, lot_end : int64 (L,) hours, half-open
    lot_hour_offset : int64 (L + 1,) rows of lot_capacity and lot_reserve, one per hour of the lot
    lot_capacity : int64 (X,) units on offer in the hour
    lot_reserve : int64 (X,) ticks per unit-hour
    bid_id : int64 or object (str) (B,)
    bid_bidder : int64 (B,) row of organization_id
    bid_sequence : int64 (B,) ascending
    option_offset : int64 (B + 1,) rows of options
    option_is_priced : bool (O,) whether option_limit is a price
    option_limit : int64 (O,) ticks per unit-hour where priced, else ticks for the whole option
    leg_offset : int64 (O + 1,) rows of legs
    leg_units, leg_min_units : int64 (P,) units
    leg_earliest, leg_latest : int64 (P,) hours, half-open
    leg_hours : int64 (P,) hours
    leg_lot_offset : int64 (P + 1,) rows of leg_lot
    leg_lot : int64 (K,) row of lots
    organization_id : int64 or object (str) (N,) sorted
    document_sha256 : hash of the canonical JSON the book was read from; empty when it came from arrays
    """

    rule: str
    hours: int
    lot_id: Ids
    lot_seller: Ints
    lot_units: Ints
    lot_unit_step: Ints
    lot_start: Ints
    lot_end: Ints
    lot_hour_offset: Ints
    lot_capacity: Ints
    lot_reserve: Ints
    bid_id: Ids
    bid_bidder: Ints
    bid_sequence: Ints
    option_offset: Ints
    option_is_priced: NDArray[np.bool_]
    option_limit: Ints
    leg_offset: Ints
    leg_units: Ints
    leg_min_units: Ints
    leg_earliest: Ints
    leg_latest: Ints
    leg_hours: Ints
    leg_lot_offset: Ints
    leg_lot: Ints
    organization_id: Ids
    document_sha256: str = ""

    @classmethod
    def from_arrays(
        cls,
        *,
        hours: int,
        lot_id: IdsLike,
        lot_seller: IdsLike,
        lot_units: IntsLike,
        lot_start: IntsLike,
        lot_end: IntsLike,
        lot_reserve: IntsLike,
        bid_id: IdsLike,
        bid_bidder: IdsLike,
        bid_sequence: IntsLike,
        leg_units: IntsLike,
        leg_earliest: IntsLike,
        leg_latest: IntsLike,
        leg_hours: IntsLike,
        leg_lot: IdsLike,
        option_price: IntsLike | None = None,
        option_value: IntsLike | None = None,
        lot_unit_step: IntsLike | None = None,
        lot_capacity: IntsLike | None = None,
        leg_min_units: IntsLike | None = None,
        option_offset: IntsLike | None = None,
        leg_offset: IntsLike | None = None,
        leg_lot_offset: IntsLike | None = None,
        rule: str = "core",
        document_sha256: str = "",
    ) -> Book:
        """Build a checked book from columns in any row order; raise `BookRefused` naming the place as JSON would.

        Ids are all integers or all strings; `leg_lot` holds lot *ids*, sellers and bidders share one id space.
        `lot_reserve` (ticks per unit-hour) and `lot_capacity` (units) hold one number per lot or one per lot and
        hour. An option is limited by `option_price` (ticks per unit-hour) or, where that is -1, by `option_value`
        (ticks). Offsets left out mean one option per bid, one leg per option, one lot per leg. `lot_unit_step`
        defaults to 1, `lot_capacity` to `lot_units`, `leg_min_units` to `leg_units` (all or nothing).
        """
        if rule not in RULES:
            raise BookRefused("rule", f"must be one of {', '.join(RULES)}")
        if not 1 <= hours <= MAX_HOURS:
            raise BookRefused("hours", f"must be between 1 and {MAX_HOURS}")
        lot_ids, bid_ids = ids(lot_id, "lots"), ids(bid_id, "bids")
        organization_id, organization_row = organizations(lot_seller, bid_bidder)
        units, start, end = ints(lot_units), ints(lot_start), ints(lot_end)
        checks.check_lot_hours(start, end, hours)
        length = end - start
        n_lots, n_bids = len(lot_ids), len(bid_ids)
        if length.sum() > MAX_LOT_HOURS:
            raise BookRefused("lots", f"span more than {MAX_LOT_HOURS} lot-hours")
        limit, is_priced = limits(option_price, option_value)
        option_of_bid = offsets(option_offset, n_bids, len(limit), "bids: options")
        leg_of_option = offsets(leg_offset, len(limit), len(leg_units), "options: legs")
        lot_of_leg = offsets(leg_lot_offset, len(leg_units), len(leg_lot), "legs: lots")
        book = cls(
            rule=rule,
            hours=hours,
            lot_id=lot_ids,
            lot_seller=organization_row[:n_lots],
            lot_units=units,
            lot_unit_step=np.ones(n_lots, np.int64) if lot_unit_step is None else ints(lot_unit_step),
            lot_start=start,
            lot_end=end,
            lot_hour_offset=running_total(length),
            lot_capacity=hourly(units if lot_capacity is None else lot_capacity, length, "capacity"),
            lot_reserve=hourly(lot_reserve, length, "reserve"),
            bid_id=bid_ids,
            bid_bidder=organization_row[n_lots:],
            bid_sequence=ints(bid_sequence),
            option_offset=option_of_bid,
            option_is_priced=is_priced,
            option_limit=limit,
            leg_offset=leg_of_option,
            leg_units=ints(leg_units),
            leg_min_units=ints(leg_units if leg_min_units is None else leg_min_units),
            leg_earliest=ints(leg_earliest),
            leg_latest=ints(leg_latest),
            leg_hours=ints(leg_hours),
            leg_lot_offset=lot_of_leg,
            leg_lot=lot_rows(lot_ids, leg_lot),
            organization_id=organization_id,
            document_sha256=document_sha256,
        )
        checks.check_book(book)
        return _sort_lots(_sort_bids(book))

    @property
    def n_lots(self) -> int:
        return len(self.lot_id)

    @property
    def n_bids(self) -> int:
        return len(self.bid_id)


def _sort_lots(book: Book) -> Book:
    if ascending(book.lot_id):
        return book
    order = np.argsort(book.lot_id, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    hours, hour_offset = _gather_ranges(book.lot_hour_offset, order)
    per_lot = {
        name: getattr(book, name)[order]
        for name in ("lot_id", "lot_seller", "lot_units", "lot_unit_step", "lot_start", "lot_end")
    }
    return replace(
        book,
        **per_lot,
        lot_hour_offset=hour_offset,
        lot_capacity=book.lot_capacity[hours],
        lot_reserve=book.lot_reserve[hours],
        leg_lot=rank[book.leg_lot],
    )


def _sort_bids(book: Book) -> Book:
    if ascending(book.bid_sequence):
        return book
    by_id = np.argsort(book.bid_id, kind="stable")
    order = by_id[np.argsort(book.bid_sequence[by_id], kind="stable")]
    options, option_offset = _gather_ranges(book.option_offset, order)
    legs, leg_offset = _gather_ranges(book.leg_offset, options)
    lots, leg_lot_offset = _gather_ranges(book.leg_lot_offset, legs)
    per_leg = {
        name: getattr(book, name)[legs]
        for name in ("leg_units", "leg_min_units", "leg_earliest", "leg_latest", "leg_hours")
    }
    return replace(
        book,
        bid_id=book.bid_id[order],
        bid_bidder=book.bid_bidder[order],
        bid_sequence=book.bid_sequence[order],
        option_offset=option_offset,
        option_is_priced=book.option_is_priced[options],
        option_limit=book.option_limit[options],
        leg_offset=leg_offset,
        **per_leg,
        leg_lot_offset=leg_lot_offset,
        leg_lot=book.leg_lot[lots],
    )


def _gather_ranges(offset: Ints, order: Ints) -> tuple[Ints, Ints]:
    """Child rows of the parents taken in `order`, and the offsets of those parents among them."""
    length = np.diff(offset)[order]
    return concatenate_ranges(offset[order], length), running_total(length)
