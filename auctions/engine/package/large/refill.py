"""Offer what is left to bids that have nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Ints
from auctions.engine.package.columns import SELECTOR
from auctions.engine.package.highs import Problem
from auctions.engine.package.program import Program


def refill(program: Program, problem: Problem, x: Ints) -> Ints:
    """Add selectors of bids without one, the column of most ticks that fits first; none that needs places besides."""
    x = x.copy()
    left = program.limit - program.matrix @ x
    has_something = np.zeros(int(program.bid.max()) + 1, dtype=bool)
    has_something[program.bid[x > 0]] = True
    taken = has_something[program.bid]
    is_open = (problem.upper > 0) & (problem.cost > 0) & (program.kind == SELECTOR) & ~taken
    columns = _fitting(program, left, np.flatnonzero(is_open))
    for column in columns[np.lexsort((columns, -problem.cost[columns]))].tolist():
        rows = slice(program.matrix.indptr[column], program.matrix.indptr[column + 1])
        if (program.matrix.data[rows] <= left[program.matrix.indices[rows]]).all():
            x[column] = 1
            left[program.matrix.indices[rows]] -= program.matrix.data[rows]
    return x


def _fitting(program: Program, left: Ints, columns: Ints) -> Ints:
    """Those of the columns that fit by themselves and need no places besides."""
    matrix = program.matrix
    begin, length = matrix.indptr[:-1].astype(np.int64), np.diff(matrix.indptr).astype(np.int64)

    def fits(entry: Ints) -> NDArray[np.bool_]:
        row = matrix.indices[entry]
        return np.asarray((matrix.data[entry] <= left[row]) & ~program.is_equal[row])

    # most are refused by their first row, or by the one in the middle
    columns = columns[fits(begin[columns])]
    columns = columns[fits(begin[columns] + length[columns] // 2)]
    first, n = begin[columns], length[columns]
    until = np.cumsum(n)
    entry = np.repeat(first - (until - n), n) + np.arange(int(n.sum()))
    return columns[np.logical_and.reduceat(fits(entry), until - n)] if len(columns) else columns
