"""Take money from buyers ahead of what they will owe, in three steps: commit the row, call Stripe, record the outcome.

As with charges, the row is there before Stripe is. Whoever comes after a lost answer looks the payment up by the
prepayment that its metadata names, and only where there is none asks again, with the same idempotency key.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.urls import reverse

from accounts.holds import lock_limit
from accounts.models import User
from accounts.stream import append_event
from marketplace.db import database_now
from marketplace.states import require_transition
from settlements import ledger
from settlements import stripe_gateway as gateway
from settlements.models import Customer, Prepayment, Transaction
from settlements.operations.customers import ensure_customer
from settlements.operations.debts import lock_debts, pay_debts
from settlements.operations.funds import note_pending
from settlements.operations.payments import PaymentMismatch
from settlements.stripe_facts import Payment, PaymentSession, PrepaymentOrder

logger = logging.getLogger(__name__)
Method = Prepayment.Method
Status = Prepayment.Status

CLOCK_SKEW = timedelta(minutes=10)
KEYS_LAST = timedelta(hours=23)
"""Stripe forgets an idempotency key after 24 hours: from then on asking again would open a second page."""


class PrepaymentRejected(Exception):
    """Nothing was paid in; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class PrepaymentDraft:
    """What a buyer asks for: how much, which way, and the key of the form that asked."""

    organization_id: int
    method: Prepayment.Method
    amount_cents: int
    form_key: UUID


def start_prepayment(*, draft: PrepaymentDraft, by: User) -> Prepayment:
    """Begin a prepayment and return it with Stripe's page or the bank's details; a form sent twice begins one.

    Raise PrepaymentRejected for a form that was used for something else, OutcomeUnknown, Refused.
    """
    ensure_customer(draft.organization_id)
    with transaction.atomic(durable=True):
        prepayment, is_new = Prepayment.objects.get_or_create(
            form_key=draft.form_key,
            defaults={
                "organization_id": draft.organization_id,
                "method": draft.method,
                "amount_cents": draft.amount_cents,
                "remaining_cents": draft.amount_cents,
                "started_by": by,
            },
        )
    asked = (draft.organization_id, draft.method, draft.amount_cents)
    if (prepayment.organization_id, prepayment.method, prepayment.amount_cents) != asked:
        raise PrepaymentRejected("This form was used for another amount already. Fill in a new one.")
    if is_new or not (prepayment.stripe_session_id or prepayment.stripe_payment_intent_id):
        _ask(prepayment)
    return Prepayment.objects.get(pk=prepayment.pk)


def resolve_prepayment(*, prepayment_id: int, now: datetime) -> Prepayment.Status:
    """Learn what became of an open prepayment. Raise OutcomeUnknown, Refused."""
    with transaction.atomic(durable=True):
        prepayment = _lock(prepayment_id)
        if prepayment.status != Status.OPEN:
            return Status(prepayment.status)
        Prepayment.objects.filter(pk=prepayment_id).update(n_calls=F("n_calls") + 1, called_at=Now())
    payment = _look_up(prepayment)
    if payment is not None:
        _record(prepayment.pk, payment)
    elif prepayment.stripe_session_id:
        _record_session(prepayment.pk, gateway.retrieve_payment_session(prepayment.stripe_session_id))
    elif now - prepayment.created_at < KEYS_LAST:
        _ask(prepayment)
    else:
        _expire(prepayment.pk)
    return Status(Prepayment.objects.values_list("status", flat=True).get(pk=prepayment_id))


def cancel_prepayment(*, organization_id: int, prepayment_id: int) -> Prepayment.Status:
    """Give up a bank transfer that is not wanted any more; what came of it stays with Stripe for the next one.

    One that was paid meanwhile counts. Raise PrepaymentRejected, Prepayment.DoesNotExist, OutcomeUnknown, Refused.
    """
    prepayment = Prepayment.objects.get(pk=prepayment_id, organization_id=organization_id)
    if prepayment.status != Status.OPEN or not prepayment.stripe_payment_intent_id:
        raise PrepaymentRejected(
            f"This prepayment is {prepayment.get_status_display().lower()}: nothing to cancel."
        )
    cancelled = gateway.cancel_payment(
        prepayment.stripe_payment_intent_id, idempotency_key=f"cancel-prepayment-{prepayment.form_key}"
    )
    _record(prepayment.pk, cancelled)
    return Status(Prepayment.objects.values_list("status", flat=True).get(pk=prepayment_id))


def apply_prepayment(prepayment_id: int, payment: Payment) -> bool:
    """Take a payment's state into its prepayment; assumes a transaction. Return whether anything changed.

    Raise PaymentMismatch when amount, currency or identity differ from what was asked.
    """
    prepayment = _lock(prepayment_id)
    _require_match(prepayment, payment)
    match payment.status:
        case "succeeded":
            return _receive(prepayment, payment)
        case "canceled":
            return _end(prepayment)
        case _:
            return _instruct(prepayment, payment)


def expire_prepayment(prepayment_id: int) -> bool:
    """Take in that Stripe's page closed without a payment; assumes a transaction. Return whether anything changed."""
    return _end(_lock(prepayment_id))


def _ask(prepayment: Prepayment) -> None:
    order = PrepaymentOrder(
        idempotency_key=f"prepayment-{prepayment.form_key}",
        amount_cents=prepayment.amount_cents,
        currency=prepayment.currency,
        customer_id=_customer_id(prepayment),
        description="Sparegrid prepaid balance",
        metadata={"prepayment": str(prepayment.pk)},
    )
    if prepayment.method == Method.BANK_TRANSFER:
        _record(prepayment.pk, gateway.create_bank_transfer(order))
        return
    session = gateway.create_payment_session(
        order,
        success_url=settings.SITE_URL + reverse("settlements:prepayment_return", args=[prepayment.pk]),
        cancel_url=settings.SITE_URL + reverse("settlements:limit"),
    )
    _record_session(prepayment.pk, session)


def _look_up(prepayment: Prepayment) -> Payment | None:
    if prepayment.stripe_payment_intent_id:
        return gateway.retrieve_payment(prepayment.stripe_payment_intent_id)
    return gateway.find_payment(
        customer_id=_customer_id(prepayment),
        since=prepayment.created_at - CLOCK_SKEW,
        key="prepayment",
        value=str(prepayment.pk),
    )


def _customer_id(prepayment: Prepayment) -> str:
    stripe_id = Customer.objects.values_list("stripe_id", flat=True).get(pk=prepayment.organization_id)
    assert stripe_id is not None, "its customer was made first"
    return stripe_id


def _lock(prepayment_id: int) -> Prepayment:
    return Prepayment.objects.select_for_update(no_key=True).get(pk=prepayment_id)


def _record(prepayment_id: int, payment: Payment) -> None:
    with transaction.atomic(durable=True):
        apply_prepayment(prepayment_id, payment)


def _record_session(prepayment_id: int, session: PaymentSession) -> None:
    with transaction.atomic(durable=True):
        prepayment = _lock(prepayment_id)
        if session.metadata.get("prepayment") != str(prepayment.pk):
            raise PaymentMismatch(f"{session.id} is not the page of {prepayment}")
        prepayment.stripe_session_id = session.id
        prepayment.page_url = session.url
        prepayment.save(update_fields=["stripe_session_id", "page_url"])
        if session.status == "expired":
            _end(prepayment)


def _expire(prepayment_id: int) -> None:
    with transaction.atomic(durable=True):
        expire_prepayment(prepayment_id)


def _require_match(prepayment: Prepayment, payment: Payment) -> None:
    expected = {
        "amount": (prepayment.amount_cents, payment.amount_cents),
        "currency": (prepayment.currency, payment.currency),
        "customer": (_customer_id(prepayment), payment.customer_id),
        "prepayment": (str(prepayment.pk), payment.metadata.get("prepayment")),
        "payment": (prepayment.stripe_payment_intent_id or payment.id, payment.id),
    }
    if payment.status == "succeeded":
        expected["amount received"] = (prepayment.amount_cents, payment.received_cents)
    for what, (ours, theirs) in expected.items():
        if ours != theirs:
            raise PaymentMismatch(f"{payment.id}: its {what} is {theirs!r}, {prepayment} expects {ours!r}")


def _receive(prepayment: Prepayment, payment: Payment) -> bool:
    if prepayment.status == Status.RECEIVED:
        return False
    require_transition(Prepayment.TRANSITIONS, prepayment.status, Status.RECEIVED)
    prepayment.status = Status.RECEIVED
    prepayment.received_at = database_now()
    prepayment.remaining_cents = 0
    prepayment.stripe_payment_intent_id = payment.id
    prepayment.stripe_charge_id = payment.charge_id
    prepayment.save()
    debts = lock_debts(prepayment.organization_id)
    lock_limit(prepayment.organization_id)
    posted = ledger.post_transaction(
        ledger.Posting(
            kind=Transaction.Kind.PREPAYMENT,
            reference=f"prepayment:{prepayment.pk}:received",
            description=f"Prepayment {prepayment.pk} received by {payment.id}",
            cents={
                ledger.STRIPE_PENDING: prepayment.amount_cents - payment.fee_cents,
                ledger.STRIPE_FEES: payment.fee_cents,
                ledger.buyer_prepaid(prepayment.organization_id): -prepayment.amount_cents,
            },
            stripe_object_id=payment.charge_id,
        )
    )
    note_pending(posted, payment)
    append_event(
        organization_id=prepayment.organization_id,
        kind="prepayment.received",
        data={"prepayment": prepayment.pk, "amount_cents": prepayment.amount_cents},
    )
    pay_debts(debts, organization_id=prepayment.organization_id, now=prepayment.received_at)
    return True


def _end(prepayment: Prepayment) -> bool:
    if prepayment.status != Status.OPEN:
        return False
    require_transition(Prepayment.TRANSITIONS, prepayment.status, Status.EXPIRED)
    prepayment.status = Status.EXPIRED
    prepayment.save(update_fields=["status"])
    return True


def _instruct(prepayment: Prepayment, payment: Payment) -> bool:
    """Note which payment it is, and of a bank transfer where to send it and what has come of it."""
    if prepayment.status != Status.OPEN:
        return False
    prepayment.stripe_payment_intent_id = payment.id
    if payment.instructions is not None:
        prepayment.instructions = asdict(payment.instructions)
        prepayment.page_url = payment.instructions.page_url
        prepayment.remaining_cents = payment.instructions.remaining_cents
    prepayment.save()
    return True
