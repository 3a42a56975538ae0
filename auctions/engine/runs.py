"""Work through long columns a run at a time, so that what is computed on the way stays in the cache."""

RUN_BIDS = 1 << 15
"""Bids worked on at a time: their columns fit the second-level cache."""


def runs_of(n_rows: int) -> list[slice]:
    return [slice(start, min(start + RUN_BIDS, n_rows)) for start in range(0, n_rows, RUN_BIDS)]
