"""Give unspent prepaid money back: commit rows and ledger, call Stripe, record. Each row is a refund of one payment.

As with refunds, whoever comes after a lost answer looks the refund up by the row that its metadata names, and only
where there is none asks again, with the same key.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts.holds import lock_limit
from accounts.models import User
from accounts.stream import append_event
from marketplace.db import database_now
from marketplace.money import format_cents
from marketplace.states import require_transition
from settlements import ledger
from settlements import stripe_gateway as gateway
from settlements.jobs import defer_prepaid_returns
from settlements.models import PrepaidReturn, Prepayment, Transaction
from settlements.operations.payments import PaymentMismatch
from settlements.operations.prepaid_disputes import freeze_again
from settlements.queries.funds import left_of_prepayments, returnable_of
from settlements.stripe_facts import RefundOrder, Refused, StripeRefund

logger = logging.getLogger(__name__)
Status = PrepaidReturn.Status

FAILURES = {
    "charge_already_refunded": "The payment was already refunded in full at Stripe.",
    "charge_disputed": "The payment is disputed at its bank.",
    "expired_or_canceled_card": "The card has expired or was cancelled.",
    "lost_or_stolen_card": "The card was lost or stolen.",
}
FALLBACK = "The bank did not take it."


class ReturnRefused(Exception):
    """Nothing is returned; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class ReturnDraft:
    """How much of its prepaid balance an organization asks back, and the key of the form that asked."""

    organization_id: int
    amount_cents: int
    form_key: uuid.UUID


def return_prepaid(*, draft: ReturnDraft, by: User) -> list[PrepaidReturn]:
    """Take cents off the prepaid balance and have them refunded, newest payment first; a form sent twice asks once.

    Raise ReturnRefused for more than is free to go.
    """
    with transaction.atomic(durable=True):
        # Prepayments before the limit, as when one is received.
        own = Prepayment.objects.filter(organization_id=draft.organization_id)
        list(own.select_for_update(no_key=True).order_by("pk").values_list("pk"))
        limit = lock_limit(draft.organization_id)
        before = PrepaidReturn.objects.filter(form_key=draft.form_key)
        if before.exists():
            return _asked_before(before, draft)
        returnable = returnable_of(limit)
        if returnable.why_not:
            raise ReturnRefused(returnable.why_not)
        if not 0 < draft.amount_cents <= returnable.cents:
            raise ReturnRefused(f"At most {format_cents(returnable.cents)} can be returned now.")
        returns = _write(draft, by)
        for each in returns:
            ledger.post_transaction(_taken_off(each))
            _tell(each)
        defer_prepaid_returns([each.pk for each in returns])
        return returns


def send_return(*, return_id: int) -> PrepaidReturn.Status:
    """Refund a part of a prepayment at Stripe, or learn what became of it. Raise OutcomeUnknown, PaymentMismatch."""
    with transaction.atomic(durable=True):
        own = lock_return(return_id)
        if own.status != Status.SENDING:
            return Status(own.status)
        was_called = own.n_calls > 0
        PrepaidReturn.objects.filter(pk=return_id).update(n_calls=F("n_calls") + 1, called_at=Now())
    told = _look_up(own) if was_called else None
    if told is None:
        told = _ask(own)
    if told is not None:
        with transaction.atomic(durable=True):
            apply_return(lock_return(return_id), told)
    return Status(PrepaidReturn.objects.values_list("status", flat=True).get(pk=return_id))


def lock_return(return_id: int) -> PrepaidReturn:
    """Return a part that goes back, with its prepayment, locked, the prepayment first. Assumes a transaction."""
    prepayment_id = PrepaidReturn.objects.values_list("prepayment_id", flat=True).get(pk=return_id)
    prepayment = Prepayment.objects.select_for_update(no_key=True).get(pk=prepayment_id)
    own = PrepaidReturn.objects.select_for_update(no_key=True).get(pk=return_id)
    own.prepayment = prepayment
    return own


def apply_return(own: PrepaidReturn, told: StripeRefund) -> bool:
    """Take what Stripe says of a refund into its locked row and the ledger. Return whether it was news.

    Assumes a transaction. Raise PaymentMismatch when it is not the refund that was asked for.
    """
    _require_match(own, told)
    own.stripe_refund_id = told.id
    changed = _book_what_moved(own, told)
    if told.status == "succeeded" and own.status == Status.SENDING:
        _end(own, Status.RETURNED)
        changed = True
    elif told.status in ("failed", "canceled") and own.status != Status.FAILED:
        _put_back(own, FAILURES.get(told.failure_reason, FALLBACK))
        changed = True
    own.save()
    return changed


def _asked_before(before: object, draft: ReturnDraft) -> list[PrepaidReturn]:
    returns = list(before.select_related("prepayment"))  # type: ignore[attr-defined]
    asked = sum(each.amount_cents for each in returns)
    owners = {each.prepayment.organization_id for each in returns}
    if asked != draft.amount_cents or owners != {draft.organization_id}:
        raise ReturnRefused("This form was used for another amount already. Fill in a new one.")
    return returns


def _write(draft: ReturnDraft, by: User) -> list[PrepaidReturn]:
    returns, missing = [], draft.amount_cents
    for prepayment, left_cents in left_of_prepayments(draft.organization_id):
        cents = min(left_cents, missing)
        if cents:
            returns.append(
                PrepaidReturn.objects.create(
                    prepayment=prepayment,
                    amount_cents=cents,
                    form_key=draft.form_key,
                    idempotency_key=uuid.uuid4(),
                    asked_by=by,
                )
            )
            missing -= cents
    assert missing == 0, "what is returnable is left of prepayments"
    return returns


def _reference(own: PrepaidReturn) -> str:
    return f"prepayment:{own.prepayment_id}:return:{own.pk}"


def _taken_off(own: PrepaidReturn, *, back: bool = False) -> ledger.Posting:
    """Return what moves the cents from the balance to what is on its way, or ``back``."""
    sign = -1 if back else 1
    return ledger.Posting(
        kind=Transaction.Kind.REVERSAL if back else Transaction.Kind.PREPAID_RETURNED,
        reference=f"{_reference(own)}:{'back' if back else 'asked'}",
        description=f"Prepayment {own.prepayment_id}: {'not returned after all' if back else 'to be returned'}",
        cents={
            ledger.buyer_prepaid(own.prepayment.organization_id): sign * own.amount_cents,
            ledger.REFUNDS_IN_FLIGHT: -sign * own.amount_cents,
        },
    )


def _ask(own: PrepaidReturn) -> StripeRefund | None:
    """Ask Stripe; return None where it refused, and put the cents back on the balance."""
    by_transfer = own.prepayment.method == Prepayment.Method.BANK_TRANSFER
    order = RefundOrder(
        idempotency_key=str(own.idempotency_key),
        charge_id=own.prepayment.stripe_charge_id,
        amount_cents=own.amount_cents,
        is_duplicate=False,
        metadata={"prepaid_return": str(own.pk), "prepayment": str(own.prepayment_id)},
        instructions_email=own.asked_by.email if by_transfer else "",
    )
    try:
        return gateway.create_refund(order)
    except Refused as refusal:
        logger.error("%s: Stripe refuses it: %s %s", own, refusal.code, refusal)
        with transaction.atomic(durable=True):
            locked = lock_return(own.pk)
            if locked.status == Status.SENDING:
                _put_back(locked, FAILURES.get(refusal.code, str(refusal)))
                locked.save()
        return None


def _look_up(own: PrepaidReturn) -> StripeRefund | None:
    if own.stripe_refund_id:
        return gateway.retrieve_refund(own.stripe_refund_id)
    return gateway.find_refund(
        charge_id=own.prepayment.stripe_charge_id, key="prepaid_return", value=str(own.pk)
    )


def _require_match(own: PrepaidReturn, told: StripeRefund) -> None:
    expected = {
        "amount": (own.amount_cents, told.amount_cents),
        "currency": (own.prepayment.currency, told.currency),
        "charge": (own.prepayment.stripe_charge_id, told.charge_id),
        "return": (str(own.pk), told.metadata.get("prepaid_return")),
        "id": (own.stripe_refund_id or told.id, told.id),
    }
    for what, (ours, theirs) in expected.items():
        if ours != theirs:
            raise PaymentMismatch(f"{told.id}: its {what} is {theirs!r}, {own} expects {ours!r}")


def _book_what_moved(own: PrepaidReturn, told: StripeRefund) -> bool:
    booked = False
    if told.paid_transaction_id and not own.paid_transaction_id:
        own.paid_transaction_id, booked = told.paid_transaction_id, True
        _post(own, Transaction.Kind.REFUND_PAID, "paid", own.amount_cents, told.paid_net_cents)
    if told.failed_transaction_id and not own.failed_transaction_id:
        own.failed_transaction_id, booked = told.failed_transaction_id, True
        _post(own, Transaction.Kind.REFUND_FAILED, "failed", -own.amount_cents, told.failed_net_cents)
    return booked


def _post(
    own: PrepaidReturn, kind: Transaction.Kind, what: str, in_flight_cents: int, net_cents: int
) -> None:
    ledger.post_transaction(
        ledger.Posting(
            kind=kind,
            reference=f"{_reference(own)}:{what}",
            description=f"{own.stripe_refund_id} {'left Stripe' if what == 'paid' else 'came back'}",
            stripe_object_id=own.stripe_refund_id,
            cents={
                ledger.REFUNDS_IN_FLIGHT: in_flight_cents,
                ledger.STRIPE_AVAILABLE: net_cents,
                ledger.STRIPE_FEES: -in_flight_cents - net_cents,
            },
        )
    )


def _put_back(own: PrepaidReturn, why: str) -> None:
    own.message = f"{why} It is on the balance again."[:300]
    ledger.post_transaction(_taken_off(own, back=True))
    freeze_again(own.prepayment, reference=f"return:{own.pk}")
    _end(own, Status.FAILED)  # last: it tells, and feeds are locked after limits


def _end(own: PrepaidReturn, status: PrepaidReturn.Status) -> None:
    require_transition(PrepaidReturn.TRANSITIONS, own.status, status)
    own.status, own.ended_at = status, database_now()
    _tell(own)


def _tell(own: PrepaidReturn) -> None:
    append_event(
        organization_id=own.prepayment.organization_id,
        kind=f"prepaid_return.{own.status}",
        data={
            "prepayment": own.prepayment_id,
            "return": own.pk,
            "amount_cents": own.amount_cents,
            "message": own.message,
        },
    )
