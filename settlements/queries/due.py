"""What a sweep finds due: rows that say so, whatever became of their job, oldest first and a batch at a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.expressions import Func
from django.db.models.fields import DurationField
from django.db.models.functions import Least, Now

from auctions.models import Window
from inventory.models import SellerReliability
from settlements.leases import DRAWN_UP_BEFORE
from settlements.models import (
    BankPayout,
    ChargeAttempt,
    DeliveryNotice,
    Dispute,
    DunningStep,
    Lease,
    LeaseMonth,
    Notice,
    PaymentMethod,
    PrepaidDispute,
    PrepaidReturn,
    Prepayment,
    Refund,
    RefundAttempt,
    Settlement,
    StripeEvent,
    TransferReversal,
)

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


def due_months(now: datetime, *, leaving: Collection[int] = ()) -> list[int]:
    """Return months of active leases that are due to be charged and were not drawn up, in order."""
    months = LeaseMonth.objects.filter(
        settlement=None, lease__status=Lease.Status.ACTIVE, starts_at__lte=now + DRAWN_UP_BEFORE
    )
    months = months.exclude(pk__in=leaving)
    return list(months.order_by("starts_at", "lease_id", "number").values_list("id", flat=True)[:BATCH])


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
