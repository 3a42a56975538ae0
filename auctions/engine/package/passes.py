"""What one pass along a line has found out: its states, and what a path gains before and after each.

A state's number, its *key*, is its point above the bits of the tracked bids that were used before it.
"""

from __future__ import annotations

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
