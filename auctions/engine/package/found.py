"""What a search found, and the exact ticks of a choice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from auctions.engine.book import Ints
from auctions.engine.package.cuts import Rows
from auctions.engine.package.highs import Basis


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """x : int64 (n,) feasible; value : its ticks; bound : no feasible x has more; met : others seen on the way

    rows : what was added to the relaxation and binds it
    is_settled : whether x is known to be the one the tie rule prefers; not asked before `settle_ties`
    """

    x: Ints
    value: int
    bound: int
    met: tuple[Ints, ...] = ()
    rows: Rows | None = None
    basis: Basis | None = None
    is_settled: bool = True

    @property
    def is_proven(self) -> bool:
        return self.bound <= self.value


def best_of(ticks: Ints, choices: Iterable[Ints]) -> tuple[Ints, int]:
    """The choice of most ticks, the first of equal ones."""
    values = [(exact_value(ticks, x), x) for x in choices]
    value, x = max(values, key=lambda pair: pair[0])
    return x, value


def exact_value(ticks: Ints, x: Ints) -> int:
    chosen = np.flatnonzero(x)
    ticks, x = ticks[chosen], x[chosen]
    if fits_int64(ticks, x):
        return int(ticks @ x)
    return sum(t * n for t, n in zip(ticks.tolist(), x.tolist(), strict=True))


def fits_int64(ticks: Ints, x: Ints) -> bool:
    """Whether no sum of some of their products could leave int64."""
    return int(np.abs(ticks).max(initial=0)) * int(np.abs(x).max(initial=0)) * len(x) < 2**63
