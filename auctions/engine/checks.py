"""What a valid book must satisfy beyond its shape: ranges, fits, and sums that stay exact.

Every check is one vectorised comparison; the first row that fails is named by its path in the JSON form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from auctions.engine.errors import MAX_EXACT, MAX_UNITS, BookRefused

if TYPE_CHECKING:
    from auctions.engine.book import Book

T = TypeVar("T", bound=Hashable)
Path = Callable[[int], str]

_BETWEEN_UNITS = f"must be between 1 and {MAX_UNITS}"
_BETWEEN_TICKS = "must be between 0 and 2**53"


def quote(identifier: object) -> str:
    """Show an id in a message: ASCII only, quoted as in JSON."""
    return json.dumps(identifier)


def first_duplicate(values: Iterable[T]) -> T | None:
    seen: set[T] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None


def check_lot_hours(start: NDArray[np.int64], end: NDArray[np.int64], hours: int) -> None:
    _refuse_first(
        (start < 0) | (start >= hours), lambda row: f"lots[{row}].start", "outside the book's hours"
    )
    _refuse_first(
        (end > hours) | (end <= start), lambda row: f"lots[{row}].end", "must be after start, within hours"
    )


def check_book(book: Book) -> None:
    """Raise `BookRefused` for the first thing found wrong in a book whose rows are still in the order given."""
    _check_lots(book)
    _check_options(book)
    _check_legs(book)
    _check_fit(book)
    _check_sums(book)


def _check_lots(book: Book) -> None:
    def of_hour(field: str) -> Path:
        return lambda row: f"lots[{_parent(book.lot_hour_offset, row)}].{field}"

    units, step = book.lot_units, book.lot_unit_step
    _refuse_first((units < 1) | (units > MAX_UNITS), lambda row: f"lots[{row}].units", _BETWEEN_UNITS)
    _refuse_first((step < 1) | (step > MAX_UNITS), lambda row: f"lots[{row}].unit_step", _BETWEEN_UNITS)
    capacity = book.lot_capacity
    _refuse_first((capacity < 0) | (capacity > MAX_UNITS), of_hour("capacity"), f"must be 0 to {MAX_UNITS}")
    _refuse_first(_inexact(book.lot_reserve), of_hour("reserve"), _BETWEEN_TICKS)


def _check_options(book: Book) -> None:
    _refuse_first(_inexact(book.bid_sequence), lambda row: f"bids[{row}].sequence", _BETWEEN_TICKS)
    _refuse_first(_inexact(book.option_limit), lambda row: _limit_path(book, row), _BETWEEN_TICKS)


def _check_legs(book: Book) -> None:
    def at(field: str) -> Path:
        return lambda row: f"{_leg_path(book, row)}.{field}"

    units, least = book.leg_units, book.leg_min_units
    earliest, latest, hours = book.leg_earliest, book.leg_latest, book.leg_hours
    _refuse_first((units < 1) | (units > MAX_UNITS), at("units"), _BETWEEN_UNITS)
    _refuse_first((least < 1) | (least > units), at("min_units"), "must be between 1 and units")
    _refuse_first((earliest < 0) | (earliest >= book.hours), at("earliest"), "outside the book's hours")
    _refuse_first(
        (latest <= earliest) | (latest > book.hours), at("latest"), "must be after earliest, within hours"
    )
    _refuse_first(
        (hours < 1) | (hours > latest - earliest), at("hours"), "must be between 1 and latest - earliest"
    )
    n_legs = np.diff(book.leg_offset)
    if len(n_legs) == len(units):
        return
    of_several = np.repeat(n_legs > 1, n_legs)
    _refuse_first(of_several & (least != units), at("min_units"), "allowed only in an option with one leg")
    _refuse_first(
        of_several & (hours != latest - earliest),
        at("hours"),
        "must be latest - earliest in an option of several legs",
    )


def _check_fit(book: Book) -> None:
    def at(row: int) -> str:
        leg = _parent(book.leg_lot_offset, row)
        return f"{_leg_path(book, leg)}.lots[{row - book.leg_lot_offset[leg]}]"

    _refuse_first(book.leg_lot < 0, at, "unknown lot")
    n_named = np.diff(book.leg_lot_offset)
    leg = np.repeat(np.arange(len(n_named)), n_named)
    if len(leg) != len(n_named):
        named = leg * book.n_lots + book.leg_lot
        order = np.argsort(named, kind="stable")
        repeated = np.zeros(len(named), dtype=bool)
        repeated[order[1:]] = named[order[1:]] == named[order[:-1]]
        _refuse_first(repeated, at, "named twice")
    room = np.minimum(book.leg_latest[leg], book.lot_end[book.leg_lot])
    room -= np.maximum(book.leg_earliest[leg], book.lot_start[book.leg_lot])
    fits = (
        np.logical_or.reduceat(room >= book.leg_hours[leg], book.leg_lot_offset[:-1])
        if len(leg)
        else room > 0
    )
    _refuse_first(~fits, lambda row: f"{_leg_path(book, row)}.hours", "can never fit the hours of its lots")


def _check_sums(book: Book) -> None:
    """Bound what unit-hours, surplus, payments and reserve costs could add up to."""
    most = np.maximum(book.lot_units, book.lot_unit_step)
    per_hour = np.maximum(np.repeat(most, np.diff(book.lot_hour_offset)), book.lot_capacity)
    _refuse_sum(per_hour, book.lot_reserve, lambda row: f"lots[{_parent(book.lot_hour_offset, row)}].reserve")
    _refuse_sum(book.leg_units, book.leg_hours, lambda row: f"{_leg_path(book, row)}.units")
    unit_hours = book.leg_units * book.leg_hours
    if len(unit_hours) != len(book.option_limit):
        unit_hours = np.add.reduceat(unit_hours, book.leg_offset[:-1])
    count = np.where(book.option_is_priced, unit_hours, 1)
    _refuse_sum(count, book.option_limit, lambda row: _limit_path(book, row))


def _refuse_sum(count: NDArray[np.int64], each: NDArray[np.int64], path: Path) -> None:
    running = np.cumsum(count.astype(np.float64) * each)  # float64: near enough, and cannot overflow
    if not len(running) or running[-1] < MAX_EXACT / 2:
        return
    total = 0
    for row, (n, one) in enumerate(zip(count.tolist(), each.tolist(), strict=True)):
        total += n * one
        if total > MAX_EXACT:
            raise BookRefused(path(row), "with those before it the sum could exceed 2**53")


def _inexact(ticks: NDArray[np.int64]) -> NDArray[np.bool_]:
    return (ticks < 0) | (ticks > MAX_EXACT)


def _refuse_first(wrong: NDArray[np.bool_], path: Path, reason: str) -> None:
    if wrong.any():
        raise BookRefused(path(int(np.argmax(wrong))), reason)


def _parent(offset: NDArray[np.int64], row: int) -> int:
    return int(np.searchsorted(offset, row, side="right")) - 1


def _option_path(book: Book, option: int) -> str:
    bid = _parent(book.option_offset, option)
    return f"bids[{bid}].options[{option - book.option_offset[bid]}]"


def _leg_path(book: Book, leg: int) -> str:
    option = _parent(book.leg_offset, leg)
    return f"{_option_path(book, option)}.legs[{leg - book.leg_offset[option]}]"


def _limit_path(book: Book, option: int) -> str:
    return f"{_option_path(book, option)}.{'price' if book.option_is_priced[option] else 'value'}"
