"""Unspent prepaid money goes back to what it was paid with: only what is free, once, whatever is lost or late."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.holds import set_hold
from accounts.models import BiddingLimit, Membership, Organization
from marketplace.db import database_now
from settlements import ledger
from settlements.jobs import SEND_RETURN
from settlements.models import PrepaidReturn, Prepayment
from settlements.operations.prepaid_returns import ReturnDraft, ReturnRefused, return_prepaid, send_return
from settlements.operations.prepayments import resolve_prepayment
from settlements.operations.reconciliation import import_movements, look_for_mismatches
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import BuyerFactory, MembershipFactory, UserFactory
from tests.integration.settlements.steps import jobs_waiting, prepay, run_jobs, stripe_client
from tests.integration.settlements.test_prepayments import Method, deliver_events, pay, send, start
from tests.integration.stripe_sandbox.steps import control

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = PrepaidReturn.Status


@pytest.fixture
def buyer() -> Organization:
    return BuyerFactory(limit_cents=0)


def paid_in(buyer: Organization, cents: int, number: str = "4242424242424242") -> Prepayment:
    prepayment = start(buyer, cents)
    pay(prepayment, number)
    resolve_prepayment(prepayment_id=prepayment.pk, now=database_now())
    return Prepayment.objects.get(pk=prepayment.pk)


def ask(buyer: Organization, cents: int, key: UUID | None = None) -> list[PrepaidReturn]:
    return return_prepaid(draft=ReturnDraft(buyer.pk, cents, key or uuid4()), by=UserFactory())


def prepaid(buyer: Organization) -> int:
    cents = BiddingLimit.objects.get(pk=buyer.pk).prepaid_cents
    assert cents == -ledger.balance_cents(ledger.buyer_prepaid(buyer.pk))
    return cents


def n_refunds() -> int:
    return len(stripe_client().v1.refunds.list({"limit": 100}).data)


def in_flight() -> int:
    return -ledger.balance_cents(ledger.REFUNDS_IN_FLIGHT)


class TestReturn:
    def test_leaves_the_balance_at_once_and_goes_back_to_the_card(self, buyer: Organization) -> None:
        paid_in(buyer, 250_00)

        (own,) = ask(buyer, 100_00)

        assert prepaid(buyer) == 150_00
        assert in_flight() == 100_00
        assert (SEND_RETURN, own.pk) in jobs_waiting()
        run_jobs()
        own.refresh_from_db()
        assert (own.status, in_flight()) == (Status.RETURNED, 0)
        (refund,) = stripe_client().v1.refunds.list({"limit": 10}).data
        assert (refund.amount, refund.charge) == (100_00, own.prepayment.stripe_charge_id)

    def test_takes_the_newest_payments_first_and_none_beyond_what_it_brought(
        self, buyer: Organization
    ) -> None:
        older, newer = paid_in(buyer, 100_00), paid_in(buyer, 50_00)

        assert [(own.prepayment, own.amount_cents) for own in ask(buyer, 80_00)] == [
            (newer, 50_00),
            (older, 30_00),
        ]
        assert [(own.prepayment, own.amount_cents) for own in ask(buyer, 70_00)] == [(older, 70_00)]
        assert prepaid(buyer) == 0

    def test_a_bank_transfer_goes_back_when_its_bank_has_it(
        self, buyer: Organization, stripe_sandbox: SandboxServer
    ) -> None:
        prepayment = start(buyer, 80_00, method=Method.BANK_TRANSFER)
        send(prepayment, 80_00)
        resolve_prepayment(prepayment_id=prepayment.pk, now=database_now())

        (own,) = ask(buyer, 80_00)

        assert send_return(return_id=own.pk) == Status.SENDING
        control(stripe_sandbox, "clock", {"seconds": 61})
        deliver_events()
        own.refresh_from_db()
        assert (own.status, in_flight(), prepaid(buyer)) == (Status.RETURNED, 0, 0)

    def test_what_the_bank_sends_back_is_on_the_balance_again(
        self, buyer: Organization, stripe_sandbox: SandboxServer
    ) -> None:
        paid_in(buyer, 80_00, "4000000000005126")
        (own,) = ask(buyer, 80_00)
        assert send_return(return_id=own.pk) == Status.RETURNED

        control(stripe_sandbox, "clock", {"seconds": 61})
        for _ in range(2):
            deliver_events()

        own.refresh_from_db()
        assert (own.status, in_flight(), prepaid(buyer)) == (Status.FAILED, 0, 80_00)
        assert own.message == "The card has expired or was cancelled. It is on the balance again."
        assert [each.amount_cents for each in ask(buyer, 80_00)] == [80_00]

    @pytest.mark.parametrize("phase", ["before", "after"])
    def test_is_made_once_when_the_answer_is_lost(
        self, buyer: Organization, stripe_sandbox: SandboxServer, phase: str
    ) -> None:
        paid_in(buyer, 80_00)
        (own,) = ask(buyer, 80_00)
        fault = ApiFault(kind="error", phase=phase, method="POST", path="/v1/refunds")  # type: ignore[arg-type]
        stripe_sandbox.sandbox.faults.arm_api(fault)
        with pytest.raises(OutcomeUnknown):
            send_return(return_id=own.pk)

        assert send_return(return_id=own.pk) == Status.RETURNED
        assert send_return(return_id=own.pk) == Status.RETURNED
        assert (n_refunds(), in_flight()) == (1, 0)

    def test_a_form_sent_twice_asks_once(self, buyer: Organization) -> None:
        paid_in(buyer, 80_00)
        key = uuid4()

        assert ask(buyer, 30_00, key) == ask(buyer, 30_00, key)

        assert prepaid(buyer) == 50_00
        with pytest.raises(ReturnRefused, match="used for another amount"):
            ask(buyer, 40_00, key)

    def test_ties_with_stripe(self, buyer: Organization) -> None:
        paid_in(buyer, 80_00)
        ask(buyer, 30_00)
        run_jobs()

        import_movements(now=database_now())

        assert look_for_mismatches(now=database_now() + timedelta(hours=2)) == 0


class TestRefusals:
    def test_more_than_is_prepaid(self, buyer: Organization) -> None:
        paid_in(buyer, 80_00)

        with pytest.raises(ReturnRefused, match=r"At most \$80.00"):
            ask(buyer, 80_01)
        assert (prepaid(buyer), n_refunds()) == (80_00, 0)

    def test_what_is_held(self, buyer: Organization) -> None:
        paid_in(buyer, 80_00)
        with transaction.atomic():
            set_hold(organization_id=buyer.pk, reference="bid:1", amount_cents=50_00)

        with pytest.raises(ReturnRefused, match=r"At most \$30.00"):
            ask(buyer, 30_01)
        ask(buyer, 30_00)
        with pytest.raises(ReturnRefused, match="held for bids"):
            ask(buyer, 1)

    def test_nothing_is_prepaid(self, buyer: Organization) -> None:
        with pytest.raises(ReturnRefused, match="Nothing is prepaid"):
            ask(buyer, 1)

    def test_what_came_with_no_payment(self, buyer: Organization) -> None:
        prepay(buyer, 80_00)

        with pytest.raises(ReturnRefused, match="no payment to go back to"):
            ask(buyer, 1)

    def test_stripe_refuses_and_it_is_on_the_balance_again(self, buyer: Organization) -> None:
        prepayment = paid_in(buyer, 80_00)
        stripe_client().v1.refunds.create({"charge": prepayment.stripe_charge_id})
        (own,) = ask(buyer, 80_00)

        assert send_return(return_id=own.pk) == Status.FAILED

        own.refresh_from_db()
        assert (
            own.message == "The payment was already refunded in full at Stripe. It is on the balance again."
        )
        assert (prepaid(buyer), in_flight()) == (80_00, 0)


class TestPage:
    @pytest.fixture
    def client(self, buyer: Organization) -> Client:
        client = Client()
        client.force_login(MembershipFactory(organization=buyer, role=Membership.Role.OWNER).user)
        return client

    def test_asks_and_shows_what_became_of_it(self, client: Client, buyer: Organization) -> None:
        paid_in(buyer, 80_00)
        assert (
            "At most $80.00 can be returned now." in client.get(reverse("settlements:limit")).content.decode()
        )

        answer = client.post(
            reverse("settlements:prepaid_return"), {"amount": "30.00", "key": str(uuid4())}, follow=True
        )

        page = answer.content.decode()
        assert "$30.00 is on its way back" in page
        assert "On its way" in page
        assert "At most $50.00 can be returned now." in page

    @pytest.mark.parametrize("typed", ["80.01", "0", "-1", "a lot", "99999999999999999999"])
    def test_bad_amounts_are_named_and_kept(self, client: Client, buyer: Organization, typed: str) -> None:
        paid_in(buyer, 80_00)

        answer = client.post(reverse("settlements:prepaid_return"), {"amount": typed, "key": str(uuid4())})

        page = answer.content.decode()
        assert answer.status_code == 422
        assert "Nothing was returned. Please check:" in page
        assert f'value="{typed}"' in page
        assert prepaid(buyer) == 80_00
