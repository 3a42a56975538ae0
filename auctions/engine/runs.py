"""Work through long columns a run at a time, so that what is computed on the way stays in the cache."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

R = TypeVar("R")

RUN_BIDS = 1 << 15
"""Bids worked on at a time: their columns fit the second-level cache."""

MAX_THREADS = 8
"""Beyond this the runs wait for memory, not for processors."""


def runs_of(n_rows: int) -> list[slice]:
    return [slice(start, min(start + RUN_BIDS, n_rows)) for start in range(0, n_rows, RUN_BIDS)]


def map_runs(work: Callable[[slice], R], runs: list[slice]) -> list[R]:
    """Do the work of each run, on threads where there are several; results come in the order of the runs."""
    n_threads = min(len(runs), os.cpu_count() or 1, MAX_THREADS)
    if n_threads < 2:
        return [work(run) for run in runs]
    with ThreadPoolExecutor(n_threads, thread_name_prefix="clearing") as threads:
        return list(threads.map(work, runs))
