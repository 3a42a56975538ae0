"""Which books the vectorised path takes, and the columns it works on.

It takes a bid that has one option of one leg on one lot, asks for all the hours of that lot, and is divisible down to
one unit step: any positive number of steps up to its size will do, each worth the same whole number of ticks. A bid
that could get no award whatever its limit (smaller than a step, its least larger than the lot, on the bidder's own
lot) is taken too: it loses as `cannot_fit`.

Since every award then uses all hours of its lot, a lot sells in each hour what it sells in all: its capacity is the
least of its hours, and of the reserve only the sum over the hours matters. Both may vary from hour to hour.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Book, Ints
from auctions.engine.checks import quote
from auctions.engine.errors import MAX_UNITS, BookNotSupported
from auctions.engine.halves import side_by_side
from auctions.engine.quotients import Quotients
from auctions.engine.runs import halves_of

UNITS_BITS = MAX_UNITS.bit_length()
"""Bits that hold any number of units."""


@dataclass(frozen=True, eq=False, slots=True)
class LotBids:
    """B bids on L lots; a step is `unit_step` units over all hours of the lot.

    lot : int64 (B,) row of lots
    bidder : int64 (B,) row of organizations
    steps : int32 (B,) largest number of steps the bid takes
    rate : int64 (B,) limit; rate × scale[lot] is ticks per step
    fits : bool (B,) whether its lot, if it has a step on offer, could give it to this bid
    lot_step_hours : int64 (L,) unit-hours in one step
    lot_scale : int64 (L,) lot_step_hours where every bid is priced, else 1
    lot_steps : int64 (L,) steps on offer
    lot_reserve : int64 (L,) ticks per step
    """

    lot: Ints
    bidder: Ints
    steps: NDArray[np.int32]
    rate: Ints
    fits: NDArray[np.bool_]
    lot_step_hours: Ints
    lot_scale: Ints
    lot_steps: Ints
    lot_reserve: Ints
    n_organizations: int

    @property
    def lot_reserve_rate(self) -> Ints:
        """Lowest rate that meets the reserve. int64 (L,)"""
        return -(-self.lot_reserve // self.lot_scale)

    def on_lots(self, lots: slice) -> LotBids:
        """The same bids, beside the columns of these lots alone."""
        columns = ("lot_step_hours", "lot_scale", "lot_steps", "lot_reserve")
        return replace(self, **{name: getattr(self, name)[lots] for name in columns})


def lot_bids(book: Book, threads: Executor | None = None) -> LotBids:
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
    bids = LotBids(
        lot=book.leg_lot,
        bidder=book.bid_bidder,
        steps=np.empty(book.n_bids, dtype=np.int32),
        rate=book.option_limit if all_priced else np.empty(book.n_bids, dtype=np.int64),
        fits=np.empty(book.n_bids, dtype=bool),
        lot_step_hours=step * hours,
        lot_scale=step * hours if all_priced else np.ones_like(step),
        lot_steps=lot_steps,
        lot_reserve=lot_reserve,
        n_organizations=len(book.organization_id),
    )
    hours_and_step = (hours << UNITS_BITS + 1) + step
    in_steps = Quotients(step, int(book.leg_units.max(initial=0)))

    def read(runs: list[slice]) -> None:
        for run in runs:
            lot = bids.lot[run]
            steps = in_steps.of(book.leg_units[run], lot)
            bids.steps[run] = steps
            fits = np.greater(steps, 0, out=bids.fits[run])
            if not all_priced or not _takes_all_hours_in_any_steps(book, run, hours_and_step):
                _read_run(book, bids, run, all_priced=all_priced)
            fits &= np.take(book.lot_seller, lot) != book.bid_bidder[run]

    side_by_side([partial(read, runs) for runs in halves_of(book.n_bids)], threads)
    return bids


def _takes_all_hours_in_any_steps(book: Book, run: slice, hours_and_step: Ints) -> bool:
    """Whether all bids of the run take all hours of their lot and would settle for one step: most runs, in one look.

    Each pair, (hours, unit_step) of the lot and (hours, min_units) of the bid, is packed into one number with a spare
    bit between. Their difference fits into the low bits exactly when the hours are equal and the step is at least
    the minimum: else it is negative, or reaches the spare bit.
    """
    asked = book.leg_hours[run] << UNITS_BITS + 1
    asked += book.leg_min_units[run]
    rest = np.take(hours_and_step, book.leg_lot[run])
    rest -= asked
    return int(rest.view(np.uint64).max(initial=0)) >> UNITS_BITS == 0


def _read_run(book: Book, bids: LotBids, run: slice, *, all_priced: bool) -> None:
    """Refuse the first bid of a run that cannot be taken, and fill in the columns that most runs have no need of."""
    lot = bids.lot[run]
    step, steps, fits = book.lot_unit_step[lot], bids.steps[run], bids.fits[run]
    part_time = book.leg_hours[run] != (book.lot_end - book.lot_start)[lot]
    if part_time.any():
        bid = run.start + int(np.argmax(part_time))
        raise _not_supported(book, bid, "options[0].legs[0].hours", "takes only part of the hours of its lot")
    least_units = book.leg_min_units[run]
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
