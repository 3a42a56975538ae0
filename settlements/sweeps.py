"""What a worker looks for once a second: work whose row says it is due, whatever became of its job.

Windows are settled here and now, in the database alone. Whatever waits for Stripe becomes a job again, so that a slow
Stripe never holds the sweep up.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import monotonic

from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.expressions import Func
from django.db.models.fields import DurationField
from django.db.models.functions import Least, Now

from auctions.models import Window
from inventory.models import SellerReliability
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
from settlements.leases import DRAWN_UP_BEFORE
from settlements.models import (
    BalanceMovement,
    BankPayout,
    ChargeAttempt,
    DeliveryNotice,
    Dispute,
    DunningStep,
    Lease,
    LeaseMonth,
    Notice,
    PaymentMethod,
    PendingFunds,
    PrepaidDispute,
    PrepaidReturn,
    Prepayment,
    Refund,
    RefundAttempt,
    Settlement,
    StripeEvent,
    TransferReversal,
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
from settlements.queries.transfers import (
    accounts_to_refresh,
    transfers_to_resolve,
    transfers_to_send,
    transfers_with_available_funds,
)
from settlements.stripe_facts import OutcomeUnknown, Refused

logger = logging.getLogger(__name__)

BATCH = 50
JOB_HEAD_START = timedelta(seconds=10)
"""How long the job deferred with the work has for itself before the sweep looks after it."""
MAIL_HEAD_START = timedelta(minutes=5)
"""A mail server that is down is asked again this often."""
FIRST_LOOKUP_AFTER = timedelta(seconds=60)
"""Longer than a call with its one retry may take, so that a lookup seldom meets a call under way."""
DISPUTE_ASKED_EVERY = timedelta(hours=1)
COUNTED_EVERY = timedelta(hours=1)
MAX_DOUBLINGS = 6
"""Lookups of one attempt come 1, 2, 4, … and at last 64 minutes apart."""
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


def due_months(now: datetime, *, leaving: Collection[int] = ()) -> list[int]:
    """Return months of active leases that are due to be charged and were not drawn up, in order."""
    months = LeaseMonth.objects.filter(
        settlement=None, lease__status=Lease.Status.ACTIVE, starts_at__lte=now + DRAWN_UP_BEFORE
    )
    months = months.exclude(pk__in=leaving)
    return list(months.order_by("starts_at", "lease_id", "number").values_list("id", flat=True)[:BATCH])


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


def untied_payouts(*, leaving: Collection[int] = ()) -> list[str]:
    """Return Stripe's ids of automatic payouts that arrived and were not compared with their movements yet."""
    payouts = BankPayout.objects.filter(automatic=True, status=BankPayout.Status.PAID, tied_at=None)
    payouts = payouts.exclude(pk__in=leaving)
    return list(payouts.order_by("id").values_list("stripe_id", flat=True)[:BATCH])


def due_steps(now: datetime) -> list[int]:
    """Return steps that are due, oldest first; what a payment under way may make needless waits for its outcome."""
    steps = DunningStep.objects.filter(taken_at=None, due_at__lte=now).exclude(
        kind__in=(DunningStep.Kind.RETRY, DunningStep.Kind.DEADLINE),
        dunning__settlement__status=Settlement.Status.CHARGING,
    )
    return list(steps.order_by("due_at", "id").values_list("id", flat=True)[:BATCH])


def stale_reliabilities(now: datetime) -> list[int]:
    """Return sellers not counted for an hour: old deliveries stop counting by themselves."""
    stale = SellerReliability.objects.filter(counted_at__lt=now - COUNTED_EVERY)
    return list(stale.order_by("counted_at").values_list("organization_id", flat=True)[:BATCH])


def unsent_delivery_notices() -> list[int]:
    """Return e-mails about deliveries that their job should long have sent, oldest first."""
    notices = DeliveryNotice.objects.filter(ended_at=None, created_at__lt=Now() - MAIL_HEAD_START)
    return list(notices.order_by("id").values_list("id", flat=True)[:BATCH])


def unsent_notices(now: datetime) -> list[int]:
    """Return e-mails that their job should long have sent, oldest first."""
    notices = Notice.objects.filter(ended_at=None, created_at__lt=now - MAIL_HEAD_START)
    return list(notices.order_by("id").values_list("id", flat=True)[:BATCH])


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


def unsettled_windows(*, leaving: Collection[int] = ()) -> list[int]:
    """Return cleared windows whose settlements have not been drawn up, oldest first."""
    windows = Window.objects.filter(status=Window.Status.CLEARED, settled_window=None).exclude(pk__in=leaving)
    return list(windows.order_by("cleared_at", "id").values_list("id", flat=True)[:BATCH])


def uncharged_settlements() -> list[int]:
    """Return due settlements that their job should long have charged: those with a card, or without a deadline."""
    cards = PaymentMethod.objects.filter(
        organization_id=OuterRef("organization_id"), is_default=True, removed_at=None
    )
    due = Settlement.objects.filter(
        Exists(cards) | Q(dunning=None),
        status=Settlement.Status.DUE,
        created_at__lt=Now() - JOB_HEAD_START,
    )
    return list(due.order_by("id").values_list("id", flat=True)[:BATCH])


def unresolved_attempts() -> list[int]:
    """Return open attempts that nobody has asked Stripe about for a while; the while doubles each time."""
    attempts = ChargeAttempt.objects.filter(outcome__in=ChargeAttempt.OPEN, called_at__lt=Now() - _pause())
    return list(attempts.order_by("called_at", "id").values_list("id", flat=True)[:BATCH])


def unsent_refunds() -> list[int]:
    """Return decided refunds that their job should long have sent."""
    decided = Refund.objects.filter(status=Refund.Status.APPROVED, decided_at__lt=Now() - JOB_HEAD_START)
    return list(decided.order_by("id").values_list("id", flat=True)[:BATCH])


def unresolved_refund_attempts() -> list[int]:
    """Return refunds' open attempts that nobody has asked Stripe about for a while; the while doubles each time."""
    attempts = RefundAttempt.objects.filter(outcome__in=RefundAttempt.OPEN, called_at__lt=Now() - _pause())
    return list(attempts.order_by("called_at", "id").values_list("id", flat=True)[:BATCH])


def unsent_reversals() -> list[int]:
    """Return what is to be taken back of transfers and nobody has asked about for a while; the while doubles."""
    reversals = TransferReversal.objects.filter(
        status__in=TransferReversal.OPEN, called_at__lt=Now() - JOB_HEAD_START
    ).filter(Q(n_calls=0) | Q(called_at__lt=Now() - _pause()))
    return list(reversals.order_by("called_at", "id").values_list("id", flat=True)[:BATCH])


def unsent_returns() -> list[int]:
    """Return parts of prepayments on their way back that nobody has asked about for a while; the while doubles."""
    returns = PrepaidReturn.objects.filter(
        status=PrepaidReturn.Status.SENDING, called_at__lt=Now() - JOB_HEAD_START
    ).filter(Q(n_calls=0) | Q(called_at__lt=Now() - _pause()))
    return list(returns.order_by("called_at", "id").values_list("id", flat=True)[:BATCH])


def unheard_of_disputes() -> list[int]:
    """Return open disputes nobody asked about for an hour, or for a minute since evidence was handed in or due."""
    is_open = Dispute.objects.filter(status__in=Dispute.OPEN).exclude(status=Dispute.Status.LOST)
    lost_sight = Q(checked_at__lt=Now() - DISPUTE_ASKED_EVERY) | Q(
        Q(evidence_at__gt=F("checked_at")) | Q(due_at__gt=F("checked_at"), due_at__lt=Now()),
        checked_at__lt=Now() - FIRST_LOOKUP_AFTER,
    )
    return list(is_open.filter(lost_sight).order_by("checked_at", "id").values_list("id", flat=True)[:BATCH])


def unheard_of_prepaid_disputes() -> list[int]:
    """Return open disputes of prepayments that nobody asked about for an hour."""
    lost_sight = PrepaidDispute.objects.filter(
        status__in=PrepaidDispute.OPEN, checked_at__lt=Now() - DISPUTE_ASKED_EVERY
    )
    return list(lost_sight.order_by("checked_at", "id").values_list("id", flat=True)[:BATCH])


def unresolved_prepayments() -> list[int]:
    """Return open prepayments that nobody has asked Stripe about for a while; the while doubles each time."""
    prepayments = Prepayment.objects.filter(status=Prepayment.Status.OPEN, called_at__lt=Now() - _pause())
    return list(prepayments.order_by("called_at", "id").values_list("id", flat=True)[:BATCH])


def _pause() -> Func:
    """How long to wait after the latest of ``n_calls`` calls."""
    doublings = Least(F("n_calls") - 1, Value(MAX_DOUBLINGS))
    seconds = Func(Value(2), doublings, function="power") * Value(FIRST_LOOKUP_AFTER.total_seconds())
    return Func(
        seconds,
        function="make_interval",
        template="make_interval(secs => %(expressions)s)",
        output_field=DurationField(),
    )


def unhandled_events() -> list[int]:
    """Return stored events that their job should long have handled, oldest first; one that raises waits ever longer."""
    events = StripeEvent.objects.filter(handled_at=None, received_at__lt=Now() - JOB_HEAD_START)
    due = events.filter(Q(n_calls=0) | Q(called_at__lt=Now() - _pause()))
    return list(due.order_by("id").values_list("id", flat=True)[:BATCH])


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
