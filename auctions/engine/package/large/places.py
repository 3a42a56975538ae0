"""All ways to fill the bids of a large block, as flat tables that compiled code walks through.

A bid has *runs*, one for each lot it could go to: the stretch of the lot's hours that any of its places takes. A run
has *sizes*, numbers of units, and a size its *places*: from which hour to which, what it adds, which columns it is.
Hours are positions: the hours of the lots that can run short, lot after lot.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Ints
from auctions.engine.package.bounds import Bound
from auctions.engine.package.columns import MORE, SELECTOR
from auctions.engine.package.highs import Floats, Problem
from auctions.engine.package.large.compiled import NOTHING, Places
from auctions.engine.package.large.spans import NONE, Spans, has_several
from auctions.engine.package.program import Program

FAR = 0.15
"""Bids whose best column loses more of their ticks than this at the relaxation's prices have no places."""

LARGEST_TICKS = 40
"""Bits of the ticks that are told apart."""


def find_places(program: Program, problem: Problem, spans: Spans, bound: Bound) -> Places:
    """The places of every bid that has columns of one award alone, and one of them that loses little."""
    takes_part = _is_near(program, problem, bound) & ~has_several(program, problem, spans)
    selectors = np.flatnonzero((problem.upper > 0) & (program.kind == SELECTOR) & takes_part[program.bid])
    column, more = _with_more(program, problem, selectors)
    after = np.minimum(column + 1, program.n_columns - 1)
    shift = max(0, int(problem.cost.max(initial=0)).bit_length() - LARGEST_TICKS)
    ticks = problem.cost.astype(np.int64) >> shift
    offset = np.concatenate([[0], np.cumsum([len(each) for each in spans.capacity])]).astype(np.int64)
    lot, bid = spans.lot[column], program.bid[column]
    base = np.where(lot == NONE, 0, offset[lot])
    units = spans.units[column] + more * spans.units[after]
    order = np.lexsort((column, spans.first[column], units, lot, bid))
    column, more, after, lot, bid = (each[order] for each in (column, more, after, lot, bid))
    base, units = base[order], units[order]
    first, end = spans.first[column] + base, spans.end[column] + base
    new_bid = np.diff(bid, prepend=-1) != 0
    new_run = new_bid | (np.diff(lot, prepend=-2) != 0)
    new_size = new_run | (np.diff(units, prepend=-1) != 0)
    run, size = np.flatnonzero(new_run), np.flatnonzero(new_size)
    lot_of_run = lot[run]
    on_lot = np.flatnonzero(lot_of_run != NONE)
    on_lot = on_lot[np.argsort(lot_of_run[on_lot], kind="stable")]
    n_lots = len(spans.capacity)
    return Places(
        shift=shift,
        run_of_bid=np.append(np.searchsorted(run, np.flatnonzero(new_bid)), len(run)),
        size_of_run=np.append(np.searchsorted(size, run), len(size)),
        place_of_size=np.append(size, len(column)),
        bid_of_run=np.cumsum(new_bid)[run] - 1,
        lot_of_run=np.where(lot_of_run == NONE, NOTHING, lot_of_run),
        run_first=np.minimum.reduceat(first, run) if len(run) else first,
        run_end=np.maximum.reduceat(end, run) if len(run) else end,
        units_of_size=units[size],
        first=first,
        end=end,
        units=units,
        ticks=ticks[column] + more * ticks[after],
        column=column,
        more=more,
        lot_first=offset[:-1],
        lot_end=offset[1:],
        hour=np.concatenate([np.zeros(0, dtype=np.int64), *(spans.row_hour[rows] for rows in spans.rows)]),
        run_on_lot=np.searchsorted(lot_of_run[on_lot], np.arange(n_lots + 1)),
        runs_by_lot=on_lot,
    )


def _with_more(program: Program, problem: Problem, selectors: Ints) -> tuple[Ints, Ints]:
    """Each selector by itself, and with every number of the `more` that follows it."""
    has_more = selectors[np.append(program.kind, SELECTOR)[selectors + 1] == MORE]
    room = problem.upper[np.minimum(has_more + 1, program.n_columns - 1)]
    column = np.concatenate([selectors, np.repeat(has_more, room)])
    until = np.cumsum(room)
    counted = np.arange(int(room.sum())) - np.repeat(until - room, room) + 1
    return column, np.concatenate([np.zeros(len(selectors), dtype=np.int64), counted])


def _is_near(program: Program, problem: Problem, bound: Bound) -> NDArray[np.bool_]:
    """Bids of which some column loses little."""
    loss = np.maximum(-bound.reduced, 0).astype(np.float64)
    columns = (problem.upper > 0) & (program.kind == SELECTOR)
    columns &= loss <= np.ldexp(FAR * np.maximum(problem.cost, 1.0), bound.bits)
    is_near = np.zeros(int(program.bid.max()) + 1, dtype=bool)
    is_near[program.bid[columns]] = True
    return is_near


def only_several(program: Program, problem: Problem, spans: Spans, x: Ints) -> Ints:
    """`x` with nothing for bids that have columns of one award alone, so also for those too far off to have places."""
    return np.where(has_several(program, problem, spans)[program.bid], x, 0)


def free_units(program: Program, spans: Spans, x: Ints) -> Ints:
    """Units left at all positions with `x` chosen, in the lots' grain; parts of one are of no use."""
    left = (program.limit - program.matrix @ x) * spans.row_units
    by_lot = (left[rows] // grain for rows, grain in zip(spans.rows, spans.grain, strict=True))
    return np.concatenate([np.zeros(0, dtype=np.int64), *by_lot])


def unit_prices(places: Places, spans: Spans, price: Floats) -> Floats:
    """What as much as the lot's grain costs at all positions, in the places' ticks, from the rows' prices."""
    by_lot = (
        price[rows] / spans.row_units[rows] * grain
        for rows, grain in zip(spans.rows, spans.grain, strict=True)
    )
    return np.ldexp(np.concatenate([np.zeros(0), *by_lot]), -places.shift)


def spread(places: Places, chosen: Ints, fixed: Ints) -> Ints:
    """`fixed` and the places chosen, as columns."""
    x = fixed.copy()
    taken = chosen[chosen != NOTHING]
    x[places.column[taken]] = 1
    more = taken[places.more[taken] > 0]
    x[places.column[more] + 1] = places.more[more]
    return x


def fit(places: Places, chosen: Ints, free: Ints) -> Ints:
    """Of places that overstep what is free, those that fit: what offers most for a unit and hour comes first."""
    taken = chosen[chosen != NOTHING]
    size = np.maximum(1, places.units[taken] * (places.end[taken] - places.first[taken]))
    free = free.copy()
    fitting = np.full_like(chosen, NOTHING)
    bid = np.flatnonzero(chosen != NOTHING)
    for at in np.lexsort((bid, -(places.ticks[taken] / size))).tolist():
        place = int(taken[at])
        hours = slice(int(places.first[place]), int(places.end[place]))
        if (free[hours] >= places.units[place]).all():
            free[hours] -= places.units[place]
            fitting[bid[at]] = place
    return fitting


def best_ticks(places: Places) -> Ints:
    """Of each bid's places the most ticks. int64 (b,)"""
    best = np.zeros(places.n_bids, dtype=np.int64)
    np.maximum.at(best, places.bid_of_place(), places.ticks)
    return best


def all_ticks(places: Places, chosen: Ints) -> int:
    return int(places.ticks[chosen[chosen != NOTHING]].sum())
