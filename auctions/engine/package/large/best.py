"""A good choice of a large block, and how far from the best it can be; see `large`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auctions.engine.book import Ints
from auctions.engine.package.bounds import Bound
from auctions.engine.package.columns import CHARGE
from auctions.engine.package.found import Found, best_of, exact_value
from auctions.engine.package.highs import Problem
from auctions.engine.package.large.neighbourhoods import improve
from auctions.engine.package.large.refill import refill
from auctions.engine.package.large.relaxation import relax_large
from auctions.engine.package.large.spans import find_spans
from auctions.engine.package.program import Program
from auctions.engine.package.rounding import greedy
from auctions.engine.package.work import WINDOW_WORK, Work

if TYPE_CHECKING:
    from auctions.engine.package.large.choosing import Choosing

FULL_EFFORT = WINDOW_WORK // 2
"""Units of work that a large block's own limits stand for; with less, they are lowered in proportion."""

LITTLE_LEFT = 0.2
"""Of the neighbourhoods' work, after the searches before: there they find next to nothing."""


class LargeSearch:
    """One large program, the bound that its first search proved, and what searches without a winner go on from."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._bound: Bound | None = None
        self._choosing: Choosing | None = None
        self._effort_of_each = 0.0

    def maximise(self, problem: Problem, x: Ints, value: int, work: Work) -> Found:
        """Improve on a feasible `x`; the first search does most of what is to be done, those after it share a part."""
        ticks = problem.cost.astype(np.int64)
        if self._bound is not None:
            bound = self._bound.without(problem.upper == 0)
            if self._choosing is not None:
                x = self._choosing.without(problem, x, effort=self._effort_of_each)
            x, value = best_of(ticks, [x, refill(self.program, problem, x)])
            return Found(x, value, max(value, bound.ticks))
        effort = min(1.0, work.units / FULL_EFFORT)
        work.take(Work(0, int(FULL_EFFORT * effort)))
        spans = find_spans(self.program)
        relaxation = relax_large(self.program, problem, spans, effort=effort)
        self._bound = bound = relaxation.bound
        rounded = np.rint(relaxation.x).astype(np.int64)
        if not self.program.is_feasible(rounded):
            rounded = greedy(self.program, problem, bound.reduced, relaxation.x)
        x, value = best_of(ticks, [x, rounded])
        if value < bound.ticks:
            part = effort
            if not (self.program.kind == CHARGE).any():  # what a bid adds then hangs on other bids
                from auctions.engine.package.large.choosing import Choosing  # numba, which few books need

                self._choosing = Choosing(self.program, problem, spans, relaxation)
                x = self._choosing.from_nothing(problem, x, effort=effort)
                x, part = refill(self.program, problem, x), effort * LITTLE_LEFT
            x = refill(self.program, problem, improve(self.program, problem, spans, bound, x, effort=part))
            self._effort_of_each = effort / max(1, len(np.unique(self.program.owner[x > 0])))
        return Found(x, exact_value(ticks, x), max(exact_value(ticks, x), bound.ticks))
