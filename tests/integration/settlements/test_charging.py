"""Collecting a settlement through the real SDK from the sandbox: paid, declined, asked to authenticate."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import BiddingLimit, DeskEvent, Hold, StreamEvent
from settlements import ledger, stripe_gateway
from settlements.jobs import CHARGE
from settlements.models import ChargeAttempt, Dunning, Settlement
from settlements.operations.charging import CannotPay, charge_settlement, continue_payment, pay_settlement
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import BuyerFactory, MembershipFactory, UserFactory
from tests.integration.settlements.steps import (
    AUTHENTICATES_ALWAYS,
    authenticate,
    jobs_waiting,
    n_payments,
    put_on_file,
    run_jobs,
    settlement_of,
    stripe_client,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Settlement.Status
Outcome = ChargeAttempt.Outcome

DECLINES = "pm_card_chargeCustomerFail"


class TestChargeSettlement:
    def test_collects_books_and_releases(self) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer)
        settlement = settlement_of(10_000, buyer=buyer)

        assert charge_settlement(settlement_id=settlement.pk) == Status.PAID

        settlement.refresh_from_db()
        assert settlement.paid_at is not None
        attempt = settlement.attempts.get()
        assert attempt.outcome == Outcome.SUCCEEDED
        assert attempt.stripe_charge_id.startswith("ch_")
        assert ledger.balance_cents(ledger.buyer_receivable(buyer.pk)) == 0
        assert ledger.balance_cents(ledger.STRIPE_PENDING) == 10_000 - 320
        assert ledger.balance_cents(ledger.STRIPE_FEES) == 320
        assert not Hold.objects.filter(released_at=None).exists()
        assert BiddingLimit.objects.get(pk=buyer.pk).held_cents == 0
        assert StreamEvent.objects.filter(organization=buyer, kind="settlement.paid").count() == 1

    def test_tells_stripe_what_it_is_for(self) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer)
        settlement = settlement_of(10_000, buyer=buyer)
        charge_settlement(settlement_id=settlement.pk)

        intent = stripe_client().v1.payment_intents.retrieve(
            settlement.attempts.get().stripe_payment_intent_id
        )

        assert (intent.amount, intent.currency) == (10_000, "usd")
        assert intent.metadata.to_dict() == {
            "settlement": str(settlement.pk),
            "attempt": str(settlement.attempts.get().pk),
            "window": str(settlement.window_id),
        }

    def test_runs_as_the_job_that_the_draw_up_deferred(self) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer)
        settlement = settlement_of(10_000, buyer=buyer)

        run_jobs()

        settlement.refresh_from_db()
        assert settlement.status == Status.PAID

    def test_waits_for_a_card_and_is_charged_when_one_comes(self) -> None:
        buyer = BuyerFactory()
        settlement = settlement_of(10_000, buyer=buyer)

        assert charge_settlement(settlement_id=settlement.pk) == Status.DUE
        assert not settlement.attempts.exists()

        put_on_file(buyer)
        assert jobs_waiting()[-1] == (CHARGE, settlement.pk)
        run_jobs()
        settlement.refresh_from_db()
        assert settlement.status == Status.PAID

    def test_says_in_plain_words_why_a_card_was_declined(self) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer, DECLINES)
        settlement = settlement_of(10_000, buyer=buyer)

        assert charge_settlement(settlement_id=settlement.pk) == Status.DECLINED

        attempt = settlement.attempts.get()
        assert attempt.outcome == Outcome.DECLINED
        assert attempt.decline_code == "generic_decline"
        assert "Call the bank" in attempt.message
        assert ledger.balance_cents(ledger.buyer_receivable(buyer.pk)) == 10_000
        assert Hold.objects.filter(released_at=None).exists()
        assert StreamEvent.objects.filter(organization=buyer, kind="settlement.declined").exists()

    def test_asks_the_buyer_when_the_bank_wants_authentication(self) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer, AUTHENTICATES_ALWAYS)
        settlement = settlement_of(10_000, buyer=buyer)

        assert charge_settlement(settlement_id=settlement.pk) == Status.ACTION_REQUIRED

        assert settlement.attempts.get().outcome == Outcome.DECLINED
        assert StreamEvent.objects.filter(organization=buyer, kind="settlement.action_required").exists()

    @pytest.mark.parametrize("status", [Status.CHARGING, Status.PAID, Status.DECLINED, Status.CARRIED])
    def test_charges_only_what_is_due(self, status: str) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer)
        settlement = settlement_of(49 if status == Status.CARRIED else 10_000, buyer=buyer)
        paid_at = settlement.created_at if status == Status.PAID else None
        Settlement.objects.filter(pk=settlement.pk).update(status=status, paid_at=paid_at)

        assert charge_settlement(settlement_id=settlement.pk) == status
        assert n_payments() == 0

    def test_ten_threads_charge_once(self) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer)
        settlement = settlement_of(10_000, buyer=buyer)
        together = threading.Barrier(10)

        def charge() -> None:
            together.wait()
            try:
                charge_settlement(settlement_id=settlement.pk)
            finally:
                connection.close()

        with ThreadPoolExecutor(10) as pool:
            for future in [pool.submit(charge) for _ in range(10)]:
                future.result()

        assert n_payments() == 1
        assert settlement.attempts.count() == 1
        assert ledger.balance_cents(ledger.buyer_receivable(buyer.pk)) == 0

    def test_never_calls_stripe_inside_a_transaction(self) -> None:
        with pytest.raises(RuntimeError, match="inside a database transaction"), transaction.atomic():
            stripe_gateway.retrieve_payment("pi_1")


class TestPaySettlement:
    def test_pays_a_declined_one_with_another_card(self) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer, DECLINES)
        settlement = settlement_of(10_000, buyer=buyer)
        charge_settlement(settlement_id=settlement.pk)
        other = put_on_file(buyer)

        start = pay_settlement(
            organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=other.pk
        )

        assert (start.status, start.authentication_url) == (Status.PAID, "")
        assert settlement.attempts.count() == 2
        assert n_payments() == 1

    def test_sends_the_buyer_to_the_bank_and_takes_in_the_answer(self) -> None:
        buyer = BuyerFactory()
        card = put_on_file(buyer, AUTHENTICATES_ALWAYS)
        settlement = settlement_of(10_000, buyer=buyer)
        charge_settlement(settlement_id=settlement.pk)

        start = pay_settlement(
            organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=card.pk
        )
        assert start.status == Status.ACTION_REQUIRED
        assert start.authentication_url.startswith(settings.STRIPE_SANDBOX_URL)

        authenticate(start.authentication_url)
        end = continue_payment(organization_id=buyer.pk, settlement_id=settlement.pk)
        assert (end.status, end.authentication_url) == (Status.PAID, "")
        assert n_payments() == 1

    def test_failed_authentication_is_a_decline(self) -> None:
        buyer = BuyerFactory()
        card = put_on_file(buyer, AUTHENTICATES_ALWAYS)
        settlement = settlement_of(10_000, buyer=buyer)
        start = pay_settlement(
            organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=card.pk
        )

        authenticate(start.authentication_url, outcome="fail")

        end = continue_payment(organization_id=buyer.pk, settlement_id=settlement.pk)
        assert end.status == Status.DECLINED
        assert "could not confirm" in settlement.attempts.get().message

    def test_another_card_gives_up_the_payment_that_waits(self) -> None:
        buyer = BuyerFactory()
        card = put_on_file(buyer, AUTHENTICATES_ALWAYS)
        settlement = settlement_of(10_000, buyer=buyer)
        waiting = pay_settlement(
            organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=card.pk
        )
        other = put_on_file(buyer)

        start = pay_settlement(
            organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=other.pk
        )

        assert start.status == Status.PAID
        outcomes = settlement.attempts.order_by("number").values_list("outcome", flat=True)
        assert list(outcomes) == [Outcome.CANCELLED, Outcome.SUCCEEDED]
        httpx.post(waiting.authentication_url, data={"outcome": "complete"})
        assert n_payments() == 1

    def test_a_buyer_who_authenticated_meanwhile_is_not_charged_again(self) -> None:
        buyer = BuyerFactory()
        card = put_on_file(buyer, AUTHENTICATES_ALWAYS)
        other = put_on_file(buyer)
        settlement = settlement_of(10_000, buyer=buyer)
        start = pay_settlement(
            organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=card.pk
        )
        authenticate(start.authentication_url)

        with pytest.raises(CannotPay, match="paid already"):
            pay_settlement(organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=other.pk)

        assert n_payments() == 1

    def test_refuses_another_organizations_settlement_and_card(self) -> None:
        buyer, stranger = BuyerFactory(), BuyerFactory()
        card, strange_card = put_on_file(buyer), put_on_file(stranger)
        settlement = settlement_of(10_000, buyer=buyer)

        with pytest.raises(Settlement.DoesNotExist):
            pay_settlement(
                organization_id=stranger.pk, settlement_id=settlement.pk, payment_method_id=strange_card.pk
            )
        with pytest.raises(CannotPay, match="no longer on file"):
            pay_settlement(
                organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=strange_card.pk
            )
        assert card.pk
        assert n_payments() == 0

    def test_says_when_an_amount_is_more_than_a_card_takes(self, stripe_sandbox: SandboxServer) -> None:
        buyer = BuyerFactory(limit_cents=2 * 10**8)
        put_on_file(buyer)
        settlement = settlement_of(100_000_000, buyer=buyer)

        assert charge_settlement(settlement_id=settlement.pk) == Status.DECLINED

        assert "above what a card can be charged" in settlement.attempts.get().message


class TestAboveWhatACardCanPay:
    def test_opens_no_dunning_and_tells_the_buyer_and_finance(self) -> None:
        buyer = BuyerFactory(limit_cents=200_000_000)
        put_on_file(buyer)
        settlement = settlement_of(100_000_000, buyer=buyer)

        assert charge_settlement(settlement_id=settlement.pk) == Status.DECLINED

        assert not Dunning.objects.exists()
        told = StreamEvent.objects.get(organization=buyer, kind="settlement.too_large")
        assert told.data["to_pay_cents"] == 100_000_000
        assert "bank transfer" in settlement.attempts.get().message
        assert DeskEvent.objects.get(kind="payment.too_large").data["settlement"] == settlement.pk
        assert not StreamEvent.objects.filter(organization=buyer, kind="settlement.declined").exists()

    def test_its_pages_say_to_pay_in(self) -> None:
        buyer = BuyerFactory(limit_cents=200_000_000)
        put_on_file(buyer)
        settlement = settlement_of(100_000_000, buyer=buyer)
        charge_settlement(settlement_id=settlement.pk)

        for person, name in (
            (MembershipFactory(organization=buyer).user, "own_settlement_detail"),
            (UserFactory(is_finance=True), "settlement_detail"),
        ):
            client = Client()
            client.force_login(person)
            page = client.get(reverse(f"settlements:{name}", args=[settlement.pk])).content.decode()
            assert "by bank transfer, on the limit page" in page
