r"""Rows that every choice keeps and the relaxation breaks, in whole numbers.

**Cliques.** Columns of which no two fit together, by some row of the program each: at most one of them is chosen.

**Sums divided and rounded down** (Chvatal 1973). Rows :math:`A x \le b` with whole weights :math:`w \ge 0` add up to
:math:`w A x \le w b`. As `x` is whole and not negative,

.. math:: \lfloor w A / k \rfloor x \le \lfloor w b / k \rfloor .

Weights come from the rows of the basis's inverse that are fractions of a small divisor `k` (Gomory 1958), and for
:math:`k = 2` from elimination modulo 2 (Caprara & Fischetti 1996): a half gains where `w b` is odd, and loses half of
the rows' slack and of each column whose coefficient is odd.

Both hold for the program's rows whatever the ticks, so the rows found for one search serve the next ones. How they were
found does not matter: a row of either kind holds by how it is written down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, vstack

from auctions.engine.book import Ints
from auctions.engine.package.conflicts import Conflicts
from auctions.engine.package.highs import Answer, Floats, Problem, Relaxation

BROKEN = 1e-3
"""By how much a row must be broken to be added, in units of its right side."""

MAX_CLIQUES = 60
MAX_DIVIDED = 40
"""Rows added at a time."""

MAX_WEIGHTS = 200
"""Halves looked at, those that lose least first."""

LARGEST_DIVISOR = 20
SHALLOW = 1e-3
"""A row nearer to the relaxation's answer is not added."""

PARALLEL = 0.9
"""Cosine of the angle to a row already added, above which a row is left out."""

NONZERO = 1e-7

WHOLE = 1e-6
"""A relaxed value this near a whole number may be taken for it; what follows is checked in whole numbers."""

COARSE_BITS = 24

FEW_CLIQUES = 5
"""Fewer cliques than these are joined by rows of the other kind."""


Row = tuple[Ints, Ints, int]
"""columns, coefficients, limit"""


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """matrix : int64 (m, n); limit : int64 (m,)"""

    matrix: csr_array
    limit: Ints

    @classmethod
    def none(cls, n_columns: int) -> Rows:
        return cls(csr_array((0, n_columns), dtype=np.int64), np.zeros(0, dtype=np.int64))

    @classmethod
    def of(cls, rows: list[Row], n_columns: int) -> Rows:
        """Write down rows given as columns, coefficients, limit."""
        if not rows:
            return cls.none(n_columns)
        indptr = np.cumsum([0, *(len(columns) for columns, _, _ in rows)])
        data = np.concatenate([data for _, data, _ in rows])
        columns = np.concatenate([columns for columns, _, _ in rows])
        limit = np.array([limit for *_, limit in rows], dtype=np.int64)
        return cls(csr_array((data, columns, indptr), shape=(len(rows), n_columns)), limit)

    def __len__(self) -> int:
        return len(self.limit)

    def __add__(self, other: Rows) -> Rows:
        if not len(other):
            return self
        if not len(self):
            return other
        matrix = csr_array(vstack([self.matrix, other.matrix], format="csr"))
        return Rows(matrix, np.concatenate([self.limit, other.limit]))

    def take(self, keep: NDArray[np.bool_]) -> Rows:
        return Rows(csr_array(self.matrix[np.flatnonzero(keep)]), self.limit[keep])

    def of_columns(self, columns: Ints) -> Rows:
        """The rows on some columns, without those that say nothing of them."""
        matrix = csr_array(self.matrix[:, columns])
        return Rows(matrix, self.limit).take(np.diff(matrix.indptr) > 1)

    def widened(self, n_columns: int) -> Rows:
        """The same rows of a program with more columns behind."""
        parts = self.matrix.data, self.matrix.indices, self.matrix.indptr
        return Rows(csr_array(parts, shape=(len(self), n_columns)), self.limit)


def with_rows(problem: Problem, rows: Rows) -> Problem:
    """The problem with more rows below."""
    if not len(rows):
        return problem
    return replace(
        problem,
        matrix=csc_array(vstack([csr_array(problem.matrix), rows.matrix], format="csr")),
        limit=np.concatenate([problem.limit, rows.limit]),
        is_equal=np.concatenate([problem.is_equal, np.zeros(len(rows), dtype=bool)]),
    )


def without_idle_rows(problem: Problem) -> Problem:
    """The problem without rows that cannot bind, such as those of bids of which one column is left."""
    most = problem.matrix.maximum(0) @ problem.upper
    rows = np.flatnonzero((most > problem.limit) | problem.is_equal)
    if len(rows) == len(problem.limit):
        return problem
    matrix = csc_array(csr_array(problem.matrix)[rows])
    return replace(problem, matrix=matrix, limit=problem.limit[rows], is_equal=problem.is_equal[rows])


def is_fractional(x: Floats) -> NDArray[np.bool_]:
    return np.abs(x - np.rint(x)) > WHOLE


def broken_rows(conflicts: Conflicts, problem: Problem, relaxation: Relaxation, relaxed: Answer) -> Rows:
    """Rows that the relaxation's answer breaks: cliques, and where these are few, sums divided and rounded down.

    `problem` has all the rows that the relaxation has; `conflicts` may be those of fewer.
    """
    found = list(cliques(conflicts, relaxed.x, -relaxed.reduced))
    if len(found) < FEW_CLIQUES:
        rows = Rows(csr_array(problem.matrix), problem.limit)
        weighted = parts_of_basis(relaxation.inverse(is_fractional(relaxed.x))) + halves(rows, relaxed.x)
        found += divided(rows, weighted, relaxed.x)
    return Rows.of(found, len(relaxed.x))


def cliques(conflicts: Conflicts, x: Floats, loss: Floats) -> Iterator[Row]:
    """Cliques that x breaks, each grown by the columns of least loss that fit nowhere beside it."""
    support = np.flatnonzero(x > NONZERO)
    seeds = np.flatnonzero(x[support] < 1 - NONZERO)
    if not len(seeds):
        return
    weight = _coarse(x[support])
    clash = np.array([conflicts.of(int(column))[support] for column in support])
    clashes = clash.astype(np.float64)
    found: dict[tuple[int, ...], float] = {}
    for score in (_by_weight, _by_weight_around):
        members = np.zeros((len(seeds), len(support)), dtype=bool)
        members[np.arange(len(seeds)), seeds] = True
        left = clash[seeds]
        while left.any():
            going = left.sum(axis=1) > 0
            pick = np.argmax(score(left, weight, clashes), axis=1)
            members[going, pick[going]] = True
            left = left & clash[pick] & going[:, None]
        total = members @ weight
        for row in np.flatnonzero(total > 1 + BROKEN).tolist():
            found.setdefault(tuple(support[members[row]].tolist()), float(total[row]))
    for clique, _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:MAX_CLIQUES]:
        columns = np.array(_grown(conflicts, list(clique), loss), dtype=np.int64)
        yield columns, np.ones(len(columns), dtype=np.int64), 1


def _coarse(x: Floats) -> Floats:
    """Multiples of 2**-COARSE_BITS, whose sums are exact: in whichever order a machine adds them up."""
    return np.ldexp(np.rint(np.ldexp(x, COARSE_BITS)), -COARSE_BITS)


def _by_weight(left: NDArray[np.bool_], weight: Floats, clashes: Floats) -> Floats:
    return np.where(left, weight, 0.0)


def _by_weight_around(left: NDArray[np.bool_], weight: Floats, clashes: Floats) -> Floats:
    return np.where(left, weight + np.where(left, weight, 0.0) @ clashes, 0.0)


def _grown(conflicts: Conflicts, clique: list[int], loss: Floats) -> list[int]:
    left = np.array([conflicts.of(column) for column in clique]).all(axis=0)
    waiting = np.flatnonzero(left)
    waiting = waiting[np.argsort(loss[waiting], kind="stable")]
    while len(waiting):
        column = int(waiting[0])
        clique.append(column)
        waiting = waiting[conflicts.of(column)[waiting]]
    return sorted(clique)


def halves(rows: Rows, x: Floats) -> list[tuple[Ints, int]]:
    """Weights (rows, divisor 2) of sums of `rows` whose halves x breaks."""
    slack = np.maximum(rows.limit - rows.matrix @ x, 0.0)
    usable = np.flatnonzero(slack < 1 - BROKEN)
    support = np.flatnonzero(x > NONZERO)
    if not len(usable) or not len(support):
        return []
    value, slack = x[support], slack[usable]
    table = rows.matrix[usable][:, support].toarray() & 1 == 1
    odd_limit = rows.limit[usable] & 1 == 1
    weights = np.eye(len(usable), dtype=bool)
    loss = slack.copy()
    found: dict[bytes, tuple[float, Ints]] = {}
    alive = np.ones(len(usable), dtype=bool)
    for column in np.argsort(-value, kind="stable").tolist():
        odd = (table[:, column] & alive).nonzero()[0]
        if not len(odd):
            continue
        pivot = odd[np.argmin(loss[odd])]
        alive[pivot] = False
        others = odd[odd != pivot]
        if not len(others):
            continue
        table[others] ^= table[pivot]
        odd_limit[others] ^= odd_limit[pivot]
        weights[others] ^= weights[pivot]
        loss[others] = np.where(weights[others], slack, 0.0).sum(axis=1)
        alive[others] = loss[others] < 1 - BROKEN
        lost = loss[others] + np.where(table[others], value, 0.0).sum(axis=1)
        for at in (odd_limit[others] & (lost < 1 - BROKEN)).nonzero()[0].tolist():
            chosen = usable[weights[others[at]]]
            found[chosen.tobytes()] = (float(lost[at]), chosen)
    best = sorted(found.items(), key=lambda item: (item[1][0], item[0]))[:MAX_WEIGHTS]
    weighted = []
    for _, (_, chosen) in best:
        weight = np.zeros(len(rows), dtype=np.int64)
        weight[chosen] = 1
        weighted.append((weight, 2))
    return weighted


def parts_of_basis(inverse: Floats) -> list[tuple[Ints, int]]:
    """Weights and divisors from rows of the basis's inverse, where they are fractions of a small divisor."""
    weighted: list[tuple[Ints, int]] = []
    parts = inverse - np.floor(inverse + NONZERO)
    used = np.flatnonzero(parts.any(axis=0))
    left = parts[:, used]
    for divisor in range(2, LARGEST_DIVISOR + 1):
        if not len(left):
            break
        scaled = left * divisor
        whole = np.rint(scaled)
        fits = np.abs(scaled - whole).max(axis=1, initial=0.0) < NONZERO * divisor
        for part in whole[fits].astype(np.int64):
            if part.any():
                weight = np.zeros(inverse.shape[1], dtype=np.int64)
                weight[used] = part
                weighted += [(weight, divisor), ((divisor - weight) % divisor, divisor)]
        left = left[~fits]
    return weighted


def divided(rows: Rows, weighted: list[tuple[Ints, int]], x: Floats) -> Iterator[Row]:
    """The weighted sums of rows, divided and rounded down, that x breaks most; of nearly parallel ones the first."""
    if not weighted:
        return
    weights = csr_array(np.array([weight for weight, _ in weighted]))
    divisor = np.array([divisor for _, divisor in weighted])
    limit = (weights @ rows.limit) // divisor
    support = np.flatnonzero(x > NONZERO)
    total = (weights @ csr_array(rows.matrix[:, support])).toarray() // divisor[:, None]
    length = np.maximum(np.sqrt((total * total).sum(axis=1)), 1.0)
    depth = (total @ _coarse(x[support]) - limit) / length
    total = total.astype(np.float64)
    cosine = np.zeros(len(depth))  # to the nearest of the rows chosen
    chosen: list[int] = []
    for row in np.argsort(-depth, kind="stable").tolist():
        if depth[row] < SHALLOW or len(chosen) == MAX_DIVIDED:
            break
        if cosine[row] <= PARALLEL:
            chosen.append(row)
            cosine = np.maximum(cosine, total @ total[row] / (length * length[row]))
    sums = (weights[chosen] @ rows.matrix).toarray() // divisor[chosen, None]
    for row, whole in zip(chosen, sums, strict=True):
        columns = np.flatnonzero(whole)
        yield columns, whole[columns], int(limit[row])
