"""What one pass along a line has found out: its states, and what a path gains before and after each.

A state's number, its *key*, is its point above the bits of the tracked bids that were used before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Ints

MASK_BITS = 40
"""Bids tracked at most."""

SUM_BITS = 60
"""Sums along a path stay below 2**SUM_BITS."""

NOWHERE = -(1 << SUM_BITS + 1)


@dataclass(frozen=True, eq=False, slots=True)
class Steps:
    """From the states of one point, by state: arc -1 is the step to the next point. All int64 (k,)

    source : number of the state; target : key of the state it leads to; gain : prices given back included
    """

    source: Ints
    arc: Ints
    target: Ints
    gain: Ints


@dataclass(frozen=True, eq=False, slots=True)
class Proven:
    """By state, ascending by key: what a path gains from there at most. mask : of the bids tracked by then"""

    key: Ints
    ahead: Ints
    mask: int

    def bound(self, key: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """What is gained from other states, of which more bids are tracked; and whether anything is."""
        key = key & (self.mask | -(1 << MASK_BITS))
        at = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return self.ahead[at], self.key[at] == key


@dataclass(frozen=True, eq=False, slots=True)
class Passed:
    """States ascending by key: what the best path has gained at each, and gains from there. steps : by point"""

    key: Ints
    gained: Ints
    ahead: Ints
    steps: list[Steps]
    targets: list[Ints]

    @classmethod
    def of(cls, key: Ints, gained: Ints, steps: list[Steps], last_point: int) -> Passed:
        ahead = np.where(key >> MASK_BITS == last_point, 0, NOWHERE)
        targets = []
        for each in reversed(steps):
            target = np.searchsorted(key, each.target)
            targets.append(target)
            np.maximum.at(ahead, each.source, np.maximum(each.gain + ahead[target], NOWHERE))
        return cls(key, gained, ahead, steps, targets[::-1])

    def reaches(self, least: int) -> bool:
        return bool(len(self.key)) and int(self.gained[0] + self.ahead[0]) >= least

    def proven(self, least: int, mask: int) -> Proven:
        keep = self.gained + self.ahead >= least
        return Proven(self.key[keep], self.ahead[keep], mask)

    def used(self, least: int, n_arcs: int) -> NDArray[np.bool_]:
        """Arcs by which a path reaches the goal."""
        used = np.zeros(n_arcs, dtype=bool)
        for each, target in zip(self.steps, self.targets, strict=True):
            good = (self.gained[each.source] + each.gain + self.ahead[target] >= least) & (each.arc >= 0)
            used[each.arc[good]] = True
        return used

    def best_path(self) -> Ints:
        """The arcs of the path that gains most, the first of equal ones."""
        path, state = [], 0
        for each, target in zip(self.steps, self.targets, strict=True):
            begin, end = np.searchsorted(each.source, [state, state + 1])
            if begin == end:
                continue
            best = begin + int(np.argmax(each.gain[begin:end] + self.ahead[target[begin:end]]))
            if each.arc[best] >= 0:
                path.append(int(each.arc[best]))
            state = int(target[best])
        return np.array(path, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Correction:
    """What a group that can be used no more is paid back less than was left out for it.

    bits : bit and price of its tracked bids; if_used, if_unused : where all or none of its bids are used
    is_whole : all of its bids are tracked
    """

    bits: list[tuple[int, int]]
    if_used: int
    if_unused: int
    is_whole: bool

    def of(self, mask: Ints) -> Ints:
        less = np.full(len(mask), self.if_used, dtype=np.int64)
        for bit, price in self.bits:
            less -= np.where(mask & bit, 0, price)
        is_unused = (mask & sum(bit for bit, _ in self.bits)) == 0
        unused = self.if_unused if self.is_whole else np.maximum(less, self.if_unused)
        return np.where(is_unused, unused, less)


def paid_back_less(corrections: list[Correction], mask: Ints, closing: Ints) -> Ints:
    """Of the groups whose bids can be used no more; `closing`: their bits."""
    less = np.zeros(len(mask), dtype=np.int64)
    any_of = int(np.bitwise_or.reduce(closing, initial=0))
    for each in corrections if any_of else []:
        if any_of & each.bits[0][0]:
            less += np.where(closing & each.bits[0][0], each.of(mask), 0)
    return less


def best_by_mask(arriving: list[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    """States that arrive at a point, ascending by mask, with the most gained on the way."""
    if not arriving:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    mask = np.concatenate([mask for mask, _ in arriving])
    gain = np.concatenate([gain for _, gain in arriving])
    order = np.lexsort((-gain, mask))
    mask, gain = mask[order], gain[order]
    is_first = np.append(True, mask[1:] != mask[:-1])
    return mask[is_first], gain[is_first]


def by_point(point: Ints) -> Iterator[tuple[int, Ints]]:
    """Positions of equal points."""
    order = np.argsort(point, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(point[order])) + 1):
        if len(part):
            yield int(point[part[0]]), part
