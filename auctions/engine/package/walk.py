r"""Choices along a line: bids that take lots whole, hours in a row, each of them once.

Where every way to fill a bid takes all there is of rows that follow on each other, and at most one way of each bid is
chosen, a choice is a path over the points between the rows: from point `s` to `s + 1` with nothing, or to `e` with a
column that takes the rows `s .. e - 1`. That no bid is used twice is what makes it hard. With prices
:math:`\lambda_b \ge 0`, paid at each use and given back once to all,

.. math:: \max \sum_j (c_j - \lambda_{b(j)}) x_j + \sum_b \lambda_b

over all paths is no less than the best choice. Then some bids are *tracked*: a state is a point and the tracked bids
used before it; no path uses those twice, and for those it does not use nothing is given back. Each pass tracks a few
more bids, those with which the best path goes wrong, and keeps only states and columns through which a path reaches the
goal: what a pass proves of the way on from a state bounds it in the next (Ibaraki 1987; Tanaka, Fujikuma & Araki 2009).
A bid that can be used no more is forgotten. All in whole numbers, so what is left out is proven to be.

Where an organization's bids :math:`B` are charged together, :math:`\pi` if any of them is used, prices are paid back to
it instead: :math:`\sum_{B} \lambda_b - \pi`, less the prices of those not used, if any is used; else nothing. Relaxed,
that is at most :math:`\max(0, \sum_B \lambda_b - \pi)`. A bid by itself is the case :math:`\pi = 0`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Ints
from auctions.engine.package.highs import Floats
from auctions.engine.package.line import Line
from auctions.engine.package.passes import (
    MASK_BITS,
    SUM_BITS,
    Correction,
    Passed,
    Proven,
    Steps,
    best_by_mask,
    by_point,
    paid_back_less,
)
from auctions.engine.package.work import Work

FINE_BITS = 8
"""Prices are rounded to multiples of 2**-FINE_BITS tick, or coarser ones where sums would not fit."""

TRACKED_AT_A_TIME = 3

MAX_STEPS = 2_000_000
"""Looked at in one pass: more would take too much memory."""

UNITS_PER_STEP = 20
UNITS_PER_POINT = 5_000
"""Of work: for each step from a state to another, and for each point in a pass."""


@dataclass(frozen=True, eq=False, slots=True)
class Walked:
    """met : choices (columns) worth the goal, each worth more than the one before

    is_proven : nothing is worth more than the last of `met`; or where there is none, the goal
    """

    met: list[Ints]
    is_proven: bool


def walk(line: Line, ticks: Ints, usable: NDArray[np.bool_], price: Floats, goal: int, work: Work) -> Walked:
    """Look for the choice worth most among those worth `goal` ticks or more.

    `price` is what the relaxation charges for each bid; any prices prove, good ones soon.
    """
    started = _start(line, ticks, usable, price, work)
    return Walked([], False) if started is None else started.improve(goal)


def ways(
    line: Line, ticks: Ints, usable: NDArray[np.bool_], price: Floats, value: int, work: Work
) -> NDArray[np.bool_]:
    """Columns that a choice worth `value`, the most there is, may hold. bool (n,)"""
    started = _start(line, ticks, usable, price, work)
    return usable if started is None else started.narrow(value)


@dataclass(frozen=True, eq=False, slots=True)
class _Arcs:
    """Columns that a path may take, by first point. gain : of 2**-bits tick, once the bid's price is paid"""

    column: Ints
    first: Ints
    end: Ints
    bid: Ints
    ticks: Ints
    gain: Ints

    def select(self, keep: NDArray[np.bool_]) -> _Arcs:
        parts = (self.column, self.first, self.end, self.bid, self.ticks, self.gain)
        return _Arcs(*(part[keep] for part in parts))


def _start(line: Line, ticks: Ints, usable: NDArray[np.bool_], price: Floats, work: Work) -> _Walk | None:
    """None where sums along a path would not fit."""
    column = np.flatnonzero(usable & (line.bid >= 0))
    column = column[np.argsort(line.first[column], kind="stable")]
    charge = np.where(line.charge >= 0, -ticks[line.charge], 0)
    largest = int(max(np.abs(ticks).max(initial=0), np.ceil(price.max(initial=0.0)))) + 1
    bits = min(FINE_BITS, SUM_BITS - (largest * (line.n_points + 2 * len(price))).bit_length())
    if bits < 0:
        return None
    fine = np.rint(np.ldexp(np.maximum(price, 0.0), bits)).astype(np.int64)
    bid = line.bid[column]
    gain = (ticks[column] << bits) - fine[bid]
    arcs = _Arcs(column, line.first[column], line.end[column], bid, ticks[column], gain)
    return _Walk(line, arcs, fine, charge << bits, bits, work)


class _TooMany(Exception):
    """More states than may be looked at, or no work left."""


@dataclass(eq=False, slots=True)
class _Walk:
    """price, charge : of each bid and each group of them, in units of 2**-bits tick; tracked : bids

    close : int64 (n_bids,) the first point from which no arcs of a bid's group start
    is_open : bool (n_bids,) bids that have arcs at first
    """

    line: Line
    arcs: _Arcs
    price: Ints
    charge: Ints
    bits: int
    work: Work
    tracked: list[int] = field(default_factory=list)
    close: Ints = field(init=False)
    is_open: NDArray[np.bool_] = field(init=False)
    proven: Proven | None = None

    def __post_init__(self) -> None:
        close = np.zeros(len(self.line.charge), dtype=np.int64)
        np.maximum.at(close, self.line.group[self.arcs.bid], self.arcs.first + 1)
        self.close = close[self.line.group]
        self.is_open = np.bincount(self.arcs.bid, minlength=len(self.price)) > 0
        self._forgive()

    def improve(self, goal: int) -> Walked:
        met: list[Ints] = []
        while True:
            passed = self._try_pass(goal)
            if passed is None:
                return Walked(met, False)
            if not passed.reaches(self._least(goal)):
                return Walked(met, True)
            path = passed.best_path()
            chosen = self._once(path)
            charged = self._charged(chosen)
            worth = int(self.arcs.ticks[chosen].sum()) - int(self.charge[charged].sum() >> self.bits)
            if worth >= goal:
                met.append(np.sort(np.append(self.arcs.column[chosen], self.line.charge[charged])))
                goal = worth + 1
                if not passed.reaches(self._least(goal)):
                    return Walked(met, True)
            wrong = self._wrong(path)
            self._keep(passed, goal)
            if not wrong or len(self.tracked) + len(wrong) > MASK_BITS:
                return Walked(met, False)
            self.tracked += wrong

    def narrow(self, value: int) -> NDArray[np.bool_]:
        while True:
            passed = self._try_pass(value)
            if passed is None:
                break
            wrong = self._wrong(passed.best_path()) or self._repeated()
            self._keep(passed, value)
            if not wrong or len(self.tracked) + len(wrong) > MASK_BITS:
                break
            self.tracked += wrong
        return self._may()

    def _may(self) -> NDArray[np.bool_]:
        may = self.line.bid < 0
        may[self.arcs.column] = True
        return may

    def _least(self, goal: int) -> int:
        """What a path must gain to reach the goal: what is paid back to all is left out."""
        return (goal << self.bits) - int(self._back().sum())

    def _paid_less_charge(self) -> Ints:
        """What each group pays if all of its bids are used, less what it is charged."""
        paid = np.zeros(len(self.charge), dtype=np.int64)
        np.add.at(paid, self.line.group, self.price)
        return paid - self.charge

    def _back(self) -> Ints:
        """What is paid back at most to each group."""
        return np.maximum(self._paid_less_charge(), 0)

    def _charged(self, path: Ints) -> Ints:
        """Groups that are charged for a path."""
        groups = np.unique(self.line.group[self.arcs.bid[path]])
        return groups[self.line.charge[groups] >= 0]

    def _once(self, path: Ints) -> Ints:
        """The arcs of a path, of each bid only the one worth most."""
        order = np.lexsort((path, -self.arcs.ticks[path], self.arcs.bid[path]))
        first = np.unique(self.arcs.bid[path[order]], return_index=True)[1]
        chosen = path[order][first]
        return chosen[self.arcs.ticks[chosen] > 0]

    def _wrong(self, path: Ints) -> list[int]:
        """Bids not tracked that the path uses most often, or where it uses none twice, is paid back too much for."""
        group = self.line.group
        n_uses = np.bincount(self.arcs.bid[path], minlength=len(self.price))
        is_wrong = n_uses > 1
        if not is_wrong.any():
            is_used = np.bincount(group[self.arcs.bid[path]], minlength=len(self.charge)) > 0
            is_wrong = np.where(is_used, np.bincount(group) > 1, self._back() > 0)[group]
            is_wrong[self.tracked] = False
        wrong = np.flatnonzero(is_wrong & self.is_open)
        order = np.lexsort((wrong, -self.price[wrong], -n_uses[wrong]))
        return wrong[order][:TRACKED_AT_A_TIME].tolist()

    def _repeated(self) -> list[int]:
        """Bids not tracked of which several arcs are left, so that a path could use them twice."""
        n_arcs = np.bincount(self.arcs.bid, minlength=len(self.line.row))
        several = np.setdiff1d(np.flatnonzero(n_arcs > 1), self.tracked)
        return several[np.lexsort((several, -n_arcs[several]))][:TRACKED_AT_A_TIME].tolist()

    def _keep(self, passed: Passed, goal: int) -> None:
        least = self._least(goal)
        self.proven = passed.proven(least, (1 << len(self.tracked)) - 1)
        self.arcs = self.arcs.select(passed.used(least, len(self.arcs.column)))
        self._forgive()

    def _forgive(self) -> None:
        """Charge no price for bids of which no arcs are left, in groups of which none is tracked."""
        is_kept = np.zeros(len(self.price), dtype=bool)
        is_kept[self.arcs.bid] = True
        is_kept |= np.isin(self.line.group, self.line.group[self.tracked])
        self.price = np.where(is_kept, self.price, 0)

    def _try_pass(self, goal: int) -> Passed | None:
        try:
            return self._pass(self._least(goal))
        except _TooMany:
            return None

    def _pass(self, least: int) -> Passed:
        """Reach every state from the first point, then tell what is gained from each to the end."""
        arcs, n_points = self.arcs, self.line.n_points
        bit = np.zeros(len(self.line.row), dtype=np.int64)
        bit[self.tracked] = np.left_shift(1, np.arange(len(self.tracked)))
        closed = np.zeros(n_points, dtype=np.int64)
        for bid in self.tracked:
            closed[self.close[bid] :] |= bit[bid]
        begin = np.searchsorted(arcs.first, np.arange(n_points + 1))
        keys, gains, steps = [], [], []
        arriving: list[list[tuple[Ints, Ints]]] = [[] for _ in range(n_points)]
        none = np.zeros(1, dtype=np.int64)
        corrections = self._corrections(bit)
        arriving[0].append((none, none))
        n_states = n_steps = 0
        for point in range(n_points):
            mask, gain = best_by_mask(arriving[point])
            arriving[point] = []
            keys.append(mask | point << MASK_BITS)
            gains.append(gain)
            if point < n_points - 1 and len(mask):
                mine = np.arange(begin[point], begin[point + 1])
                arc = np.append(mine, -1)
                end = np.append(arcs.end[mine], point + 1)
                bits = np.append(bit[arcs.bid[mine]], 0)
                n_steps += len(mask) * len(bits)
                self.work.spend_units(UNITS_PER_POINT + UNITS_PER_STEP * len(mask) * len(bits))
                if n_steps > MAX_STEPS or self.work.is_spent:
                    raise _TooMany
                state, way = np.nonzero((mask[:, None] & bits) == 0)
                then = mask[state] | bits[way]
                to = end[way]
                more = np.append(arcs.gain[mine], 0)[way]
                more += paid_back_less(corrections, then, closed[to] & ~closed[point])
                target = (then & ~closed[to]) | to << MASK_BITS
                if self.proven is not None:
                    ahead, goes_on = self.proven.bound(target)
                    good = goes_on & (gain[state] + more + ahead >= least)
                    state, way, target, more = state[good], way[good], target[good], more[good]
                steps.append(Steps(n_states + state, arc[way], target, more))
                for to_point, part in by_point(target >> MASK_BITS):
                    masks = target[part] & ((1 << MASK_BITS) - 1)
                    arriving[to_point].append((masks, gain[state[part]] + more[part]))
            n_states += len(mask)
        return Passed.of(np.concatenate(keys), np.concatenate(gains), steps, n_points - 1)

    def _corrections(self, bit: Ints) -> list[Correction]:
        corrections = []
        least = np.minimum(self._paid_less_charge(), 0).tolist()
        back = self._back().tolist()
        for group in np.unique(self.line.group[self.tracked]).tolist():
            bids = [bid for bid in self.tracked if self.line.group[bid] == group]
            n_open = int((self.is_open & (self.line.group == group)).sum())
            bits = [(int(bit[bid]), int(self.price[bid])) for bid in bids]
            corrections.append(Correction(bits, least[group], -back[group], len(bids) == n_open))
        return corrections
