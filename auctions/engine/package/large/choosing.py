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
from auctions.engine.package.large.places import (
    Lookup,
    all_ticks,
    find_places,
    spread,
    unit_prices,
    units_of_rows,
)
from auctions.engine.package.large.recreating import Recreating
from auctions.engine.package.large.relaxation import Relaxation
from auctions.engine.package.large.spans import Spans
from auctions.engine.package.program import Program

FROM_NOTHING = (0.3, 0.003)
IMPROVING = (0.02, 0.001)
"""Heat at the beginning and the end."""

FULL = 300_000
"""Coefficients from which on all the work is done; smaller blocks get less of it."""


PIVOTS = 0.25
"""Of the work of a first search, what all searches without a winner may do together."""


class Choosing:
    """The ways to fill a block's bids, and searches among them. Programs with charges are not for it."""

    def __init__(self, program: Program, problem: Problem, spans: Spans, relaxation: Relaxation) -> None:
        self.program = program
        self.places = find_places(program, problem, spans, relaxation.bound)
        self._bid = self.places.bid_of_place()
        self._size = min(1.0, program.matrix.nnz / FULL)
        if self.places.n_bids:
            self._price = unit_prices(self.places, relaxation.price)
            self._recreating = Recreating(self.places, self._price)
            self._lookup = Lookup(self.places, program)

    def from_nothing(self, problem: Problem, x: Ints, *, effort: float = 1.0) -> Ints:
        """A feasible choice no worse than `x`, which must fit."""
        places = self.places
        if not places.n_bids:
            return x
        effort *= self._size
        search = self._recreating.run
        from_nothing = partial(search, np.full(places.n_bids, NOTHING), heat=FROM_NOTHING)
        other = (
            partial(from_nothing, seed=3) if _are_packages(places) else partial(anneal, places, self._price)
        )
        with ThreadPoolExecutor(2) as threads:
            begun = [threads.submit(each, effort=effort) for each in (other, partial(from_nothing, seed=0))]
            first = max((each.result() for each in begun), key=partial(all_ticks, places))
            improved = [
                threads.submit(search, first, heat=IMPROVING, seed=seed, effort=effort / 2) for seed in (1, 2)
            ]
            found = [spread(places, each.result(), self.program.n_columns) for each in improved]
        return self._best(problem, x, found)

    def without(self, problem: Problem, x: Ints, *, effort: float) -> Ints:
        """A choice no worse than `x`, looked for where columns that are closed would be and something is free."""
        program, places = self.program, self.places
        left = program.limit - program.matrix @ x
        was_taken = np.zeros(len(left), dtype=bool)
        was_taken[program.matrix[:, np.flatnonzero(problem.upper == 0)].indices] = True
        focus = np.flatnonzero((was_taken & (left > 0))[places.row])
        if not places.n_bids or not len(focus):
            return x
        chosen = self._lookup.chosen_by(x)
        rest = x - spread(places, chosen, program.n_columns)
        column = places.column[: places.n_places]
        # a bid that holds what is no place of its own must not be placed a second time
        has_rest = np.zeros(int(program.bid.max()) + 1, dtype=bool)
        has_rest[program.bid[rest > 0]] = True
        stays = (problem.upper[column] == 0) | has_rest[program.bid[column]]
        closed = np.zeros(places.n_bids, dtype=bool)
        closed[self._bid[stays]] = True
        found = self._recreating.run(
            chosen,
            heat=IMPROVING,
            seed=0,
            effort=PIVOTS * self._size * effort,
            free=units_of_rows(places, left),
            closed=closed,
            focus=focus,
        )
        return self._best(problem, x, [rest + spread(places, found, program.n_columns)])

    def _best(self, problem: Problem, x: Ints, found: list[Ints]) -> Ints:
        if not all(map(self.program.is_feasible, found)):
            raise SolverFailed("a choice of places that does not fit in whole numbers")
        best, _ = best_of(problem.cost.astype(np.int64), [x, *found])
        return best


def _are_packages(places: Places) -> bool:
    """Whether most bids take several stretches, of which annealing makes far less."""
    of_several = np.unique(places.bid_of_place()[places.place_of_piece])
    return 2 * len(of_several) > places.n_bids
