"""Once a second, every worker looks for windows that are due and takes the steps their rows ask for.

Jobs do the same to the second; the sweep finds what a lost job left.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Now

from auctions.models import Inquiry, Window
from auctions.operations.clearing import clear_window
from auctions.operations.inquiries import defer_inquiry
from auctions.operations.standing import bid_for_order, note_look
from auctions.operations.windows import close_window, freeze_window, join_lots, open_window, schedule_windows
from auctions.queries.standing import orders_to_look_at
from marketplace.acting import acts_as

logger = logging.getLogger(__name__)

JOB_HEAD_START = timedelta(seconds=10)
"""How long the job of an inquiry has for itself before the sweep looks after it."""
INQUIRIES_AT_ONCE = 20
ORDERS_AT_ONCE = 50


@acts_as(sweep="auctions.sweep_windows")
def sweep_windows(*, now: datetime) -> int:
    """Schedule what is missing and move every due window on. Return how many steps were taken.

    A window that was late for several steps takes them all, in order, within one sweep. Clearings, which take long,
    come after all other steps, so that none opens or closes late for another's.
    """
    taken = schedule_windows(now=now)
    uncleared = Window.objects.filter(status__in=Window.UNCLEARED, opens_at__lte=now, held_reason="")
    windows = list(uncleared.order_by("closes_at", "id"))
    for window in windows:
        taken += _move_on(window, _steps(window, now))
    for window in windows:
        if window.status == Window.Status.CLOSED or now >= window.closes_at:
            taken += _move_on(window, [clear_window])
    return taken


@acts_as(sweep="auctions.sweep_inquiries")
def sweep_inquiries() -> int:
    """Defer a job for each inquiry that waits and nobody works on. Return how many there were."""
    with transaction.atomic(durable=True):
        waiting = (
            Inquiry.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(status=Inquiry.Status.ASKED, asked_at__lt=Now() - JOB_HEAD_START)
            .order_by("asked_at", "id")
            .values_list("id", flat=True)[:INQUIRIES_AT_ONCE]
        )
        inquiry_ids = list(waiting)
    for inquiry_id in inquiry_ids:
        with transaction.atomic(durable=True):
            defer_inquiry(inquiry_id)
    return len(inquiry_ids)


@acts_as(sweep="auctions.sweep_standing_orders")
def sweep_standing_orders(*, now: datetime) -> int:
    """Bid for the standing orders that something happened to, and end those that are over. Return how many steps.

    The failure of one is logged and must not keep the others waiting.
    """
    taken = 0
    for order_id in orders_to_look_at(now, limit=ORDERS_AT_ONCE):
        try:
            while bid_for_order(order_id=order_id):
                taken += 1
        except Exception:
            logger.exception("standing order %s could not be looked at", order_id)
            # Or it would be first again the next time, and fifty such keep out the rest.
            note_look(order_id=order_id)
    return taken


def _move_on(window: Window, steps: Iterable[Callable[..., int]]) -> int:
    """Take what is due for one window; its failure is logged and must not keep the others waiting."""
    taken = 0
    try:
        for step in steps:
            taken += int(step(window_id=window.pk))
    except Exception:
        logger.exception("window %s could not be moved on", window.pk)
    return taken


def _steps(window: Window, now: datetime) -> list[Callable[..., int]]:
    """Return what is due for ``window`` at ``now`` before it can be cleared, in order.

    Each step is a no-op where another worker was first.
    """
    status = window.status
    steps: list[Callable[..., int]] = []
    if status == Window.Status.SCHEDULED:
        steps.append(open_window)
    if status == Window.Status.OPEN and now < window.freezes_at:
        steps.append(join_lots)
    if status in (Window.Status.SCHEDULED, Window.Status.OPEN) and now >= window.freezes_at:
        steps.append(freeze_window)
    if status != Window.Status.CLOSED and now >= window.closes_at:
        steps.append(close_window)
    return steps
