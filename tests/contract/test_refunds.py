"""Refunds: what they take from the balance, what is refused and how, and how they end."""

import uuid

import pytest
import stripe


def booking(client: stripe.StripeClient, refund: stripe.Refund) -> stripe.BalanceTransaction:
    return client.v1.balance_transactions.retrieve(refund.balance_transaction)


class TestCreate:
    def test_a_part_leaves_the_balance_and_the_fee_stays(self, client, pay):
        charge = pay().latest_charge

        refund = client.v1.refunds.create({"charge": charge.id, "amount": 2_500, "metadata": {"refund": "9"}})

        booked = booking(client, refund)
        assert (refund.status, refund.amount, refund.metadata["refund"]) == ("succeeded", 2_500, "9")
        assert (booked.type, booked.amount, booked.fee) == ("refund", -2_500, 0)
        after = client.v1.charges.retrieve(charge.id)
        assert (after.amount_refunded, after.refunded) == (2_500, False)

    def test_without_an_amount_all_that_is_left_goes_back(self, client, pay):
        intent = pay()
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 2_500})

        rest = client.v1.refunds.create({"payment_intent": intent.id})

        assert rest.amount == 7_500
        assert client.v1.charges.retrieve(intent.latest_charge.id).refunded

    @pytest.mark.parametrize(
        ("refunded_before", "asked", "text"),
        [
            (0, 10_001, "Refund amount ($100.01) is greater than charge amount ($100.00)"),
            (4_000, 6_001, "Refund amount ($60.01) is greater than unrefunded amount on charge ($60.00)"),
        ],
    )
    def test_more_than_is_left_is_refused(self, client, pay, refunded_before, asked, text):
        charge = pay().latest_charge
        if refunded_before:
            client.v1.refunds.create({"charge": charge.id, "amount": refunded_before})

        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.refunds.create({"charge": charge.id, "amount": asked})

        assert text in str(refused.value)
        assert refused.value.param == "amount"

    def test_after_a_full_refund_there_is_nothing_more(self, client, pay):
        charge = pay().latest_charge
        client.v1.refunds.create({"charge": charge.id})

        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.refunds.create({"charge": charge.id})

        assert refused.value.code == "charge_already_refunded"

    @pytest.mark.parametrize(
        ("params", "code"),
        [
            ({"charge": "ch_nobody_knows"}, "resource_missing"),
            ({"amount": 0}, "parameter_invalid_integer"),
            ({"amount": -1}, "parameter_invalid_integer"),
            ({"amount": "all"}, "parameter_invalid_integer"),
            ({"cause": "goodwill"}, "parameter_unknown"),
        ],
    )
    def test_parameters_are_refused(self, client, pay, params, code):
        charge = pay().latest_charge.id

        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.refunds.create({"charge": charge, **params})

        assert refused.value.code == code

    def test_nothing_to_refund_is_named(self, client):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.refunds.create({"amount": 100})

    def test_a_key_makes_it_once(self, client, pay):
        charge, key = pay().latest_charge, {"idempotency_key": str(uuid.uuid4())}

        first, again = (client.v1.refunds.create({"charge": charge.id, "amount": 100}, key) for _ in range(2))

        assert first.id == again.id
        assert len(client.v1.refunds.list({"charge": charge.id}).data) == 1


class TestCardsOfTheirOwn:
    def test_a_pending_one(self, client, pay):
        charge = pay("pm_card_pendingRefund").latest_charge

        assert client.v1.refunds.create({"charge": charge.id}).status == "pending"

    def test_one_that_fails_looks_good_at_first(self, client, pay):
        charge = pay("pm_card_refundFail").latest_charge

        assert client.v1.refunds.create({"charge": charge.id}).status == "succeeded"
