"""Deferring jobs by name, in the transaction that makes them needful.

A job is a hint, the row is the truth: each job re-reads its row, and a sweep finds rows whose job went missing.
"""

from datetime import datetime

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued


def defer_job(name: str, *, key: str, at: datetime | None = None, **arguments: int | str) -> None:
    """Defer task ``name`` to ``at`` (now if None). One job per ``key`` waits at a time; a second one is not needed."""
    try:
        with transaction.atomic():  # a refused job must not take the caller's transaction with it
            app.configure_task(name, schedule_at=at, queueing_lock=key).defer(**arguments)
    except AlreadyEnqueued:
        return
