"""Jobs by name, deferred in the caller's transaction. A job is a hint, the row is the truth; what they do: tasks.py."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.types import JSONValue

QUEUE_LETTERS = "letters"
SEND_LETTER = "notifications.send_letter"
QUEUE_WEBHOOKS = "webhooks"
SEND_WAITING = "notifications.send_waiting"


def defer_letters(letter_ids: Sequence[int]) -> None:
    """Have these letters sent as soon as this transaction commits."""
    if letter_ids:
        jobs: list[dict[str, JSONValue]] = [{"row_id": letter_id} for letter_id in letter_ids]
        app.configure_task(SEND_LETTER, queue=QUEUE_LETTERS).batch_defer(*jobs)


def defer_deliveries(endpoint_ids: Sequence[int]) -> int:
    """Have what waits for these endpoints sent as soon as this transaction commits; return how many jobs were new.

    One job of an endpoint waits and one is at work at a time: a slow endpoint takes one worker's slot, never two.
    """
    n_deferred = 0
    for endpoint_id in endpoint_ids:
        name = f"webhook:{endpoint_id}"
        job = app.configure_task(SEND_WAITING, queue=QUEUE_WEBHOOKS, lock=name, queueing_lock=name)
        try:
            with transaction.atomic():
                job.defer(row_id=endpoint_id)
        except AlreadyEnqueued:
            continue
        n_deferred += 1
    return n_deferred


def defer_again(task_name: str, row_ids: Sequence[int], *, queue: str) -> int:
    """Defer a job for each row that none waits for; return how many."""
    n_deferred = 0
    for row_id in row_ids:
        job = app.configure_task(task_name, queue=queue, queueing_lock=f"{task_name}:{row_id}")
        try:
            with transaction.atomic():
                job.defer(row_id=row_id)
        except AlreadyEnqueued:
            continue
        n_deferred += 1
    return n_deferred
