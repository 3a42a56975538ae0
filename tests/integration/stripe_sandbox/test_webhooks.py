import httpx
import pytest
import stripe

from settlements.stripe_sandbox.server import SandboxServer

from .conftest import client_of
from .receiver import SECRET, Receiver


def deliveries_of(server: SandboxServer) -> list[dict]:
    return httpx.get(f"{server.base_url}/_sandbox/deliveries").json()["deliveries"]


class TestDelivery:
    def test_is_signed_as_stripe_signs(self, sending_sandbox, receiver):
        customer = client_of(sending_sandbox).v1.customers.create(
            {"name": "Zoë"}, {"idempotency_key": "customer-1"}
        )

        event = receiver.wait_for_type("customer.created")

        assert event.id.startswith("evt_")
        assert event.data.object.id == customer.id
        assert event.data.object.name == "Zoë"
        assert event.api_version == customer.last_response.headers["stripe-version"]
        assert event.request.id == customer.last_response.request_id
        assert event.request.idempotency_key == "customer-1"
        assert not event.livemode
        tampered = receiver.deliveries[0].payload.replace(customer.id.encode(), b"cus_other")
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(tampered, receiver.deliveries[0].signature, SECRET)

    def test_keeps_order(self, sending_sandbox, receiver):
        client = client_of(sending_sandbox)
        customer = client.v1.customers.create()
        method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        client.v1.payment_intents.create(
            {
                "amount": 500,
                "currency": "usd",
                "customer": customer.id,
                "payment_method": method.id,
                "allowed_payment_method_types": ["card"],
                "confirm": True,
            }
        )

        receiver.wait_for_type("charge.updated")

        assert receiver.types() == [
            "customer.created",
            "payment_method.attached",
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "charge.updated",
        ]

    def test_is_retried_until_the_receiver_agrees(self, sending_sandbox, receiver):
        receiver.next_statuses = [500, 302, 400]

        client_of(sending_sandbox).v1.customers.create()
        receiver.wait_for(lambda got: len(got.deliveries) == 4)
        client_of(sending_sandbox).v1.customers.create()
        receiver.wait_for(lambda got: len(got.deliveries) == 5)

        # The second customer's delivery began, so the first's last attempt is on record.
        first = deliveries_of(sending_sandbox)[1]
        assert len({delivery.event.id for delivery in receiver.deliveries[:4]}) == 1
        assert first["state"] == "delivered"
        assert [attempt["status"] for attempt in first["attempts"]] == [500, 302, 400, 200]

    def test_what_was_rolled_back_is_never_sent(self, sending_sandbox, receiver):
        client = client_of(sending_sandbox)
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.payment_intents.create({"amount": 500, "currency": "usd", "expand": ["amount"]})

        client.v1.customers.create()
        receiver.wait_for_type("customer.created")

        assert receiver.types() == ["customer.created"]


class TestRestart:
    def test_state_keys_and_pending_webhooks_survive_and_follow_the_endpoint(
        self, tmp_path, receiver: Receiver
    ):
        state = str(tmp_path / "stripe.sqlite3")
        order = {"amount": 500, "currency": "usd"}
        key = {"idempotency_key": "settlement-1"}
        with Receiver() as deaf:
            gone_url = deaf.url
        with SandboxServer(state=state, webhook_url=gone_url, webhook_secret=SECRET) as server:
            intent = client_of(server).v1.payment_intents.create(order, key)
            (pending,) = deliveries_of(server)
            assert pending["state"] == "pending"

        with SandboxServer(
            state=state, webhook_url=receiver.url, webhook_secret=SECRET, retry_base_s=0.001
        ) as server:
            client = client_of(server)
            replayed = client.v1.payment_intents.create(order, key)
            event = receiver.wait_for_type("payment_intent.created")

            assert client.v1.payment_intents.retrieve(intent.id).amount == 500
            assert replayed.id == intent.id
            assert event.data.object.id == intent.id

    def test_reset_forgets_everything(self, client, browser, customer):
        key = {"idempotency_key": "settlement-1"}
        client.v1.payment_intents.create({"amount": 500, "currency": "usd"}, key)

        assert browser.post("/_sandbox/reset").status_code == 200

        assert client.v1.customers.list().data == []
        assert client.v1.events.list().data == []
        assert client.v1.payment_intents.create({"amount": 700, "currency": "usd"}, key).amount == 700
