r"""Bounds that hold to the last tick, from prices a solver found in floating point.

For any prices :math:`y` of the rows (not negative where the row is an inequality), whole or not, every feasible `x` has

.. math:: c x \le y b + \sum_j \max(0, c_j - y A_j)\, u_j .

So the solver's prices, rounded to multiples of :math:`2^{-k}` tick and multiplied out in whole numbers, prove a bound,
however inexact they are. The same sum says what a column must lose: one with :math:`d_j = c_j - y A_j < 0` costs
:math:`-d_j` of the bound when chosen, one with :math:`d_j > 0` costs :math:`d_j` when not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Ints
from auctions.engine.package.highs import Floats, Problem

MAX_FINE_BITS = 24
_INT64_BITS = 61


@dataclass(frozen=True, eq=False, slots=True)
class Bound:
    """All in units of 2**-bits tick.

    total : no feasible x is worth more
    reduced : int64 (n,) :math:`d_j`
    """

    total: int
    reduced: Ints
    bits: int

    @property
    def ticks(self) -> int:
        return self.total >> self.bits

    def slack(self, ticks: int) -> int:
        """How far the bound lies above a value; negative where the value is out of reach."""
        return self.total - (ticks << self.bits)

    def without(self, closed: NDArray[np.bool_]) -> Bound:
        """The bound when binary columns are closed; the prices stay."""
        return replace(self, total=self.total - int(np.maximum(self.reduced[closed], 0).sum()))

    def may_be_chosen(self, ticks: int) -> NDArray[np.bool_]:
        """Columns that could be above 0 in an x worth at least `ticks`."""
        return -self.reduced <= self.slack(ticks)

    def must_be_full(self, ticks: int) -> NDArray[np.bool_]:
        """Columns that must be at their upper limit in an x worth at least `ticks`."""
        return self.reduced > self.slack(ticks)


def prove_bound(problem: Problem, price: Floats) -> Bound:
    """Multiply the prices out in whole numbers."""
    price = np.where(problem.is_equal, price, np.maximum(price, 0.0))
    bits = _fine_bits(problem, price)
    whole = np.rint(np.ldexp(price, bits)).astype(np.int64)
    reduced = (problem.cost.astype(np.int64) << bits) - problem.matrix.T @ whole
    total = int(whole @ problem.limit) + _exact_dot(np.maximum(reduced, 0), problem.upper)
    if problem.lower.any():
        total -= _exact_dot(np.maximum(-reduced, 0), problem.lower)
    return Bound(total, reduced, bits)


def _exact_dot(a: Ints, b: Ints) -> int:
    rows = np.flatnonzero(a)
    return sum(x * y for x, y in zip(a[rows].tolist(), b[rows].tolist(), strict=True))


def _fine_bits(problem: Problem, price: Floats) -> int:
    """As many fractional bits as leave every sum within int64."""
    matrix, upper = problem.matrix, problem.upper.astype(np.float64)
    until = np.concatenate([[0.0], np.cumsum(np.abs(matrix.data) * np.abs(price)[matrix.indices])])
    largest = (
        np.abs(problem.cost) @ upper
        + np.abs(price) @ np.abs(problem.limit).astype(np.float64)
        + np.diff(until[matrix.indptr]) @ upper
        + 1.0
    )
    return max(0, min(MAX_FINE_BITS, _INT64_BITS - int(np.ceil(np.log2(largest)))))
