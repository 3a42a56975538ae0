"""Offer what is left to bids that have nothing."""

from __future__ import annotations

import numpy as np

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
    open_columns = (problem.upper > 0) & (problem.cost > 0) & (program.kind == SELECTOR) & ~taken
    too_much = (program.matrix.data > left[program.matrix.indices]) | program.is_equal[program.matrix.indices]
    columns = np.flatnonzero(open_columns & ~np.logical_or.reduceat(too_much, program.matrix.indptr[:-1]))
    for column in columns[np.lexsort((columns, -problem.cost[columns]))].tolist():
        rows = slice(program.matrix.indptr[column], program.matrix.indptr[column + 1])
        if (program.matrix.data[rows] <= left[program.matrix.indices[rows]]).all():
            x[column] = 1
            left[program.matrix.indices[rows]] -= program.matrix.data[rows]
    return x
