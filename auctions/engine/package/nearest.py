r"""The cheapest payments in a set of core constraints, and of those the nearest to VCG.

With :math:`e_i = p_i - VCG_i` the excess over VCG, :math:`0 \le e_i \le h_i`, and constraints
:math:`\sum_{i \in S} e_i \ge g_S` on sets of winners, first :math:`T = \min \sum e_i`, then
:math:`\min \sum e_i^2` where :math:`\sum e_i = T`. Both are solved in floating point, which finds what binds; what
binds is then solved again in fractions, and the answer checked against every constraint.

Two constraints meet in the second winner: together they owe 5, the second at most 2 of it.

>>> [str(x) for x in nearest_point([Constraint((0, 1), Fraction(5)), Constraint((1, 2), Fraction(1))], [9, 2, 9])]
['3', '2', '0']
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog, nnls

LARGEST_DENOMINATOR = 1000
"""Of the multipliers of the cheapest total: those of sets of winners have small ones."""

BINDS = 1e-7
MAX_EXACT_ROWS = 80


@dataclass(frozen=True, slots=True)
class Constraint:
    """The members (positions, ascending) together owe at least `least` above VCG."""

    members: tuple[int, ...]
    least: Fraction


def nearest_point(constraints: Sequence[Constraint], most: Sequence[int | Fraction]) -> list[Fraction]:
    """Excess of each winner over VCG; `most` is the largest each can bear."""
    if not constraints:
        return [Fraction(0)] * len(most)
    total, solution = _cheapest_total(constraints, most)
    rows, least = _rows(constraints, most, total)
    excess = _project(rows, least)
    exact = _exact(rows, least, excess[1])
    if exact is not None and _holds(constraints, most, total, exact):
        return exact
    return _snapped(constraints, most, excess[0] if excess[0] is not None else solution)


def _cheapest_total(
    constraints: Sequence[Constraint], most: Sequence[int | Fraction]
) -> tuple[Fraction, NDArray[np.float64]]:
    n = len(most)
    matrix = np.zeros((len(constraints), n))
    for row, constraint in enumerate(constraints):
        matrix[row, list(constraint.members)] = 1
    least = np.array([float(constraint.least) for constraint in constraints])
    bounds = [(0.0, float(each)) for each in most]
    solved = linprog(np.ones(n), A_ub=-matrix, b_ub=-least, bounds=bounds, method="highs-ds")
    if solved.status != 0 or solved.fun is None or solved.x is None:
        raise ArithmeticError(f"core constraints without a point: {solved.message}")
    owed = [_fraction(-price) for price in solved.ineqlin.marginals.tolist()]
    spared = [_fraction(-price) for price in solved.upper.marginals.tolist()]
    total = sum((y * c.least for y, c in zip(owed, constraints, strict=True) if y), Fraction(0))
    total -= sum((z * each for z, each in zip(spared, most, strict=True) if z), Fraction(0))
    if abs(float(total) - solved.fun) > BINDS * max(1.0, abs(solved.fun)):
        total = Fraction(solved.fun).limit_denominator(LARGEST_DENOMINATOR)
    return total, solved.x


def _fraction(number: float) -> Fraction:
    return Fraction(number).limit_denominator(LARGEST_DENOMINATOR) if number else Fraction(0)


def _rows(
    constraints: Sequence[Constraint], most: Sequence[int | Fraction], total: Fraction
) -> tuple[list[tuple[tuple[int, ...], int]], list[Fraction]]:
    """All conditions as sign × sum over members >= least."""
    everyone = tuple(range(len(most)))
    rows = [(constraint.members, 1) for constraint in constraints]
    rows += [(everyone, -1)] + [((i,), -1) for i in everyone] + [((i,), 1) for i in everyone]
    least = [constraint.least for constraint in constraints]
    least += [-total] + [-Fraction(each) for each in most] + [Fraction(0)] * len(most)
    return rows, least


def _project(
    rows: list[tuple[tuple[int, ...], int]], least: list[Fraction]
) -> tuple[NDArray[np.float64] | None, list[int]]:
    """Point of least norm in floating point (Lawson & Hanson, problem LDP), and the rows it is held by."""
    n = 1 + max(member for members, _ in rows for member in members)
    scale = max(1.0, max(abs(float(each)) for each in least[: len(least) - 2 * n]))
    matrix = np.zeros((n + 1, len(rows)))
    for row, (members, sign) in enumerate(rows):
        matrix[list(members), row] = sign
    matrix[n] = np.array([float(each) for each in least]) / scale
    target = np.zeros(n + 1)
    target[n] = 1
    try:
        weight, _ = nnls(matrix, target, maxiter=50 * len(rows))
    except RuntimeError:
        return None, []
    residual = matrix @ weight - target
    if abs(residual[n]) < 1e-14:
        return None, []
    return -residual[:n] / residual[n] * scale, np.flatnonzero(weight > 0).tolist()


def _exact(
    rows: list[tuple[tuple[int, ...], int]], least: list[Fraction], held: list[int]
) -> list[Fraction] | None:
    """Point of least norm on the rows it is held by, in fractions; None where there are none or too many.

    A row of one member says what that member bears; the others are solved for the members left.
    """
    n = 1 + max(member for members, _ in rows for member in members)
    known = {rows[row][0][0]: rows[row][1] * least[row] for row in held if len(rows[row][0]) == 1}
    sets, owed = [], []
    for row in held:
        members, sign = rows[row]
        free = frozenset(members) - known.keys()
        if free:
            sets.append(free)
            owed.append(sign * least[row] - sum(known.get(member, 0) for member in members))
    if not held or len(sets) > MAX_EXACT_ROWS:
        return None
    weight = _solve([[len(a & b) for b in sets] for a in sets], owed)
    if weight is None:
        return None
    point = [known.get(member, Fraction(0)) for member in range(n)]
    for together, each in zip(sets, weight, strict=True):
        for member in together:
            point[member] += each
    return point


def _solve(matrix: list[list[int]], right: list[Fraction]) -> list[Fraction] | None:
    """Eliminate without fractions (Bareiss 1968); rows that say nothing new get weight 0, None if they contradict."""
    n = len(right)
    scale = math.lcm(*(each.denominator for each in right))
    rows = np.array(
        [[*row, int(value * scale)] for row, value in zip(matrix, right, strict=True)], dtype=object
    ).reshape(n, n + 1)
    pivots: list[int] = []
    last = 1
    for column in range(n):
        rank = len(pivots)
        at = next((r for r in range(rank, n) if rows[r, column]), None)
        if at is None:
            continue
        rows[[rank, at]] = rows[[at, rank]]
        pivot = rows[rank].copy()
        rows = (rows * pivot[column] - np.outer(rows[:, column], pivot)) // last  # which divides it
        rows[rank] = pivot
        last = pivot[column]
        pivots.append(column)
    if any(rows[len(pivots) :, n]):
        return None
    solution = [Fraction(0)] * n
    for rank, column in enumerate(pivots):
        solution[column] = Fraction(rows[rank, n], last * scale)
    return solution


def _holds(
    constraints: Sequence[Constraint], most: Sequence[int | Fraction], total: Fraction, point: list[Fraction]
) -> bool:
    scale = math.lcm(*(each.denominator for each in point))
    whole = [each.numerator * (scale // each.denominator) for each in point]
    return (
        sum(whole) == total * scale
        and all(0 <= each <= limit * scale for each, limit in zip(whole, most, strict=True))
        and all(
            sum(whole[member] for member in c.members) * c.least.denominator >= c.least.numerator * scale
            for c in constraints
        )
    )


def _snapped(
    constraints: Sequence[Constraint], most: Sequence[int | Fraction], point: NDArray[np.float64]
) -> list[Fraction]:
    """The floating-point answer, brought within its limits and up to every constraint."""
    snapped = [
        min(max(Fraction(float(each)).limit_denominator(10**6), Fraction(0)), Fraction(limit))
        for each, limit in zip(point, most, strict=True)
    ]
    for constraint in constraints:
        missing = constraint.least - sum(snapped[member] for member in constraint.members)
        for member in constraint.members:
            if missing <= 0:
                break
            more = min(missing, Fraction(most[member]) - snapped[member])
            snapped[member] += more
            missing -= more
    return snapped
