"""Work through long columns a run at a time, so that what is computed on the way stays in the cache."""

from __future__ import annotations

import numpy as np

from auctions.engine.ranges import Ints

RUN_BIDS = 1 << 16
"""Bids worked on at a time: few enough for a column or two to stay in the second-level cache, and many enough for two
threads to meet seldom at the interpreter's lock."""


def runs_of(n_rows: int) -> list[slice]:
    return [slice(start, min(start + RUN_BIDS, n_rows)) for start in range(0, n_rows, RUN_BIDS)]


def halves_of(n_rows: int) -> list[list[slice]]:
    """The runs, in two lists of about as many."""
    runs = runs_of(n_rows)
    middle = (len(runs) + 1) // 2
    return [runs[:middle], runs[middle:]]


def lot_runs(first: Ints, n_bids: int = RUN_BIDS) -> list[slice]:
    """Runs of lots, each with about `n_bids` bids or else one lot."""
    n_lots = len(first) - 1
    ends = np.unique(np.searchsorted(first, np.arange(n_bids, first[-1], n_bids)))
    starts = [0, *ends[ends < n_lots].tolist()]
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], n_lots], strict=True)]
