"""Which books the vectorised path takes, and the columns it works on.

It takes a bid that has one option of one leg on one lot, asks for all the hours of that lot, and is divisible down to
one unit step: any positive number of steps up to its size will do, each worth the same whole number of ticks. A bid
that could get no award whatever its limit (smaller than a step, its least larger than the lot, on the bidder's own
lot) is taken too: it loses as `cannot_fit`.

Since every award then uses all hours of its lot, a lot sells in each hour what it sells in all: its capacity is the
least of its hours, and of the reserve only the sum over the hours matters. Both may vary from hour to hour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Book, Ints
from auctions.engine.checks import quote
from auctions.engine.errors import BookNotSupported


@dataclass(frozen=True, eq=False, slots=True)
class LotBids:
    """B bids on L lots; a step is `unit_step` units over all hours of the lot.

    lot : int64 (B,) row of lots
    bidder : int64 (B,) row of organizations
    steps : int64 (B,) largest number of steps the bid takes
    rate : int64 (B,) limit; rate × scale[lot] is ticks per step
    fits : bool (B,) whether any limit could win
    lot_step_hours : int64 (L,) unit-hours in one step
    lot_scale : int64 (L,) lot_step_hours where every bid is priced, else 1
    lot_steps : int64 (L,) steps on offer
    lot_reserve : int64 (L,) ticks per step
    """

    lot: Ints
    bidder: Ints
    steps: Ints
    rate: Ints
    fits: NDArray[np.bool_]
    lot_step_hours: Ints
    lot_scale: Ints
    lot_steps: Ints
    lot_reserve: Ints

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
    lot = book.leg_lot
    _refuse_first(book, book.leg_hours != hours[lot], "hours", "takes only part of the hours of its lot")
    steps, fits = _steps(book, lot, lot_steps)
    all_priced = bool(book.option_is_priced.all())
    return LotBids(
        lot=lot,
        bidder=book.bid_bidder,
        steps=steps,
        rate=book.option_limit if all_priced else _ticks_per_step(book, fits),
        fits=fits & (book.lot_seller[lot] != book.bid_bidder),
        lot_step_hours=step * hours,
        lot_scale=step * hours if all_priced else np.ones_like(step),
        lot_steps=lot_steps,
        lot_reserve=lot_reserve,
    )


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


def _steps(book: Book, lot: Ints, lot_steps: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Most steps each bid takes, and whether its lot could give it any award."""
    step = book.lot_unit_step[lot]
    steps = book.leg_units if (book.lot_unit_step == 1).all() else book.leg_units // step
    fits = (lot_steps > 0)[lot] & (steps > 0)
    whole = np.flatnonzero(book.leg_min_units > step)
    if len(whole):
        least = -(-book.leg_min_units[whole] // step[whole])
        fits[whole] = can_fit = (least <= steps[whole]) & (least <= lot_steps[lot[whole]])
        if can_fit.any():
            bid = int(whole[np.argmax(can_fit)])
            raise _not_supported(
                book, bid, "options[0].legs[0].min_units", "not divisible down to one unit step"
            )
    return steps, fits


def _ticks_per_step(book: Book, fits: NDArray[np.bool_]) -> Ints:
    """Value of one step to each bid that fits, 0 to the others. Divides before it multiplies, to stay in int64."""
    bid = np.flatnonzero(fits)
    lot, limit, units = book.leg_lot[bid], book.option_limit[bid], book.leg_units[bid]
    step, hours = book.lot_unit_step[lot], (book.lot_end - book.lot_start)[lot]
    whole, rest = np.divmod(limit, units)
    shared, odd = np.divmod(rest * step, units)
    by_value = ~book.option_is_priced[bid]
    inexact = by_value & (odd > 0)
    if inexact.any():
        row = int(bid[np.argmax(inexact)])
        raise _not_supported(book, row, "options[0].value", "not a whole number of ticks per unit step")
    rate = np.zeros(book.n_bids, dtype=np.int64)
    rate[bid] = np.where(by_value, whole * step + shared, limit * step * hours)
    return rate


def _refuse_first(book: Book, wrong: NDArray[np.bool_], field: str, reason: str) -> None:
    if wrong.any():
        raise _not_supported(book, int(np.argmax(wrong)), f"options[0].legs[0].{field}", reason)


def _not_supported(book: Book, bid: int, field: str, reason: str) -> BookNotSupported:
    identifier = book.bid_id[bid]
    name = quote(identifier if isinstance(identifier, str) else int(identifier))
    return BookNotSupported(
        f"bids[{name}].{field}", f"{reason}; this version clears divisible single-lot bids only"
    )
