"""A choice near a relaxed one: selectors as long as they fit, then more of them."""

from __future__ import annotations

import numpy as np

from auctions.engine.book import Ints
from auctions.engine.package.columns import MORE, SELECTOR
from auctions.engine.package.cuts import WHOLE
from auctions.engine.package.highs import Floats, Problem
from auctions.engine.package.program import Program


def greedy(program: Program, problem: Problem, reduced: Ints, relaxed: Floats) -> Ints:
    """Take selectors as long as they fit: what the relaxation takes most of first, then by reduced ticks."""
    x = np.zeros(program.n_columns, dtype=np.int64)
    if program.is_equal.any():
        return x
    left = program.limit.copy()
    order = np.lexsort((np.arange(len(x)), -reduced, -np.round(relaxed, 6)))
    usable = (problem.upper > 0) & (problem.cost > 0) & (program.kind == SELECTOR)
    indptr, indices, data = program.matrix.indptr, program.matrix.indices, program.matrix.data
    wanted = np.floor(relaxed + WHOLE).astype(np.int64)
    has_more = np.append(program.kind[1:] == MORE, False)
    for column in order[usable[order]].tolist():
        part = slice(indptr[column], indptr[column + 1])
        rows, units = indices[part], data[part]
        if (units <= left[rows]).all():
            x[column] = 1
            left[rows] -= units
            if has_more[column] and wanted[column + 1]:
                _raise(program, x, left, column + 1, int(wanted[column + 1]))
    _fill_up(program, problem, x, left)
    return x


def _raise(program: Program, x: Ints, left: Ints, column: int, most: int) -> None:
    """Add to a column what is left for it, up to `most`."""
    part = slice(program.matrix.indptr[column], program.matrix.indptr[column + 1])
    rows, units = program.matrix.indices[part], program.matrix.data[part]
    room = int(np.min(left[rows] // units, initial=most))
    if room > 0:
        x[column] += room
        left[rows] -= units * room


def _fill_up(program: Program, problem: Problem, x: Ints, left: Ints) -> None:
    """Raise `more` columns as far as their `least` and the room left allow, the dearest first."""
    more = np.flatnonzero((program.kind != SELECTOR) & (problem.upper > 0) & (problem.cost >= 0))
    for column in more[np.argsort(-problem.cost[more], kind="stable")].tolist():
        _raise(program, x, left, column, int(problem.upper[column] - x[column]))
