"""Jobs: naming them, and deferring them by name in the transaction that makes them needful.

A job is a hint, the row is the truth: each job re-reads its row, and a sweep finds rows whose job went missing.
"""

from collections.abc import Callable
from datetime import datetime
from typing import ParamSpec, TypeVar

from django.db import transaction
from procrastinate import BaseRetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.tasks import Task

from marketplace.acting import acts_as

P = ParamSpec("P")
R = TypeVar("R")


def defer_job(name: str, *, key: str, at: datetime | None = None, **arguments: int | str) -> None:
    """Defer task ``name`` to ``at`` (now if None). One job per ``key`` waits at a time; a second one is not needed."""
    try:
        with transaction.atomic():  # a refused job must not take the caller's transaction with it
            app.configure_task(name, schedule_at=at, queueing_lock=key).defer(**arguments)
    except AlreadyEnqueued:
        return


def task(
    *, name: str, queue: str, retry: BaseRetryStrategy | bool = False
) -> Callable[[Callable[P, R]], Task[P, R, P]]:
    """Make a function the task ``name``, of a queue that workers know (marketplace/worker.py).

    What it changes is recorded as done by that job.
    """

    def decorate(function: Callable[P, R]) -> Task[P, R, P]:
        return app.task(name=name, queue=queue, retry=retry)(acts_as(job=name)(function))

    return decorate
