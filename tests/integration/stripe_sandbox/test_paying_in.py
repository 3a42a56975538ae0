"""Money that a customer pays in: Checkout in payment mode, and bank transfers to its cash balance."""

from typing import Any

import httpx
import pytest
import stripe

from .steps import authenticate, event_types, events_of

AWAY = "http://127.0.0.1:9/after?session={CHECKOUT_SESSION_ID}"
US_TRANSFER = {
    "customer_balance": {"funding_type": "bank_transfer", "bank_transfer": {"type": "us_bank_transfer"}}
}


def checkout(client: stripe.StripeClient, customer: stripe.Customer, **more: Any) -> stripe.checkout.Session:
    price = {"currency": "usd", "unit_amount": 2_500, "product_data": {"name": "Prepaid balance"}}
    given = {
        "mode": "payment",
        "customer": customer.id,
        "line_items": [{"price_data": price, "quantity": 2}],
        "payment_intent_data": {"metadata": {"prepayment": "7"}, "capture_method": "automatic"},
        "success_url": AWAY,
        **more,
    }
    return client.v1.checkout.sessions.create(given)


def transfer(client: stripe.StripeClient, customer: stripe.Customer, cents: int) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {
            "amount": cents,
            "currency": "usd",
            "customer": customer.id,
            "allowed_payment_method_types": ["customer_balance"],
            "payment_method_data": {"type": "customer_balance"},
            "payment_method_options": US_TRANSFER,
            "confirm": True,
        }
    )


def send(client: stripe.StripeClient, customer: stripe.Customer, cents: int) -> None:
    client.v1.test_helpers.customers.fund_cash_balance(customer.id, {"amount": cents, "currency": "usd"})


class TestCheckoutInPaymentMode:
    def test_takes_a_payment_and_says_what_it_was_for(self, client, browser, customer):
        session = checkout(client, customer)
        assert (session.amount_total, session.payment_status, session.payment_intent) == (
            5_000,
            "unpaid",
            None,
        )
        page = browser.get(f"/c/pay/{session.id}")
        assert "Pay $50.00" in page.text

        back = browser.post(f"/c/pay/{session.id}", data={"number": "4242424242424242"})

        assert back.headers["location"] == AWAY.replace("{CHECKOUT_SESSION_ID}", session.id)
        paid = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
        assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
        assert paid.payment_intent.metadata.to_dict() == {"prepayment": "7"}
        assert paid.payment_intent.latest_charge.amount == 5_000
        assert event_types(client)[-4:] == [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.completed",
        ]

    def test_a_declined_card_may_be_followed_by_another(self, client, browser, customer):
        session = checkout(client, customer)

        declined = browser.post(f"/c/pay/{session.id}", data={"number": "4000000000000002"})
        assert declined.status_code == 402
        assert "declined" in declined.text
        browser.post(f"/c/pay/{session.id}", data={"number": "4242424242424242"})

        [intent] = client.v1.payment_intents.list({"customer": customer.id}).data
        assert intent.status == "succeeded"
        assert "payment_intent.payment_failed" in events_of(client, intent.id)

    @pytest.mark.parametrize(("outcome", "status"), [("complete", "paid"), ("fail", "unpaid")])
    def test_the_holder_may_be_asked(self, client, browser, customer, outcome, status):
        session = checkout(client, customer)
        asked = browser.post(f"/c/pay/{session.id}", data={"number": "4000002760003184"})

        authenticate(browser, asked.headers["location"].rpartition("/")[2], outcome)

        assert client.v1.checkout.sessions.retrieve(session.id).payment_status == status

    def test_is_paid_once(self, client, browser, customer):
        session = checkout(client, customer)
        for _ in range(2):
            answer = browser.post(f"/c/pay/{session.id}", data={"number": "4242424242424242"})

        assert answer.status_code == 410
        assert len(client.v1.charges.list({"customer": customer.id}).data) == 1

    def test_expired_it_takes_nothing(self, client, browser, customer):
        session = checkout(client, customer)
        browser.post(f"/c/pay/{session.id}", data={"number": "4000000000000002"})

        client.v1.checkout.sessions.expire(session.id)

        assert browser.post(f"/c/pay/{session.id}", data={"number": "4242424242424242"}).status_code == 410
        [intent] = client.v1.payment_intents.list({"customer": customer.id}).data
        assert intent.status == "canceled"

    @pytest.mark.parametrize(
        ("wrong", "param"),
        [
            ({"payment_intent_data": {"transfer_group": "x"}}, "payment_intent_data"),
            ({"setup_intent_data": {"description": "x"}}, "setup_intent_data"),
            ({"mode": "setup"}, "line_items"),
            ({"mode": "subscription"}, "mode"),
        ],
    )
    def test_refuses_what_does_not_belong(self, client, customer, wrong, param):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            checkout(client, customer, **wrong)
        assert refusal.value.param == param


class TestBankTransfers:
    def test_says_where_to_send_it_and_succeeds_when_it_came(self, client, customer):
        intent = transfer(client, customer, 10_000)
        told = intent.next_action.display_bank_transfer_instructions
        assert (intent.status, told.amount_remaining) == ("requires_action", 10_000)
        assert told.financial_addresses[0].aba.account_number.isdecimal()

        send(client, customer, 10_000)

        paid = client.v1.payment_intents.retrieve(
            intent.id, {"expand": ["latest_charge.balance_transaction"]}
        )
        assert (paid.status, paid.amount_received, paid.next_action) == ("succeeded", 10_000, None)
        assert paid.latest_charge.payment_method_details.type == "customer_balance"
        assert paid.latest_charge.balance_transaction.fee == 50
        assert paid.latest_charge.balance_transaction.status == "available"
        assert client.v1.customers.cash_balance.retrieve(customer.id).available is None

    def test_parts_add_up_and_what_is_too_much_pays_the_next(self, client, customer):
        first = transfer(client, customer, 10_000)
        send(client, customer, 4_000)
        partly = client.v1.payment_intents.retrieve(first.id)
        assert partly.next_action.display_bank_transfer_instructions.amount_remaining == 6_000
        assert "payment_intent.partially_funded" in events_of(client, first.id)

        send(client, customer, 9_000)
        assert client.v1.payment_intents.retrieve(first.id).status == "succeeded"
        assert client.v1.customers.cash_balance.retrieve(customer.id).available.to_dict() == {"usd": 3_000}

        assert transfer(client, customer, 3_000).status == "succeeded"
        moves = client.v1.customers.cash_balance_transactions.list(customer.id).data
        assert [(move.type, move.net_amount) for move in moves][::-1] == [
            ("funded", 4_000),
            ("applied_to_payment", -4_000),
            ("funded", 9_000),
            ("applied_to_payment", -6_000),
            ("applied_to_payment", -3_000),
        ]

    def test_cancelled_it_gives_back_what_came(self, client, customer):
        intent = transfer(client, customer, 10_000)
        send(client, customer, 4_000)

        client.v1.payment_intents.cancel(intent.id)

        assert client.v1.customers.cash_balance.retrieve(customer.id).available.to_dict() == {"usd": 4_000}

    def test_the_hosted_page_sends_one(self, client, browser: httpx.Client, customer):
        intent = transfer(client, customer, 12_345)
        told = intent.next_action.display_bank_transfer_instructions
        address = httpx.URL(told.hosted_instructions_url).path
        page = browser.get(address).text
        assert "$123.45" in page
        assert told.financial_addresses[0].aba.account_number in page

        assert browser.post(address, data={"amount": "many"}).status_code == 422
        assert browser.post(address, data={"amount": "123.45"}).status_code == 303

        assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"
        assert browser.get(address).status_code == 410
        assert browser.get("/bank-transfer/pi_none").status_code == 404

    def test_a_cards_holder_is_not_asked(self, client, browser, customer):
        intent = transfer(client, customer, 12_345)

        assert authenticate(browser, intent.id, "complete").status_code == 404

    @pytest.mark.parametrize(("cents", "currency"), [(0, "usd"), (-5, "usd"), (100, "eur")])
    def test_refuses_transfers_that_are_none(self, client, customer, cents, currency):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.test_helpers.customers.fund_cash_balance(
                customer.id, {"amount": cents, "currency": currency}
            )

    def test_needs_a_customer(self, client):
        with pytest.raises(stripe.InvalidRequestError, match="customer"):
            client.v1.payment_intents.create(
                {
                    "amount": 100,
                    "currency": "usd",
                    "allowed_payment_method_types": ["customer_balance"],
                    "payment_method_data": {"type": "customer_balance"},
                    "payment_method_options": US_TRANSFER,
                    "confirm": True,
                }
            )
