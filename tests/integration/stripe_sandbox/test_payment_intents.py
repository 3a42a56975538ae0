import pytest
import stripe

from .steps import authenticate, event_types, off_session, save_card

DECLINED_WHEN_SAVED = [
    ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
]


class TestOffSessionCharge:
    @pytest.mark.parametrize(
        "card",
        [
            "pm_card_visa",
            "pm_card_visa_debit",
            "pm_card_mastercard",
            "pm_card_amex",
            "pm_card_discover",
            "pm_card_authenticationRequiredOnSetup",
            "pm_card_authenticationRequiredSetupForOffSession",
        ],
    )
    def test_a_good_card_set_up_pays(self, client, browser, customer, card):
        method = save_card(client, browser, customer, card)

        intent = client.v1.payment_intents.create(off_session(customer, method, expand=["latest_charge"]))

        assert intent.status == "succeeded"
        assert intent.amount_received == 12_345
        assert intent.latest_charge.paid
        assert intent.latest_charge.payment_method == method
        assert event_types(client)[-4:] == [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "charge.updated",
        ]

    def test_the_balance_transaction_follows_the_answer(self, client, browser, customer):
        method = save_card(client, browser, customer, "pm_card_visa")

        intent = client.v1.payment_intents.create(off_session(customer, method, expand=["latest_charge"]))
        charge = client.v1.charges.retrieve(intent.latest_charge.id, {"expand": ["balance_transaction"]})

        assert intent.latest_charge.balance_transaction is None
        assert charge.balance_transaction.amount == 12_345
        assert charge.balance_transaction.fee == 388  # 2.9 % of $123.45 is $3.58, and 30 cents
        assert charge.balance_transaction.net == 12_345 - 388
        assert client.v1.balance.retrieve().pending[0].amount == 12_345 - 388

    def test_synchronous_capture_books_before_it_answers(self, client, browser, customer):
        method = save_card(client, browser, customer, "pm_card_visa")
        params = off_session(
            customer, method, capture_method="automatic", expand=["latest_charge.balance_transaction"]
        )

        intent = client.v1.payment_intents.create(params)

        assert intent.latest_charge.balance_transaction.type == "charge"
        assert "charge.updated" not in event_types(client)

    @pytest.mark.parametrize("set_up", [True, False])
    def test_a_card_that_always_authenticates_is_refused(self, client, browser, customer, set_up):
        test_id = "pm_card_authenticationRequired"
        if set_up:
            method = save_card(client, browser, customer, test_id)
        else:
            method = client.v1.payment_methods.attach(test_id, {"customer": customer.id}).id

        with pytest.raises(stripe.CardError) as refusal:
            client.v1.payment_intents.create(off_session(customer, method))

        assert refusal.value.http_status == 402
        assert refusal.value.code == "authentication_required"
        assert refusal.value.error.decline_code == "authentication_required"
        assert refusal.value.error.payment_intent.status == "requires_payment_method"
        assert refusal.value.error.payment_method.id == method
        assert event_types(client)[-3:] == [
            "payment_intent.created",
            "charge.failed",
            "payment_intent.payment_failed",
        ]

    def test_a_card_never_set_up_must_authenticate(self, client, customer):
        method = client.v1.payment_methods.attach(
            "pm_card_authenticationRequiredOnSetup", {"customer": customer.id}
        )

        with pytest.raises(stripe.CardError) as refusal:
            client.v1.payment_intents.create(off_session(customer, method.id))

        assert refusal.value.code == "authentication_required"

    @pytest.mark.parametrize(
        ("card", "decline_code"),
        [
            ("pm_card_chargeCustomerFail", "generic_decline"),
            ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "insufficient_funds"),
        ],
    )
    def test_a_saved_card_can_be_declined(self, client, browser, customer, card, decline_code):
        method = save_card(client, browser, customer, card)

        with pytest.raises(stripe.CardError) as refusal:
            client.v1.payment_intents.create(off_session(customer, method))

        intent = client.v1.payment_intents.retrieve(
            refusal.value.error.payment_intent.id, {"expand": ["latest_charge"]}
        )
        assert refusal.value.code == "card_declined"
        assert refusal.value.error.decline_code == decline_code
        assert intent.status == "requires_payment_method"
        assert intent.payment_method is None
        assert intent.last_payment_error.decline_code == decline_code
        assert intent.last_payment_error.payment_method.id == method
        assert intent.latest_charge.status == "failed"
        assert intent.latest_charge.balance_transaction is None

    def test_the_refused_intent_can_be_paid_with_its_holder_there(self, client, browser, customer):
        method = save_card(client, browser, customer, "pm_card_authenticationRequired")
        with pytest.raises(stripe.CardError) as refusal:
            client.v1.payment_intents.create(off_session(customer, method))
        intent_id = refusal.value.error.payment_intent.id

        waiting = client.v1.payment_intents.confirm(
            intent_id, {"payment_method": method, "return_url": "http://127.0.0.1:8000/back?x=1"}
        )
        back = authenticate(browser, intent_id, "complete")

        assert waiting.status == "requires_action"
        assert waiting.next_action.redirect_to_url.url.endswith(f"/authenticate/{intent_id}")
        assert back.status_code == 303
        assert back.headers["location"].startswith(
            f"http://127.0.0.1:8000/back?x=1&payment_intent={intent_id}&"
        )
        assert "redirect_status=succeeded" in back.headers["location"]
        assert client.v1.payment_intents.retrieve(intent_id).status == "succeeded"
        assert event_types(client)[-4:] == [
            "payment_intent.requires_action",
            "charge.succeeded",
            "payment_intent.succeeded",
            "charge.updated",
        ]


class TestOnSessionCharge:
    @pytest.mark.parametrize(
        "card",
        [
            "pm_card_authenticationRequired",
            "pm_card_authenticationRequiredOnSetup",
            "pm_card_authenticationRequiredSetupForOffSession",
        ],
    )
    def test_an_authenticating_card_waits_for_its_holder(self, client, customer, card):
        intent = client.v1.payment_intents.create(off_session(customer, card, off_session=False))

        assert intent.status == "requires_action"
        assert intent.next_action.type == "use_stripe_sdk"

    def test_failed_authentication_needs_another_card(self, client, browser, customer):
        params = off_session(
            customer,
            "pm_card_authenticationRequired",
            off_session=False,
            return_url="http://127.0.0.1:8000/back",
        )
        intent = client.v1.payment_intents.create(params)

        back = authenticate(browser, intent.id, "fail")

        failed = client.v1.payment_intents.retrieve(intent.id)
        assert "redirect_status=failed" in back.headers["location"]
        assert failed.status == "requires_payment_method"
        assert failed.last_payment_error.code == "payment_intent_authentication_failure"
        assert failed.latest_charge is None
        assert event_types(client)[-1] == "payment_intent.payment_failed"

    def test_a_decline_after_authentication_is_on_the_intent(self, client, browser, customer):
        card = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
        intent = client.v1.payment_intents.create(off_session(customer, card, off_session=False))

        authenticate(browser, intent.id, "complete")

        failed = client.v1.payment_intents.retrieve(intent.id)
        assert failed.status == "requires_payment_method"
        assert failed.last_payment_error.decline_code == "insufficient_funds"

    @pytest.mark.parametrize(("card", "code", "decline_code"), DECLINED_WHEN_SAVED)
    def test_a_declined_card_says_why(self, client, customer, card, code, decline_code):
        with pytest.raises(stripe.CardError) as refusal:
            client.v1.payment_intents.create(off_session(customer, card, off_session=False))

        assert refusal.value.code == code
        assert refusal.value.error.decline_code == decline_code

    def test_a_caller_who_cannot_act_is_refused_instead(self, client, customer):
        params = off_session(
            customer, "pm_card_authenticationRequired", off_session=False, error_on_requires_action=True
        )

        with pytest.raises(stripe.CardError) as refusal:
            client.v1.payment_intents.create(params)

        assert refusal.value.code == "authentication_required"


class TestLifecycle:
    def test_create_then_confirm_then_no_more(self, client, customer):
        intent = client.v1.payment_intents.create(
            {"amount": 500, "currency": "usd", "allowed_payment_method_types": ["card"]}
        )
        assert intent.status == "requires_payment_method"

        intent = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
        assert intent.status == "succeeded"

        for refused in (client.v1.payment_intents.confirm, client.v1.payment_intents.cancel):
            with pytest.raises(stripe.InvalidRequestError) as refusal:
                refused(intent.id)
            assert refusal.value.code == "payment_intent_unexpected_state"
            assert refusal.value.error.payment_intent.id == intent.id

    def test_cancel(self, client):
        intent = client.v1.payment_intents.create({"amount": 500, "currency": "usd"})

        canceled = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})

        assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
        assert canceled.canceled_at is not None
        assert event_types(client)[-1] == "payment_intent.canceled"

    @pytest.mark.parametrize(
        ("amount", "code"),
        [
            (49, "amount_too_small"),
            (0, "parameter_invalid_integer"),
            (-5, "parameter_invalid_integer"),
            (100_000_000, "amount_too_large"),
        ],
    )
    def test_refuses_an_amount_stripe_would(self, client, amount, code):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.payment_intents.create({"amount": amount, "currency": "usd"})

        assert (refusal.value.code, refusal.value.param) == (code, "amount")

    def test_automatic_methods_need_a_return_url(self, client, customer):
        params = off_session(customer, "pm_card_visa")
        del params["allowed_payment_method_types"]

        with pytest.raises(stripe.InvalidRequestError, match="return_url"):
            client.v1.payment_intents.create(params)
        assert "payment_intent.created" not in event_types(client)

    def test_lists_by_customer(self, client, browser, customer):
        other = client.v1.customers.create()
        mine = client.v1.payment_intents.create({"amount": 500, "currency": "usd", "customer": customer.id})
        client.v1.payment_intents.create({"amount": 500, "currency": "usd", "customer": other.id})

        listed = client.v1.payment_intents.list({"customer": customer.id})

        assert [intent.id for intent in listed.data] == [mine.id]

    def test_a_card_of_another_customer_is_refused(self, client, customer):
        other = client.v1.customers.create()
        method = client.v1.payment_methods.attach("pm_card_visa", {"customer": other.id})

        with pytest.raises(stripe.InvalidRequestError, match="does not have a payment method"):
            client.v1.payment_intents.create(off_session(customer, method.id))

    def test_a_card_used_without_a_customer_is_used_up(self, client, customer):
        method = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
        params = {
            "amount": 500,
            "currency": "usd",
            "payment_method": method.id,
            "confirm": True,
            "allowed_payment_method_types": ["card"],
        }
        client.v1.payment_intents.create(params)

        with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
            client.v1.payment_intents.create(params)
        with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
            client.v1.payment_methods.attach(method.id, {"customer": customer.id})

    def test_updates_metadata_even_when_paid(self, client, browser, customer):
        method = save_card(client, browser, customer, "pm_card_visa")
        intent = client.v1.payment_intents.create(off_session(customer, method, metadata={"a": "1"}))

        updated = client.v1.payment_intents.update(intent.id, {"metadata": {"b": "2"}})

        assert updated.metadata.to_dict() == {"a": "1", "b": "2"}
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.payment_intents.update(intent.id, {"amount": 600})
        assert refusal.value.code == "payment_intent_unexpected_state"
