"""Jobs by name, deferred in the caller's transaction: they exist if and only if it commits. What they do: tasks.py.

A job is a hint and the row is the truth: a job that runs twice, late or never changes nothing that the sweep would not
put right.
"""

import logging
from collections.abc import Iterable, Sequence

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.types import JSONValue

logger = logging.getLogger(__name__)

QUEUE_STRIPE = "stripe"
"""Jobs that wait for Stripe, kept apart so that a slow Stripe never delays a window's closing."""
QUEUE_MAIL = "mail"
"""E-mails, which nothing waits for."""

CHARGE = "settlements.charge"
RESOLVE = "settlements.resolve"
HANDLE_EVENT = "settlements.handle_event"
SEND_REFUND = "settlements.send_refund"
RESOLVE_PREPAYMENT = "settlements.resolve_prepayment"
BOOK_AVAILABLE = "settlements.book_available"
RESOLVE_REFUND = "settlements.resolve_refund"
REFRESH_PREPAID_DISPUTE = "settlements.refresh_prepaid_dispute"
REFRESH_DISPUTE = "settlements.refresh_dispute"
SEND_RETURN = "settlements.send_prepaid_return"
SEND_REVERSAL = "settlements.send_reversal"
DETACH_PAYMENT_METHOD = "settlements.detach_payment_method"
TAKE_STEP = "settlements.take_dunning_step"
SEND_NOTICE = "settlements.send_notice"
DELIVERY_NOTICE = "settlements.delivery_notice"
SEND_TRANSFER = "settlements.send_transfer"
REFRESH_ACCOUNT = "settlements.refresh_account"
RESOLVE_TRANSFER = "settlements.resolve_transfer"


def defer_charges(settlement_ids: Sequence[int]) -> None:
    """Have these settlements charged as soon as this transaction commits."""
    if settlement_ids:
        charge = app.configure_task(CHARGE, queue=QUEUE_STRIPE)
        jobs: list[dict[str, JSONValue]] = [{"row_id": settlement_id} for settlement_id in settlement_ids]
        charge.batch_defer(*jobs)


def defer_transfers(transfer_ids: Sequence[int]) -> None:
    """Have these transfers sent as soon as this transaction commits."""
    if transfer_ids:
        send = app.configure_task(SEND_TRANSFER, queue=QUEUE_STRIPE)
        jobs: list[dict[str, JSONValue]] = [{"row_id": transfer_id} for transfer_id in transfer_ids]
        send.batch_defer(*jobs)


def defer_event(event_id: int) -> None:
    """Have a stored Stripe event handled as soon as this transaction commits."""
    app.configure_task(HANDLE_EVENT, queue=QUEUE_STRIPE).defer(row_id=event_id)


def defer_refund(refund_id: int) -> None:
    """Have a decided refund sent as soon as this transaction commits."""
    app.configure_task(SEND_REFUND, queue=QUEUE_STRIPE).defer(row_id=refund_id)


def defer_reversals(reversal_ids: Sequence[int]) -> None:
    """Have these parts of transfers taken back as soon as this transaction commits."""
    for reversal_id in reversal_ids:
        app.configure_task(SEND_REVERSAL, queue=QUEUE_STRIPE).defer(row_id=reversal_id)


def defer_prepaid_returns(return_ids: Sequence[int]) -> None:
    """Have these parts of prepayments returned as soon as this transaction commits."""
    for return_id in return_ids:
        app.configure_task(SEND_RETURN, queue=QUEUE_STRIPE).defer(row_id=return_id)


def defer_detach(payment_method_id: int) -> None:
    """Have a removed card detached at Stripe as soon as this transaction commits."""
    app.configure_task(DETACH_PAYMENT_METHOD, queue=QUEUE_STRIPE).defer(row_id=payment_method_id)


def defer_notices(notice_ids: Sequence[int]) -> None:
    """Have these e-mails sent as soon as this transaction commits."""
    if notice_ids:
        jobs: list[dict[str, JSONValue]] = [{"row_id": notice_id} for notice_id in notice_ids]
        app.configure_task(SEND_NOTICE, queue=QUEUE_MAIL).batch_defer(*jobs)


def defer_delivery_notices(notice_ids: Sequence[int]) -> None:
    """Have e-mails about deliveries sent as soon as this transaction commits."""
    if notice_ids:
        jobs: list[dict[str, JSONValue]] = [{"row_id": notice_id} for notice_id in notice_ids]
        app.configure_task(DELIVERY_NOTICE, queue=QUEUE_MAIL).batch_defer(*jobs)


def defer_again(task_name: str, row_ids: Iterable[int], *, queue: str = QUEUE_STRIPE) -> int:
    """Defer a job for each row unless such a job waits already; return how many were deferred.

    For sweeps: a row that stays due while workers are busy, or Stripe is down, has one job waiting and not a pile.
    """
    n_deferred = 0
    for row_id in row_ids:
        job = app.configure_task(task_name, queue=queue, queueing_lock=f"{task_name}:{row_id}")
        try:
            with transaction.atomic():
                job.defer(row_id=row_id)
            n_deferred += 1
        except AlreadyEnqueued:
            logger.debug("%s for %s waits already", task_name, row_id)
    return n_deferred
