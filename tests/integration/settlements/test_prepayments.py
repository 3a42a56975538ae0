"""Money paid in ahead, by card or bank transfer: whatever is lost, doubled or late, it counts once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from django.db import connection

from accounts.models import BiddingLimit, Organization
from marketplace.db import database_now
from settlements import ledger
from settlements.jobs import RESOLVE_PREPAYMENT
from settlements.models import PendingFunds, Prepayment, StripeEvent, Transaction
from settlements.operations.events import handle_event, store_event
from settlements.operations.funds import book_available
from settlements.operations.prepayments import (
    PrepaymentDraft,
    PrepaymentRejected,
    cancel_prepayment,
    resolve_prepayment,
    start_prepayment,
)
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.server import SandboxServer
from settlements.sweeps import sweep_funds, sweep_settlements
from tests.factories import BuyerFactory, UserFactory
from tests.integration.settlements.steps import jobs_waiting, run_jobs, stripe_client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Method = Prepayment.Method
Status = Prepayment.Status


@pytest.fixture
def buyer() -> Organization:
    return BuyerFactory(limit_cents=100_00)


def start(
    buyer: Organization, cents: int = 250_00, *, method: Method = Method.CARD, key: UUID | None = None
) -> Prepayment:
    draft = PrepaymentDraft(buyer.pk, method, cents, key or uuid4())
    return start_prepayment(draft=draft, by=UserFactory())


def pay(prepayment: Prepayment, number: str = "4242424242424242") -> httpx.Response:
    return httpx.post(prepayment.page_url, data={"number": number})


def send(prepayment: Prepayment, cents: int) -> None:
    stripe_client().v1.test_helpers.customers.fund_cash_balance(
        prepayment.organization.stripe_customer.stripe_id, {"amount": cents, "currency": "usd"}
    )


def resolve(prepayment: Prepayment) -> Status:
    return resolve_prepayment(prepayment_id=prepayment.pk, now=database_now())


def deliver_events() -> list[str]:
    """Have every event of Stripe's stored and handled, the latest first; return the notes."""
    notes = []
    for event in stripe_client().v1.events.list({"limit": 100}).data:
        facts = event.to_dict()
        store_event(facts)
        handle_event(event_id=StripeEvent.objects.get(stripe_id=facts["id"]).pk)
        notes.append(StripeEvent.objects.get(stripe_id=facts["id"]).note)
    return notes


def prepaid(buyer: Organization) -> int:
    cents = BiddingLimit.objects.get(pk=buyer.pk).prepaid_cents
    assert cents == -ledger.balance_cents(ledger.buyer_prepaid(buyer.pk))
    return cents


class TestByCard:
    def test_raises_the_limit_once_paid_and_books_stripes_fee(self, buyer: Organization) -> None:
        prepayment = start(buyer)
        assert resolve(prepayment) == Status.OPEN
        assert prepaid(buyer) == 0

        pay(prepayment)

        assert resolve(prepayment) == Status.RECEIVED
        assert BiddingLimit.objects.get(pk=buyer.pk).limit_cents == 350_00
        assert ledger.balances_cents() == {
            ledger.buyer_prepaid(buyer.pk): -250_00,
            ledger.STRIPE_FEES: 7_55,
            ledger.STRIPE_PENDING: 242_45,
        }

    def test_is_counted_once_by_return_sweep_and_webhooks_in_any_order(self, buyer: Organization) -> None:
        prepayment = start(buyer)
        pay(prepayment)

        notes = deliver_events()
        resolve(prepayment)
        StripeEvent.objects.update(handled_at=None)
        for event_id in StripeEvent.objects.values_list("id", flat=True):
            handle_event(event_id=event_id)

        assert prepaid(buyer) == 250_00
        assert f"prepayment {prepayment.pk}: succeeded" in notes
        assert Transaction.objects.filter(kind=Transaction.Kind.PREPAYMENT).count() == 1

    def test_ten_threads_hearing_of_it_count_it_once(self, buyer: Organization) -> None:
        prepayment = start(buyer)
        pay(prepayment)
        together = threading.Barrier(10, timeout=30)

        def hear() -> None:
            together.wait()
            try:
                resolve(prepayment)
            finally:
                connection.close()

        with ThreadPoolExecutor(10) as pool:
            for future in [pool.submit(hear) for _ in range(10)]:
                future.result(timeout=60)

        assert prepaid(buyer) == 250_00

    def test_a_form_sent_twice_is_one_prepayment(self, buyer: Organization) -> None:
        key = uuid4()

        first, second = start(buyer, key=key), start(buyer, key=key)

        assert first == second
        assert first.page_url == second.page_url
        assert len(stripe_client().v1.checkout.sessions.list({}).data) == 1

    def test_a_form_used_for_another_amount_or_buyer_is_refused(self, buyer: Organization) -> None:
        key = uuid4()
        start(buyer, key=key)

        with pytest.raises(PrepaymentRejected, match="another amount"):
            start(buyer, 251_00, key=key)
        with pytest.raises(PrepaymentRejected, match="another amount"):
            start(BuyerFactory(), key=key)

        assert Prepayment.objects.count() == 1

    def test_a_declined_card_may_be_followed_by_another(self, buyer: Organization) -> None:
        prepayment = start(buyer)
        assert pay(prepayment, "4000000000000002").status_code == 402
        deliver_events()
        assert resolve(prepayment) == Status.OPEN

        pay(prepayment)

        assert resolve(prepayment) == Status.RECEIVED

    def test_a_page_that_expired_took_nothing(self, buyer: Organization) -> None:
        prepayment = start(buyer)
        stripe_client().v1.checkout.sessions.expire(prepayment.stripe_session_id)

        deliver_events()

        prepayment.refresh_from_db()
        assert prepayment.status == Status.EXPIRED
        assert prepaid(buyer) == 0

    @pytest.mark.parametrize("phase", ["before", "after"])
    def test_a_lost_answer_opens_no_second_page(
        self, buyer: Organization, stripe_sandbox: SandboxServer, phase: str
    ) -> None:
        start(BuyerFactory())  # its customer and page are not what is lost
        key = uuid4()
        stripe_sandbox.sandbox.faults.arm_api(
            ApiFault(kind="timeout", phase=phase, method="POST", path="/v1/checkout/sessions", seconds=0.01)
        )
        n_before = len(stripe_client().v1.checkout.sessions.list({}).data)
        with pytest.raises(OutcomeUnknown):
            start(buyer, key=key)

        prepayment = start(buyer, key=key)

        assert prepayment.page_url
        assert len(stripe_client().v1.checkout.sessions.list({}).data) == n_before + 1

    def test_one_never_asked_for_ends_when_stripe_has_forgotten_its_key(
        self, buyer: Organization, stripe_sandbox: SandboxServer
    ) -> None:
        start(buyer)
        stripe_sandbox.sandbox.faults.arm_api(
            ApiFault(kind="error", phase="before", method="POST", path="/v1/checkout/sessions")
        )
        with pytest.raises(OutcomeUnknown):
            start(buyer)
        lost = Prepayment.objects.latest("id")

        status = resolve_prepayment(prepayment_id=lost.pk, now=database_now() + timedelta(hours=24))

        assert status == Status.EXPIRED

    def test_the_sweep_looks_after_open_ones(self, buyer: Organization) -> None:
        prepayment = start(buyer)
        pay(prepayment)
        Prepayment.objects.update(called_at=database_now() - timedelta(minutes=5))

        sweep_settlements()
        assert (RESOLVE_PREPAYMENT, prepayment.pk) in jobs_waiting()
        run_jobs()

        assert prepaid(buyer) == 250_00

    def test_a_payment_of_another_amount_counts_for_nothing(self, buyer: Organization) -> None:
        prepayment = start(buyer)
        pay(prepayment)
        Prepayment.objects.update(amount_cents=1_000_00, remaining_cents=1_000_00)

        notes = deliver_events()

        assert any("its amount is 25000" in note for note in notes)
        assert prepaid(buyer) == 0


class TestByBankTransfer:
    def test_says_where_to_send_it_and_counts_once_all_has_come(self, buyer: Organization) -> None:
        prepayment = start(buyer, method=Method.BANK_TRANSFER)
        assert prepayment.instructions["account_number"].isdecimal()

        send(prepayment, 100_00)
        deliver_events()
        prepayment.refresh_from_db()
        assert (prepayment.came_cents, prepaid(buyer)) == (100_00, 0)

        send(prepayment, 150_00)
        deliver_events()
        prepayment.refresh_from_db()
        assert (prepayment.status, prepaid(buyer)) == (Status.RECEIVED, 250_00)
        assert ledger.balance_cents(ledger.STRIPE_FEES) == 1_25

    def test_what_came_too_much_pays_the_next_at_once(self, buyer: Organization) -> None:
        send(start(buyer, method=Method.BANK_TRANSFER), 300_00)
        deliver_events()

        second = start(buyer, 50_00, method=Method.BANK_TRANSFER)

        assert second.status == Status.RECEIVED
        assert prepaid(buyer) == 300_00

    def test_can_be_cancelled_until_it_has_come(self, buyer: Organization) -> None:
        prepayment = start(buyer, method=Method.BANK_TRANSFER)

        status = cancel_prepayment(organization_id=buyer.pk, prepayment_id=prepayment.pk)
        assert status == Status.EXPIRED
        with pytest.raises(PrepaymentRejected, match="nothing to cancel"):
            cancel_prepayment(organization_id=buyer.pk, prepayment_id=prepayment.pk)
        with pytest.raises(Prepayment.DoesNotExist):
            cancel_prepayment(organization_id=BuyerFactory().pk, prepayment_id=prepayment.pk)

    def test_cancelling_one_that_came_meanwhile_counts_it(self, buyer: Organization) -> None:
        prepayment = start(buyer, method=Method.BANK_TRANSFER)
        send(prepayment, 250_00)

        status = cancel_prepayment(organization_id=buyer.pk, prepayment_id=prepayment.pk)

        assert (status, prepaid(buyer)) == (Status.RECEIVED, 250_00)


class TestFunds:
    def test_become_available_when_stripe_says_so_and_once(
        self, buyer: Organization, stripe_sandbox: SandboxServer
    ) -> None:
        prepayment = start(buyer)
        pay(prepayment)
        resolve(prepayment)
        funds = PendingFunds.objects.get()
        assert sweep_funds(now=database_now()) == 0
        assert sweep_funds(now=funds.available_at) == 1
        assert not book_available(funds_id=funds.pk)  # our clock is ahead: Stripe still holds it
        assert ledger.balance_cents(ledger.STRIPE_AVAILABLE) == 0

        move_clock(stripe_sandbox, seconds=3 * 86_400)
        assert book_available(funds_id=funds.pk)
        assert not book_available(funds_id=funds.pk)

        assert ledger.balance_cents(ledger.STRIPE_AVAILABLE) == 242_45
        assert ledger.balance_cents(ledger.STRIPE_PENDING) == 0
        booked = Transaction.objects.get(kind=Transaction.Kind.FUNDS_AVAILABLE)
        assert booked.stripe_object_id == funds.stripe_id
        assert sweep_funds(now=funds.available_at) == 0

    def test_two_workers_book_them_once(self, buyer: Organization, stripe_sandbox: SandboxServer) -> None:
        prepayment = start(buyer)
        pay(prepayment)
        resolve(prepayment)
        move_clock(stripe_sandbox, seconds=3 * 86_400)
        funds_id = PendingFunds.objects.get().pk
        together = threading.Barrier(4, timeout=30)

        def book() -> bool:
            together.wait()
            try:
                return book_available(funds_id=funds_id)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            booked = [future.result(timeout=60) for future in [pool.submit(book) for _ in range(4)]]

        assert sorted(booked) == [False, False, False, True]

    def test_of_a_bank_transfer_are_available_at_once(self, buyer: Organization) -> None:
        send(start(buyer, method=Method.BANK_TRANSFER), 250_00)
        deliver_events()

        assert sweep_funds(now=database_now() + timedelta(seconds=1)) == 1
        run_jobs()

        assert ledger.balance_cents(ledger.STRIPE_AVAILABLE) == 248_75


def move_clock(sandbox: SandboxServer, *, seconds: int) -> None:
    answer = httpx.post(f"{sandbox.base_url}/_sandbox/clock", json={"seconds": seconds})
    assert answer.status_code == 200, answer.text
