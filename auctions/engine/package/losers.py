"""Why bids of packages lost, and the prices of the lot-hours they compete for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Book, Ints
from auctions.engine.clearing import REASONS
from auctions.engine.errors import MAX_EXACT
from auctions.engine.package.columns import Placements
from auctions.engine.package.outcome import Row
from auctions.engine.ranges import concatenate_ranges

OPTIONS_AT_ONCE = 4096
"""Whose lot-hours are written out together."""


def reasons(book: Book, met: Ints, bids: Ints) -> NDArray[np.int8]:
    """Positions in `REASONS` for losing bids; `met` are the bids an option of which meets the reserve.

    Those were outbid; one that would meet the reserve at a higher limit is below it; the rest cannot fit. A bid never
    loses to an option of its own: where one of its options wins, so does the bid.
    """
    meets_reserve = np.zeros(book.n_bids, dtype=bool)
    meets_reserve[met] = True
    generous = replace(
        book,
        option_limit=np.full(len(book.option_limit), MAX_EXACT),
        option_is_priced=np.zeros(len(book.option_limit), dtype=bool),
    )
    reason = np.empty(len(bids), dtype=np.int8)
    for row, bid in enumerate(bids.tolist()):
        if meets_reserve[bid]:
            reason[row] = REASONS.index("outbid")
            continue
        placements = Placements(generous)
        placements.write(bid)
        fits = bool(placements.columns.bid)
        reason[row] = REASONS.index("below_reserve" if fits else "cannot_fit")
    return reason


def unit_hour_prices(book: Book, met: Ints, rows: list[Row]) -> tuple[Ints, Ints, Ints]:
    """Average paid, marginal price (ticks per unit-hour) and units sold of every lot-hour. int64 (X,)

    An award's amount spreads evenly over its hours; the average is rounded down, 0 where nothing sold. The marginal
    price is the reserve where a unit step is left unsold. Where none is, it is the highest limit per unit-hour, rounded
    up, of the bids that met the reserve, name this lot and hour, and were refused all or part of what they asked for;
    or the reserve if that is higher.
    """
    sold = np.zeros(len(book.lot_capacity), dtype=np.int64)
    revenue: dict[int, list[tuple[int, int]]] = {}
    for _, leg, lot, start, units, _, amount in rows:
        first = int(book.lot_hour_offset[lot]) + start - int(book.lot_start[lot])
        hours = int(book.leg_hours[leg])
        sold[first : first + hours] += units
        for hour in range(first, first + hours):
            revenue.setdefault(hour, []).append((amount, hours))
    paid = np.zeros_like(sold)
    for hour, parts in revenue.items():
        denominator = int(np.lcm.reduce([hours for _, hours in parts]))
        total = sum(amount * (denominator // hours) for amount, hours in parts)
        paid[hour] = total // (denominator * int(sold[hour]))
    return paid, _marginal(book, met, rows, sold), sold


def _marginal(book: Book, met: Ints, rows: list[Row], sold: Ints) -> Ints:
    marginal = book.lot_reserve.copy()
    step = np.repeat(book.lot_unit_step, np.diff(book.lot_hour_offset))
    is_full = book.lot_capacity - sold < step
    won: dict[int, int] = {}
    for bid, leg, _, _, units, _, _ in rows:
        won[bid] = won.get(bid, 0) + units * int(book.leg_hours[leg])
    asked = _unit_hours_asked(book)
    refused: list[tuple[int, int]] = []
    for bid in met.tolist():
        for option in range(book.option_offset[bid], book.option_offset[bid + 1]):
            if won.get(bid, 0) < asked[option] and (bid not in won or _is_alone(book, bid)):
                limit = int(book.option_limit[option])
                if not book.option_is_priced[option]:
                    limit = -(-limit // int(asked[option]))
                refused.append((option, limit))
    for first in range(0, len(refused), OPTIONS_AT_ONCE):
        options, limits = np.array(refused[first : first + OPTIONS_AT_ONCE], dtype=np.int64).T
        _raise_to(book, marginal, is_full, options, limits)
    return marginal


def _is_alone(book: Book, bid: int) -> bool:
    """Whether the bid has one option of one leg, so that winning part of it means that the rest was refused."""
    option = book.option_offset[bid]
    return bool(
        book.option_offset[bid + 1] - option == 1
        and book.leg_offset[option + 1] - book.leg_offset[option] == 1
    )


def _unit_hours_asked(book: Book) -> Ints:
    return np.add.reduceat(book.leg_units * book.leg_hours, book.leg_offset[:-1])


def _raise_to(book: Book, marginal: Ints, is_full: NDArray[np.bool_], options: Ints, limits: Ints) -> None:
    """Raise the marginal prices of the full lot-hours that the options name to their limits."""
    n_legs = np.diff(book.leg_offset)[options]
    legs = concatenate_ranges(book.leg_offset[options], n_legs)
    n_lots = np.diff(book.leg_lot_offset)[legs]
    leg = np.repeat(legs, n_lots)
    lot = book.leg_lot[concatenate_ranges(book.leg_lot_offset[legs], n_lots)]
    first = np.maximum(book.leg_earliest[leg], book.lot_start[lot])
    length = np.maximum(np.minimum(book.leg_latest[leg], book.lot_end[lot]) - first, 0)
    hours = concatenate_ranges(book.lot_hour_offset[lot] + first - book.lot_start[lot], length)
    limit = np.repeat(np.repeat(np.repeat(limits, n_legs), n_lots), length)
    np.maximum.at(marginal, hours[is_full[hours]], limit[is_full[hours]])
