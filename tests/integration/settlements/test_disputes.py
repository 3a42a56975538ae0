"""Disputes: taken in and booked as Stripe tells them, answered once and in time, and borne as finance decides."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.models import BiddingLimit, Membership
from marketplace.db import database_now
from settlements import ledger
from settlements.models import Dispute, Notice, Refund, Settlement, StripeEvent, Transaction, TransferHold
from settlements.operations.disputes import (
    StaleDispute,
    accept_dispute,
    bear_dispute,
    bearing_of,
    refresh_dispute,
    submit_evidence,
)
from settlements.operations.events import handle_event, store_event
from settlements.operations.notices import send_notice
from settlements.queries.due import unheard_of_disputes
from settlements.refunding import RefundRejected
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.resources import disputes as at_stripe
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import MembershipFactory
from tests.integration.settlements.refund_steps import (
    effect,
    finance_person,
    paid_settlement,
    refund,
    tell_all,
)
from tests.integration.settlements.steps import run_jobs, stripe_client

pytestmark = pytest.mark.django_db(transaction=True)
Status = Dispute.Status
Bearer = Dispute.Bearer
FEE = at_stripe.FEE_CENTS


@pytest.fixture(autouse=True)
def sandbox(stripe_sandbox: SandboxServer) -> SandboxServer:
    return stripe_sandbox


def disputed_settlement(*lines_cents: int, card: str = "pm_card_createDispute") -> Settlement:
    settlement = paid_settlement(*lines_cents, card=card)
    tell_all()
    return settlement


def decide(dispute: Dispute, change: Any, sandbox: SandboxServer) -> None:
    """Have the bank decide, and Stripe tell of it."""
    with sandbox.sandbox.serving() as call:
        change(call, call.get("dispute", dispute.stripe_id))
    tell_all()


def lost_dispute(*lines_cents: int, sandbox: SandboxServer) -> Dispute:
    disputed_settlement(*lines_cents)
    dispute = Dispute.objects.get()
    decide(dispute, at_stripe.lose, sandbox)
    dispute.refresh_from_db()
    assert dispute.status == Status.LOST
    return dispute


def ledger_gives_back(cents: int) -> None:
    """Have the bank have taken so much less: Stripe's sandbox disputes whole charges only."""
    with transaction.atomic():
        ledger.post_transaction(
            ledger.Posting(
                kind=Transaction.Kind.REVERSAL,
                reference="test:part",
                description="",
                cents={ledger.DISPUTES_IN_FLIGHT: -cents, ledger.STRIPE_AVAILABLE: cents},
            )
        )


def bear(dispute: Dispute, bearer: Bearer) -> Dispute:
    shown = bearing_of(dispute, bearer)
    return bear_dispute(
        dispute_id=dispute.pk,
        bearer=bearer,
        note="as agreed",
        by=finance_person(),
        fingerprint=shown.fingerprint,
    )


class TestTakingIn:
    def test_what_the_bank_took_is_booked_with_its_fee(self) -> None:
        settlement = disputed_settlement(60_00)

        dispute = Dispute.objects.get()
        assert (dispute.settlement, dispute.status, dispute.amount_cents) == (
            settlement,
            Status.NEEDS_RESPONSE,
            60_00,
        )
        assert ledger.balance_cents(ledger.DISPUTES_IN_FLIGHT) == 60_00
        assert ledger.balance_cents(ledger.STRIPE_AVAILABLE) == -60_00 - FEE

    def test_the_buyer_is_told_and_bids_no_more_until_it_is_settled(self, sandbox: SandboxServer) -> None:
        settlement = disputed_settlement(60_00)
        limit = BiddingLimit.objects.get(organization=settlement.organization)
        assert "disputed at your card's bank" in limit.suspended_reason
        assert settlement.notices.filter(kind="disputed").exists()

        decide(Dispute.objects.get(), at_stripe.win, sandbox)

        limit.refresh_from_db()
        assert limit.suspended_reason == ""

    def test_the_sellers_shares_stay_until_it_has_ended(self, sandbox: SandboxServer) -> None:
        disputed_settlement(40_00, 20_00)
        dispute = Dispute.objects.get()
        holds = TransferHold.objects.filter(reference=f"dispute:{dispute.pk}", lifted_at=None)
        assert holds.count() == 2

        decide(dispute, at_stripe.win, sandbox)

        assert holds.count() == 0

    def test_an_inquiry_takes_nothing_and_suspends_nobody(self) -> None:
        settlement = disputed_settlement(60_00, card="pm_card_createDisputeInquiry")

        assert Dispute.objects.get().status == Status.INQUIRY
        assert ledger.balance_cents(ledger.DISPUTES_IN_FLIGHT) == 0
        assert BiddingLimit.objects.get(organization=settlement.organization).suspended_reason == ""

    def test_a_disputed_payment_is_not_refunded(self) -> None:
        settlement = disputed_settlement(60_00)

        with pytest.raises(RefundRejected, match="is disputed") as refused:
            effect(settlement, 1)

        assert refused.value.field == "settlement"

    def test_won_it_can_be_refunded_again_and_only_the_fee_is_gone(self, sandbox: SandboxServer) -> None:
        settlement = disputed_settlement(60_00)

        decide(Dispute.objects.get(), at_stripe.win, sandbox)

        assert Dispute.objects.get().status == Status.WON
        assert ledger.balance_cents(ledger.DISPUTES_IN_FLIGHT) == 0
        assert ledger.balance_cents(ledger.STRIPE_AVAILABLE) == -FEE
        refund(settlement, 10_00)
        run_jobs()
        assert Refund.objects.get().status == Refund.Status.SUCCEEDED

    @pytest.mark.parametrize("backwards", [False, True])
    def test_replaying_every_event_in_any_order_changes_nothing(
        self, sandbox: SandboxServer, backwards: bool
    ) -> None:
        paid_settlement(60_00, card="pm_card_createDispute")
        with sandbox.sandbox.serving() as call:
            (dispute,) = call.store.select("dispute", equals={}, created={}, limit=2)
            at_stripe.win(call, dispute)
        tell_all(backwards=backwards)
        before = ledger.balances_cents()

        StripeEvent.objects.update(handled_at=None)
        tell_all(2, backwards=not backwards)

        assert Dispute.objects.get().status == Status.WON
        assert ledger.balances_cents() == before

    def test_one_of_a_charge_that_is_none_of_ours_changes_nothing(self, sandbox: SandboxServer) -> None:
        client = stripe_client()
        client.v1.payment_intents.create(
            {
                "amount": 5_000,
                "currency": "usd",
                "payment_method": "pm_card_createDispute",
                "allowed_payment_method_types": ["card"],
                "confirm": True,
            }
        )

        tell_all()

        assert not Dispute.objects.exists()
        assert "paid no settlement of ours" in StripeEvent.objects.get(type="charge.dispute.created").note

    def test_one_that_stripe_does_not_know_is_noted(self) -> None:
        store_event(
            {
                "id": "evt_1",
                "type": "charge.dispute.closed",
                "data": {"object": {"id": "du_nobody", "object": "dispute"}},
            }
        )

        handle_event(event_id=StripeEvent.objects.get().pk)

        assert "Stripe does not know it" in StripeEvent.objects.get().note


class TestEvidence:
    def test_it_goes_to_the_bank_once_and_decides(self) -> None:
        disputed_settlement(60_00)
        dispute = Dispute.objects.get()

        status = submit_evidence(
            dispute_id=dispute.pk,
            evidence={"uncategorized_text": "They used it: winning_evidence"},
            by=finance_person(),
            now=database_now(),
        )

        assert status == Status.WON
        with pytest.raises(StaleDispute):
            submit_evidence(dispute_id=dispute.pk, evidence={}, by=finance_person(), now=database_now())

    def test_after_the_deadline_nothing_is_sent(self) -> None:
        disputed_settlement(60_00)
        dispute = Dispute.objects.get()

        with pytest.raises(StaleDispute, match="deadline"):
            submit_evidence(
                dispute_id=dispute.pk,
                evidence={"uncategorized_text": "late"},
                by=finance_person(),
                now=dispute.due_at + timedelta(seconds=1),
            )

        dispute.refresh_from_db()
        assert dispute.evidence is None
        assert stripe_client().v1.disputes.retrieve(dispute.stripe_id).evidence_details.submission_count == 0

    @pytest.mark.parametrize("phase", ["before", "after"])
    def test_a_lost_answer_is_looked_up(self, sandbox: SandboxServer, phase: Any) -> None:
        disputed_settlement(60_00)
        dispute = Dispute.objects.get()
        sandbox.sandbox.faults.arm_api(
            ApiFault(kind="error", phase=phase, method="POST", path="/v1/disputes/{dispute}")
        )
        with pytest.raises(OutcomeUnknown):
            submit_evidence(
                dispute_id=dispute.pk,
                evidence={"uncategorized_text": "losing_evidence"},
                by=finance_person(),
                now=database_now(),
            )
        Dispute.objects.update(
            checked_at=F("checked_at") - timedelta(minutes=2),
            evidence_at=F("evidence_at") - timedelta(seconds=90),
        )
        assert unheard_of_disputes() == [dispute.pk]

        assert refresh_dispute(dispute_id=dispute.pk) == Status.LOST

        told = stripe_client().v1.disputes.retrieve(dispute.stripe_id)
        assert told.evidence_details.submission_count == 1

    def test_it_can_be_accepted_instead(self) -> None:
        disputed_settlement(60_00)
        dispute = Dispute.objects.get()

        assert accept_dispute(dispute_id=dispute.pk, by=finance_person()) == Status.LOST

        with pytest.raises(StaleDispute):
            accept_dispute(dispute_id=dispute.pk, by=finance_person())


class TestBearing:
    def test_until_it_is_decided_the_money_is_in_flight(self, sandbox: SandboxServer) -> None:
        dispute = lost_dispute(40_00, 20_00, sandbox=sandbox)

        assert dispute.status == Status.LOST
        assert ledger.balance_cents(ledger.DISPUTES_IN_FLIGHT) == 60_00

    def test_the_sellers_bear_it_as_a_refund_of_their_lines(self, sandbox: SandboxServer) -> None:
        dispute = lost_dispute(40_00, 20_00, sandbox=sandbox)
        shown = bearing_of(dispute, Bearer.SELLER).entries

        borne = bear(dispute, Bearer.SELLER)

        assert borne.status == Status.BORNE
        assert sum(shown.values()) == 0
        assert shown[ledger.DISPUTES_IN_FLIGHT] == -60_00
        for line in dispute.settlement.lines.all():
            assert ledger.balance_cents(ledger.seller_reserve(line.seller_id)) == 0
            assert (line.refundable_cents, line.delivery.status) == (0, "cancelled")
        assert ledger.balance_cents(ledger.DISPUTES_IN_FLIGHT) == 0
        assert ledger.balance_cents(ledger.PLATFORM_FEES) == 0
        assert Refund.objects.get().reason == Refund.Reason.DISPUTE

    def test_no_seller_bears_what_was_paid_after_a_default(self, sandbox: SandboxServer) -> None:
        dispute = lost_dispute(40_00, 20_00, sandbox=sandbox)
        Settlement.objects.filter(pk=dispute.settlement_id).update(status=Settlement.Status.DEFAULTED)
        dispute.refresh_from_db()

        assert bearing_of(dispute, Bearer.SELLER).entries == bearing_of(dispute, Bearer.PLATFORM).entries

    def test_or_we_do_and_the_sellers_keep_their_shares(self, sandbox: SandboxServer) -> None:
        dispute = lost_dispute(40_00, 20_00, sandbox=sandbox)

        bear(dispute, Bearer.PLATFORM)

        assert ledger.balance_cents(ledger.LOSSES) == 60_00
        assert ledger.balance_cents(ledger.DISPUTES_IN_FLIGHT) == 0
        assert [line.refunded_cents for line in dispute.settlement.lines.all()] == [0, 0]
        assert not Refund.objects.exists()

    def test_what_was_refunded_before_is_not_borne_twice(self, sandbox: SandboxServer) -> None:
        settlement = paid_settlement(60_00)
        refund(settlement, 20_00)
        run_jobs()
        with sandbox.sandbox.serving() as call:
            charge = call.get("charge", settlement.attempts.get().stripe_charge_id)
            charged_back = at_stripe.open_for(call, charge, at_stripe.DisputeFate.FRAUDULENT)
            at_stripe.lose(call, charged_back)
        tell_all()

        bear(Dispute.objects.get(), Bearer.SELLER)

        line = settlement.lines.get()
        assert line.refundable_cents == 0
        assert ledger.balance_cents(ledger.seller_reserve(line.seller_id)) == 0
        assert ledger.balance_cents(ledger.LOSSES) == 0

    @pytest.mark.parametrize(
        ("bearer", "why"),
        [(Bearer.SELLER, "left of this line"), (Bearer.PLATFORM, "can still be refunded")],
    )
    def test_what_a_partial_dispute_left_can_be_refunded(
        self, sandbox: SandboxServer, bearer: Bearer, why: str
    ) -> None:
        dispute = lost_dispute(60_00, sandbox=sandbox)
        Dispute.objects.update(amount_cents=20_00, taken_cents=20_00)
        ledger_gives_back(40_00)
        dispute.refresh_from_db()
        bear(dispute, bearer)

        with pytest.raises(RefundRejected, match=why):
            effect(dispute.settlement, 40_01)

        assert refund(dispute.settlement, 40_00).card_cents == 40_00

    def test_a_stale_decision_changes_nothing(self, sandbox: SandboxServer) -> None:
        dispute = lost_dispute(60_00, sandbox=sandbox)
        shown = bearing_of(dispute, Bearer.SELLER)
        bear(dispute, Bearer.PLATFORM)

        with pytest.raises(StaleDispute):
            bear_dispute(
                dispute_id=dispute.pk,
                bearer=Bearer.SELLER,
                note="",
                by=finance_person(),
                fingerprint=shown.fingerprint,
            )

        assert ledger.balance_cents(ledger.LOSSES) == 60_00

    def test_the_database_wants_a_bearer_for_what_is_borne(self, sandbox: SandboxServer) -> None:
        lost_dispute(60_00, sandbox=sandbox)

        with pytest.raises(IntegrityError, match="dispute_borne_by_somebody"):
            Dispute.objects.update(status=Status.BORNE)


class TestMail:
    @pytest.mark.parametrize(
        ("card", "subject"),
        [
            ("pm_card_visa", "$10.00 of settlement"),
            ("pm_card_createDispute", "A payment of $60.00 was disputed"),
        ],
    )
    def test_the_people_who_buy_are_written_to(self, card: str, subject: str) -> None:
        settlement = paid_settlement(60_00, card=card)
        MembershipFactory(organization=settlement.organization, role=Membership.Role.TRADER)
        if card == "pm_card_visa":
            refund(settlement, 10_00)
        else:
            tell_all()

        send_mail_jobs()

        (message,) = mail.outbox
        assert message.subject.startswith(subject)


def send_mail_jobs() -> None:
    """Run the jobs that send e-mail."""
    for notice in Notice.objects.filter(ended_at=None).order_by("id"):
        send_notice(notice_id=notice.pk, now=database_now())
