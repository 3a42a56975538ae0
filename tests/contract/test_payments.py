"""Charges as the application makes them: what comes with the answer, declines, lists, metadata, keys, parameters."""

import uuid

import pytest
import stripe


class TestCharge:
    def test_its_fee_comes_with_the_answer(self, pay):
        intent = pay(metadata={"attempt": "7"})

        booked = intent.latest_charge.balance_transaction
        assert (intent.status, intent.amount_received, intent.metadata["attempt"]) == (
            "succeeded",
            10_000,
            "7",
        )
        assert (booked.type, booked.amount, booked.net) == ("charge", 10_000, 10_000 - booked.fee)
        assert booked.fee > 0

    @pytest.mark.parametrize(
        ("card", "code"),
        [
            ("pm_card_chargeCustomerFail", "generic_decline"),
            ("pm_card_authenticationRequired", "authentication_required"),
        ],
    )
    def test_a_declined_card_leaves_its_payment_behind(self, client, pay, card, code):
        with pytest.raises(stripe.CardError) as refused:
            pay(card)

        intent = client.v1.payment_intents.retrieve(refused.value.error.payment_intent["id"])
        error = intent.last_payment_error
        assert intent.status == "requires_payment_method"
        assert code in (error.decline_code, error.code)

    def test_the_customers_list_shows_it_at_once_with_its_metadata(self, client, customer, pay):
        intent = pay(metadata={"attempt": "8"})

        (listed,) = client.v1.payment_intents.list({"customer": customer}).data
        assert (listed.id, listed.metadata["attempt"]) == (intent.id, "8")

    @pytest.mark.parametrize(
        ("params", "code", "param"),
        [
            ({"amount": 49, "currency": "usd"}, "amount_too_small", "amount"),
            ({"amount": 100_000_000, "currency": "usd"}, "amount_too_large", "amount"),
            ({"currency": "usd"}, "parameter_missing", "amount"),
            ({"amount": "ten", "currency": "usd"}, "parameter_invalid_integer", "amount"),
            ({"amount": 100, "currency": "usd", "colour": "red"}, "parameter_unknown", "colour"),
        ],
    )
    def test_parameters_are_refused(self, client, params, code, param):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.payment_intents.create(params)

        assert (refused.value.code, refused.value.param) == (code, param)

    def test_an_unknown_object_is_missing(self, client):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.payment_intents.retrieve("pi_does_not_exist")

        assert (refused.value.code, refused.value.http_status) == ("resource_missing", 404)


class TestIdempotencyKey:
    def test_the_same_request_gets_the_first_answer(self, client):
        key = {"idempotency_key": str(uuid.uuid4())}

        first, again = (client.v1.customers.create({"name": "Ada"}, key) for _ in range(2))

        assert first.id == again.id
        assert again.last_response.headers["idempotent-replayed"] == "true"

    def test_another_request_is_refused(self, client):
        key = {"idempotency_key": str(uuid.uuid4())}
        client.v1.customers.create({"name": "Ada"}, key)

        with pytest.raises(stripe.IdempotencyError):
            client.v1.customers.create({"name": "Grace"}, key)
