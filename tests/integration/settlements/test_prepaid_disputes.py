"""Disputed prepayments: what the bank takes is off the balance until it decides, neither spent nor returned."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import BiddingLimit, Organization
from marketplace.db import database_now
from settlements import ledger
from settlements.models import Entry, PrepaidDispute, PrepaidReturn, Prepayment, StripeEvent
from settlements.operations.events import handle_event
from settlements.operations.prepaid_disputes import (
    NotExcused,
    excuse_prepaid_dispute,
    refresh_prepaid_dispute,
)
from settlements.operations.prepaid_returns import ReturnRefused, send_return
from settlements.operations.prepayments import resolve_prepayment
from settlements.queries.due import unheard_of_prepaid_disputes
from settlements.stripe_sandbox.resources import disputes as bank
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import BuyerFactory, MembershipFactory, UserFactory
from tests.integration.settlements.steps import settlement_of, stripe_client
from tests.integration.settlements.test_prepaid_returns import ask, in_flight, paid_in, prepaid
from tests.integration.settlements.test_prepayments import deliver_events, pay, start

pytestmark = pytest.mark.django_db(transaction=True)
Status = PrepaidDispute.Status
DISPUTED, INQUIRED = "4000000000000259", "4000000000001976"


@pytest.fixture(autouse=True)
def sandbox(stripe_sandbox: SandboxServer) -> SandboxServer:
    return stripe_sandbox


@pytest.fixture
def buyer() -> Organization:
    return BuyerFactory(limit_cents=0)


def decide(sandbox: SandboxServer, how: str) -> None:
    """Have the bank decide the one dispute there is, and its events come."""
    with sandbox.sandbox.serving() as call:
        (dispute,) = call.store.select("dispute", equals={}, created={}, limit=2)
        getattr(bank, how)(call, dispute)
    deliver_events()


def ties_with_stripe() -> bool:
    now = stripe_client().v1.balance.retrieve()
    ours = ledger.balance_cents(ledger.STRIPE_PENDING) + ledger.balance_cents(ledger.STRIPE_AVAILABLE)
    return ours == now.available[0].amount + now.pending[0].amount


class TestExcused:
    def test_finance_lets_the_buyer_bid_again_with_a_reason(
        self, buyer: Organization, sandbox: SandboxServer
    ) -> None:
        paid_in(buyer, 100_00, DISPUTED)
        settlement_of(30_00, buyer=buyer)
        deliver_events()
        decide(sandbox, "lose")
        dispute = PrepaidDispute.objects.get()
        insider = MembershipFactory(user=UserFactory(is_finance=True), organization=buyer).user
        with pytest.raises(NotExcused, match="You are a member"):
            excuse_prepaid_dispute(dispute_id=dispute.pk, by=insider, note="Fine.")
        finance = Client()
        finance.force_login(UserFactory(is_finance=True))
        where = reverse("settlements:prepaid_dispute_excuse", args=[dispute.pk])
        page = finance.get(reverse("settlements:dispute_list")).content.decode()
        assert "Let them bid again" in page

        for note, says in (("", "This field is required"), ("w" * 301, "at most 300 characters")):
            refused = finance.post(where, {"note": note})
            assert refused.status_code == 422
            assert says in refused.content.decode()
            assert f'value="{note}"' in refused.content.decode() or not note
        assert BiddingLimit.objects.get(pk=buyer.pk).suspended_reason
        answer = finance.post(where, {"note": "They paid by wire."}, follow=True).content.decode()

        assert "They paid by wire." in answer
        assert BiddingLimit.objects.get(pk=buyer.pk).suspended_reason == ""
        assert "Nothing was changed" in finance.post(where, {"note": "Twice."}, follow=True).content.decode()

    def test_what_was_all_still_there_when_it_was_taken_stops_nobody(
        self, buyer: Organization, sandbox: SandboxServer
    ) -> None:
        paid_in(buyer, 100_00, DISPUTED)
        deliver_events()

        decide(sandbox, "lose")

        assert BiddingLimit.objects.get(pk=buyer.pk).suspended_reason == ""


class TestTaken:
    def test_is_off_the_balance_and_nobody_bids_on_it(self, buyer: Organization) -> None:
        paid_in(buyer, 100_00, DISPUTED)
        deliver_events()

        dispute = PrepaidDispute.objects.get()
        assert (dispute.status, dispute.taken_cents, dispute.frozen_cents) == ("under_review", 100_00, 100_00)
        assert (prepaid(buyer), ties_with_stripe()) == (0, True)
        limit = BiddingLimit.objects.get(pk=buyer.pk)
        assert "A prepayment of $100.00 is disputed at your card's bank" in limit.suspended_reason
        with pytest.raises(ReturnRefused, match="Nothing is prepaid"):
            ask(buyer, 1)

    def test_won_it_is_on_the_balance_again(self, buyer: Organization, sandbox: SandboxServer) -> None:
        paid_in(buyer, 100_00, DISPUTED)
        deliver_events()

        decide(sandbox, "win")

        assert (PrepaidDispute.objects.get().status, prepaid(buyer)) == (Status.WON, 100_00)
        assert ledger.balance_cents(ledger.DISPUTES_IN_FLIGHT) == 0
        assert ties_with_stripe()
        assert BiddingLimit.objects.get(pk=buyer.pk).suspended_reason == ""

    def test_lost_it_stays_gone_and_what_was_spent_is_our_loss(
        self, buyer: Organization, sandbox: SandboxServer
    ) -> None:
        paid_in(buyer, 100_00, DISPUTED)
        settlement_of(30_00, buyer=buyer)
        deliver_events()
        assert PrepaidDispute.objects.get().frozen_cents == 70_00

        decide(sandbox, "lose")

        assert (PrepaidDispute.objects.get().status, prepaid(buyer)) == (Status.LOST, 0)
        assert "$30.00 of it was spent" in BiddingLimit.objects.get(pk=buyer.pk).suspended_reason
        assert ledger.balance_cents(ledger.LOSSES) == 30_00
        assert ledger.balance_cents(ledger.DISPUTES_IN_FLIGHT) == 0
        assert ties_with_stripe()

    def test_an_inquiry_takes_nothing_and_nothing_is_returned_meanwhile(
        self, buyer: Organization, sandbox: SandboxServer
    ) -> None:
        paid_in(buyer, 100_00, INQUIRED)
        deliver_events()

        assert (PrepaidDispute.objects.get().status, prepaid(buyer)) == (Status.INQUIRY, 100_00)
        with pytest.raises(ReturnRefused, match="disputed at its bank"):
            ask(buyer, 1)
        decide(sandbox, "win")
        assert [own.amount_cents for own in ask(buyer, 100_00)] == [100_00]

    def test_told_before_the_payment_it_is_taken_in_with_it(self, buyer: Organization) -> None:
        pay(start(buyer, 100_00), DISPUTED)
        created = [
            event for event in stripe_client().v1.events.list({"limit": 100}).data if "dispute" in event.type
        ]
        assert created

        notes = deliver_events()  # the latest first: the dispute before its payment

        assert not [note for note in notes if note.startswith("refused")]
        assert Prepayment.objects.get().status == Prepayment.Status.RECEIVED
        assert (prepaid(buyer), ties_with_stripe()) == (0, True)

    def test_a_replay_of_everything_changes_nothing(
        self, buyer: Organization, sandbox: SandboxServer
    ) -> None:
        paid_in(buyer, 100_00, DISPUTED)
        deliver_events()
        decide(sandbox, "lose")
        before = Entry.objects.count()

        StripeEvent.objects.update(handled_at=None)
        for event_id in StripeEvent.objects.order_by("-id").values_list("id", flat=True):
            handle_event(event_id=event_id)
        refresh_prepaid_dispute(dispute_id=PrepaidDispute.objects.get().pk)

        assert Entry.objects.count() == before

    def test_a_return_under_way_is_refused_and_frozen_with_the_rest(
        self, buyer: Organization, sandbox: SandboxServer
    ) -> None:
        prepayment = start(buyer, 100_00)
        pay(prepayment, DISPUTED)
        resolve_prepayment(prepayment_id=prepayment.pk, now=database_now())
        (own,) = ask(buyer, 60_00)
        deliver_events()
        assert PrepaidDispute.objects.get().frozen_cents == 40_00

        assert send_return(return_id=own.pk) == PrepaidReturn.Status.FAILED

        assert PrepaidDispute.objects.get().frozen_cents == 100_00
        assert (prepaid(buyer), in_flight()) == (0, 0)
        decide(sandbox, "win")
        assert (prepaid(buyer), ties_with_stripe()) == (100_00, True)


def test_finance_sees_it(buyer: Organization) -> None:
    prepayment = paid_in(buyer, 100_00, DISPUTED)
    deliver_events()
    client = Client()
    client.force_login(UserFactory(is_finance=True))

    page = client.get(reverse("settlements:dispute_list")).content.decode()

    assert "Of prepayments" in page
    assert f"#{prepayment.pk}" in page
    assert PrepaidDispute.objects.get().stripe_id in page
    assert unheard_of_prepaid_disputes() == []
