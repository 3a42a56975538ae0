"""Once a second a worker passes the feeds on, and looks for letters whose job went missing; once an hour it deletes
what is older than anybody needs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from marketplace.acting import acts_as
from notifications.jobs import QUEUE_LETTERS, SEND_LETTER, defer_again, defer_deliveries
from notifications.models import Letter
from notifications.operations.calls import due_endpoints
from notifications.operations.forgetting import forget_deliveries, forget_notifications
from notifications.operations.spreading import feeds_behind, pass_desk_events_on, pass_feed_on

logger = logging.getLogger(__name__)

BATCH = 50
FORGET_AT_ONCE = 1_000
FORGET_BATCHES = 100
"""Deletions of a sweep: short transactions, and an end; what is left, the next sweep takes."""
JOB_HEAD_START = timedelta(seconds=10)
"""How long a letter's own job has for itself before the sweep looks after it."""


@acts_as(sweep="notifications.sweep_news")
def sweep_news(*, now: datetime) -> int:
    """Pass on every feed that has news; defer letters and webhooks that are due. Return how many of these.

    Trouble with one feed keeps no other waiting.
    """
    n_done = pass_desk_events_on()
    for organization_id in feeds_behind():
        try:
            n_done += pass_feed_on(organization_id=organization_id)
        except Exception:
            logger.exception("the feed of organization %s could not be passed on", organization_id)
    n_done += defer_again(SEND_LETTER, due_letters(now), queue=QUEUE_LETTERS)
    return n_done + defer_deliveries(due_endpoints(now))


@acts_as(sweep="notifications.sweep_old")
def sweep_old(*, now: datetime) -> int:
    """Delete old notifications and old logs of webhooks. Return how many of both."""
    return _in_batches(forget_notifications, now) + _in_batches(forget_deliveries, now)


def _in_batches(forget: Callable[..., int], now: datetime) -> int:
    n_deleted = 0
    for _ in range(FORGET_BATCHES):
        n = forget(now=now, at_most=FORGET_AT_ONCE)
        n_deleted += n
        if n < FORGET_AT_ONCE:
            break
    return n_deleted


def due_letters(now: datetime) -> list[int]:
    """Return letters that their job should long have sent, the longest due first."""
    due = Letter.objects.filter(sent_at=None, given_up_at=None, next_try_at__lte=now - JOB_HEAD_START)
    return list(due.order_by("next_try_at", "id").values_list("id", flat=True)[:BATCH])
