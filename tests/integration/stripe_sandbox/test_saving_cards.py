import httpx
import pytest
import stripe

from .steps import authenticate, event_types, off_session, save_card
from .test_payment_intents import DECLINED_WHEN_SAVED

SUCCESS_URL = "http://127.0.0.1:8000/cards?session={CHECKOUT_SESSION_ID}"
CANCEL_URL = "http://127.0.0.1:8000/cards?canceled=1"
VALID = {"exp_month": "12", "exp_year": "34", "cvc": "123"}


class TestSetupIntent:
    def test_saves_a_good_card_at_once(self, client, customer):
        intent = client.v1.setup_intents.create(
            {
                "customer": customer.id,
                "payment_method": "pm_card_visa",
                "allowed_payment_method_types": ["card"],
                "confirm": True,
                "expand": ["payment_method"],
            }
        )

        assert (intent.status, intent.usage) == ("succeeded", "off_session")
        assert intent.payment_method.customer == customer.id
        assert intent.payment_method.card.last4 == "4242"
        assert event_types(client)[-3:] == [
            "setup_intent.created",
            "payment_method.attached",
            "setup_intent.succeeded",
        ]

    @pytest.mark.parametrize(
        "card",
        [
            "pm_card_authenticationRequired",
            "pm_card_authenticationRequiredOnSetup",
            "pm_card_authenticationRequiredSetupForOffSession",
        ],
    )
    def test_asks_the_holder_of_an_authenticating_card(self, client, browser, customer, card):
        created = client.v1.setup_intents.create(
            {"customer": customer.id, "allowed_payment_method_types": ["card"]}
        )
        waiting = client.v1.setup_intents.confirm(
            created.id, {"payment_method": card, "return_url": "http://127.0.0.1:8000/back"}
        )

        back = authenticate(browser, created.id, "complete")

        assert created.status == "requires_payment_method"
        assert waiting.status == "requires_action"
        assert waiting.next_action.redirect_to_url.return_url == "http://127.0.0.1:8000/back"
        assert f"setup_intent={created.id}" in back.headers["location"]
        assert client.v1.setup_intents.retrieve(created.id).status == "succeeded"
        assert event_types(client)[-3:] == [
            "setup_intent.requires_action",
            "payment_method.attached",
            "setup_intent.succeeded",
        ]

    def test_failed_authentication_attaches_nothing(self, client, browser, customer):
        intent = client.v1.setup_intents.create(
            {
                "customer": customer.id,
                "payment_method": "pm_card_authenticationRequired",
                "allowed_payment_method_types": ["card"],
                "confirm": True,
            }
        )

        authenticate(browser, intent.id, "fail")

        failed = client.v1.setup_intents.retrieve(intent.id)
        assert failed.status == "requires_payment_method"
        assert failed.last_setup_error.code == "setup_intent_authentication_failure"
        assert client.v1.customers.payment_methods.list(customer.id).data == []
        assert event_types(client)[-1] == "setup_intent.setup_failed"

    @pytest.mark.parametrize(("card", "code", "decline_code"), DECLINED_WHEN_SAVED)
    def test_a_declined_card_is_not_saved(self, client, customer, card, code, decline_code):
        with pytest.raises(stripe.CardError) as refusal:
            client.v1.setup_intents.create(
                {
                    "customer": customer.id,
                    "payment_method": card,
                    "allowed_payment_method_types": ["card"],
                    "confirm": True,
                }
            )

        assert refusal.value.code == code
        assert refusal.value.error.decline_code == decline_code
        assert refusal.value.error.setup_intent.status == "requires_payment_method"
        assert client.v1.customers.payment_methods.list(customer.id).data == []

    def test_cancel(self, client, customer):
        intent = client.v1.setup_intents.create({"customer": customer.id})

        assert client.v1.setup_intents.cancel(intent.id).status == "canceled"
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.setup_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
        assert refusal.value.code == "setup_intent_unexpected_state"


class TestPaymentMethod:
    def test_attach_list_detach(self, client, customer):
        method = client.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer.id})
        listed = client.v1.payment_methods.list({"customer": customer.id, "type": "card"})
        detached = client.v1.payment_methods.detach(method.id)

        assert [found.id for found in listed.data] == [method.id]
        assert detached.customer is None
        assert client.v1.payment_methods.list({"customer": customer.id}).data == []
        assert client.v1.payment_methods.retrieve(method.id).card.brand == "mastercard"
        with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
            client.v1.payment_methods.attach(method.id, {"customer": customer.id})

    def test_attaching_again_changes_nothing(self, client, customer):
        method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        client.v1.payment_methods.attach(method.id, {"customer": customer.id})

        assert event_types(client).count("payment_method.attached") == 1

    def test_belongs_to_one_customer(self, client, customer):
        method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        other = client.v1.customers.create()

        with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
            client.v1.payment_methods.attach(method.id, {"customer": other.id})

    def test_test_numbers_are_taken(self, client):
        method = client.v1.payment_methods.create(
            {
                "type": "card",
                "card": {"number": "378282246310005", "exp_month": 1, "exp_year": 2035, "cvc": "1234"},
                "billing_details": {"name": "Ada"},
            }
        )

        assert (method.card.brand, method.card.exp_year) == ("amex", 2035)
        assert (method.billing_details.name, method.billing_details.email) == ("Ada", None)

    @pytest.mark.parametrize(
        ("card", "code"),
        [
            ({"number": "4242424242424241"}, "incorrect_number"),
            ({"number": "4929420573595709"}, "card_declined"),
            ({"exp_month": 13}, "invalid_expiry_month"),
            ({"exp_year": 2020}, "invalid_expiry_year"),
            ({"cvc": "12"}, "invalid_cvc"),
        ],
    )
    def test_bad_cards_are_refused(self, client, card, code):
        valid = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}

        with pytest.raises(stripe.CardError) as refusal:
            client.v1.payment_methods.create({"type": "card", "card": valid | card})

        assert refusal.value.code == code

    def test_a_default_must_be_the_customers_own(self, client, customer):
        other = client.v1.customers.create()
        method = client.v1.payment_methods.attach("pm_card_visa", {"customer": other.id})
        default = {"invoice_settings": {"default_payment_method": method.id}}

        assert (
            client.v1.customers.update(other.id, default).invoice_settings.default_payment_method == method.id
        )
        with pytest.raises(stripe.InvalidRequestError, match="must be attached to the customer"):
            client.v1.customers.update(customer.id, default)


@pytest.fixture
def session(client: stripe.StripeClient, customer: stripe.Customer) -> stripe.checkout.Session:
    return client.v1.checkout.sessions.create(
        {
            "mode": "setup",
            "customer": customer.id,
            "currency": "usd",
            "success_url": SUCCESS_URL,
            "cancel_url": CANCEL_URL,
            "metadata": {"organization": "7"},
            "setup_intent_data": {"metadata": {"organization": "7"}},
        }
    )


class TestCheckout:
    def test_the_page_says_what_it_is(self, browser, session):
        shown = browser.get(session.url)

        assert shown.status_code == 200
        assert "Local sandbox" in shown.text
        assert "never type a real card" in shown.text
        assert CANCEL_URL in shown.text
        assert "4000002760003184" in shown.text
        assert "<script" not in shown.text
        assert "default-src 'none'" in shown.headers["content-security-policy"]

    @pytest.mark.parametrize(
        "form", [{"pick": "4242424242424242"}, {"pick": "4000000000000002", "number": "4242 4242 4242 4242"}]
    )
    def test_saves_a_card_and_goes_back(self, client, browser, customer, session, form):
        back = browser.post(session.url, data=VALID | form | {"name": "Ada <b>"})

        done = client.v1.checkout.sessions.retrieve(
            session.id, {"expand": ["setup_intent.payment_method", "customer"]}
        )
        assert back.status_code == 303
        assert back.headers["location"] == SUCCESS_URL.replace("{CHECKOUT_SESSION_ID}", session.id)
        assert (done.status, done.url) == ("complete", None)
        assert done.customer.id == customer.id
        assert done.setup_intent.status == "succeeded"
        assert done.setup_intent.metadata["organization"] == "7"
        assert done.setup_intent.payment_method.billing_details.name == "Ada <b>"
        assert done.setup_intent.payment_method.customer == customer.id
        assert event_types(client)[-4:] == [
            "setup_intent.created",
            "payment_method.attached",
            "setup_intent.succeeded",
            "checkout.session.completed",
        ]

    def test_authentication_passed_and_failed(self, client, browser, session):
        form = VALID | {"pick": "4000002500003155"}
        to_bank = browser.post(session.url, data=form)
        assert "Complete authentication" in browser.get(to_bank.headers["location"]).text

        to_checkout = browser.post(to_bank.headers["location"], data={"outcome": "fail"})
        again = browser.get(to_checkout.headers["location"])
        assert "authentication failed" in again.text

        to_bank = browser.post(session.url, data=form)
        back = browser.post(to_bank.headers["location"], data={"outcome": "complete"})

        assert back.headers["location"] == SUCCESS_URL.replace("{CHECKOUT_SESSION_ID}", session.id)
        assert client.v1.checkout.sessions.retrieve(session.id).status == "complete"
        assert event_types(client)[-6:] == [
            "setup_intent.requires_action",
            "setup_intent.setup_failed",
            "setup_intent.requires_action",
            "payment_method.attached",
            "setup_intent.succeeded",
            "checkout.session.completed",
        ]

    @pytest.mark.parametrize(
        ("form", "message"),
        [
            ({"pick": "4000000000009995"}, "Your card has insufficient funds."),
            ({"pick": "4000000000000002"}, "Your card was declined."),
            ({"number": "4929420573595709"}, "used a non test (live) card"),
            ({"number": "1234"}, "Your card number is incorrect."),
            ({"pick": "4242424242424242", "exp_year": "20"}, "expiration year is invalid"),
            ({"pick": "4242424242424242", "exp_month": "x"}, "expiration month is invalid"),
            ({"pick": "4242424242424242", "cvc": "1"}, "security code is invalid"),
            ({"number": '"><script>'}, "Your card number is incorrect."),
        ],
    )
    def test_says_why_a_card_is_refused_and_stays_open(self, client, browser, session, form, message):
        shown = browser.post(session.url, data=VALID | form)

        assert shown.status_code == 402
        assert message in shown.text.replace("&#x27;", "'")
        assert "<script>" not in shown.text
        assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
        assert browser.post(session.url, data=VALID | {"pick": "4242424242424242"}).status_code == 303

    def test_an_expired_session_takes_no_card(self, client, browser, session):
        expired = client.v1.checkout.sessions.expire(session.id)

        assert expired.status == "expired"
        assert browser.post(session.url, data=VALID | {"pick": "4242424242424242"}).status_code == 410
        assert client.v1.setup_intents.retrieve(session.setup_intent).status == "canceled"
        assert event_types(client)[-1] == "checkout.session.expired"
        with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
            client.v1.checkout.sessions.expire(session.id)

    def test_a_completed_page_saves_nothing_twice(self, browser, session):
        form = VALID | {"pick": "4242424242424242"}
        browser.post(session.url, data=form)

        assert browser.post(session.url, data=form).status_code == 410

    def test_refuses_a_url_that_is_none(self, client):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.checkout.sessions.create(
                {"mode": "setup", "currency": "usd", "success_url": "javascript:alert(1)"}
            )
        assert (refusal.value.code, refusal.value.param) == ("url_invalid", "success_url")

    def test_refuses_other_modes(self, client):
        with pytest.raises(stripe.InvalidRequestError, match="mode=setup") as refusal:
            client.v1.checkout.sessions.create({"mode": "subscription", "success_url": SUCCESS_URL})
        assert refusal.value.code == "sandbox_unsupported"


class TestOverview:
    def test_shows_what_there_is(self, client, browser, customer):
        method = save_card(client, browser, customer, "pm_card_visa")
        intent = client.v1.payment_intents.create(off_session(customer, method))
        client.v1.customers.update(customer.id, {"name": "<i>Ada</i>"})

        shown = browser.get("/").text

        for text in (intent.id, "$123.45", "&lt;i&gt;Ada&lt;/i&gt;", "visa 4242", "charge.updated"):
            assert text in shown

    def test_refuses_a_foreign_host_name(self, sandbox):
        assert httpx.get(f"{sandbox.base_url}/", headers={"Host": "evil.example"}).status_code == 400
