"""Turn the columns a book is built from, lists or arrays, into arrays of one kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auctions.engine import checks
from auctions.engine.errors import BookRefused
from auctions.engine.ranges import Ints

Ids = NDArray[Any]
IntsLike = Ints | Sequence[int]
IdsLike = Ids | Sequence[int] | Sequence[str]


def ints(column: IntsLike) -> Ints:
    return np.ascontiguousarray(column, dtype=np.int64)


def ids(column: IdsLike, path: str) -> Ids:
    ids = id_array(column)
    if ids.dtype == object:
        duplicate = checks.first_duplicate(list(ids))
    else:
        ordered = ids if ascending(ids) else np.sort(ids)
        repeated = np.flatnonzero(ordered[1:] == ordered[:-1])
        duplicate = ordered[repeated[0]].item() if len(repeated) else None
    if duplicate is not None:
        raise BookRefused(path, f"duplicate id {checks.quote(duplicate)}")
    return ids


def id_array(column: IdsLike) -> Ids:
    if len(column) and isinstance(column[0], str):
        texts = np.empty(len(column), dtype=object)
        texts[:] = column
        return texts
    return np.ascontiguousarray(column, dtype=np.int64)


def organizations(lot_seller: IdsLike, bid_bidder: IdsLike) -> tuple[Ids, Ints]:
    """Sorted distinct organizations, and the row of each seller, then each bidder, among them."""
    sellers, bidders = id_array(lot_seller), id_array(bid_bidder)
    if object in (sellers.dtype, bidders.dtype):
        everyone = [*sellers.tolist(), *bidders.tolist()]
        distinct = sorted(set(everyone))
        row_of = {organization: row for row, organization in enumerate(distinct)}
        return id_array(distinct), np.array([row_of[one] for one in everyone], dtype=np.int64)
    ids, row = np.unique(np.concatenate([sellers, bidders]), return_inverse=True)
    return ids, row.astype(np.int64, copy=False)


def limits(price: IntsLike | None, value: IntsLike | None) -> tuple[Ints, NDArray[np.bool_]]:
    if price is None:
        limit = ints(() if value is None else value)
        return limit, np.zeros(len(limit), dtype=bool)
    prices = ints(price)
    if value is None:
        return prices, np.ones(len(prices), dtype=bool)
    is_priced = prices >= 0
    return np.where(is_priced, prices, ints(value)), is_priced


def offsets(offset: IntsLike | None, n_parents: int, n_rows: int, path: str) -> Ints:
    rows = np.arange(n_parents + 1, dtype=np.int64) if offset is None else ints(offset)
    if len(rows) != n_parents + 1 or rows[0] != 0 or rows[-1] != n_rows or not (np.diff(rows) > 0).all():
        raise BookRefused(path, f"{n_rows} rows do not give each of {n_parents} parents at least one")
    return rows


def hourly(column: IntsLike, length: Ints, name: str) -> Ints:
    numbers = ints(column)
    if len(numbers) == len(length):
        return np.repeat(numbers, length)
    if len(numbers) != length.sum():
        raise BookRefused("lots", f"{name} needs one number per lot or one per lot and hour")
    return numbers


def lot_rows(lot_ids: Ids, wanted: IdsLike) -> Ints:
    """Row of each wanted lot id; -1 where there is no such lot (the checks name its path)."""
    if lot_ids.dtype == object:
        row_of = {lot: row for row, lot in enumerate(lot_ids.tolist())}
        return np.fromiter((row_of.get(lot, -1) for lot in wanted), dtype=np.int64, count=len(wanted))
    names = id_array(wanted)
    if names.dtype == object or not len(lot_ids):
        return np.full(len(names), -1, dtype=np.int64)
    order = np.argsort(lot_ids, kind="stable")
    row = order[np.searchsorted(lot_ids, names, sorter=order).clip(max=len(lot_ids) - 1)]
    return np.where(lot_ids[row] == names, row, -1)


def ascending(column: Ids) -> bool:
    return bool((column[1:] > column[:-1]).all())
