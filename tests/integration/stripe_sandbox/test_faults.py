from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import stripe

from .conftest import client_of

KEY = {"idempotency_key": "settlement-1"}
ORDER = {"amount": 500, "currency": "usd"}
PATH = "/v1/payment_intents"


def arm(browser: httpx.Client, **fault: object) -> None:
    assert browser.post("/_sandbox/faults/api", json=fault).status_code == 200


class TestApiFaults:
    def test_an_error_before_leaves_nothing(self, client, browser):
        arm(browser, kind="error", times=2, path=PATH)

        for _ in range(2):
            with pytest.raises(stripe.APIError) as failure:
                client.v1.payment_intents.create(ORDER, KEY)
            assert failure.value.http_status == 500

        assert client.v1.payment_intents.list().data == []
        assert client.v1.payment_intents.create(ORDER, KEY).amount == 500

    def test_an_error_after_has_done_the_work_and_stays(self, client, browser):
        arm(browser, kind="error", phase="after", path=PATH, method="POST")

        for _ in range(2):
            with pytest.raises(stripe.APIError) as failure:
                client.v1.payment_intents.create(ORDER, KEY)

        assert failure.value.headers["idempotent-replayed"] == "true"
        assert failure.value.headers["stripe-should-retry"] == "false"
        assert len(client.v1.payment_intents.list().data) == 1

    def test_a_rate_limit(self, client, browser):
        arm(browser, kind="rate_limit")

        with pytest.raises(stripe.RateLimitError) as failure:
            client.v1.customers.list()

        assert failure.value.error.code == "rate_limit"
        assert client.v1.customers.list().data == []

    @pytest.mark.parametrize(("phase", "n_intents"), [("before", 0), ("after", 1)])
    def test_a_lost_answer_is_an_unknown_outcome(self, client, sandbox, browser, phase, n_intents):
        hasty = stripe.StripeClient(
            "sk_test_sandbox",
            base_addresses={"api": sandbox.base_url},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=1),
        )
        arm(browser, kind="timeout", phase=phase, path=PATH, method="POST")

        with ThreadPoolExecutor() as pool:
            lost = pool.submit(hasty.v1.payment_intents.create, ORDER, KEY)
            assert sandbox.sandbox.faults.wait_until_held(1)
        assert isinstance(lost.exception(), stripe.APIConnectionError)
        assert sandbox.sandbox.faults.wait_until_none_held()

        assert len(client.v1.payment_intents.list().data) == n_intents
        retried = client.v1.payment_intents.create(ORDER, KEY)
        assert ("idempotent-replayed" in retried.last_response.headers) == (phase == "after")
        assert len(client.v1.payment_intents.list().data) == 1

    def test_a_path_may_be_a_template(self, client, browser, customer):
        arm(browser, kind="error", path="/v1/customers/{customer}")

        assert client.v1.customers.list().data
        with pytest.raises(stripe.APIError):
            client.v1.customers.retrieve(customer.id)

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "earthquake"},
            {"kind": "error", "times": 0},
            {"kind": "error", "times": True},
            {"kind": "error", "colour": "red"},
            {"kind": "error", "phase": "during"},
            {"kind": "timeout", "seconds": -1},
            {"kind": "rate_limit", "phase": "after"},
            ["error"],
        ],
    )
    def test_refuses_a_fault_that_makes_no_sense(self, browser, fault):
        answer = browser.post("/_sandbox/faults/api", json=fault)

        assert answer.status_code == 400
        assert answer.json()["error"]
        assert browser.get("/_sandbox/faults").json() == {"api": [], "webhooks": [], "held": 0}


class TestWebhookFaults:
    def test_a_dropped_event_can_still_be_read(self, sending_sandbox, receiver):
        client = client_of(sending_sandbox)
        self.arm(sending_sandbox, kind="drop", types=["customer.created"])

        dropped = client.v1.customers.create()
        client.v1.customers.update(dropped.id, {"name": "Ada"})
        receiver.wait_for_type("customer.updated")

        assert "customer.created" not in receiver.types()
        assert client.v1.events.list({"type": "customer.created"}).data[0].data.object.id == dropped.id

    def test_a_duplicate_is_the_same_event_twice(self, sending_sandbox, receiver):
        self.arm(sending_sandbox, kind="duplicate")

        client_of(sending_sandbox).v1.customers.create()
        receiver.wait_for(lambda got: len(got.deliveries) == 2)

        first, second = (delivery.event.id for delivery in receiver.deliveries)
        assert first == second

    def test_a_delayed_event_lets_later_ones_pass(self, sending_sandbox, receiver):
        client = client_of(sending_sandbox)
        self.arm(sending_sandbox, kind="delay", seconds=3600, types=["customer.created"])

        customer = client.v1.customers.create()
        client.v1.customers.update(customer.id, {"name": "Ada"})
        receiver.wait_for_type("customer.updated")

        listed = httpx.get(f"{sending_sandbox.base_url}/_sandbox/deliveries").json()["deliveries"]
        delayed = next(found for found in listed if found["event_type"] == "customer.created")
        assert receiver.types() == ["customer.updated"]
        assert delayed["state"] == "pending"
        assert delayed["due_at"] >= customer.created + 3600

    def test_an_event_can_be_sent_again(self, sending_sandbox, receiver):
        client_of(sending_sandbox).v1.customers.create()
        event = receiver.wait_for_type("customer.created")

        again = httpx.post(f"{sending_sandbox.base_url}/_sandbox/events/{event.id}/redeliver")
        receiver.wait_for(lambda got: len(got.deliveries) == 2)

        assert again.status_code == 200
        assert {delivery.event.id for delivery in receiver.deliveries} == {event.id}
        unknown = httpx.post(f"{sending_sandbox.base_url}/_sandbox/events/evt_none/redeliver")
        assert unknown.status_code == 404

    @staticmethod
    def arm(server, **fault: object) -> None:
        answer = httpx.post(f"{server.base_url}/_sandbox/faults/webhooks", json=fault)
        assert answer.status_code == 200
