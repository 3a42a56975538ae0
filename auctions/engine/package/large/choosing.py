"""A good choice of a large block: two searches from nothing, side by side, and the better one improved by two more.

On two threads whatever the machine; which of them ends first decides nothing.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from auctions.engine.book import Ints
from auctions.engine.package.found import best_of
from auctions.engine.package.highs import Problem, SolverFailed
from auctions.engine.package.large.annealing import anneal
from auctions.engine.package.large.compiled import NOTHING
from auctions.engine.package.large.places import (
    all_ticks,
    find_places,
    free_units,
    only_several,
    spread,
    unit_prices,
)
from auctions.engine.package.large.recreating import recreate
from auctions.engine.package.large.relaxation import Relaxation
from auctions.engine.package.large.spans import Spans
from auctions.engine.package.program import Program

FROM_NOTHING = (0.3, 0.003)
IMPROVING = (0.02, 0.001)
"""Heat at the beginning and the end."""

FULL = 300_000
"""Coefficients from which on all the work is done; smaller blocks get less of it."""


def choose(
    program: Program, problem: Problem, spans: Spans, relaxation: Relaxation, x: Ints, *, effort: float = 1.0
) -> Ints:
    """A feasible choice no worse than `x`, which must fit.

    Bids that have columns of several awards keep what `x` gives them.
    """
    places = find_places(program, problem, spans, relaxation.bound)
    if not places.n_bids:
        return x
    fixed = only_several(program, problem, spans, x)
    free, price = free_units(program, spans, fixed), unit_prices(places, spans, relaxation.price)
    nothing = np.full(places.n_bids, NOTHING)
    again = partial(recreate, places, price, free)
    effort *= min(1.0, program.matrix.nnz / FULL)
    with ThreadPoolExecutor(2) as threads:
        annealed = threads.submit(anneal, places, price, free, effort=effort)
        recreated = threads.submit(again, nothing, heat=FROM_NOTHING, seed=0, effort=effort)
        first = max(annealed.result(), recreated.result(), key=partial(all_ticks, places))
        improved = [
            threads.submit(again, first, heat=IMPROVING, seed=seed, effort=effort / 2) for seed in (1, 2)
        ]
        found = [spread(places, each.result(), fixed) for each in improved]
    if not all(map(program.is_feasible, found)):
        raise SolverFailed("a choice of places that does not fit in whole numbers")
    best, _ = best_of(problem.cost.astype(np.int64), [x, *found])
    return best
