"""What Stripe tells of in another currency than was asked for is refused by name and has no effect."""

from dataclasses import replace

import pytest
from django.db import transaction

from marketplace.db import database_now
from settlements import stripe_gateway as gateway
from settlements.models import ChargeAttempt, Entry, PrepaidReturn, Prepayment, Settlement, TransferReversal
from settlements.operations.disputes import lock_disputed_settlement
from settlements.operations.payments import PaymentMismatch, apply_payment, lock_attempt
from settlements.operations.prepaid_returns import apply_return, lock_return
from settlements.operations.prepayments import apply_prepayment, resolve_prepayment
from settlements.operations.refund_sending import apply_refund, lock_refund_attempt, send_refund
from settlements.operations.transfers import TransferMismatch, apply_transfer, lock_transfer, send_transfer
from settlements.stripe_facts import OutcomeUnknown, RefundOrder, StripeDispute
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import BuyerFactory
from tests.integration.settlements.payout_steps import transfer_ready
from tests.integration.settlements.refund_steps import paid_settlement, refund
from tests.integration.settlements.steps import (
    charged_with_lost_answer,
)
from tests.integration.settlements.test_prepaid_returns import ask, paid_in
from tests.integration.settlements.test_prepayments import pay, start

pytestmark = pytest.mark.django_db(transaction=True)
SAYS = "its currency is 'eur'"


def test_a_payment(stripe_sandbox: SandboxServer) -> None:
    settlement = charged_with_lost_answer(stripe_sandbox)
    attempt, before = ChargeAttempt.objects.get(), Entry.objects.count()
    told = gateway.find_payment(
        customer_id=settlement.organization.stripe_customer.stripe_id,
        since=attempt.created_at,
        key="attempt",
        value=str(attempt.pk),
    )
    assert told is not None

    with pytest.raises(PaymentMismatch, match=SAYS), transaction.atomic():
        apply_payment(lock_attempt(attempt.pk), replace(told, currency="eur"))

    settlement.refresh_from_db()
    assert (settlement.status, Entry.objects.count()) == (Settlement.Status.CHARGING, before)


@pytest.mark.usefixtures("stripe_sandbox")
def test_a_prepayment() -> None:
    prepayment = start(BuyerFactory(), 80_00)
    pay(prepayment)
    session = gateway.retrieve_payment_session(prepayment.stripe_session_id)
    told = gateway.retrieve_payment(session.payment_intent_id)

    with pytest.raises(PaymentMismatch, match=SAYS), transaction.atomic():
        apply_prepayment(prepayment.pk, replace(told, currency="eur"))

    assert Prepayment.objects.get().status == Prepayment.Status.OPEN
    assert not Entry.objects.exists()
    assert resolve_prepayment(prepayment_id=prepayment.pk, now=database_now()) == "received"


def test_a_refund(stripe_sandbox: SandboxServer) -> None:
    decided = refund(paid_settlement(60_00), 10_00)
    stripe_sandbox.sandbox.faults.arm_api(
        ApiFault(kind="error", phase="after", method="POST", path="/v1/refunds")
    )
    with pytest.raises(OutcomeUnknown):
        send_refund(refund_id=decided.pk)
    attempt, before = decided.attempts.get(), Entry.objects.count()
    told = gateway.find_refund(
        charge_id=attempt.stripe_charge_id, key="refund_attempt", value=str(attempt.pk)
    )
    assert told is not None

    with pytest.raises(PaymentMismatch, match=SAYS), transaction.atomic():
        apply_refund(lock_refund_attempt(attempt.pk), replace(told, currency="eur"))

    decided.refresh_from_db()
    assert (decided.status, Entry.objects.count()) == ("sending", before)


@pytest.mark.usefixtures("stripe_sandbox")
def test_what_is_returned_of_a_prepayment() -> None:
    buyer = BuyerFactory(limit_cents=0)
    paid_in(buyer, 80_00)
    (own,) = ask(buyer, 80_00)
    before = Entry.objects.count()
    order = RefundOrder(
        "a key", own.prepayment.stripe_charge_id, 80_00, False, {"prepaid_return": str(own.pk)}
    )
    told = gateway.create_refund(order)

    with pytest.raises(PaymentMismatch, match=SAYS), transaction.atomic():
        apply_return(lock_return(own.pk), replace(told, currency="eur"))

    own.refresh_from_db()
    assert (own.status, Entry.objects.count()) == (PrepaidReturn.Status.SENDING, before)


@pytest.mark.usefixtures("stripe_sandbox")
def test_a_transfer() -> None:
    transfer = transfer_ready(10_000)
    assert send_transfer(transfer_id=transfer.pk, now=database_now()) == "paid"
    transfer.refresh_from_db()
    before = Entry.objects.count()
    told = gateway.retrieve_transfer(transfer.stripe_transfer_id)

    with pytest.raises(TransferMismatch, match=SAYS), transaction.atomic():
        apply_transfer(lock_transfer(transfer.pk), replace(told, currency="eur"))

    assert Entry.objects.count() == before
    assert not TransferReversal.objects.exists()


@pytest.mark.usefixtures("stripe_sandbox")
def test_a_dispute() -> None:
    settlement = paid_settlement(60_00)
    charge_id = settlement.attempts.get().stripe_charge_id
    told = StripeDispute(
        id="dp_1",
        status="needs_response",
        amount_cents=60_00,
        currency="eur",
        charge_id=charge_id,
        payment_intent_id="",
        reason="fraudulent",
        due_at=None,
        n_submissions=0,
        taken_cents=0,
        taken_fee_cents=0,
        returned_cents=0,
        returned_fee_cents=0,
    )

    with pytest.raises(PaymentMismatch, match="6000 eur of a charge of 6000 usd"), transaction.atomic():
        lock_disputed_settlement(told)
    assert not settlement.disputes.exists()
