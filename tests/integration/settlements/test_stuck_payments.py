"""Payments that end neither paid nor declined: trouble of our own, or one that stays under way; finance hears of it."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import BiddingLimit, DeskEvent, StreamEvent
from settlements.models import ChargeAttempt, Dunning, Settlement
from settlements.operations.charging import CannotPay, charge_settlement, pay_settlement, resolve_attempt
from settlements.operations.payments import PaymentMismatch
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import BuyerFactory, MembershipFactory
from tests.integration.settlements.steps import (
    AUTHENTICATES_ALWAYS,
    charged_with_lost_answer,
    n_payments,
    put_on_file,
    settlement_of,
    stripe_client,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Settlement.Status
Outcome = ChargeAttempt.Outcome


class TestTroubleOfOurOwn:
    """What is no fault of the buyer's is no decline of its card: it waits, and finance hears of it."""

    PATH = "/v1/payment_intents"

    def test_leaves_the_attempt_open_and_tells_finance(self, stripe_sandbox: SandboxServer) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer)
        settlement = settlement_of(10_000, buyer=buyer)
        stripe_sandbox.sandbox.faults.arm_api(ApiFault(kind="refusal", method="POST", path=self.PATH))

        assert charge_settlement(settlement_id=settlement.pk) == Status.CHARGING

        assert settlement.attempts.get().outcome == Outcome.UNKNOWN
        assert not Dunning.objects.exists()
        assert not StreamEvent.objects.filter(organization=buyer, kind="settlement.declined").exists()
        assert BiddingLimit.objects.get(pk=buyer.pk).suspended_reason == ""
        told = DeskEvent.objects.get(kind="payment.stuck")
        assert told.data["settlement"] == settlement.pk
        assert "cannot currently make live charges" in told.data["message"]

    def test_is_asked_again_with_a_new_key_and_told_once(self, stripe_sandbox: SandboxServer) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer)
        settlement = settlement_of(10_000, buyer=buyer)
        fault = ApiFault(kind="refusal", method="POST", path=self.PATH, times=2)
        stripe_sandbox.sandbox.faults.arm_api(fault)
        charge_settlement(settlement_id=settlement.pk)
        first_key = settlement.attempts.get().idempotency_key

        resolve_attempt(attempt_id=settlement.attempts.get().pk)
        assert settlement.attempts.get().idempotency_key != first_key
        assert resolve_attempt(attempt_id=settlement.attempts.get().pk) == Status.PAID

        assert n_payments() == 1
        assert DeskEvent.objects.filter(kind="payment.stuck").count() == 1

    def test_a_card_that_is_gone_at_stripe_is_the_buyers(self) -> None:
        buyer = BuyerFactory()
        card = put_on_file(buyer)
        stripe_client().v1.payment_methods.detach(card.stripe_id)
        settlement = settlement_of(10_000, buyer=buyer)

        assert charge_settlement(settlement_id=settlement.pk) == Status.DECLINED

        assert not DeskEvent.objects.filter(kind="payment.stuck").exists()


class TestStuck:
    """A payment that never ends by itself is told to finance, and nothing else pays in its place meanwhile."""

    def test_a_payment_that_the_bank_has_begun_with_is_under_way(self, stripe_sandbox: SandboxServer) -> None:
        buyer = BuyerFactory()
        card = put_on_file(buyer, AUTHENTICATES_ALWAYS)
        settlement = settlement_of(10_000, buyer=buyer)
        pay_settlement(organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=card.pk)
        set_at_stripe(stripe_sandbox, settlement.attempts.get(), status="processing")
        other = put_on_file(buyer)

        with pytest.raises(CannotPay, match="under way"):
            pay_settlement(organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=other.pk)

        settlement.refresh_from_db()
        assert (settlement.status, settlement.attempts.get().outcome) == (Status.CHARGING, Outcome.UNKNOWN)
        assert n_payments() == 0

    def test_a_mismatch_is_no_error_on_the_buyers_page(self, stripe_sandbox: SandboxServer) -> None:
        buyer = BuyerFactory()
        card = put_on_file(buyer, AUTHENTICATES_ALWAYS)
        settlement = settlement_of(10_000, buyer=buyer)
        pay_settlement(organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=card.pk)
        set_at_stripe(stripe_sandbox, settlement.attempts.get(), amount=9_999)
        client = Client()
        client.force_login(MembershipFactory(organization=buyer).user)

        for page in (
            client.get(reverse("settlements:own_settlement_return", args=[settlement.pk])),
            client.post(reverse("settlements:own_settlement_pay", args=[settlement.pk]), {"card": card.pk}),
        ):
            assert page.status_code == 302

    def test_is_told_to_finance_once(self, stripe_sandbox: SandboxServer) -> None:
        buyer = BuyerFactory()
        card = put_on_file(buyer, AUTHENTICATES_ALWAYS)
        settlement = settlement_of(10_000, buyer=buyer)
        pay_settlement(organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=card.pk)
        attempt = settlement.attempts.get()
        set_at_stripe(stripe_sandbox, attempt, status="processing")

        for _ in range(8):
            resolve_attempt(attempt_id=attempt.pk)

        told = DeskEvent.objects.get(kind="payment.stuck")
        assert (told.data["settlement"], "after 6 calls" in told.data["message"]) == (settlement.pk, True)

    def test_a_mismatch_is_told_with_what_differs(self, stripe_sandbox: SandboxServer) -> None:
        settlement = charged_with_lost_answer(stripe_sandbox)
        attempt = settlement.attempts.get()
        ChargeAttempt.objects.update(amount_cents=9_999)

        for _ in range(8):
            with pytest.raises(PaymentMismatch):
                resolve_attempt(attempt_id=attempt.pk)

        assert "its amount is 10000" in DeskEvent.objects.get(kind="payment.stuck").data["message"]

    def test_one_that_waits_for_its_buyer_is_not_stuck(self) -> None:
        buyer = BuyerFactory()
        card = put_on_file(buyer, AUTHENTICATES_ALWAYS)
        settlement = settlement_of(10_000, buyer=buyer)
        pay_settlement(organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=card.pk)

        for _ in range(8):
            resolve_attempt(attempt_id=settlement.attempts.get().pk)

        assert not DeskEvent.objects.filter(kind="payment.stuck").exists()


def set_at_stripe(sandbox: SandboxServer, attempt: ChargeAttempt, **facts: object) -> None:
    """Have a payment be at Stripe what no test card makes of it."""
    store = sandbox.sandbox.store
    with store.transaction():
        intent = store.find("payment_intent", attempt.stripe_payment_intent_id)
        assert intent is not None
        store.save({**intent, "next_action": None, **facts})
