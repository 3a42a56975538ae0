"""Refunds at Stripe: sent once whatever is lost or killed, booked as the balance moved, failing with a next action."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse

from marketplace.db import database_now
from settlements import ledger
from settlements import stripe_gateway as gateway
from settlements.models import (
    Delivery,
    PendingFunds,
    Refund,
    RefundAttempt,
    Settlement,
    StripeEvent,
    Transfer,
    TransferReversal,
)
from settlements.operations.delivery_steps import move_delivery
from settlements.operations.events import handle_event, store_event
from settlements.operations.funds import book_available
from settlements.operations.payments import PaymentMismatch
from settlements.operations.refund_sending import (
    apply_refund,
    credit_refund,
    resolve_refund_attempt,
    retry_refund,
    send_refund,
)
from settlements.operations.refunds import StaleRefund
from settlements.operations.reversals import StaleReversal, retry_reversal, send_reversal
from settlements.operations.transfers import send_transfer
from settlements.queries.due import unresolved_refund_attempts, unsent_refunds, unsent_reversals
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.server import SandboxServer
from settlements.sweeps import sweep_settlements
from tests.factories import UserFactory
from tests.integration.settlements.payout_steps import set_up
from tests.integration.settlements.refund_steps import (
    finance_person,
    paid_settlement,
    refund,
    refund_failed,
    settle_at_stripe,
    tell_all,
)
from tests.integration.settlements.steps import jobs_waiting, run_jobs, stripe_client
from tests.integration.stripe_sandbox.steps import control

pytestmark = pytest.mark.django_db(transaction=True)
Status = Refund.Status
Outcome = RefundAttempt.Outcome


@pytest.fixture(autouse=True)
def sandbox(stripe_sandbox: SandboxServer) -> SandboxServer:
    return stripe_sandbox


def refunds_at_stripe() -> list[Any]:
    return list(stripe_client().v1.refunds.list({"limit": 100}).data)


def strike(sandbox: SandboxServer, **fault: Any) -> None:
    sandbox.sandbox.faults.arm_api(ApiFault(method="POST", path="/v1/refunds", **fault))


def in_flight() -> int:
    return ledger.balance_cents(ledger.REFUNDS_IN_FLIGHT)


class TestSendRefund:
    def test_the_job_deferred_with_the_decision_sends_it(self) -> None:
        settlement = paid_settlement(60_00)
        decided = refund(settlement, 10_00)

        run_jobs()

        decided.refresh_from_db()
        (sent,) = refunds_at_stripe()
        assert decided.status == Status.SUCCEEDED
        assert (sent.amount, sent.charge) == (10_00, settlement.attempts.get().stripe_charge_id)
        assert in_flight() == 0
        assert ledger.balance_cents(ledger.STRIPE_AVAILABLE) == -10_00

    def test_does_nothing_twice(self) -> None:
        decided = refund(paid_settlement(60_00), 10_00)

        for _ in range(2):
            assert send_refund(refund_id=decided.pk) == Status.SUCCEEDED

        assert len(refunds_at_stripe()) == 1

    def test_a_proposal_is_not_sent(self) -> None:
        proposed = refund(paid_settlement(2_000_00), 1_500_00)

        assert send_refund(refund_id=proposed.pk) == Status.PROPOSED
        assert refunds_at_stripe() == []

    def test_the_sweep_finds_one_whose_job_was_lost(self) -> None:
        decided = refund(paid_settlement(60_00), 10_00)
        Refund.objects.update(decided_at=F("decided_at") - timedelta(minutes=1))

        assert unsent_refunds() == [decided.pk]
        sweep_settlements()
        assert ("settlements.send_refund", decided.pk) in jobs_waiting()

    @pytest.mark.parametrize(
        ("kind", "phase"), [("error", "before"), ("error", "after"), ("rate_limit", "before")]
    )
    def test_a_lost_answer_is_looked_up_and_never_repeated(
        self, sandbox: SandboxServer, kind: Any, phase: Any
    ) -> None:
        decided = refund(paid_settlement(60_00), 10_00)
        strike(sandbox, kind=kind, phase=phase)
        with pytest.raises(OutcomeUnknown):
            send_refund(refund_id=decided.pk)
        RefundAttempt.objects.update(called_at=F("called_at") - timedelta(minutes=2))
        (attempt_id,) = unresolved_refund_attempts()

        assert resolve_refund_attempt(attempt_id=attempt_id) == Status.SUCCEEDED

        assert len(refunds_at_stripe()) == 1
        assert in_flight() == 0

    def test_a_refusal_fails_with_a_next_action_and_the_obligation_stays(self) -> None:
        settlement = paid_settlement(60_00)
        decided = refund(settlement, 60_00)
        stripe_client().v1.refunds.create({"charge": settlement.attempts.get().stripe_charge_id})

        assert send_refund(refund_id=decided.pk) == Status.FAILED

        decided.refresh_from_db()
        assert "already refunded" in decided.message
        assert "credit it" in decided.message
        assert in_flight() == -60_00


class TestAsynchronousRefunds:
    def test_one_that_is_pending_ends_when_the_bank_says_so(self, sandbox: SandboxServer) -> None:
        decided = refund(paid_settlement(60_00, card="pm_card_pendingRefund"), 10_00)
        assert send_refund(refund_id=decided.pk) == Status.SENDING

        settle_at_stripe(sandbox)
        tell_all()

        decided.refresh_from_db()
        assert decided.status == Status.SUCCEEDED

    def test_one_that_fails_after_it_looked_good_is_booked_back(self, sandbox: SandboxServer) -> None:
        decided = refund(paid_settlement(60_00, card="pm_card_refundFail"), 10_00)
        assert send_refund(refund_id=decided.pk) == Status.SUCCEEDED

        settle_at_stripe(sandbox)
        tell_all()

        decided.refresh_from_db()
        assert decided.status == Status.FAILED
        assert decided.message.startswith("The card has expired or was cancelled.")
        assert in_flight() == -10_00
        assert ledger.balance_cents(ledger.STRIPE_AVAILABLE) == 0

    @pytest.mark.parametrize("backwards", [False, True])
    def test_replaying_every_event_in_any_order_changes_nothing(
        self, sandbox: SandboxServer, backwards: bool
    ) -> None:
        decided = refund(paid_settlement(60_00, card="pm_card_refundFail"), 10_00)
        send_refund(refund_id=decided.pk)
        settle_at_stripe(sandbox)
        tell_all(backwards=backwards)
        before = ledger.balances_cents()

        StripeEvent.objects.update(handled_at=None)
        tell_all(2, backwards=not backwards)

        decided.refresh_from_db()
        assert decided.status == Status.FAILED
        assert ledger.balances_cents() == before


class TestAfterAFailure:
    @pytest.fixture
    def failed(self, sandbox: SandboxServer) -> Refund:
        return refund_failed(sandbox)

    def test_it_is_sent_again_as_another_attempt(self, failed: Refund) -> None:
        assert retry_refund(refund_id=failed.pk, by=finance_person()) == Status.SUCCEEDED

        assert [attempt.outcome for attempt in failed.attempts.order_by("number")] == ["failed", "succeeded"]
        assert len(refunds_at_stripe()) == 2
        assert in_flight() == 0

    def test_it_is_credited_to_the_prepaid_balance(self, failed: Refund) -> None:
        credited = credit_refund(refund_id=failed.pk, by=finance_person())

        assert credited.status == Status.CREDITED
        assert ledger.balance_cents(ledger.buyer_prepaid(failed.settlement.organization_id)) == -10_00
        assert in_flight() == 0

    def test_what_was_decided_is_not_decided_again(self, failed: Refund) -> None:
        credit_refund(refund_id=failed.pk, by=finance_person())

        with pytest.raises(StaleRefund):
            credit_refund(refund_id=failed.pk, by=finance_person())
        with pytest.raises(StaleRefund):
            retry_refund(refund_id=failed.pk, by=finance_person())


class TestWhatCannotBeBelieved:
    def test_a_refund_of_another_amount_is_not_taken_in(self) -> None:
        settlement = paid_settlement(60_00)
        decided = refund(settlement, 10_00)
        send_refund(refund_id=decided.pk)
        attempt = decided.attempts.get()
        stray = stripe_client().v1.refunds.create(
            {
                "charge": attempt.stripe_charge_id,
                "amount": 5,
                "metadata": {"refund": str(decided.pk), "refund_attempt": str(attempt.pk)},
            }
        )

        with pytest.raises(PaymentMismatch, match="its amount is 5"):
            apply_refund(attempt, gateway.retrieve_refund(stray.id))

    def test_a_refund_made_by_hand_at_stripe_is_told_to_people_and_changes_nothing(self) -> None:
        settlement = paid_settlement(60_00)
        stripe_client().v1.refunds.create({"charge": settlement.attempts.get().stripe_charge_id, "amount": 1})
        before = ledger.balances_cents()

        tell_all()

        note = StripeEvent.objects.get(type="refund.created").note
        assert "names no refund of ours" in note
        assert ledger.balances_cents() == before

    def test_a_refund_stripe_does_not_know_is_noted(self) -> None:
        store_event(
            {
                "id": "evt_1",
                "type": "refund.updated",
                "data": {"object": {"id": "re_nobody", "object": "refund"}},
            }
        )

        handle_event(event_id=StripeEvent.objects.get().pk)

        assert "Stripe does not know it" in StripeEvent.objects.get().note


class TestDeliveries:
    def test_what_is_refunded_in_full_is_called_off(self) -> None:
        settlement = paid_settlement(60_00, 30_00)

        refund(settlement, 60_00)

        statuses = list(settlement.lines.order_by("id").values_list("delivery__status", flat=True))
        assert statuses == ["cancelled", "awaiting_payment"]

    def test_after_delivery_what_the_seller_is_owed_bears_it(self) -> None:
        settlement = paid_settlement(60_00)
        delivered(settlement)
        line = settlement.lines.get()
        assert ledger.balance_cents(ledger.seller_payable(line.seller_id)) == -57_00

        refund(settlement, 20_00)

        assert ledger.balance_cents(ledger.seller_payable(line.seller_id)) == -38_00
        assert ledger.balance_cents(ledger.seller_reserve(line.seller_id)) == 0


def delivered(settlement: Settlement) -> None:
    """Have every line of a settlement delivered, as time and the seller would."""
    for delivery in Delivery.objects.filter(line__settlement=settlement):
        move_delivery(delivery_id=delivery.pk, now=delivery.starts_at)
        Delivery.objects.filter(pk=delivery.pk).update(status="running", handed_over_at=delivery.starts_at)
        assert move_delivery(delivery_id=delivery.pk, now=delivery.ends_at)


@contextmanager
def reversed_at_stripe(sandbox: SandboxServer, transfer: Transfer) -> Iterator[None]:
    """Have Stripe hold a transfer for taken back in full, for a while."""
    with sandbox.sandbox.serving() as call:
        as_it_was = call.get("transfer", transfer.stripe_transfer_id)
        call.store.save(as_it_was | {"amount_reversed": as_it_was["amount"], "reversed": True})
    yield
    with sandbox.sandbox.serving() as call:
        call.store.save(as_it_was)


class TestTakingBack:
    def test_what_a_seller_was_paid_comes_back(self, paid_out: Transfer) -> None:
        settlement = paid_out.delivery.line.settlement

        refund(settlement, 20_00)
        (reversal,) = TransferReversal.objects.all()
        assert send_reversal(reversal_id=reversal.pk) == TransferReversal.Status.DONE

        paid_out.refresh_from_db()
        assert (paid_out.reversed_cents, paid_out.status) == (19_00, "paid")
        assert stripe_client().v1.transfers.retrieve(paid_out.stripe_transfer_id).amount_reversed == 19_00
        assert ledger.balance_cents(ledger.seller_payable(paid_out.seller_id)) == 0

    def test_it_is_pending_as_long_as_stripe_holds_it_back(
        self, paid_out: Transfer, sandbox: SandboxServer
    ) -> None:
        refund(paid_out.delivery.line.settlement, 20_00)
        before = ledger.balance_cents(ledger.STRIPE_AVAILABLE), ledger.balance_cents(ledger.STRIPE_PENDING)

        send_reversal(reversal_id=TransferReversal.objects.get().pk)

        move = stripe_client().v1.balance_transactions.list({"type": "transfer_refund"}).data[0]
        funds = PendingFunds.objects.get(stripe_id=move.id)
        after = ledger.balance_cents(ledger.STRIPE_AVAILABLE), ledger.balance_cents(ledger.STRIPE_PENDING)
        assert move.status == "pending"
        assert after == (before[0], before[1] + 19_00)
        assert not book_available(funds_id=funds.pk)
        control(sandbox, "clock", {"seconds": 3 * 86_400})
        assert book_available(funds_id=funds.pk)
        assert ledger.balance_cents(ledger.STRIPE_AVAILABLE) == before[0] + 19_00

    def test_all_of_it_reverses_the_transfer(self, paid_out: Transfer) -> None:
        refund(paid_out.delivery.line.settlement, 60_00)

        send_reversal(reversal_id=TransferReversal.objects.get().pk)

        paid_out.refresh_from_db()
        assert (paid_out.reversed_cents, paid_out.status) == (57_00, "reversed")

    @pytest.mark.parametrize("phase", ["before", "after"])
    def test_a_lost_answer_is_looked_up_and_never_repeated(
        self, paid_out: Transfer, sandbox: SandboxServer, phase: Any
    ) -> None:
        refund(paid_out.delivery.line.settlement, 20_00)
        reversal = TransferReversal.objects.get()
        sandbox.sandbox.faults.arm_api(
            ApiFault(kind="error", phase=phase, method="POST", path="/v1/transfers/{transfer}/reversals")
        )
        with pytest.raises(OutcomeUnknown):
            send_reversal(reversal_id=reversal.pk)
        TransferReversal.objects.update(called_at=F("called_at") - timedelta(minutes=2))
        assert unsent_reversals() == [reversal.pk]

        for _ in range(2):
            assert send_reversal(reversal_id=reversal.pk) == TransferReversal.Status.DONE

        assert stripe_client().v1.transfers.retrieve(paid_out.stripe_transfer_id).amount_reversed == 19_00
        assert ledger.balance_cents(ledger.seller_payable(paid_out.seller_id)) == 0

    def test_where_stripe_refuses_the_seller_owes_it(self, paid_out: Transfer) -> None:
        refund(paid_out.delivery.line.settlement, 20_00)
        stripe_client().v1.transfers.reversals.create(paid_out.stripe_transfer_id, {})
        reversal = TransferReversal.objects.get()

        assert send_reversal(reversal_id=reversal.pk) == TransferReversal.Status.FAILED

        reversal.refresh_from_db()
        assert reversal.message.endswith("set off against it.")
        assert ledger.balance_cents(ledger.seller_payable(paid_out.seller_id)) == 19_00

    @pytest.fixture
    def failed(self, paid_out: Transfer, sandbox: SandboxServer) -> TransferReversal:
        """A reversal that Stripe refused, because somebody had taken it all back there."""
        refund(paid_out.delivery.line.settlement, 20_00)
        reversal = TransferReversal.objects.get()
        with reversed_at_stripe(sandbox, paid_out):
            assert send_reversal(reversal_id=reversal.pk) == TransferReversal.Status.FAILED
        return reversal

    def test_one_that_failed_is_taken_back_when_tried_again(
        self, paid_out: Transfer, failed: TransferReversal
    ) -> None:
        status = retry_reversal(reversal_id=failed.pk, by=UserFactory(is_finance=True))

        assert status == TransferReversal.Status.DONE
        paid_out.refresh_from_db()
        assert paid_out.reversed_cents == 19_00
        assert ledger.balance_cents(ledger.seller_payable(paid_out.seller_id)) == 0
        with pytest.raises(StaleReversal, match="taken back by now"):
            retry_reversal(reversal_id=failed.pk, by=UserFactory(is_finance=True))

    def test_what_a_later_one_took_back_is_not_taken_twice(
        self, paid_out: Transfer, failed: TransferReversal
    ) -> None:
        refund(paid_out.delivery.line.settlement, 10_00)
        later = TransferReversal.objects.exclude(pk=failed.pk).get()
        assert (send_reversal(reversal_id=later.pk), later.amount_cents) == ("done", 28_50)

        with pytest.raises(StaleReversal, match="Nothing was sent"):
            retry_reversal(reversal_id=failed.pk, by=UserFactory(is_finance=True))

        assert stripe_client().v1.transfers.retrieve(paid_out.stripe_transfer_id).amount_reversed == 28_50

    def test_finance_tries_again_on_the_refunds_page(
        self, failed: TransferReversal, sandbox: SandboxServer
    ) -> None:
        own = Refund.objects.get()
        client = Client()
        client.force_login(UserFactory(is_finance=True))
        send_refund(refund_id=own.pk)
        page = client.get(reverse("settlements:refund_detail", args=[own.pk])).content.decode()
        assert "Take the seller&#x27;s part back again below" in page
        retry = reverse("settlements:reversal_retry", args=[own.pk, failed.pk])
        assert retry in page

        with reversed_at_stripe(sandbox, failed.transfer):
            again = client.post(retry, follow=True).content.decode()
        assert "Stripe refused it again" in again
        done = client.post(retry, follow=True).content.decode()

        assert "It was asked for again: taken back." in done
        assert "This reversal is taken back by now." in client.post(retry, follow=True).content.decode()
        other = reverse("settlements:reversal_retry", args=[own.pk, failed.pk + 1])
        assert client.post(other).status_code == 404

    @pytest.fixture
    def paid_out(self, sandbox: SandboxServer) -> Transfer:
        settlement = paid_settlement(60_00)
        delivered(settlement)
        transfer = Transfer.objects.get(delivery__line__settlement=settlement)
        set_up(transfer.seller)
        assert send_transfer(transfer_id=transfer.pk, now=database_now()) == Transfer.Status.PAID
        transfer.refresh_from_db()
        return transfer
