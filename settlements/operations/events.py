"""Take in Stripe's events: store each once, handle it exactly once, believe only what Stripe says when asked again.

Handlers run in two steps. Outside any transaction they read the object anew from Stripe, so that an event that comes
late or out of order tells of the present; then, with the event's row locked, they apply what they read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts.models import Organization
from marketplace.db import database_now
from settlements import stripe_gateway as gateway
from settlements.jobs import defer_event
from settlements.models import (
    ChargeAttempt,
    PaymentMethod,
    PrepaidReturn,
    Prepayment,
    RefundAttempt,
    StripeEvent,
    Transfer,
)
from settlements.operations.bank_payouts import PayoutMismatch, apply_payout
from settlements.operations.cards import CardNotSaved, save_card, take_off_file
from settlements.operations.disputes import apply_dispute
from settlements.operations.payments import PaymentMismatch, apply_payment, lock_attempt
from settlements.operations.prepaid_disputes import apply_prepaid_dispute, disputed_prepayment_id
from settlements.operations.prepaid_returns import apply_return, lock_return
from settlements.operations.prepayments import apply_prepayment, expire_prepayment
from settlements.operations.refund_sending import apply_refund, lock_refund_attempt
from settlements.operations.seller_accounts import AccountMismatch, apply_account
from settlements.operations.transfers import TransferMismatch, apply_transfer, lock_transfer
from settlements.stripe_facts import Payment, Refused

logger = logging.getLogger(__name__)

Apply = Callable[[], str]
"""Applies what a handler read, inside a transaction, and returns what it did: the event's note."""

REFUSALS = (PaymentMismatch, CardNotSaved, AccountMismatch, TransferMismatch, PayoutMismatch)
"""What cannot be believed: noted on the event, and changes nothing."""
IGNORED = "ignored: nothing here acts on this type"
UNCHANGED = "nothing new"


def store_event(event: dict[str, Any]) -> bool:
    """Store a verified event and have it handled, in one transaction. Return False if it was stored before."""
    with transaction.atomic(durable=True):
        row, is_new = StripeEvent.objects.get_or_create(
            stripe_id=event["id"],
            defaults={
                "type": event["type"],
                "object_id": event["data"]["object"].get("id", ""),
                "payload": event,
            },
        )
        if is_new:
            defer_event(row.pk)
        return is_new


def handle_event(*, event_id: int) -> bool:
    """Handle a stored event; return False if it was handled before.

    Raise OutcomeUnknown when Stripe cannot be asked: the event stays unhandled and is tried again.
    """
    event = StripeEvent.objects.get(pk=event_id)
    if event.handled_at is not None:
        return False
    StripeEvent.objects.filter(pk=event_id).update(n_calls=F("n_calls") + 1, called_at=Now())
    apply = _read(event)
    with transaction.atomic(durable=True):
        event = StripeEvent.objects.select_for_update().get(pk=event_id)
        if event.handled_at is not None:
            return False
        event.note = _applied(event, apply)[:300]
        event.handled_at = database_now()
        event.save(update_fields=["note", "handled_at"])
        return True


def _read(event: StripeEvent) -> Apply:
    read = HANDLERS.get(event.type)
    if read is None:
        return lambda: IGNORED
    try:
        return read(event.payload["data"]["object"])
    except Refused as refusal:
        note = f"refused: Stripe does not know it: {refusal}"
        return lambda: note


def _applied(event: StripeEvent, apply: Apply) -> str:
    """Apply in a savepoint: what cannot be believed changes nothing, is told to people, and is not tried again."""
    try:
        with transaction.atomic():
            return apply()
    except REFUSALS as problem:
        logger.error("%s: %s", event, problem)
        return f"refused: {problem}"


def _read_payment(told: dict[str, Any]) -> Apply:
    payment = gateway.retrieve_payment(told["id"])
    return lambda: _take_in(payment)


def _take_in(payment: Payment) -> str:
    """Take a payment into the prepayment or the attempt that it names; assumes a transaction."""
    prepayment_id = payment.metadata.get("prepayment", "")
    if prepayment_id.isdecimal() and Prepayment.objects.filter(pk=int(prepayment_id)).exists():
        changed = apply_prepayment(int(prepayment_id), payment)
        return f"prepayment {prepayment_id}: {payment.status}" if changed else UNCHANGED
    attempt_id = payment.metadata.get("attempt", "")
    if not attempt_id.isdecimal() or not ChargeAttempt.objects.filter(pk=int(attempt_id)).exists():
        raise PaymentMismatch(f"{payment.id} names no attempt of ours")
    attempt = lock_attempt(int(attempt_id))
    return f"{attempt}: {attempt.outcome}" if apply_payment(attempt, payment) else UNCHANGED


def _read_completed_session(told: dict[str, Any]) -> Apply:
    """A session that took a payment tells of it by its payment; one that saved a card, of the card."""
    if told.get("mode") != "payment":
        return _read_setup_session(told)
    session = gateway.retrieve_payment_session(told["id"])
    return (
        _read_payment({"id": session.payment_intent_id}) if session.payment_intent_id else lambda: UNCHANGED
    )


def _read_expired_session(told: dict[str, Any]) -> Apply:
    if told.get("mode") != "payment":
        return lambda: UNCHANGED
    session = gateway.retrieve_payment_session(told["id"])

    def apply() -> str:
        open_ones = Prepayment.objects.filter(stripe_session_id=session.id)
        prepayment_id = open_ones.values_list("id", flat=True).first()
        if prepayment_id is None or session.status != "expired":
            return UNCHANGED
        return f"prepayment {prepayment_id}: expired" if expire_prepayment(prepayment_id) else UNCHANGED

    return apply


def _read_setup_session(told: dict[str, Any]) -> Apply:
    session = gateway.retrieve_setup_session(told["id"])
    if not session.payment_method_id:
        return lambda: UNCHANGED
    card = gateway.retrieve_card(session.payment_method_id)
    return lambda: f"card {save_card(card).pk} is on file"


def _read_detached_card(told: dict[str, Any]) -> Apply:
    card = gateway.retrieve_card(told["id"])

    def apply() -> str:
        known = PaymentMethod.objects.filter(stripe_id=card.id).first()
        if known is None or card.customer_id:
            return UNCHANGED
        # Read again under the owner's lock: it may have become the default, or been removed, in between.
        Organization.objects.select_for_update(no_key=True).get(pk=known.organization_id)
        on_file = PaymentMethod.objects.select_for_update(no_key=True).get(pk=known.pk)
        if on_file.removed_at is not None:
            return UNCHANGED
        take_off_file(on_file)
        return f"card {on_file.pk} was removed at Stripe"

    return apply


def _read_refund(told: dict[str, Any]) -> Apply:
    refund = gateway.retrieve_refund(told["id"])

    def apply() -> str:
        return_id = refund.metadata.get("prepaid_return", "")
        if return_id.isdecimal() and PrepaidReturn.objects.filter(pk=int(return_id)).exists():
            own = lock_return(int(return_id))
            return f"{own}: {own.status}" if apply_return(own, refund) else UNCHANGED
        attempt_id = refund.metadata.get("refund_attempt", "")
        if not attempt_id.isdecimal() or not RefundAttempt.objects.filter(pk=int(attempt_id)).exists():
            raise PaymentMismatch(f"{refund.id} names no refund of ours")
        attempt = lock_refund_attempt(int(attempt_id))
        return f"{attempt}: {attempt.outcome}" if apply_refund(attempt, refund) else UNCHANGED

    return apply


def _read_dispute(told: dict[str, Any]) -> Apply:
    """A dispute may be told of before the payment it is about: then that is taken in first."""
    dispute = gateway.retrieve_dispute(told["id"])
    is_known = (
        disputed_prepayment_id(dispute) is not None
        or ChargeAttempt.objects.filter(stripe_charge_id=dispute.charge_id).exists()
    )
    payment = None
    if not is_known and dispute.payment_intent_id:
        payment = gateway.retrieve_payment(dispute.payment_intent_id)

    def apply() -> str:
        if payment is not None and {"attempt", "prepayment"} & payment.metadata.keys():
            _take_in(payment)
        prepayment_id = disputed_prepayment_id(dispute)
        changed = (
            apply_dispute(dispute) if prepayment_id is None else apply_prepaid_dispute(prepayment_id, dispute)
        )
        return f"{dispute.id}: {dispute.status}" if changed else UNCHANGED

    return apply


def _read_account(told: dict[str, Any]) -> Apply:
    account = gateway.retrieve_account(told["id"])
    return lambda: (
        f"seller account {account.id}: {'can' if apply_account(account).can_be_paid else 'cannot'} be paid"
    )


def _read_transfer(told: dict[str, Any]) -> Apply:
    paid = gateway.retrieve_transfer(told["id"])

    def apply() -> str:
        transfer_id = paid.metadata.get("transfer", "")
        if not transfer_id.isdecimal() or not Transfer.objects.filter(pk=int(transfer_id)).exists():
            raise TransferMismatch(f"{paid.id} names no transfer of ours")
        transfer = lock_transfer(int(transfer_id))
        return f"{transfer}: {transfer.status}" if apply_transfer(transfer, paid) else UNCHANGED

    return apply


def _read_payout(told: dict[str, Any]) -> Apply:
    payout = gateway.retrieve_payout(told["id"])
    return lambda: f"{payout.id}: {payout.status}" if apply_payout(payout) else UNCHANGED


HANDLERS: Mapping[str, Callable[[dict[str, Any]], Apply]] = {
    "payment_intent.succeeded": _read_payment,
    "payment_intent.payment_failed": _read_payment,
    "payment_intent.requires_action": _read_payment,
    "payment_intent.canceled": _read_payment,
    "payment_intent.partially_funded": _read_payment,
    "checkout.session.completed": _read_completed_session,
    "checkout.session.expired": _read_expired_session,
    "payment_method.detached": _read_detached_card,
    "account.updated": _read_account,
    "transfer.created": _read_transfer,
    "payout.created": _read_payout,
    "payout.updated": _read_payout,
    "payout.paid": _read_payout,
    "payout.failed": _read_payout,
    "payout.canceled": _read_payout,
    "refund.created": _read_refund,
    "refund.updated": _read_refund,
    "refund.failed": _read_refund,
    "charge.dispute.created": _read_dispute,
    "charge.dispute.updated": _read_dispute,
    "charge.dispute.funds_withdrawn": _read_dispute,
    "charge.dispute.funds_reinstated": _read_dispute,
    "charge.dispute.closed": _read_dispute,
}
"""Every event type that is acted upon. Others are stored and noted as ignored."""
