"""Stripe's events: verified, stored once, handled once, and believed only as far as Stripe confirms them."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.core.signals import request_finished
from django.db import connection, transaction
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Organization, StreamEvent
from settlements import ledger
from settlements.jobs import HANDLE_EVENT
from settlements.models import ChargeAttempt, Entry, PaymentMethod, Settlement, StripeEvent
from settlements.operations.cards import make_default, open_card_page
from settlements.operations.charging import charge_settlement, pay_settlement
from settlements.operations.events import IGNORED, handle_event, store_event
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import BuyerFactory
from tests.integration.settlements.steps import (
    jobs_waiting,
    lose_next_answer,
    n_payments,
    put_on_file,
    run_jobs,
    settlement_of,
    stripe_client,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Settlement.Status
ADDRESS = "/stripe/webhook/"


def signed(payload: bytes, *, secret: str = "", age_s: int = 0) -> str:
    """Sign as Stripe does. Source: https://docs.stripe.com/webhooks#verify-manually."""
    sent_at = int(time.time()) - age_s
    text = f"{sent_at}.".encode() + payload
    key = (secret or settings.STRIPE_WEBHOOK_SECRET).encode()
    return f"t={sent_at},v1={hmac.new(key, text, hashlib.sha256).hexdigest()}"


def post(event: dict[str, Any], signature: str | None = None) -> Any:
    payload = json.dumps(event).encode()
    headers = {"Stripe-Signature": signed(payload) if signature is None else signature}
    return Client(enforce_csrf_checks=True).post(
        ADDRESS, payload, content_type="application/json", headers=headers
    )


def events_at_stripe() -> list[dict[str, Any]]:
    """Return every event the sandbox knows, oldest first."""
    return [event.to_dict() for event in stripe_client().v1.events.list({"limit": 100}).data][::-1]


def example(type_: str = "customer.created", event_id: str = "evt_1") -> dict[str, Any]:
    return {"id": event_id, "object": "event", "type": type_, "data": {"object": {"id": "cus_1"}}}


def closing_connection(work: Callable[..., Any], **terms: Any) -> Any:
    """Do work in a thread of its own and give its connection back."""
    try:
        return work(**terms)
    finally:
        connection.close()


def wait_until_blocked(n_waiting: int) -> None:
    """Wait until so many other connections to this database wait for a lock."""
    give_up_at = time.monotonic() + 30
    while n_blocked() < n_waiting:
        assert time.monotonic() < give_up_at, f"{n_blocked()} of {n_waiting} came to wait"


def n_blocked() -> int:
    with connection.cursor() as cursor:
        # The activity view is kept for the length of a transaction unless it is told to look again.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def state_of_the_books() -> dict[str, Any]:
    """Everything an event may change."""
    return {
        "settlements": list(Settlement.objects.order_by("id").values()),
        "attempts": list(ChargeAttempt.objects.order_by("id").values()),
        "entries": list(Entry.objects.order_by("id").values()),
        "cards": list(PaymentMethod.objects.order_by("id").values()),
        "told": list(StreamEvent.objects.order_by("id").values()),
    }


class TestEndpoint:
    def test_stores_and_defers_in_one_go(self) -> None:
        answer = post(example())

        event = StripeEvent.objects.get()
        assert answer.status_code == 200
        assert (event.stripe_id, event.type, event.object_id) == ("evt_1", "customer.created", "cus_1")
        assert event.payload == example()
        assert jobs_waiting() == [(HANDLE_EVENT, event.pk)]

    def test_takes_a_duplicate_and_stores_it_once(self) -> None:
        post(example())

        answer = post(example())

        assert (answer.status_code, answer.json()) == (200, {"stored": False})
        assert StripeEvent.objects.count() == 1
        assert len(jobs_waiting()) == 1

    @pytest.mark.parametrize(
        ("signature", "says"),
        [
            ("", "There is no Stripe-Signature header"),
            ("t=1,v1=", "No signatures found"),
            ("nonsense", "Unable to extract timestamp"),
        ],
    )
    def test_refuses_a_missing_or_mangled_signature(self, signature: str, says: str) -> None:
        answer = post(example(), signature)

        assert answer.status_code == 400
        assert says in answer.json()["error"]
        assert not StripeEvent.objects.exists()

    def test_refuses_another_secrets_signature(self) -> None:
        payload = json.dumps(example()).encode()

        answer = post(example(), signed(payload, secret="whsec_guess"))

        assert answer.status_code == 400
        assert "No signatures found matching the expected signature" in answer.json()["error"]
        assert not StripeEvent.objects.exists()

    @pytest.mark.parametrize("configured", ["whsec_ours,", "whsec_ours, ,", ",", ""])
    def test_takes_no_empty_secret_for_one(self, settings: Settings, configured: str) -> None:
        settings.STRIPE_WEBHOOK_SECRET = configured
        at, payload = int(time.time()), json.dumps(example()).encode()
        made_up = hmac.new(b"", f"{at}.".encode() + payload, hashlib.sha256).hexdigest()

        assert post(example(), f"t={at},v1={made_up}").status_code == 400

    @pytest.mark.parametrize("secret", ["whsec_ours", "whsec_of_sellers"])
    def test_takes_events_of_either_endpoint(self, settings: Settings, secret: str) -> None:
        settings.STRIPE_WEBHOOK_SECRET = "whsec_ours, whsec_of_sellers"
        payload = json.dumps(example()).encode()

        assert post(example(), signed(payload, secret=secret)).status_code == 200
        assert post(example(), signed(payload, secret=settings.STRIPE_WEBHOOK_SECRET)).status_code == 400
        assert post(example(), signed(payload, secret=secret, age_s=301)).status_code == 400

    def test_refuses_a_body_changed_after_signing(self) -> None:
        signature = signed(json.dumps(example()).encode())

        assert post(example(event_id="evt_2"), signature).status_code == 400

    @pytest.mark.parametrize(("age_s", "status"), [(290, 200), (310, 400)])
    def test_refuses_what_was_signed_more_than_five_minutes_ago(self, age_s: int, status: int) -> None:
        payload = json.dumps(example()).encode()

        answer = post(example(), signed(payload, age_s=age_s))

        assert answer.status_code == status
        assert status == 200 or "Timestamp outside the tolerance zone" in answer.json()["error"]
        assert StripeEvent.objects.exists() == (status == 200)

    @pytest.mark.parametrize("payload", [b"", b"not json", b"[]", b"{}", b'{"id": "evt_1"}', b"\xff"])
    def test_refuses_what_is_no_event_even_if_signed(self, payload: bytes) -> None:
        answer = Client().post(
            ADDRESS, payload, content_type="application/json", headers={"Stripe-Signature": signed(payload)}
        )

        assert answer.status_code == 400
        assert not StripeEvent.objects.exists()

    def test_answers_to_post_alone(self) -> None:
        assert Client().get(ADDRESS).status_code == 405


class TestHandleEvent:
    def test_notes_types_that_nothing_acts_on(self) -> None:
        post(example())

        run_jobs()

        event = StripeEvent.objects.get()
        assert event.handled_at is not None
        assert event.note == IGNORED

    def test_books_a_payment_whose_answer_was_lost(
        self, stripe_sandbox: SandboxServer, settings: Settings
    ) -> None:
        settlement = self._charged_with_lost_answer(settings, stripe_sandbox)
        assert settlement.status == Status.CHARGING

        for event in events_at_stripe():
            post(event)
        run_jobs()

        settlement.refresh_from_db()
        assert settlement.status == Status.PAID
        assert ledger.balance_cents(ledger.buyer_receivable(settlement.organization_id)) == 0

    def test_takes_a_card_whose_buyer_never_came_back(self) -> None:
        buyer = BuyerFactory()
        form = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2040", "cvc": "123", "name": ""}
        httpx.post(open_card_page(organization_id=buyer.pk), data=form)

        for event in events_at_stripe():
            post(event)
        run_jobs()

        assert PaymentMethod.objects.get(organization=buyer).last4 == "4242"

    def test_takes_a_card_off_file_that_was_detached_at_stripe(self) -> None:
        buyer = BuyerFactory()
        card = put_on_file(buyer)
        stripe_client().v1.payment_methods.detach(card.stripe_id)

        for event in events_at_stripe():
            post(event)
        run_jobs()

        card.refresh_from_db()
        assert card.removed_at is not None
        assert not card.is_default

    def test_a_card_made_the_default_while_it_is_detached_leaves_another_default(self) -> None:
        """The owner stays locked until both wait for it, the choice of default in front."""
        buyer = BuyerFactory()
        first, second = put_on_file(buyer), put_on_file(buyer, "pm_card_mastercard")
        stripe_client().v1.payment_methods.detach(second.stripe_id)
        (detached,) = [event for event in events_at_stripe() if event["type"] == "payment_method.detached"]
        store_event(detached)
        event_id = StripeEvent.objects.get().pk

        with ThreadPoolExecutor(2) as pool:
            with transaction.atomic():
                Organization.objects.select_for_update(no_key=True).get(pk=buyer.pk)
                choice = pool.submit(
                    closing_connection, make_default, organization_id=buyer.pk, payment_method_id=second.pk
                )
                wait_until_blocked(1)
                event = pool.submit(closing_connection, handle_event, event_id=event_id)
                wait_until_blocked(2)
            choice.result(timeout=30)
            assert event.result(timeout=30)

        on_file = PaymentMethod.objects.filter(organization=buyer, removed_at=None)
        assert list(on_file.values_list("pk", "is_default")) == [(first.pk, True)]

    def test_a_replay_of_everything_changes_nothing(self) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer, "pm_card_chargeCustomerFail")
        settlement = settlement_of(10_000, buyer=buyer)
        charge_settlement(settlement_id=settlement.pk)
        pay_settlement(
            organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=put_on_file(buyer).pk
        )
        events = events_at_stripe()
        before = state_of_the_books()

        for event in [*events, *events]:
            post(event)
        run_jobs()
        assert state_of_the_books() == before

        StripeEvent.objects.update(handled_at=None)
        for event_id in StripeEvent.objects.values_list("id", flat=True):
            handle_event(event_id=event_id)
        assert state_of_the_books() == before

    def test_any_order_comes_to_the_same(self, stripe_sandbox: SandboxServer, settings: Settings) -> None:
        settlement = self._charged_with_lost_answer(settings, stripe_sandbox)
        told = [
            event for event in events_at_stripe() if event["type"].startswith(("payment_intent", "charge"))
        ]
        assert len(told) == 3

        for order, event in enumerate(reversed(told)):
            post(event | {"id": f"evt_reversed_{order}"})
        run_jobs()

        settlement.refresh_from_db()
        assert settlement.status == Status.PAID
        assert Entry.objects.filter(account__kind="stripe_pending").count() == 1

    def test_paid_never_goes_back(self) -> None:
        buyer = BuyerFactory()
        card = put_on_file(buyer, "pm_card_authenticationRequired")
        settlement = settlement_of(10_000, buyer=buyer)
        start = pay_settlement(
            organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=card.pk
        )
        httpx.post(start.authentication_url, data={"outcome": "complete"})
        in_order = [event for event in events_at_stripe() if event["type"].startswith("payment_intent")]
        assert [event["type"].split(".")[1] for event in in_order] == [
            "created",
            "requires_action",
            "succeeded",
        ]

        for event in (in_order[2], in_order[1], in_order[0]):
            post(event)
            run_jobs()

        settlement.refresh_from_db()
        assert settlement.status == Status.PAID

    def test_refuses_a_payment_that_is_not_the_one_asked_for(self, caplog: pytest.LogCaptureFixture) -> None:
        buyer = BuyerFactory()
        card = put_on_file(buyer)
        settlement = settlement_of(10_000, buyer=buyer)
        Settlement.objects.filter(pk=settlement.pk).update(status=Status.CHARGING)
        attempt = ChargeAttempt.objects.create(
            settlement=settlement,
            number=1,
            idempotency_key="00000000-0000-4000-8000-000000000000",
            amount_cents=10_000,
            payment_method=card,
        )
        stripe_client().v1.payment_intents.create(
            {
                "amount": 9_999,
                "currency": "usd",
                "customer": buyer.stripe_customer.stripe_id,
                "payment_method": card.stripe_id,
                "allowed_payment_method_types": ["card"],
                "capture_method": "automatic",
                "off_session": True,
                "confirm": True,
                "metadata": {"settlement": str(settlement.pk), "attempt": str(attempt.pk)},
            }
        )

        for event in events_at_stripe():
            post(event)
        run_jobs()

        settlement.refresh_from_db()
        assert settlement.status == Status.CHARGING
        refused = StripeEvent.objects.get(type="payment_intent.succeeded")
        assert "its amount is 9999" in refused.note
        assert refused.handled_at is not None
        assert "its amount is 9999" in caplog.text

    def test_refuses_a_forged_object_that_stripe_does_not_know(self) -> None:
        store_event(
            {
                "id": "evt_forged",
                "type": "payment_intent.succeeded",
                "data": {"object": {"id": "pi_forged", "status": "succeeded", "amount": 1}},
            }
        )

        run_jobs()

        assert StripeEvent.objects.get().note.startswith("refused: Stripe does not know it")

    def test_four_workers_handle_an_event_once(
        self, stripe_sandbox: SandboxServer, settings: Settings
    ) -> None:
        settlement = self._charged_with_lost_answer(settings, stripe_sandbox)
        (event,) = [event for event in events_at_stripe() if event["type"] == "payment_intent.succeeded"]
        store_event(event)
        event_id = StripeEvent.objects.get().pk
        together = threading.Barrier(4)

        def handle() -> bool:
            together.wait()
            try:
                return handle_event(event_id=event_id)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            handled = [future.result() for future in [pool.submit(handle) for _ in range(4)]]

        assert sorted(handled) == [False, False, False, True]
        assert Entry.objects.filter(account__kind="stripe_pending").count() == 1
        assert settlement.attempts.get().outcome == ChargeAttempt.Outcome.SUCCEEDED

    def _charged_with_lost_answer(self, settings: Settings, stripe_sandbox: SandboxServer) -> Settlement:
        """Have the sandbox charge and its answer get lost, so that our side knows nothing."""
        buyer = BuyerFactory()
        put_on_file(buyer)
        settlement = settlement_of(10_000, buyer=buyer)
        StripeEvent.objects.all().delete()
        lose_next_answer(stripe_sandbox)
        with pytest.raises(OutcomeUnknown):
            charge_settlement(settlement_id=settlement.pk)
        assert n_payments() == 1
        settlement.refresh_from_db()
        return settlement


def test_the_sandbox_delivers_to_the_endpoint(live_server: LiveServer, settings: Settings) -> None:
    """The whole way once: signed by the sandbox, over HTTP, into the table."""
    answered = threading.Semaphore(0)

    def count(**_: object) -> None:
        answered.release()

    request_finished.connect(count)
    try:
        with SandboxServer(
            webhook_url=f"{live_server.url}{ADDRESS}", webhook_secret=settings.STRIPE_WEBHOOK_SECRET
        ) as server:
            settings.STRIPE_SANDBOX_URL = server.base_url
            buyer = BuyerFactory()
            put_on_file(buyer)
            n_events = len(events_at_stripe())
            for _ in range(n_events):
                assert answered.acquire(timeout=10)
    finally:
        request_finished.disconnect(count)

    assert StripeEvent.objects.count() == n_events
