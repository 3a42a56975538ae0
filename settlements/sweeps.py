"""What a worker looks for once a second: work whose row says it is due, whatever became of its job.

Windows are settled here and now, in the database alone. Whatever waits for Stripe becomes a job again, so that a slow
Stripe never holds the sweep up.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from time import monotonic

from marketplace.acting import acts_as
from settlements.backoff import Setbacks
from settlements.jobs import (
    BOOK_AVAILABLE,
    CHARGE,
    DELIVERY_NOTICE,
    HANDLE_EVENT,
    QUEUE_MAIL,
    REFRESH_ACCOUNT,
    REFRESH_DISPUTE,
    REFRESH_PREPAID_DISPUTE,
    RESOLVE,
    RESOLVE_PREPAYMENT,
    RESOLVE_REFUND,
    RESOLVE_TRANSFER,
    SEND_NOTICE,
    SEND_REFUND,
    SEND_RETURN,
    SEND_REVERSAL,
    SEND_TRANSFER,
    TAKE_STEP,
    defer_again,
)
from settlements.models import (
    BalanceMovement,
    BankPayout,
    Lease,
    PendingFunds,
)
from settlements.operations.balances import count_days, days_of, is_reading_due, read_balance
from settlements.operations.delivery_steps import announce_start, move_delivery
from settlements.operations.draw_up import settle_window
from settlements.operations.lease_months import complete_lease, draw_up_month
from settlements.operations.reconciliation import (
    how_far_to_look,
    import_movements,
    look_for_mismatches,
    tie_payout,
)
from settlements.operations.reliability import count_reliability
from settlements.operations.transfers import book_available
from settlements.queries.deliveries import due_deliveries, starting_deliveries
from settlements.queries.due import (
    BATCH,
    due_months,
    due_steps,
    stale_reliabilities,
    uncharged_settlements,
    unhandled_events,
    unheard_of_disputes,
    unheard_of_prepaid_disputes,
    unresolved_attempts,
    unresolved_prepayments,
    unresolved_refund_attempts,
    unsent_delivery_notices,
    unsent_notices,
    unsent_refunds,
    unsent_returns,
    unsent_reversals,
    unsettled_windows,
    untied_payouts,
)
from settlements.queries.transfers import (
    accounts_to_refresh,
    transfers_to_resolve,
    transfers_to_send,
    transfers_with_available_funds,
)
from settlements.stripe_facts import OutcomeUnknown, Refused

logger = logging.getLogger(__name__)

_windows, _deliveries, _months, _payouts = Setbacks(), Setbacks(), Setbacks(), Setbacks()


@acts_as(sweep="settlements.sweep_settlements")
def sweep_settlements() -> int:
    """Settle cleared windows; defer charges, lookups and events that are due. Return how many of all these."""
    return (
        _settle_windows(unsettled_windows(leaving=_windows.waiting(at=monotonic())))
        + defer_again(CHARGE, uncharged_settlements())
        + defer_again(RESOLVE, unresolved_attempts())
        + defer_again(HANDLE_EVENT, unhandled_events())
        + defer_again(SEND_REFUND, unsent_refunds())
        + defer_again(RESOLVE_REFUND, unresolved_refund_attempts())
        + defer_again(RESOLVE_PREPAYMENT, unresolved_prepayments())
        + defer_again(REFRESH_DISPUTE, unheard_of_disputes())
        + defer_again(SEND_REVERSAL, unsent_reversals())
        + defer_again(REFRESH_PREPAID_DISPUTE, unheard_of_prepaid_disputes())
        + defer_again(SEND_RETURN, unsent_returns())
    )


@acts_as(sweep="settlements.sweep_deliveries")
def sweep_deliveries(*, now: datetime) -> int:
    """Take the step that payment or time asks of each delivery, count reliability anew, defer e-mails not sent.

    Trouble with one delivery keeps no other waiting.
    """
    for seller_id in stale_reliabilities(now):
        count_reliability(seller_id=seller_id, now=now)
    n_moved = defer_again(DELIVERY_NOTICE, unsent_delivery_notices(), queue=QUEUE_MAIL)
    for delivery_id in due_deliveries(now, leaving=_deliveries.waiting(at=monotonic())):
        with _noting(_deliveries, delivery_id, "delivery %s could not be moved on"):
            n_moved += move_delivery(delivery_id=delivery_id, now=now)
    return n_moved


@acts_as(sweep="settlements.sweep_starts")
def sweep_starts(*, now: datetime) -> int:
    """Announce deliveries that start soon to both sides; return how many."""
    return sum(announce_start(delivery_id=delivery_id, now=now) for delivery_id in starting_deliveries(now))


@acts_as(sweep="settlements.sweep_dunning")
def sweep_dunning(*, now: datetime) -> int:
    """Defer the steps of dunning that are due at ``now`` and e-mails whose job was lost; return how many."""
    return defer_again(TAKE_STEP, due_steps(now)) + defer_again(
        SEND_NOTICE, unsent_notices(now), queue=QUEUE_MAIL
    )


@acts_as(sweep="settlements.sweep_leases")
def sweep_leases(*, now: datetime) -> int:
    """Draw up months of leases that start soon, and close leases that have ended; return how many of both."""
    n_done = 0
    for month_id in due_months(now, leaving=_months.waiting(at=monotonic())):
        with _noting(_months, month_id, "month %s of a lease could not be drawn up"):
            n_done += draw_up_month(month_id=month_id, now=now) is not None
    ended = Lease.objects.filter(status=Lease.Status.ACTIVE, award__ends_at__lte=now).order_by("id")
    for lease_id in ended.values_list("id", flat=True)[:BATCH]:
        n_done += complete_lease(lease_id=lease_id, now=now)
    return n_done


@acts_as(sweep="settlements.sweep_funds")
def sweep_funds(*, now: datetime) -> int:
    """Defer the booking of funds that Stripe should have made available by ``now``; return how many."""
    due = PendingFunds.objects.filter(booked_at=None, available_at__lte=now)
    return defer_again(
        BOOK_AVAILABLE, due.order_by("available_at", "id").values_list("id", flat=True)[:BATCH]
    )


@acts_as(sweep="settlements.sweep_reconciliation")
def sweep_reconciliation(*, now: datetime) -> int:
    """Take in what Stripe moved since the last look and write down what does not tie; return how many are open.

    A Stripe that does not answer keeps nothing else from being looked at.
    """
    new: list[BalanceMovement] = []
    try:
        new = import_movements(now=now)
        for payout_id in untied_payouts(leaving=_payouts.waiting(at=monotonic())):
            with _noting(
                _payouts, BankPayout.objects.get(stripe_id=payout_id).pk, "payout %s was not compared"
            ):
                tie_payout(payout_id=payout_id, now=now)
        count_days(days_of(new), now=now)
        if is_reading_due(now=now):
            read_balance(now=now)
    except (OutcomeUnknown, Refused):
        logger.warning("Stripe did not tell its movements; the next look asks again", exc_info=True)
        count_days(days_of(new), now=now)
    return look_for_mismatches(now=now, back=how_far_to_look(now=now))


@acts_as(sweep="settlements.sweep_transfers")
def sweep_transfers(*, now: datetime) -> int:
    """Defer transfers that may leave or be looked up, and looks at sellers these wait for; book available funds.

    Return how many of all these.
    """
    n_done = defer_again(SEND_TRANSFER, transfers_to_send(now))
    n_done += defer_again(RESOLVE_TRANSFER, transfers_to_resolve(now))
    n_done += defer_again(REFRESH_ACCOUNT, accounts_to_refresh(now))
    for transfer_id in transfers_with_available_funds(now):
        try:
            n_done += book_available(transfer_id=transfer_id, now=now)
        except Exception:
            logger.exception("the funds of transfer %s could not be booked", transfer_id)
    return n_done


def _settle_windows(window_ids: list[int]) -> int:
    """Settle each window; trouble with one is logged with its traceback and keeps no other waiting."""
    n_settled = 0
    for window_id in window_ids:
        with _noting(_windows, window_id, "window %s could not be settled"):
            settle_window(window_id=window_id)
            n_settled += 1
    return n_settled


@contextmanager
def _noting(setbacks: Setbacks, row_id: int, message: str) -> Iterator[None]:
    """Log what a row's work raises, and have the row wait longer each time."""
    try:
        yield
        setbacks.forget(row_id)
    except Exception:
        logger.exception(message, row_id)
        setbacks.note(row_id, at=monotonic())
