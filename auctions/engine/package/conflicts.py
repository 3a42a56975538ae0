"""Which columns of a program do not fit together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from auctions.engine.package.highs import Problem


class Conflicts:
    """Which binary columns of a problem do not fit together, told column by column when asked."""

    def __init__(self, problem: Problem) -> None:
        self._matrix, self._limit = problem.matrix, problem.limit
        self._by_row = csr_array(problem.matrix)
        self._is_binary = problem.upper <= 1
        lowest = np.zeros(len(problem.limit), dtype=np.int64)
        np.minimum.at(lowest, problem.matrix.indices, problem.matrix.data)
        self._tells = (lowest >= 0) & ~problem.is_equal
        self._known: dict[int, NDArray[np.bool_]] = {}

    def of(self, column: int) -> NDArray[np.bool_]:
        """Columns that cannot be chosen with this one (itself not among them). bool (n,)"""
        if column not in self._known:
            self._known[column] = self._find(column)
        return self._known[column]

    def _find(self, column: int) -> NDArray[np.bool_]:
        clash = np.zeros(self._matrix.shape[1], dtype=bool)
        if not self._is_binary[column]:
            return clash
        part = slice(self._matrix.indptr[column], self._matrix.indptr[column + 1])
        rows, units = self._matrix.indices[part].tolist(), self._matrix.data[part].tolist()
        for row, own in zip(rows, units, strict=True):
            if self._tells[row]:
                others = slice(self._by_row.indptr[row], self._by_row.indptr[row + 1])
                clash[self._by_row.indices[others][self._by_row.data[others] > self._limit[row] - own]] = True
        clash[column] = False
        return clash & self._is_binary
