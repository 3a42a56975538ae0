"""A book: everything one clearing depends on, as a struct of numpy arrays.

Rows refer to each other by position. Ranges of rows (the options of a bid, the legs of an option, the lots of a leg,
the hours of a lot) are offsets: the options of bid `b` are rows `option_offset[b]:option_offset[b + 1]`.

A `Book` has one form whatever the order its rows came in: lots are sorted by id, bids by (sequence, id). A bid's row
number is therefore its rank in every tie. Options, the legs of an option and the lots of a leg keep their order, which
the tie rule speaks of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auctions.engine import checks
from auctions.engine.errors import MAX_HOURS, MAX_LOT_HOURS, BookRefused
from auctions.engine.ranges import Ints, concatenate_ranges, running_total

Ids = NDArray[Any]
IntsLike = Ints | Sequence[int]
IdsLike = Ids | Sequence[int] | Sequence[str]

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
        lot_ids, bid_ids = _ids(lot_id, "lots"), _ids(bid_id, "bids")
        organization_id, organization_row = _organizations(lot_seller, bid_bidder)
        units, start, end = _ints(lot_units), _ints(lot_start), _ints(lot_end)
        checks.check_lot_hours(start, end, hours)
        length = end - start
        n_lots, n_bids = len(lot_ids), len(bid_ids)
        if length.sum() > MAX_LOT_HOURS:
            raise BookRefused("lots", f"span more than {MAX_LOT_HOURS} lot-hours")
        limit, is_priced = _limits(option_price, option_value)
        option_of_bid = _offsets(option_offset, n_bids, len(limit), "bids: options")
        leg_of_option = _offsets(leg_offset, len(limit), len(leg_units), "options: legs")
        lot_of_leg = _offsets(leg_lot_offset, len(leg_units), len(leg_lot), "legs: lots")
        book = cls(
            rule=rule,
            hours=hours,
            lot_id=lot_ids,
            lot_seller=organization_row[:n_lots],
            lot_units=units,
            lot_unit_step=np.ones(n_lots, np.int64) if lot_unit_step is None else _ints(lot_unit_step),
            lot_start=start,
            lot_end=end,
            lot_hour_offset=running_total(length),
            lot_capacity=_hourly(units if lot_capacity is None else lot_capacity, length, "capacity"),
            lot_reserve=_hourly(lot_reserve, length, "reserve"),
            bid_id=bid_ids,
            bid_bidder=organization_row[n_lots:],
            bid_sequence=_ints(bid_sequence),
            option_offset=option_of_bid,
            option_is_priced=is_priced,
            option_limit=limit,
            leg_offset=leg_of_option,
            leg_units=_ints(leg_units),
            leg_min_units=_ints(leg_units if leg_min_units is None else leg_min_units),
            leg_earliest=_ints(leg_earliest),
            leg_latest=_ints(leg_latest),
            leg_hours=_ints(leg_hours),
            leg_lot_offset=lot_of_leg,
            leg_lot=_lot_rows(lot_ids, leg_lot),
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


def _ints(column: IntsLike) -> Ints:
    return np.ascontiguousarray(column, dtype=np.int64)


def _ids(column: IdsLike, path: str) -> Ids:
    ids = _id_array(column)
    if ids.dtype == object:
        duplicate = checks.first_duplicate(list(ids))
    else:
        ordered = ids if _ascending(ids) else np.sort(ids)
        repeated = np.flatnonzero(ordered[1:] == ordered[:-1])
        duplicate = ordered[repeated[0]].item() if len(repeated) else None
    if duplicate is not None:
        raise BookRefused(path, f"duplicate id {checks.quote(duplicate)}")
    return ids


def _id_array(column: IdsLike) -> Ids:
    if len(column) and isinstance(column[0], str):
        texts = np.empty(len(column), dtype=object)
        texts[:] = column
        return texts
    return np.ascontiguousarray(column, dtype=np.int64)


def _organizations(lot_seller: IdsLike, bid_bidder: IdsLike) -> tuple[Ids, Ints]:
    """Sorted distinct organizations, and the row of each seller, then each bidder, among them."""
    sellers, bidders = _id_array(lot_seller), _id_array(bid_bidder)
    if object in (sellers.dtype, bidders.dtype):
        everyone = [*sellers.tolist(), *bidders.tolist()]
        distinct = sorted(set(everyone))
        row_of = {organization: row for row, organization in enumerate(distinct)}
        return _id_array(distinct), np.array([row_of[one] for one in everyone], dtype=np.int64)
    ids, row = np.unique(np.concatenate([sellers, bidders]), return_inverse=True)
    return ids, row.astype(np.int64, copy=False)


def _limits(price: IntsLike | None, value: IntsLike | None) -> tuple[Ints, NDArray[np.bool_]]:
    if price is None:
        limit = _ints(() if value is None else value)
        return limit, np.zeros(len(limit), dtype=bool)
    prices = _ints(price)
    if value is None:
        return prices, np.ones(len(prices), dtype=bool)
    is_priced = prices >= 0
    return np.where(is_priced, prices, _ints(value)), is_priced


def _offsets(offset: IntsLike | None, n_parents: int, n_rows: int, path: str) -> Ints:
    rows = np.arange(n_parents + 1, dtype=np.int64) if offset is None else _ints(offset)
    if len(rows) != n_parents + 1 or rows[0] != 0 or rows[-1] != n_rows or not (np.diff(rows) > 0).all():
        raise BookRefused(path, f"{n_rows} rows do not give each of {n_parents} parents at least one")
    return rows


def _hourly(column: IntsLike, length: Ints, name: str) -> Ints:
    numbers = _ints(column)
    if len(numbers) == len(length):
        return np.repeat(numbers, length)
    if len(numbers) != length.sum():
        raise BookRefused("lots", f"{name} needs one number per lot or one per lot and hour")
    return numbers


def _lot_rows(lot_ids: Ids, wanted: IdsLike) -> Ints:
    """Row of each wanted lot id; -1 where there is no such lot (the checks name its path)."""
    if lot_ids.dtype == object:
        row_of = {lot: row for row, lot in enumerate(lot_ids.tolist())}
        return np.fromiter((row_of.get(lot, -1) for lot in wanted), dtype=np.int64, count=len(wanted))
    names = _id_array(wanted)
    if names.dtype == object or not len(lot_ids):
        return np.full(len(names), -1, dtype=np.int64)
    order = np.argsort(lot_ids, kind="stable")
    row = order[np.searchsorted(lot_ids, names, sorter=order).clip(max=len(lot_ids) - 1)]
    return np.where(lot_ids[row] == names, row, -1)


def _ascending(column: Ids) -> bool:
    return bool((column[1:] > column[:-1]).all())


def _sort_lots(book: Book) -> Book:
    if _ascending(book.lot_id):
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
    if _ascending(book.bid_sequence):
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
