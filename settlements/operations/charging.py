"""Collect a settlement in three steps: commit the attempt, call Stripe outside any transaction, record the outcome.

A process may die between any two of them. The attempt's row is there before Stripe is, so whoever comes next looks the
payment up by the attempt it names, and only when Stripe has none asks again, with the same idempotency key. So one
attempt is at most one payment; and a settlement has at most one attempt that may take money (a unique constraint).
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import DeskEvent
from accounts.stream import append_desk_event
from marketplace.db import database_now
from marketplace.states import require_transition
from settlements import stripe_gateway as gateway
from settlements.backoff import TOLD_AFTER_CALLS
from settlements.declines import is_buyers
from settlements.models import ChargeAttempt, Customer, Dunning, PaymentMethod, Settlement
from settlements.operations.payments import PaymentMismatch, apply_payment, apply_refusal, lock_attempt
from settlements.operations.unpaid import Failure, note_failure
from settlements.stripe_facts import CardRefused, OutcomeUnknown, Payment, PaymentOrder, Refused

logger = logging.getLogger(__name__)
Outcome = ChargeAttempt.Outcome
Status = Settlement.Status

CLOCK_SKEW = timedelta(minutes=10)
"""How far Stripe's clock may lag behind ours when a payment is looked up by when its attempt was made."""


class CannotPay(Exception):
    """The buyer cannot pay this settlement now; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class PaymentStart:
    """Where a buyer's own payment stands: the settlement's state, and where to authenticate (empty: nowhere)."""

    status: Settlement.Status
    authentication_url: str


def charge_settlement(*, settlement_id: int) -> Settlement.Status:
    """Charge a due settlement to the buyer's default card while the buyer is away; return its state afterwards.

    Does nothing unless it is DUE; without a card the buyer is asked for one. Raise OutcomeUnknown when Stripe's answer
    was lost: the attempt stays UNKNOWN and the sweep resolves it.
    """
    with transaction.atomic(durable=True):
        settlement = Settlement.objects.select_for_update(no_key=True).get(pk=settlement_id)
        card = default_card(settlement.organization_id)
        if settlement.status != Status.DUE:
            return Status(settlement.status)
        if card is None:
            _dun_without_a_card(settlement)
            return Status.DUE
        attempt = begin_attempt(settlement, card, on_session=False)
    call_and_record(attempt)
    return _status(settlement_id)


def pay_settlement(*, organization_id: int, settlement_id: int, payment_method_id: int) -> PaymentStart:
    """Pay a settlement with the buyer present, after a decline or when the bank asks for authentication.

    An earlier payment that still waits for authentication is cancelled first, so that only one can ever succeed.
    Raise CannotPay, Settlement.DoesNotExist for another's settlement, OutcomeUnknown.
    """
    give_up_waiting_attempt(organization_id, settlement_id)
    with transaction.atomic(durable=True):
        own = Settlement.objects.select_for_update(no_key=True).filter(organization_id=organization_id)
        settlement = own.get(pk=settlement_id)
        card = _locked_cards(organization_id).filter(pk=payment_method_id).first()
        if card is None:
            raise CannotPay("This card is no longer on file. Choose another one.")
        _require_payable(settlement)
        attempt = begin_attempt(settlement, card, on_session=True)
    payment = call_and_record(attempt)
    return PaymentStart(_status(settlement_id), payment.authentication_url if payment else "")


def continue_payment(*, organization_id: int, settlement_id: int) -> PaymentStart:
    """Look up the payment that waits for the buyer, take in what became of it, and say where to go on.

    Raise Settlement.DoesNotExist for another's settlement, OutcomeUnknown, Refused.
    """
    settlement = Settlement.objects.get(pk=settlement_id, organization_id=organization_id)
    attempt = settlement.attempts.filter(outcome=Outcome.ACTION_REQUIRED).order_by("-number").first()
    if attempt is None:
        return PaymentStart(_status(settlement_id), "")
    payment = gateway.retrieve_payment(attempt.stripe_payment_intent_id)
    _record(attempt.pk, payment)
    return PaymentStart(_status(settlement_id), payment.authentication_url)


def resolve_attempt(*, attempt_id: int) -> Settlement.Status:
    """Learn what became of an attempt that has not ended: look its payment up, and only if there is none, ask again.

    Stripe repeats its answer to a key for 24 hours, 5xx included, and then forgets it; a lookup never forgets.
    Raise OutcomeUnknown when it still cannot be known, PaymentMismatch, Refused.
    """
    with transaction.atomic(durable=True):
        attempt = lock_attempt(attempt_id)
        if attempt.outcome not in ChargeAttempt.OPEN:
            return Status(attempt.settlement.status)
        attempt.n_calls += 1
        ChargeAttempt.objects.filter(pk=attempt_id).update(n_calls=attempt.n_calls, called_at=Now())
    problem = ""
    try:
        payment = _look_up(attempt)
        if payment is None:
            call_and_record(attempt)
        else:
            _record(attempt_id, payment)
    except (OutcomeUnknown, PaymentMismatch, Refused) as error:
        problem = str(error)
        raise
    finally:
        if attempt.n_calls == TOLD_AFTER_CALLS:
            _tell_if_stuck(attempt_id, problem)
    return _status(attempt.settlement_id)


def _look_up(attempt: ChargeAttempt) -> Payment | None:
    if attempt.stripe_payment_intent_id:
        return gateway.retrieve_payment(attempt.stripe_payment_intent_id)
    return gateway.find_payment(
        customer_id=_customer_id(attempt.settlement),
        since=attempt.created_at - CLOCK_SKEW,
        key="attempt",
        value=str(attempt.pk),
    )


def _dun_without_a_card(settlement: Settlement) -> None:
    """Give a settlement its deadline whose card went after it was drawn up; one that has one keeps it."""
    if not Dunning.objects.filter(pk=settlement.pk).exists():
        note_failure(Failure(settlement, Dunning.Reason.NO_CARD), now=database_now())


def default_card(organization_id: int) -> PaymentMethod | None:
    """Return the card to charge while the buyer is away, locked; assumes a transaction."""
    return _locked_cards(organization_id).filter(is_default=True).first()


def _locked_cards(organization_id: int) -> QuerySet[PaymentMethod]:
    """Return an organization's cards on file, to be locked: a card is not removed while an attempt with it begins."""
    cards = PaymentMethod.objects.filter(organization_id=organization_id, removed_at=None)
    return cards.select_for_update(no_key=True)


def _require_payable(settlement: Settlement) -> None:
    if settlement.status in Settlement.COLLECTABLE:
        return
    reasons = {
        Status.PAID: "This settlement is paid already.",
        Status.CHARGING: "A payment is under way. Wait until the bank has answered.",
        Status.CARRIED: "This amount is too small for a card payment and is carried forward.",
        Status.DEFAULTED: "The deadline to pay this settlement has passed. What it was for is for sale again.",
        Status.WRITTEN_OFF: "This settlement was written off. Nothing is left to pay.",
    }
    raise CannotPay(reasons[Status(settlement.status)])


def begin_attempt(settlement: Settlement, card: PaymentMethod, *, on_session: bool) -> ChargeAttempt:
    """Write the attempt that ``call_and_record`` then makes, on a locked settlement; assumes a transaction."""
    require_transition(Settlement.TRANSITIONS, settlement.status, Status.CHARGING)
    settlement.status = Status.CHARGING
    settlement.save(update_fields=["status"])
    return ChargeAttempt.objects.create(
        settlement=settlement,
        number=settlement.attempts.count() + 1,
        idempotency_key=uuid.uuid4(),
        amount_cents=settlement.to_collect_cents,
        payment_method=card,
        on_session=on_session,
    )


def give_up_waiting_attempt(organization_id: int, settlement_id: int) -> None:
    """Cancel a payment that waits for the buyer, if there is one; if the buyer was faster, it counts."""
    waiting = ChargeAttempt.objects.filter(
        settlement_id=settlement_id,
        settlement__organization_id=organization_id,
        outcome=Outcome.ACTION_REQUIRED,
    ).first()
    if waiting is not None:
        cancelled = gateway.cancel_payment(
            waiting.stripe_payment_intent_id, idempotency_key=f"cancel-{waiting.idempotency_key}"
        )
        _record(waiting.pk, cancelled)


def call_and_record(attempt: ChargeAttempt) -> Payment | None:
    """Ask Stripe for the attempt's payment and record the answer. Return None when Stripe refused the request.

    Only what is refused because of the card or the amount is a decline. Anything else is trouble of our own, such as
    charges that Stripe has paused: the attempt stays open and is asked again.
    """
    try:
        payment = gateway.create_payment(_order(attempt))
    except Refused as refusal:
        if isinstance(refusal, CardRefused) or is_buyers(refusal.code, refusal.param):
            logger.warning("%s: Stripe refuses it: %s %s", attempt, refusal.code, refusal)
            with transaction.atomic(durable=True):
                apply_refusal(lock_attempt(attempt.pk), refusal.code)
        else:
            logger.error("%s: Stripe does not take the request: %s %s", attempt, refusal.code, refusal)
            _ask_again_later(attempt, refusal)
        return None
    _record(attempt.pk, payment)
    return payment


def _ask_again_later(attempt: ChargeAttempt, refusal: Refused) -> None:
    """Certainly not made. The next call has a new key: Stripe repeats its refusal to the old one for a day."""
    with transaction.atomic(durable=True):
        current = lock_attempt(attempt.pk)
        if current.outcome != Outcome.UNKNOWN or current.idempotency_key != attempt.idempotency_key:
            return
        current.idempotency_key = uuid.uuid4()
        current.save(update_fields=["idempotency_key"])
        if current.n_calls == 1:
            _tell_finance(current, f"Stripe does not take the request: {refusal}")


def _tell_if_stuck(attempt_id: int, problem: str) -> None:
    """Tell finance of an attempt whose outcome nobody learns; one that waits for its buyer is not stuck."""
    with transaction.atomic(durable=True):
        attempt = lock_attempt(attempt_id)
        if attempt.outcome == Outcome.UNKNOWN or (problem and attempt.outcome in ChargeAttempt.OPEN):
            found = problem or "Stripe is not done with it"
            _tell_finance(attempt, f"Its outcome is not known after {attempt.n_calls} calls: {found}.")


def _tell_finance(attempt: ChargeAttempt, message: str) -> None:
    append_desk_event(
        desk=DeskEvent.Desk.FINANCE,
        kind="payment.stuck",
        data={
            "settlement": attempt.settlement_id,
            "organization": attempt.settlement.organization_id,
            "amount_cents": attempt.amount_cents,
            "message": message[:300],
        },
    )


def _record(attempt_id: int, payment: Payment) -> None:
    with transaction.atomic(durable=True):
        apply_payment(lock_attempt(attempt_id), payment)


def _order(attempt: ChargeAttempt) -> PaymentOrder:
    settlement = attempt.settlement
    return PaymentOrder(
        idempotency_key=str(attempt.idempotency_key),
        amount_cents=attempt.amount_cents,
        currency=settlement.currency,
        customer_id=_customer_id(settlement),
        payment_method_id=attempt.payment_method.stripe_id,
        description=f"Sparegrid settlement {settlement.pk}",
        metadata={
            "settlement": str(settlement.pk),
            "attempt": str(attempt.pk),
            "window": str(settlement.window_id),
        },
        return_url=_return_url(settlement) if attempt.on_session else "",
    )


def _return_url(settlement: Settlement) -> str:
    return settings.SITE_URL + reverse("settlements:own_settlement_return", args=[settlement.pk])


def _customer_id(settlement: Settlement) -> str:
    """Return the buyer's customer at Stripe. There is one: a card on file belongs to it."""
    stripe_id = Customer.objects.values_list("stripe_id", flat=True).get(pk=settlement.organization_id)
    assert stripe_id is not None, "a card is on file before its customer exists"
    return stripe_id


def _status(settlement_id: int) -> Settlement.Status:
    return Status(Settlement.objects.values_list("status", flat=True).get(pk=settlement_id))
