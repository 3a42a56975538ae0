from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from settlements.stripe_sandbox.faults import ApiFault

from .steps import off_session, save_card

KEY = {"idempotency_key": "settlement-1"}
ORDER = {"amount": 500, "currency": "usd"}


def n_intents(client: stripe.StripeClient) -> int:
    return len(client.v1.payment_intents.list({"limit": 100}).data)


class TestSameKey:
    def test_same_parameters_replay_the_first_answer(self, client):
        first = client.v1.payment_intents.create(ORDER, KEY)
        client.v1.payment_intents.update(first.id, {"metadata": {"later": "1"}})

        second = client.v1.payment_intents.create(ORDER, KEY)

        assert second.to_dict() == first.to_dict()
        assert "idempotent-replayed" not in first.last_response.headers
        assert second.last_response.headers["idempotent-replayed"] == "true"
        assert second.last_response.headers["original-request"] == first.last_response.request_id
        assert n_intents(client) == 1

    @pytest.mark.parametrize("other", [{"amount": 600}, {"description": "x"}])
    def test_other_parameters_are_refused(self, client, other):
        client.v1.payment_intents.create(ORDER, KEY)

        with pytest.raises(stripe.IdempotencyError) as refusal:
            client.v1.payment_intents.create(ORDER | other, KEY)

        assert refusal.value.http_status == 400
        assert n_intents(client) == 1

    def test_another_route_is_refused(self, client):
        client.v1.payment_intents.create(ORDER, KEY)

        with pytest.raises(stripe.IdempotencyError):
            client.v1.customers.create({}, KEY)

    def test_a_decline_is_replayed_and_charges_nothing_more(self, client, browser, customer):
        method = save_card(client, browser, customer, "pm_card_chargeCustomerFail")
        answers = []
        for _ in range(2):
            with pytest.raises(stripe.CardError) as refusal:
                client.v1.payment_intents.create(off_session(customer, method), KEY)
            answers.append(refusal.value)

        assert answers[0].json_body == answers[1].json_body
        assert answers[1].headers["idempotent-replayed"] == "true"
        assert n_intents(client) == 1
        assert len(client.v1.charges.list().data) == 1

    def test_what_fails_validation_leaves_the_key_free(self, client):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.payment_intents.create({"amount": "x", "currency": "usd"}, KEY)

        assert client.v1.payment_intents.create(ORDER, KEY).amount == 500

    def test_what_fails_in_execution_keeps_it(self, client):
        params = ORDER | {"customer": "cus_none"}
        for _ in range(2):
            with pytest.raises(stripe.InvalidRequestError) as refusal:
                client.v1.payment_intents.create(params, KEY)
        assert refusal.value.headers["idempotent-replayed"] == "true"

    def test_reads_ignore_keys(self, client):
        client.v1.customers.list({}, KEY)
        customer = client.v1.customers.create({}, KEY)
        assert [found.id for found in client.v1.customers.list({}, KEY).data] == [customer.id]

    def test_a_key_too_long_is_refused(self, client):
        with pytest.raises(stripe.IdempotencyError, match="255"):
            client.v1.payment_intents.create(ORDER, {"idempotency_key": "k" * 256})
        assert client.v1.payment_intents.create(ORDER, {"idempotency_key": "k" * 255}).amount == 500


class TestConcurrentUse:
    def test_the_second_is_told_to_wait(self, client, sandbox):
        faults = sandbox.sandbox.faults
        faults.arm_api(ApiFault("timeout", path="/v1/payment_intents"))
        with ThreadPoolExecutor() as pool:
            first = pool.submit(client.v1.payment_intents.create, ORDER, KEY)
            assert faults.wait_until_held(1)

            with pytest.raises(stripe.StripeError) as refusal:
                client.v1.payment_intents.create(ORDER, KEY)
            faults.release()

        assert refusal.value.http_status == 409
        assert refusal.value.error.code == "idempotency_key_in_use"
        assert client.v1.payment_intents.create(ORDER, KEY).id == first.result().id
        assert n_intents(client) == 1

    def test_a_crowd_makes_one_intent(self, client):
        def create(_: int) -> str | int:
            try:
                return client.v1.payment_intents.create(ORDER, KEY).id
            except stripe.StripeError as error:
                return error.http_status

        with ThreadPoolExecutor(8) as pool:
            outcomes = set(pool.map(create, range(16)))

        assert n_intents(client) == 1
        assert len(outcomes - {409}) == 1
