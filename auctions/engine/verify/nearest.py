"""The cheapest core payments nearest to VCG: from given coalitions, and which coalitions those are for many winners.

Sets of winners are rows: `(payers, least)`, what they must pay together. The first rows are those of each winner alone,
in order: VCG. For many winners rows are found as they are needed: the point nearest to VCG under those known is tried
by an integer program, in which every winner is charged what it would keep there, and the coalition that breaks it most
is the next row. Where none breaks it the point is the one that all rows together would give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog, nnls

from auctions.engine.verify.markets import Group
from auctions.engine.verify.placements import Cell, Placement
from auctions.engine.verify.search import n_entries, search_milp
from auctions.engine.verify.sheets import Id

Rows = list[tuple[tuple[Id, ...], int]]
"""Sets of winners with the least they must pay together, ticks."""

MAX_CUT_ENTRIES = 400_000
"""Coefficients of all integer programs of one group together."""

FINENESS = 64
"""Payments are tried in steps of 1 / FINENESS tick."""


def blocking_rows(group: Group, alone: Rows, value: Mapping[Id, int], surplus: int) -> Rows | None:
    """Return the rows that decide the payments of a group of packages only, or None where that is too much work."""
    if group.divisible or len(alone) < len(group.winners):
        return None
    ways: list[list[Placement]] = []
    bidders: list[Id] = []
    capacity: dict[Cell, int] = {}
    for market in group.packages:
        if market.ways is None:
            return None
        ways += [[way._replace(net=way.net * FINENESS) for way in choices] for choices in market.ways]
        bidders += market.bidders
        capacity |= market.capacity
    rows = list(alone)
    for _ in range(MAX_CUT_ENTRIES // max(n_entries(ways), 1)):
        found = cheapest_point(rows, group.winners, value)
        if found is None:
            return rows
        keep = {
            who: round(FINENESS * (value[who] - ticks))
            for who, ticks in zip(group.winners, found[0].tolist(), strict=True)
        }
        best = search_milp(ways, capacity, bidders, keep)
        if best is None:
            return None
        users = {who for who, way in zip(bidders, best.chosen, strict=True) if way is not None}
        payers = tuple(who for who in group.winners if who not in users)
        worth = sum(way.net for way in best.chosen if way is not None) // FINENESS
        row = payers, worth - surplus + sum(value[who] for who in payers)
        if row in rows or not payers:
            return rows if best.proven else None
        rows.append(row)
    return None


def cheapest_point(
    rows: Rows, winners: Sequence[Id], value: Mapping[Id, int]
) -> tuple[NDArray[np.float64], float] | None:
    """Return the payments of least total under the rows that are nearest to VCG, and the total; None where none are."""
    column = {who: at for at, who in enumerate(winners)}
    matrix = np.zeros((len(rows), len(column)))
    for row, (payers, _) in enumerate(rows):
        matrix[row, [column[who] for who in payers]] = 1
    least = np.array([least for _, least in rows], dtype=float)
    most = np.array([value[who] for who in winners], dtype=float)
    vcg = np.array([rows[at][1] for at in range(len(column))], dtype=float)
    scale = max(most.max(initial=0.0), 1.0)
    cheapest = linprog(
        np.ones(len(column)), A_ub=-matrix, b_ub=-least / scale, bounds=[(None, top / scale) for top in most]
    )
    if cheapest.status != 0:
        return None
    total = cheapest.fun * scale
    return _nearest(matrix, least, most, vcg, total, scale), total


def _nearest(
    matrix: NDArray[np.float64],
    least: NDArray[np.float64],
    value: NDArray[np.float64],
    vcg: NDArray[np.float64],
    total: float,
    scale: float,
) -> NDArray[np.float64]:
    """Least distance programming by non-negative least squares (Lawson & Hanson 1974, chapter 23)."""
    n = len(value)
    total_limit = total * (1 + 1e-12) + 1e-9 * scale
    sides = np.vstack([matrix, -np.eye(n), -np.ones((1, n))])
    bound = np.concatenate([least - matrix @ vcg, vcg - value, [vcg.sum() - total_limit]]) / scale
    if (bound <= 0).all():
        return vcg
    target = np.zeros(n + 1)
    target[n] = 1
    stacked = np.vstack([sides.T, bound])
    weight, _ = nnls(stacked, target, maxiter=100 * len(bound))
    residual = stacked @ weight - target
    return vcg - residual[:n] / residual[n] * scale
