r"""The columns of the integer program: every way a bid may be filled.

A bid `b` asks for one of its options; an option of one leg for `k` steps of `s` units on one lot from one starting
hour, an option of several legs for all of them, each on one of its lots. A *column* is a decision that adds units to
lot-hours and ticks to the surplus:

- **whole**: one complete way to fill an option, all or nothing (binary, a *selector*);
- **least** and **more**: a divisible leg on one lot from one hour. `least` (binary, a selector) takes the smallest
  number of steps the bid accepts, `more` (integer, at most `room` and only where `least` is chosen) adds steps;
- **option** and **place**: an option of several legs that each accept several lots. `option` (binary, a selector)
  decides that it is filled, one `place` for each leg says on which lot.

At most one selector of a bid is chosen. The ticks of a column are what its units are worth less what they cost at the
reserve. Part of an option that states a `value` is worth its proportion, rounded down to a tick.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from auctions.engine.book import Book, Ints

MAX_COMBINATIONS = 16
"""Lots of the legs of one option are enumerated up to this many combinations; above, each leg gets its own columns."""

MAX_SIZES = 1024
"""Sizes of a divisible option told apart where its value per step is no whole number of ticks."""

SELECTOR, MORE, PLACE, CHARGE = 0, 1, 2, 3
"""The last charges a coalition what an organization of several bids keeps at present (see `charged`)."""


@dataclass(slots=True)
class Columns:
    """Lists that grow together: one entry per column, then one per award a column stands for, then per coefficient.

    ticks : surplus of one unit of the column
    upper : largest value
    awards : (leg, lot, start, units) by column; `units` per unit of the column
    anchor : the selector a `more` or `place` column belongs to, itself for selectors
    leg : leg of a `place` column, else -1
    """

    bid: list[int] = field(default_factory=list)
    option: list[int] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)
    ticks: list[int] = field(default_factory=list)
    upper: list[int] = field(default_factory=list)
    anchor: list[int] = field(default_factory=list)
    leg: list[int] = field(default_factory=list)
    awards: list[tuple[tuple[int, int, int, int], ...]] = field(default_factory=list)

    def add(
        self,
        bid: int,
        option: int,
        ticks: int,
        awards: tuple[tuple[int, int, int, int], ...],
        *,
        kind: int = SELECTOR,
        upper: int = 1,
        anchor: int = -1,
        leg: int = -1,
    ) -> int:
        column = len(self.bid)
        self.bid.append(bid)
        self.option.append(option)
        self.kind.append(kind)
        self.ticks.append(ticks)
        self.upper.append(upper)
        self.anchor.append(column if anchor < 0 else anchor)
        self.leg.append(leg)
        self.awards.append(awards)
        return column


@dataclass(frozen=True, slots=True)
class Spot:
    """A lot a leg could go to: first hours it could start, least units on offer then and the reserve of one unit."""

    lot: int
    start: Ints
    offered: Ints
    reserve: Ints


class Placements:
    """Writes the columns of bids; knows the book's lots by hour."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._reserve_until = np.concatenate([[0], np.cumsum(book.lot_reserve)])
        self.columns = Columns()

    def write(self, bid: int) -> None:
        book = self.book
        for option in range(book.option_offset[bid], book.option_offset[bid + 1]):
            legs = range(int(book.leg_offset[option]), int(book.leg_offset[option + 1]))
            if len(legs) == 1:
                self._write_leg(bid, option, legs[0])
            else:
                self._write_legs(bid, option, legs)

    def spots(self, bid: int, leg: int) -> Iterator[Spot]:
        """Yield, in the order it names them, the lots of the leg whose hours fit and that others sell."""
        book = self.book
        hours = int(book.leg_hours[leg])
        for row in range(book.leg_lot_offset[leg], book.leg_lot_offset[leg + 1]):
            lot = int(book.leg_lot[row])
            first = max(int(book.leg_earliest[leg]), int(book.lot_start[lot]))
            last = min(int(book.leg_latest[leg]), int(book.lot_end[lot])) - hours
            if last < first or book.lot_seller[lot] == book.bid_bidder[bid]:
                continue
            start = np.arange(first, last + 1)
            at = int(book.lot_hour_offset[lot]) - int(book.lot_start[lot]) + start
            reserve = self._reserve_until[at + hours] - self._reserve_until[at]
            yield Spot(
                lot, start, _least_of_windows(book.lot_capacity[at[0] : at[-1] + hours], hours), reserve
            )

    def _write_leg(self, bid: int, option: int, leg: int) -> None:
        book = self.book
        units, hours = int(book.leg_units[leg]), int(book.leg_hours[leg])
        for spot in self.spots(bid, leg):
            step = int(book.lot_unit_step[spot.lot])
            least = -(-int(book.leg_min_units[leg]) // step)
            most = np.minimum(spot.offered, units) // step
            for start, reserve, top in zip(
                spot.start.tolist(), spot.reserve.tolist(), most.tolist(), strict=True
            ):
                for low, high, stride, worth in self._runs(option, units, hours, step, least, top):
                    self._write_run(bid, option, (leg, spot.lot, start), low, high, stride, worth, reserve)

    def _runs(
        self, option: int, units: int, hours: int, step: int, least: int, top: int
    ) -> Iterator[tuple[int, int, int, tuple[int, int]]]:
        """Yield ranges of sizes, in units, with ticks that grow evenly: low, high, stride, (at low, per stride)."""
        if top < least:
            return
        limit = int(self.book.option_limit[option])
        if self.book.option_is_priced[option]:
            yield least * step, top * step, step, (limit * hours * least * step, limit * hours * step)
            return
        cycle = units // math.gcd(units, limit * step)  # steps after which whole ticks recur
        if min(cycle, top - least + 1) > MAX_SIZES:
            per_step = limit * step // units
            yield least * step, top * step, step, (per_step * least, per_step)
            return
        for low in range(least, min(least + cycle, top + 1)):
            high = low + (top - low) // cycle * cycle
            worth = (limit * low * step // units, limit * step * cycle // units)
            yield low * step, high * step, cycle * step, worth

    def _write_run(
        self,
        bid: int,
        option: int,
        place: tuple[int, int, int],
        low: int,
        high: int,
        stride: int,
        worth: tuple[int, int],
        reserve: int,
    ) -> None:
        at_low, per_stride = worth[0] - low * reserve, worth[1] - stride * reserve
        room = (high - low) // stride
        if at_low + max(per_stride, 0) * room < 0:
            return
        anchor = self.columns.add(bid, option, at_low, ((*place, low),))
        if room and per_stride >= 0:
            self.columns.add(
                bid, option, per_stride, ((*place, stride),), kind=MORE, upper=room, anchor=anchor
            )

    def _write_legs(self, bid: int, option: int, legs: range) -> None:
        book = self.book
        choices = [
            [
                (spot.lot, int(spot.start[0]), int(spot.reserve[0]))
                for spot in self.spots(bid, leg)
                if spot.offered[0] >= book.leg_units[leg]
                and book.leg_units[leg] % book.lot_unit_step[spot.lot] == 0
            ]
            for leg in legs
        ]
        value = option_value(book, option)
        if math.prod(map(len, choices)) <= MAX_COMBINATIONS:
            for combination in itertools.product(*choices):
                self._write_combination(bid, option, legs, value, combination)
            return
        units = [int(book.leg_units[leg]) for leg in legs]
        least = sum(
            n * min(reserve for _, _, reserve in spots) for n, spots in zip(units, choices, strict=True)
        )
        if value < least:
            return
        anchor = self.columns.add(bid, option, value, ())
        for leg, n, spots in zip(legs, units, choices, strict=True):
            for lot, start, reserve in spots:
                award = (leg, lot, start, n)
                self.columns.add(bid, option, -n * reserve, (award,), kind=PLACE, anchor=anchor, leg=leg)

    def _write_combination(
        self, bid: int, option: int, legs: range, value: int, combination: tuple[tuple[int, int, int], ...]
    ) -> None:
        book = self.book
        awards = tuple(
            (leg, lot, start, int(book.leg_units[leg]))
            for leg, (lot, start, _) in zip(legs, combination, strict=True)
        )
        cost = sum(award[3] * reserve for award, (_, _, reserve) in zip(awards, combination, strict=True))
        if value >= cost and self._fits(awards):
            self.columns.add(bid, option, value - cost, awards)

    def _fits(self, awards: tuple[tuple[int, int, int, int], ...]) -> bool:
        """Whether legs that share a lot leave room for each other. Each alone is known to fit."""
        book = self.book
        for lot in {lot for _, lot, _, _ in awards}:
            on_lot = [award for award in awards if award[1] == lot]
            if len(on_lot) == 1:
                continue
            used = np.zeros(int(book.lot_end[lot] - book.lot_start[lot]), dtype=np.int64)
            for leg, _, start, units in on_lot:
                first = start - int(book.lot_start[lot])
                used[first : first + int(book.leg_hours[leg])] += units
            hours = slice(book.lot_hour_offset[lot], book.lot_hour_offset[lot + 1])
            if (used > book.lot_capacity[hours]).any():
                return False
        return True


def option_value(book: Book, option: int) -> int:
    """Ticks the option is worth when filled whole."""
    limit = int(book.option_limit[option])
    if not book.option_is_priced[option]:
        return limit
    legs = slice(book.leg_offset[option], book.leg_offset[option + 1])
    return limit * int((book.leg_units[legs] * book.leg_hours[legs]).sum())


def _least_of_windows(capacity: Ints, hours: int) -> Ints:
    """Smallest number in every window of `hours` neighbours."""
    if hours == 1 or (capacity == capacity[0]).all():
        return capacity[: len(capacity) - hours + 1]
    return np.lib.stride_tricks.sliding_window_view(capacity, hours).min(axis=1)
