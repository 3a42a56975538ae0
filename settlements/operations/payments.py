"""Take what Stripe says of a payment into the books, whoever heard it: the call, a webhook, a lookup, the buyer.

Each function assumes a transaction. What Stripe says is checked against the attempt before anything moves, and taken
in once: an outcome that is final stays, whatever comes later or out of order.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from accounts.holds import release_holds
from accounts.models import DeskEvent
from accounts.stream import append_desk_event, append_event
from marketplace.db import database_now
from marketplace.states import require_transition
from settlements import ledger
from settlements.declines import (
    AMOUNT_TOO_LARGE,
    AUTHENTICATION_REQUIRED,
    CANCELLED,
    decline_reason,
    may_retry,
)
from settlements.models import ChargeAttempt, Dunning, Notice, Settlement, Transaction
from settlements.operations.carrying import hold_reference, pay_carried
from settlements.operations.funds import note_pending
from settlements.operations.suspensions import review_limit
from settlements.operations.unpaid import Failure, close_dunning, note_failure, write_notices
from settlements.stripe_facts import Payment

logger = logging.getLogger(__name__)
Outcome = ChargeAttempt.Outcome
Status = Settlement.Status


class PaymentMismatch(Exception):
    """Stripe tells of a payment that is not the one we asked for; nothing is booked and a person must look."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a payment's state means for its attempt: the outcome and, when it failed, the code."""

    outcome: ChargeAttempt.Outcome
    code: str = ""


def verdict_of(payment: Payment) -> Verdict:
    """Say what a payment's state means; a payment still in the making says nothing yet."""
    match payment.status:
        case "succeeded":
            return Verdict(Outcome.SUCCEEDED)
        case "requires_action":
            return Verdict(Outcome.ACTION_REQUIRED)
        case "requires_payment_method":
            return Verdict(Outcome.DECLINED, payment.decline_code)
        case "canceled":
            return Verdict(Outcome.CANCELLED)
        case _:
            return Verdict(Outcome.UNKNOWN)


def lock_attempt(attempt_id: int) -> ChargeAttempt:
    """Return an attempt with its settlement, both locked, the settlement first."""
    settlement_id = ChargeAttempt.objects.values_list("settlement_id", flat=True).get(pk=attempt_id)
    settlement = Settlement.objects.select_for_update(no_key=True).get(pk=settlement_id)
    attempt = ChargeAttempt.objects.select_for_update(no_key=True).get(pk=attempt_id)
    attempt.settlement = settlement
    return attempt


def apply_payment(attempt: ChargeAttempt, payment: Payment) -> bool:
    """Take a payment's state into its locked attempt and settlement. Return whether anything changed.

    Raise PaymentMismatch when amount, currency, settlement or identity differ from what was asked.
    """
    _require_match(attempt, payment)
    verdict = verdict_of(payment)
    if verdict.outcome not in ChargeAttempt.TRANSITIONS[attempt.outcome]:
        return False
    if verdict.outcome == Outcome.SUCCEEDED:
        _require_no_other_taking_money(attempt)
    attempt.stripe_payment_intent_id = payment.id
    attempt.stripe_charge_id = payment.charge_id
    _end_attempt(attempt, verdict)
    if attempt.settlement.status == Status.DEFAULTED:
        if verdict.outcome == Outcome.SUCCEEDED:
            _credit_late_payment(attempt, payment)
    elif verdict.outcome == Outcome.SUCCEEDED:
        _mark_paid(attempt, payment)
    elif verdict.outcome == Outcome.ACTION_REQUIRED:
        _move(attempt.settlement, Status.ACTION_REQUIRED)
        _note(attempt, Dunning.Reason.AUTHENTICATION)
    elif verdict.outcome == Outcome.UNKNOWN:  # the bank has begun with what waited for the buyer
        _move(attempt.settlement, Status.CHARGING)
    else:
        _mark_failed(attempt)
    return True


def apply_refusal(attempt: ChargeAttempt, code: str) -> bool:
    """Take in that Stripe refused the request itself: no payment exists. Return whether anything changed."""
    if attempt.outcome != Outcome.UNKNOWN:
        return False
    _end_attempt(attempt, Verdict(Outcome.DECLINED, code))
    if attempt.settlement.status != Status.DEFAULTED:
        _mark_failed(attempt)
    return True


def _require_match(attempt: ChargeAttempt, payment: Payment) -> None:
    settlement = attempt.settlement
    expected = {
        "amount": (attempt.amount_cents, payment.amount_cents),
        "currency": (settlement.currency, payment.currency),
        "settlement": (str(settlement.pk), payment.metadata.get("settlement")),
        "attempt": (str(attempt.pk), payment.metadata.get("attempt")),
        "payment": (attempt.stripe_payment_intent_id or payment.id, payment.id),
    }
    if payment.status == "succeeded":
        expected["amount received"] = (attempt.amount_cents, payment.received_cents)
    for what, (ours, theirs) in expected.items():
        if ours != theirs:
            raise PaymentMismatch(f"{payment.id}: its {what} is {theirs!r}, {attempt} expects {ours!r}")


def _require_no_other_taking_money(attempt: ChargeAttempt) -> None:
    """A payment we held for dead has succeeded after all. Fine, unless another may have been taken in its place."""
    if attempt.settlement.status == Status.PAID:
        raise PaymentMismatch(f"{attempt} was paid although its settlement is paid already: refund it")
    others = ChargeAttempt.objects.filter(
        settlement_id=attempt.settlement_id, outcome__in=ChargeAttempt.MAY_TAKE_MONEY
    ).exclude(pk=attempt.pk)
    if others.exists():
        raise PaymentMismatch(
            f"{attempt} was paid although another attempt took its place: refund one of them"
        )


def _end_attempt(attempt: ChargeAttempt, verdict: Verdict) -> None:
    attempt.outcome = verdict.outcome
    attempt.decline_code = verdict.code
    attempt.message = _message(verdict)
    attempt.ended_at = None if verdict.outcome in ChargeAttempt.OPEN else database_now()
    attempt.save()


def _message(verdict: Verdict) -> str:
    match verdict.outcome:
        case Outcome.SUCCEEDED | Outcome.UNKNOWN:
            return ""
        case Outcome.ACTION_REQUIRED:
            return decline_reason(AUTHENTICATION_REQUIRED)
        case Outcome.CANCELLED:
            return CANCELLED
        case _:
            return decline_reason(verdict.code)


def _mark_paid(attempt: ChargeAttempt, payment: Payment) -> None:
    settlement = attempt.settlement
    _move(settlement, Status.PAID)
    posted = ledger.post_transaction(
        ledger.Posting(
            kind=Transaction.Kind.CHARGE,
            reference=f"settlement:{settlement.pk}:charge:{attempt.number}",
            description=f"Settlement {settlement.pk} collected by {payment.id}",
            stripe_object_id=payment.charge_id,
            cents={
                ledger.STRIPE_PENDING: settlement.own_cents - payment.fee_cents,
                ledger.STRIPE_FEES: payment.fee_cents,
                ledger.buyer_receivable(settlement.organization_id): -settlement.own_cents,
            },
        )
    )
    note_pending(posted, payment)
    release_holds(references=[hold_reference(settlement)])
    pay_carried(settlement, payment_id=payment.id, now=database_now())
    close_dunning(settlement, now=database_now())
    review_limit(settlement.organization_id)
    _tell(attempt, "settlement.paid")


def _mark_failed(attempt: ChargeAttempt) -> None:
    """A card that needs its holder asks for action; any other failure, and failed authentication, is a decline.

    A payment given up for another card is no news: the buyer did it. What no card can pay has no deadline by itself:
    the buyer is told to pay it in, and finance of it.
    """
    if attempt.decline_code == AUTHENTICATION_REQUIRED and not attempt.on_session:
        _move(attempt.settlement, Status.ACTION_REQUIRED)
        _note(attempt, Dunning.Reason.AUTHENTICATION)
        _tell(attempt, "settlement.action_required", pay_by=_deadline(attempt))
    elif attempt.decline_code == AMOUNT_TOO_LARGE:
        _move(attempt.settlement, Status.DECLINED)
        review_limit(attempt.settlement.organization_id)
        _tell(attempt, "settlement.too_large", to_pay_cents=attempt.amount_cents)
        _tell_finance_too_large(attempt)
    else:
        _move(attempt.settlement, Status.DECLINED)
        _note(attempt, Dunning.Reason.DECLINED)
        review_limit(attempt.settlement.organization_id)
        if attempt.outcome != Outcome.CANCELLED:
            _tell(attempt, "settlement.declined", pay_by=_deadline(attempt))


def _tell_finance_too_large(attempt: ChargeAttempt) -> None:
    append_desk_event(
        desk=DeskEvent.Desk.FINANCE,
        kind="payment.too_large",
        data={
            "settlement": attempt.settlement_id,
            "organization": attempt.settlement.organization_id,
            "amount_cents": attempt.amount_cents,
        },
    )


def _note(attempt: ChargeAttempt, reason: Dunning.Reason) -> None:
    """Have the settlement dunned. A buyer who is there sees what happened, and needs no e-mail about it."""
    failure = Failure(
        attempt.settlement,
        reason,
        may_retry=reason == Dunning.Reason.DECLINED and may_retry(attempt.decline_code),
        by_mail=not attempt.on_session,
    )
    note_failure(failure, now=database_now())


def _credit_late_payment(attempt: ChargeAttempt, payment: Payment) -> None:
    """A payment succeeded after its settlement had defaulted: the money is the buyer's, as prepaid."""
    settlement = attempt.settlement
    logger.error("%s was paid after its settlement had defaulted: kept as prepaid by the buyer", attempt)
    posted = ledger.post_transaction(
        ledger.Posting(
            kind=Transaction.Kind.PREPAYMENT,
            reference=f"settlement:{settlement.pk}:late:{attempt.number}",
            description=f"{payment.id} paid settlement {settlement.pk} after it had defaulted",
            stripe_object_id=payment.charge_id,
            cents={
                ledger.STRIPE_PENDING: attempt.amount_cents - payment.fee_cents,
                ledger.STRIPE_FEES: payment.fee_cents,
                ledger.buyer_prepaid(settlement.organization_id): -attempt.amount_cents,
            },
        )
    )
    note_pending(posted, payment)
    write_notices([(settlement, Notice.Kind.LATE_PAYMENT)])
    _tell(attempt, "settlement.paid_late")


def _move(settlement: Settlement, target: Settlement.Status) -> None:
    require_transition(Settlement.TRANSITIONS, settlement.status, target)
    settlement.status = target
    settlement.paid_at = database_now() if target == Status.PAID else None
    settlement.save(update_fields=["status", "paid_at"])


def _deadline(attempt: ChargeAttempt) -> str:
    deadline = Dunning.objects.values_list("deadline_at", flat=True).get(pk=attempt.settlement_id)
    return deadline.isoformat()


def _tell(attempt: ChargeAttempt, kind: str, **facts: str | int) -> None:
    settlement = attempt.settlement
    append_event(
        organization_id=settlement.organization_id,
        kind=kind,
        data={
            "settlement": settlement.pk,
            "window": settlement.window_id,
            "amount_cents": settlement.amount_cents,
            "message": attempt.message,
            **facts,
        },
    )
