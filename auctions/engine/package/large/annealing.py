r"""A good choice from nothing: every bid is placed anew again and again, while the lots' capacities harden.

Capacities may be overstepped at a charge for each unit and hour: at first half of what bids offer for one, in the end
many times that. A *sweep* takes all bids in an order of chance. What a bid could add, the others where they now stand,
is worked out for all its places at once, and one is drawn: the likelier the more it adds, by :math:`e^{ticks / T}`, and
so more greedily as :math:`T` falls. Several choices are kept side by side, and of these the best replace the worst
every few sweeps. What oversteps in the end is left out, the bids that offer least for a unit and hour first.

Ticks, charges and chance are whole numbers, so no machine's way of adding decides anything. A draw by
:math:`e^{ticks / T}` is the largest of ticks + T g, with `g` from a table of the Gumbel distribution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Ints
from auctions.engine.package.bounds import Bound
from auctions.engine.package.columns import MORE, PLACE, SELECTOR
from auctions.engine.package.highs import Problem
from auctions.engine.package.large.spans import NONE, Spans
from auctions.engine.package.program import Program

SIDE_BY_SIDE = 32
REPLACED = 6
SWEEPS_BETWEEN = 50
"""So many of the choices are replaced by copies of the best ones, after so many sweeps."""

HOT, COLD = 0.02, 0.006
"""T at the beginning and at the end, of the mean ticks of all bids' best places."""
SOFT, HARD = 0.5, 80.0
"""The charge for a unit and hour too much, of what the bids that could go to the lot offer for one on average."""
FAR = 0.15
"""Bids whose best column loses more of its ticks than this at the relaxation's prices get nothing here."""

MAX_SWEEPS = 1000
FEWEST_SWEEPS = 50
MAX_WORK = 160_000_000
"""Work is places and hours looked at, and as much as PER_BID of them for every bid; it limits the sweeps."""
PER_BID = 400

NOISE_BITS = 8
NOISE = 1 << 20
LARGEST_TICKS = 40
"""Bits of the ticks that are told apart."""


@dataclass(frozen=True, eq=False, slots=True)
class Places:
    """All ways to fill one bid, by units; the one after the last is to fill nothing. Hours count the bid's own.

    hours : int64 (h,) positions of the hours that any of them takes, the lots' positions one after the other
    first, end : int64 (n + 1,) the hours a place takes
    units, ticks : int64 (n + 1,)
    column, more : int64 (n,) the selector and how much of the column after it
    sizes : units, and the places of so many
    """

    hours: Ints
    first: Ints
    end: Ints
    units: Ints
    ticks: Ints
    column: Ints
    more: Ints
    sizes: tuple[tuple[int, slice], ...]


def anneal(
    program: Program, problem: Problem, spans: Spans, bound: Bound, x: Ints, *, effort: float = 1.0
) -> Ints:
    """A feasible choice; bids that have columns of several awards keep what `x`, which must fit, gives them."""
    if not spans.rows:
        return x
    offset = np.concatenate([[0], np.cumsum([len(each) for each in spans.capacity])])
    bids = _places(program, problem, spans, offset)
    if not bids:
        return x
    annealed = np.zeros(int(program.bid.max()) + 1, dtype=bool)
    annealed[[int(program.bid[each.column[0]]) for each in bids]] = True
    fixed = np.where(annealed[program.bid], 0, x)
    is_near = _near(program, problem, bound)
    bids = [each for each in bids if is_near[program.bid[each.column[0]]]]
    free = _free(program, spans, fixed)
    choices = _Annealing(bids, free, _charges(spans, bids, offset))
    size = sum(len(each.hours) * (len(each.sizes) + 2) + len(each.units) + PER_BID for each in bids)
    choices.run(max(FEWEST_SWEEPS, min(MAX_SWEEPS, int(MAX_WORK * effort) // max(size, 1))))
    best, most = x, int(problem.cost.astype(np.int64) @ x)
    for at in range(SIDE_BY_SIDE):
        other = choices.fit(at, fixed)
        ticks = int(problem.cost.astype(np.int64) @ other)
        if ticks > most and program.is_feasible(other):
            best, most = other, ticks
    return best


class _Annealing:
    """Choices under way, side by side."""

    def __init__(self, bids: list[Places], free: Ints, charge: Ints) -> None:
        self.bids = bids
        self.start = free
        self.charge = charge
        self.free = np.repeat(free[:, None], SIDE_BY_SIDE, axis=1)
        self.chosen = [np.full(SIDE_BY_SIDE, len(each.column)) for each in bids]
        self.noise = _noise()

    def run(self, n_sweeps: int) -> None:
        random = Random(0)
        mean = sum(int(each.ticks.max()) for each in self.bids) / max(len(self.bids), 1)
        order = list(range(len(self.bids)))
        for sweep in range(n_sweeps):
            part = sweep / max(n_sweeps - 1, 1)
            heat = max(1, round(mean * HOT * (COLD / HOT) ** part))
            hardness = round(256 * SOFT * (HARD / SOFT) ** part)
            charge = self.charge * hardness >> 8
            random.shuffle(order)
            for at in order:
                self._draw(at, heat, charge, random)
            if sweep % SWEEPS_BETWEEN == SWEEPS_BETWEEN - 1:
                self._replace_worst(charge)

    def _draw(self, at: int, heat: int, charge: Ints, random: Random) -> None:
        bid = self.bids[at]
        chosen = self.chosen[at]
        hour = np.arange(len(bid.hours))[:, None]
        free = self.free[bid.hours]
        free += ((hour >= bid.first[chosen]) & (hour < bid.end[chosen])) * bid.units[chosen]
        n = len(bid.units)
        begin = random.randrange(NOISE - n * SIDE_BY_SIDE)
        worth = self.noise[begin : begin + n * SIDE_BY_SIDE].reshape(n, SIDE_BY_SIDE) * heat
        worth >>= NOISE_BITS
        worth += bid.ticks[:, None]
        until = np.zeros((len(bid.hours) + 1, SIDE_BY_SIDE), dtype=np.int64)
        for units, places in bid.sizes:
            too_much = np.clip(units - free, 0, units)
            too_much *= charge[bid.hours][:, None]
            np.cumsum(too_much, axis=0, out=until[1:])
            worth[places] -= until[bid.end[places]]
            worth[places] += until[bid.first[places]]
        chosen = worth.argmax(axis=0)
        free -= ((hour >= bid.first[chosen]) & (hour < bid.end[chosen])) * bid.units[chosen]
        self.free[bid.hours] = free
        self.chosen[at] = chosen

    def _replace_worst(self, charge: Ints) -> None:
        worth = -(np.maximum(-self.free, 0) * charge[:, None]).sum(axis=0)
        for bid, chosen in zip(self.bids, self.chosen, strict=True):
            worth += bid.ticks[chosen]
        order = np.argsort(-worth, kind="stable")
        best, worst = order[:REPLACED], order[-REPLACED:]
        self.free[:, worst] = self.free[:, best]
        for chosen in self.chosen:
            chosen[worst] = chosen[best]

    def fit(self, at: int, fixed: Ints) -> Ints:
        """One of the choices, without what does not fit: those that offer most for a unit and hour come first."""
        taken = [
            (bid, int(chosen[at]))
            for bid, chosen in zip(self.bids, self.chosen, strict=True)
            if chosen[at] < len(bid.column)
        ]
        taken.sort(key=lambda pair: -_rate(*pair))
        x, free = fixed.copy(), self.start.copy()
        for bid, place in taken:
            hours = bid.hours[bid.first[place] : bid.end[place]]
            if (free[hours] >= bid.units[place]).all():
                free[hours] -= bid.units[place]
                column = bid.column[place]
                x[column] = 1
                if bid.more[place]:
                    x[column + 1] = bid.more[place]
        return x


def _rate(bid: Places, place: int) -> float:
    return float(bid.ticks[place] / max(1, bid.units[place] * (bid.end[place] - bid.first[place])))


def _near(program: Program, problem: Problem, bound: Bound) -> NDArray[np.bool_]:
    """Bids of which some column loses little."""
    loss = np.maximum(-bound.reduced, 0).astype(np.float64)
    columns = (problem.upper > 0) & (program.kind == SELECTOR)
    columns &= loss <= np.ldexp(FAR * np.maximum(problem.cost, 1.0), bound.bits)
    is_near = np.zeros(int(program.bid.max()) + 1, dtype=bool)
    is_near[program.bid[columns]] = True
    return is_near


def _places(program: Program, problem: Problem, spans: Spans, offset: Ints) -> list[Places]:
    """The places of every bid that has columns of one award alone."""
    n_bids = int(program.bid.max()) + 1
    is_open = (problem.upper > 0) & (program.kind == SELECTOR)
    others = np.zeros(n_bids, dtype=bool)
    others[program.bid[(problem.upper > 0) & ((spans.units == 0) | (program.kind == PLACE))]] = True
    selectors = np.flatnonzero(is_open & ~others[program.bid])
    if not len(selectors):
        return []
    selectors = selectors[np.argsort(program.bid[selectors], kind="stable")]
    shift = max(0, int(problem.cost.max()).bit_length() - LARGEST_TICKS)
    ticks = problem.cost.astype(np.int64) >> shift
    cuts = np.flatnonzero(np.diff(program.bid[selectors])) + 1
    return [_places_of(program, problem, spans, ticks, offset, own) for own in np.split(selectors, cuts)]


def _places_of(
    program: Program, problem: Problem, spans: Spans, ticks: Ints, offset: Ints, own: Ints
) -> Places:
    column, more = [own], [np.zeros(len(own), dtype=np.int64)]
    with_more = own[(np.append(program.kind, SELECTOR)[own + 1] == MORE)]
    room = problem.upper[with_more + 1] if len(with_more) else with_more
    for n in range(1, int(room.max(initial=0)) + 1):
        column.append(with_more[room >= n])
        more.append(np.full(len(column[-1]), n))
    columns, steps = np.concatenate(column), np.concatenate(more)
    after = np.minimum(columns + 1, program.n_columns - 1)
    units = spans.units[columns] + steps * spans.units[after]
    order = np.lexsort((columns, units))
    columns, steps, after, units = columns[order], steps[order], after[order], units[order]
    lot = spans.lot[columns]
    first, end = spans.first[columns] + offset[lot], spans.end[columns] + offset[lot]
    is_free = lot == NONE  # takes only hours that cannot run short
    taken = np.zeros(int(offset[-1]) + 1, dtype=np.int64)
    np.add.at(taken, first[~is_free], 1)
    np.add.at(taken, end[~is_free], -1)
    hours = np.flatnonzero(np.cumsum(taken))
    size, begin = np.unique(units, return_index=True)
    return Places(
        hours=hours,
        first=np.append(np.where(is_free, 0, np.searchsorted(hours, first)), 0),
        end=np.append(np.where(is_free, 0, np.searchsorted(hours, end - 1) + 1), 0),
        units=np.append(units, 0),
        ticks=np.append(ticks[columns] + steps * ticks[after], 0),
        column=columns,
        more=steps,
        sizes=tuple(
            (n, slice(low, high))
            for n, low, high in zip(
                size.tolist(), begin.tolist(), [*begin[1:].tolist(), len(units)], strict=True
            )
        ),
    )


def _free(program: Program, spans: Spans, fixed: Ints) -> Ints:
    """Units left at all positions of all lots, in the lot's grain, with some columns fixed."""
    matrix = program.matrix
    column = np.repeat(np.arange(program.n_columns), np.diff(matrix.indptr))
    alone = spans.lot[column] != NONE
    grain = np.ones(len(program.limit), dtype=np.int64)
    grain[matrix.indices[alone]] = spans.units[column[alone]] // matrix.data[alone]
    used = matrix @ fixed * grain
    return np.concatenate(
        [capacity - used[rows] for capacity, rows in zip(spans.capacity, spans.rows, strict=True)]
    )


def _charges(spans: Spans, bids: list[Places], offset: Ints) -> Ints:
    """For a unit too much at every position: the mean ticks per unit and hour of the bids that could go to the lot."""
    total = np.zeros(len(spans.capacity))
    area = np.zeros(len(spans.capacity))
    for bid in bids:
        hours = bid.end - bid.first
        places = np.flatnonzero(hours)
        if len(places):
            lot = np.searchsorted(offset, bid.hours[bid.first[places]], side="right") - 1
            np.add.at(total, lot, bid.ticks[places] / len(lot))
            np.add.at(area, lot, bid.units[places] * hours[places] / len(lot))
    charge = np.maximum(np.rint(total / np.maximum(area, 1e-9)), 1).astype(np.int64)
    return np.repeat(charge, [len(each) for each in spans.capacity])


def _noise() -> Ints:
    """Draws from the Gumbel distribution, in parts of 2**-NOISE_BITS."""
    table = [round(-math.log(-math.log((at + 0.5) / 4096)) * (1 << NOISE_BITS)) for at in range(4096)]
    return np.array(table, dtype=np.int64)[np.random.PCG64(0).random_raw(NOISE) >> np.uint64(52)]
