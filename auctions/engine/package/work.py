"""How much a search may do, counted in what the solver does and never in seconds, so that it is the same everywhere.

One unit is one simplex iteration on a program of one row, column or four coefficients; a thousand million of them take
10 to 40 seconds of a processor. An allotment is spent as it is used, and looked at between relaxations, between
branches and before a program is handed to the solver: what is under way is finished. What it buys is shared out where
everything done so far is known, never between searches that run side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.sparse import csc_array

from auctions.engine.package.highs import Problem

WINDOW_WORK = 2_000_000_000
"""Units for a window: half for the winners, half of what is left for the pivots, the rest for core prices."""

LEAST_PER_COEFFICIENT = 2_000
LEAST_PER_PIVOT = 100
"""Units per coefficient that a block has for its winners, for its prices and for a pivot, however many there are:
as long as those of all together are no more than a window's."""

PER_RELAXATION = 20
"""Iterations' worth of work that a relaxation costs besides its own: rows looked for, bounds multiplied out."""

ROOT_ITERATIONS = 20_000
ROOT_ITERATIONS_PER_ROW_OR_COLUMN = 10
"""Of the solver before it branches, the lesser of the two: with less work left a program is not handed to it."""

ITERATIONS_PER_NODE = 200
"""Of the solver's branches, from which their number is limited beforehand."""


@dataclass(slots=True)
class Work:
    """units : left to be spent; spent : so far"""

    units: int = WINDOW_WORK
    spent: int = 0

    @property
    def is_spent(self) -> bool:
        return self.units <= 0

    def spend(self, iterations: int, problem: Problem) -> None:
        self.spend_units(iterations * size_of(problem))

    def spend_units(self, units: int) -> None:
        self.units -= units
        self.spent += units

    def is_enough_for_relaxation(self, matrix: csc_array) -> bool:
        """Whether a relaxation could be had from where a similar one ended, which it cannot be stopped before."""
        return self.units >= PER_RELAXATION * _size_of(matrix)

    def is_enough_for_root(self, problem: Problem) -> bool:
        """Whether the solver could come to branching, which it cannot be stopped before."""
        iterations = min(ROOT_ITERATIONS, ROOT_ITERATIONS_PER_ROW_OR_COLUMN * sum(problem.matrix.shape))
        return self.units >= iterations * size_of(problem)

    def nodes(self, problem: Problem, most: int) -> int:
        """Branches of the solver that what is left is enough for, at least one, and at most `most`."""
        return min(most, max(1, self.units // (ITERATIONS_PER_NODE * size_of(problem))))

    def take(self, part: Work) -> None:
        """Count what a part of it has spent."""
        self.units -= part.spent
        self.spent += part.spent

    def part(self, numerator: int, denominator: int) -> Work:
        """An allotment of its own of a part of what is left."""
        return Work(max(self.units, 0) * numerator // denominator)


def size_of(problem: Problem) -> int:
    return _size_of(problem.matrix)


def _size_of(matrix: csc_array) -> int:
    return sum(matrix.shape) + matrix.nnz // 4


def share_out(units: int, coefficients: Sequence[int], least: Sequence[int]) -> list[int]:
    """Share units out by coefficients, in order.

    `least`: units for each coefficient that each gets at any rate, or less where those of all are beyond a window's.
    """
    of_one = units // max(sum(coefficients), 1)
    together = sum(n * at_least for n, at_least in zip(coefficients, least, strict=True))
    most = max(together, WINDOW_WORK)
    return [
        n * max(of_one, at_least * WINDOW_WORK // most)
        for n, at_least in zip(coefficients, least, strict=True)
    ]
