"""Send a decided refund's card part in three steps: commit the attempt, call Stripe outside any transaction, record.

As with charges, whoever comes after a lost answer looks the refund up among those of its charge by the attempt that its
metadata names, and only when there is none asks again with the same key. At most one attempt may take money.
"""

from __future__ import annotations

import logging
import uuid

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts.models import DeskEvent, User
from accounts.stream import append_desk_event
from marketplace.db import database_now
from marketplace.states import require_transition
from settlements import ledger
from settlements import stripe_gateway as gateway
from settlements.models import ChargeAttempt, Refund, RefundAttempt, Settlement, Transaction
from settlements.operations.payments import PaymentMismatch
from settlements.operations.refunds import StaleRefund, lock_refund, tell
from settlements.refunding import refund_reference
from settlements.stripe_facts import RefundOrder, Refused, StripeRefund

logger = logging.getLogger(__name__)
Outcome = RefundAttempt.Outcome
Status = Refund.Status

OUTCOMES = {
    "pending": Outcome.PENDING,
    "requires_action": Outcome.PENDING,
    "succeeded": Outcome.SUCCEEDED,
    "failed": Outcome.FAILED,
    "canceled": Outcome.FAILED,
}
FAILURES = {
    "expired_or_canceled_card": "The card has expired or was cancelled.",
    "lost_or_stolen_card": "The card was lost or stolen.",
    "declined": "The card's bank declined it.",
    "insufficient_funds": "There was not enough balance at Stripe.",
    "charge_disputed": "The charge is disputed: its money has gone that way.",
    "charge_already_refunded": "The charge was already refunded in full at Stripe.",
}
FALLBACK = "The card's bank did not take it."


def send_refund(*, refund_id: int) -> Refund.Status:
    """Send a decided refund to its card; return its state afterwards. Does nothing unless it is APPROVED.

    Raise OutcomeUnknown when Stripe's answer was lost: the attempt stays UNKNOWN and the sweep resolves it.
    """
    attempt = _begin_attempt(refund_id, expected=Status.APPROVED)
    if attempt is not None:
        _call_and_record(attempt)
    return _status(refund_id)


def retry_refund(*, refund_id: int, by: User) -> Refund.Status:
    """Send a failed refund once more. Raise StaleRefund unless it is FAILED, OutcomeUnknown."""
    attempt = _begin_attempt(refund_id, expected=Status.FAILED)
    if attempt is None:
        raise StaleRefund("This refund no longer waits for a decision.")
    logger.info("refund %s is sent again by user %s", refund_id, by.pk)
    _call_and_record(attempt)
    return _status(refund_id)


def credit_refund(*, refund_id: int, by: User) -> Refund:
    """Put what a failed refund could not give back to the card on the buyer's prepaid balance. Raise StaleRefund."""
    with transaction.atomic(durable=True):
        refund = lock_refund(refund_id)
        if refund.status != Status.FAILED:
            raise StaleRefund(f"This refund is {refund.get_status_display().lower()} by now.")
        _move(refund, Status.CREDITED)
        refund.credited_by = by
        refund.save()
        ledger.post_transaction(
            ledger.Posting(
                kind=Transaction.Kind.REFUND_PAID,
                reference=f"{refund_reference(refund)}:credited",
                description=f"Refund {refund.pk} credited to the prepaid balance",
                cents={
                    ledger.REFUNDS_IN_FLIGHT: refund.card_cents,
                    ledger.buyer_prepaid(refund.settlement.organization_id): -refund.card_cents,
                },
            )
        )
        tell(refund)
        return refund


def resolve_refund_attempt(*, attempt_id: int) -> Refund.Status:
    """Learn what became of an attempt that has not ended: look it up, and only if there is none, ask again.

    Raise OutcomeUnknown when it still cannot be known.
    """
    with transaction.atomic(durable=True):
        attempt = lock_refund_attempt(attempt_id)
        if attempt.outcome not in RefundAttempt.OPEN:
            return Status(attempt.refund.status)
        RefundAttempt.objects.filter(pk=attempt_id).update(n_calls=F("n_calls") + 1, called_at=Now())
    found = _look_up(attempt)
    if found is None:
        _call_and_record(attempt)
    else:
        _record(attempt_id, found)
    return _status(attempt.refund_id)


def lock_refund_attempt(attempt_id: int) -> RefundAttempt:
    """Return an attempt with its refund and settlement, locked, the settlement first."""
    refund_id = RefundAttempt.objects.values_list("refund_id", flat=True).get(pk=attempt_id)
    refund = lock_refund(refund_id)
    attempt = RefundAttempt.objects.select_for_update(no_key=True).get(pk=attempt_id)
    attempt.refund = refund
    return attempt


def apply_refund(attempt: RefundAttempt, told: StripeRefund) -> bool:
    """Take what Stripe says of a refund into its locked attempt, the refund and the ledger. Return whether it was news.

    Assumes a transaction. What moved the balance is booked once, when Stripe names the balance transaction; an outcome
    that is final stays. Raise PaymentMismatch when it is not the refund that was asked for.
    """
    _require_match(attempt, told)
    outcome = OUTCOMES.get(told.status, Outcome.UNKNOWN)
    changed = _book_what_moved(attempt, told)
    attempt.stripe_refund_id = told.id
    if outcome in RefundAttempt.TRANSITIONS[attempt.outcome]:
        attempt.outcome = outcome
        attempt.failure_code = told.failure_reason
        attempt.ended_at = None if outcome == Outcome.PENDING else database_now()
        _move_refund(attempt)
        changed = True
    attempt.save()
    return changed


def _begin_attempt(refund_id: int, *, expected: Refund.Status) -> RefundAttempt | None:
    """Commit the next attempt to send a refund; None when it is in another state by now."""
    with transaction.atomic(durable=True):
        refund = lock_refund(refund_id)
        if refund.status != expected:
            return None
        _move(refund, Status.SENDING)
        refund.message = ""
        refund.save()
        return RefundAttempt.objects.create(
            refund=refund,
            number=refund.attempts.count() + 1,
            idempotency_key=uuid.uuid4(),
            stripe_charge_id=charge_of(refund.settlement),
        )


def charge_of(settlement: Settlement) -> str:
    """Return the charge with which a settlement was paid: its own, or that of the one it was carried into."""
    if settlement.carried_into is not None:
        return charge_of(settlement.carried_into)
    paid = settlement.attempts.filter(outcome=ChargeAttempt.Outcome.SUCCEEDED)
    return paid.values_list("stripe_charge_id", flat=True).get()


def _call_and_record(attempt: RefundAttempt) -> None:
    try:
        told = gateway.create_refund(_order(attempt))
    except Refused as refusal:
        logger.warning("%s: Stripe refuses it: %s %s", attempt, refusal.code, refusal)
        with transaction.atomic(durable=True):
            _apply_refusal(lock_refund_attempt(attempt.pk), refusal)
        return
    _record(attempt.pk, told)


def _record(attempt_id: int, told: StripeRefund) -> None:
    with transaction.atomic(durable=True):
        apply_refund(lock_refund_attempt(attempt_id), told)


def _order(attempt: RefundAttempt) -> RefundOrder:
    refund = attempt.refund
    return RefundOrder(
        idempotency_key=str(attempt.idempotency_key),
        charge_id=attempt.stripe_charge_id,
        amount_cents=refund.card_cents,
        is_duplicate=refund.reason == Refund.Reason.DUPLICATE,
        metadata={
            "refund": str(refund.pk),
            "refund_attempt": str(attempt.pk),
            "settlement": str(refund.settlement_id),
        },
    )


def _look_up(attempt: RefundAttempt) -> StripeRefund | None:
    if attempt.stripe_refund_id:
        return gateway.retrieve_refund(attempt.stripe_refund_id)
    return gateway.find_refund(
        charge_id=attempt.stripe_charge_id, key="refund_attempt", value=str(attempt.pk)
    )


def _apply_refusal(attempt: RefundAttempt, refusal: Refused) -> None:
    """Stripe refused the request itself: no refund exists."""
    if attempt.outcome != Outcome.UNKNOWN:
        return
    attempt.outcome = Outcome.FAILED
    attempt.failure_code = refusal.code
    attempt.ended_at = database_now()
    attempt.save()
    _move_refund(attempt, said=str(refusal))


def _require_match(attempt: RefundAttempt, told: StripeRefund) -> None:
    refund = attempt.refund
    expected = {
        "amount": (refund.card_cents, told.amount_cents),
        "currency": (refund.settlement.currency, told.currency),
        "charge": (attempt.stripe_charge_id, told.charge_id),
        "refund": (str(refund.pk), told.metadata.get("refund")),
        "attempt": (str(attempt.pk), told.metadata.get("refund_attempt")),
        "id": (attempt.stripe_refund_id or told.id, told.id),
    }
    for what, (ours, theirs) in expected.items():
        if ours != theirs:
            raise PaymentMismatch(f"{told.id}: its {what} is {theirs!r}, {attempt} expects {ours!r}")


def _book_what_moved(attempt: RefundAttempt, told: StripeRefund) -> bool:
    refund, booked = attempt.refund, False
    reference = f"{refund_reference(refund)}:{attempt.number}"
    if told.paid_transaction_id and not attempt.paid_transaction_id:
        attempt.paid_transaction_id, booked = told.paid_transaction_id, True
        _post(
            Transaction.Kind.REFUND_PAID,
            f"{reference}:paid",
            f"{told.id} left Stripe",
            stripe_object_id=told.id,
            in_flight_cents=refund.card_cents,
            net_cents=told.paid_net_cents,
        )
    if told.failed_transaction_id and not attempt.failed_transaction_id:
        attempt.failed_transaction_id, booked = told.failed_transaction_id, True
        _post(
            Transaction.Kind.REFUND_FAILED,
            f"{reference}:failed",
            f"{told.id} came back",
            stripe_object_id=told.id,
            in_flight_cents=-refund.card_cents,
            net_cents=told.failed_net_cents,
        )
    return booked


def _post(
    kind: Transaction.Kind,
    reference: str,
    description: str,
    *,
    stripe_object_id: str,
    in_flight_cents: int,
    net_cents: int,
) -> None:
    """Book what moved at Stripe, as its balance says; what the two differ by is a fee of Stripe's."""
    ledger.post_transaction(
        ledger.Posting(
            kind=kind,
            reference=reference,
            description=description,
            stripe_object_id=stripe_object_id,
            cents={
                ledger.REFUNDS_IN_FLIGHT: in_flight_cents,
                ledger.STRIPE_AVAILABLE: net_cents,
                ledger.STRIPE_FEES: -in_flight_cents - net_cents,
            },
        )
    )


def _move_refund(attempt: RefundAttempt, *, said: str = "") -> None:
    refund = attempt.refund
    match attempt.outcome:
        case Outcome.SUCCEEDED:
            _move(refund, Status.SUCCEEDED)
        case Outcome.FAILED:
            _move(refund, Status.FAILED)
            reason = FAILURES.get(attempt.failure_code, said or FALLBACK)
            refund.message = f"{reason} Try again, or credit it to the prepaid balance."[:300]
            logger.error("%s failed: %s", refund, refund.message)
            append_desk_event(
                desk=DeskEvent.Desk.FINANCE,
                kind="refund.failed",
                data={
                    "refund": refund.pk,
                    "settlement": refund.settlement_id,
                    "amount_cents": refund.amount_cents,
                    "message": refund.message,
                },
            )
        case _:
            return
    refund.save()
    tell(refund)


def _move(refund: Refund, target: Refund.Status) -> None:
    require_transition(Refund.TRANSITIONS, refund.status, target)
    refund.status = target
    refund.ended_at = None if target == Status.SENDING else database_now()


def _status(refund_id: int) -> Refund.Status:
    return Status(Refund.objects.values_list("status", flat=True).get(pk=refund_id))
