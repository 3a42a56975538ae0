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
from auctions.engine.package.large.compiled import NOTHING, Places
from auctions.engine.package.large.places import all_ticks, find_places, spread, unit_prices
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
    """A feasible choice no worse than `x`, which must fit."""
    places = find_places(program, problem, spans, relaxation.bound)
    if not places.n_bids:
        return x
    price = unit_prices(places, relaxation.price)
    nothing = np.full(places.n_bids, NOTHING)
    again = partial(recreate, places, price)
    from_nothing = partial(again, nothing, heat=FROM_NOTHING)
    effort *= min(1.0, program.matrix.nnz / FULL)
    other = partial(from_nothing, seed=3) if _are_packages(places) else partial(anneal, places, price)
    with ThreadPoolExecutor(2) as threads:
        begun = [threads.submit(search, effort=effort) for search in (other, partial(from_nothing, seed=0))]
        first = max((each.result() for each in begun), key=partial(all_ticks, places))
        improved = [
            threads.submit(again, first, heat=IMPROVING, seed=seed, effort=effort / 2) for seed in (1, 2)
        ]
        found = [spread(places, each.result(), program.n_columns) for each in improved]
    if not all(map(program.is_feasible, found)):
        raise SolverFailed("a choice of places that does not fit in whole numbers")
    best, _ = best_of(problem.cost.astype(np.int64), [x, *found])
    return best


def _are_packages(places: Places) -> bool:
    """Whether most bids take several stretches, of which annealing makes far less."""
    of_several = np.unique(places.bid_of_place()[places.place_of_piece])
    return 2 * len(of_several) > places.n_bids
