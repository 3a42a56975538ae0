"""Do both halves of a pass over a large book side by side, on threads, since they share its arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

SHARED_FROM_BIDS = 200_000
"""Bids from which on a second thread is worth waking."""

Result = TypeVar("Result")


def threads_for(n_bids: int, executor: Executor | None = None) -> Executor | None:
    """Where the second half of a book of so many bids is done: on the executor if it has threads, else on our own.

    None where it is done on the caller's thread: the book is small, or there is one processor.
    """
    if n_bids < SHARED_FROM_BIDS or os.cpu_count() == 1:
        return None
    return executor if isinstance(executor, ThreadPoolExecutor) else _own_thread()


def side_by_side(works: Sequence[Callable[[], Result]], threads: Executor | None) -> list[Result]:
    """Do all works, the first on the caller's thread; the first one's error in their order is raised when all are done.

    What no thread has begun once the caller is free is done by the caller. So threads that are all busy, be it with
    callers of this function, keep nobody waiting for ever.
    """
    if threads is None or len(works) == 1:
        return [work() for work in works]
    begun = [threads.submit(work) for work in works[1:]]
    try:
        results = [works[0]()]
    finally:
        left = [future.cancel() for future in begun]
        # also where the first work failed: none may go on writing into arrays that it was given
        wait([future for future, is_left in zip(begun, left, strict=True) if not is_left])
    for work, future, is_left in zip(works[1:], begun, left, strict=True):
        results.append(work() if is_left else future.result())
    return results


@cache
def _own_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="clear-lots")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_own_thread.cache_clear)  # a forked process has none of its threads
