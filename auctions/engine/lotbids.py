"""Which books the vectorised path takes, and the columns it works on.

It takes a bid that has one option of one leg on one lot, asks for all the hours of that lot, and is divisible down to
one unit step: any positive number of steps up to its size will do, each worth the same whole number of ticks. A bid
that could get no award whatever its limit (smaller than a step, its least larger than the lot, on the bidder's own
lot) is taken too: it loses as `cannot_fit`.

Since every award then uses all hours of its lot, a lot sells in each hour what it sells in all: its capacity is the
least of its hours, and of the reserve only the sum over the hours matters. Both may vary from hour to hour.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Book, Ints
from auctions.engine.checks import quote
from auctions.engine.errors import BookNotSupported
from auctions.engine.runs import runs_of


@dataclass(frozen=True, eq=False, slots=True)
class LotBids:
    """B bids on L lots; a step is `unit_step` units over all hours of the lot.

    lot : int64 (B,) row of lots
    taker : int64 (B,) bidder's row << step_bits | largest number of steps the bid takes: read at random, once
    step_bits : low bits of taker that hold the steps
    rate : int64 (B,) limit; rate × scale[lot] is ticks per step
    fits : bool (B,) whether its lot, if it has a step on offer, could give it to this bid
    lot_step_hours : int64 (L,) unit-hours in one step
    lot_scale : int64 (L,) lot_step_hours where every bid is priced, else 1
    lot_steps : int64 (L,) steps on offer
    lot_reserve : int64 (L,) ticks per step
    """

    lot: Ints
    taker: Ints
    step_bits: int
    rate: Ints
    fits: NDArray[np.bool_]
    lot_step_hours: Ints
    lot_scale: Ints
    lot_steps: Ints
    lot_reserve: Ints
    n_organizations: int

    def of_lots(self, lots: slice) -> LotBids:
        """The same bids, with only a run of the lots."""
        return replace(
            self,
            lot_step_hours=self.lot_step_hours[lots],
            lot_scale=self.lot_scale[lots],
            lot_steps=self.lot_steps[lots],
            lot_reserve=self.lot_reserve[lots],
        )

    @property
    def lot_reserve_rate(self) -> Ints:
        """Lowest rate that meets the reserve. int64 (L,)"""
        return -(-self.lot_reserve // self.lot_scale)


def lot_bids(book: Book) -> LotBids:
    """Read the book for the vectorised path; raise `BookNotSupported` for the first bid it cannot take exactly."""
    _refuse_packages(book)
    hours = book.lot_end - book.lot_start
    step = book.lot_unit_step
    lot_steps = (
        np.minimum.reduceat(book.lot_capacity, book.lot_hour_offset[:-1]) // step if book.n_lots else hours
    )
    lot_reserve = step * (
        np.add.reduceat(book.lot_reserve, book.lot_hour_offset[:-1]) if book.n_lots else hours
    )
    all_priced = bool(book.option_is_priced.all())
    step_bits = int(book.leg_units.max(initial=0)).bit_length()
    bids = LotBids(
        lot=book.leg_lot,
        taker=np.empty(book.n_bids, dtype=np.int64),
        step_bits=step_bits,
        rate=book.option_limit if all_priced else np.empty(book.n_bids, dtype=np.int64),
        fits=np.empty(book.n_bids, dtype=bool),
        lot_step_hours=step * hours,
        lot_scale=step * hours if all_priced else np.ones_like(step),
        lot_steps=lot_steps,
        lot_reserve=lot_reserve,
        n_organizations=len(book.organization_id),
    )
    for run in runs_of(book.n_bids):
        _read_run(book, bids, run, all_priced=all_priced)
    return bids


def _read_run(book: Book, bids: LotBids, run: slice, *, all_priced: bool) -> None:
    """Fill in the columns of a run of bids: short enough that what is computed on the way stays in the cache."""
    lot = bids.lot[run]
    step = book.lot_unit_step[lot]
    part_time = book.leg_hours[run] != (book.lot_end - book.lot_start)[lot]
    if part_time.any():
        bid = run.start + int(np.argmax(part_time))
        raise _not_supported(book, bid, "options[0].legs[0].hours", "takes only part of the hours of its lot")
    units, least_units = book.leg_units[run], book.leg_min_units[run]
    steps = units // step
    np.add(book.bid_bidder[run] << bids.step_bits, steps, out=bids.taker[run])
    fits = np.greater_equal(units, step, out=bids.fits[run])
    whole = np.flatnonzero(least_units > step)
    if len(whole):
        least = -(-least_units[whole] // step[whole])
        fits[whole] = can_fit = (least <= steps[whole]) & (least <= bids.lot_steps[lot[whole]])
        if can_fit.any():
            bid = run.start + int(whole[np.argmax(can_fit)])
            raise _not_supported(
                book, bid, "options[0].legs[0].min_units", "not divisible down to one unit step"
            )
    if not all_priced:
        bids.rate[run] = _ticks_per_step(book, run, fits, step * book.leg_hours[run])
    fits &= book.lot_seller[lot] != book.bid_bidder[run]


def _refuse_packages(book: Book) -> None:
    """Refuse the first bid with several options, legs or lots. Each has at least one, so equal counts mean one each."""
    for offset, what in (
        (book.option_offset, "options"),
        (book.leg_offset, "options[0].legs"),
        (book.leg_lot_offset, "options[0].legs[0].lots"),
    ):
        if offset[-1] != len(offset) - 1:
            bid = int(np.argmax(np.diff(offset) > 1))
            raise _not_supported(book, bid, what, "more than one")


def _ticks_per_step(book: Book, run: slice, fits: NDArray[np.bool_], step_hours: Ints) -> Ints:
    """Value of one step to each bid that fits, 0 to the others. Divides before it multiplies, to stay in int64."""
    bid = np.flatnonzero(fits)
    limit, units, hours = book.option_limit[run][bid], book.leg_units[run][bid], book.leg_hours[run][bid]
    step = step_hours[bid] // hours
    whole, rest = np.divmod(limit, units)
    shared, odd = np.divmod(rest * step, units)
    by_value = ~book.option_is_priced[run][bid]
    inexact = by_value & (odd > 0)
    if inexact.any():
        row = run.start + int(bid[np.argmax(inexact)])
        raise _not_supported(book, row, "options[0].value", "not a whole number of ticks per unit step")
    rate = np.zeros(len(fits), dtype=np.int64)
    rate[bid] = np.where(by_value, whole * step + shared, limit * step_hours[bid])
    return rate


def _not_supported(book: Book, bid: int, field: str, reason: str) -> BookNotSupported:
    identifier = book.bid_id[bid]
    name = quote(identifier if isinstance(identifier, str) else int(identifier))
    return BookNotSupported(
        f"bids[{name}].{field}", f"{reason}; this version clears divisible single-lot bids only"
    )
