"""Disputes: opened by test cards, what they take from the balance, and evidence that decides them."""

import pytest
import stripe


@pytest.fixture
def dispute_of(client, pay, eventually):
    def open_one(card: str) -> stripe.Dispute:
        charge = pay(card).latest_charge
        return eventually(lambda: next(iter(client.v1.disputes.list({"charge": charge.id}).data), None))

    return open_one


def closed(client: stripe.StripeClient, dispute: stripe.Dispute) -> stripe.Dispute | None:
    now = client.v1.disputes.retrieve(dispute.id)
    return now if now.status in ("won", "lost") else None


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ("pm_card_createDispute", "fraudulent"),
        ("pm_card_createDisputeProductNotReceived", "product_not_received"),
    ],
)
def test_a_dispute_takes_the_amount_and_a_fee(client, dispute_of, card, reason):
    dispute = dispute_of(card)

    (taken,) = dispute.balance_transactions
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", reason, 10_000)
    assert (taken.type, taken.amount, taken.net) == ("adjustment", -10_000, -10_000 - taken.fee)
    assert taken.fee > 0
    assert dispute.evidence_details.due_by > dispute.created
    assert client.v1.charges.retrieve(dispute.charge).disputed


def test_an_inquiry_takes_nothing(dispute_of):
    dispute = dispute_of("pm_card_createDisputeInquiry")

    assert (dispute.status, dispute.balance_transactions) == ("warning_needs_response", [])


def test_winning_evidence_brings_the_amount_back(client, dispute_of, eventually):
    dispute = dispute_of("pm_card_createDispute")

    client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})

    won = eventually(lambda: closed(client, dispute))
    assert won.status == "won"
    assert sum(moved.amount for moved in won.balance_transactions) == 0


def test_losing_evidence_leaves_it_gone(client, dispute_of, eventually):
    dispute = dispute_of("pm_card_createDispute")

    client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "losing_evidence"}})

    lost = eventually(lambda: closed(client, dispute))
    assert lost.status == "lost"
    assert sum(moved.amount for moved in lost.balance_transactions) == -10_000


def test_evidence_can_be_staged(client, dispute_of):
    dispute = dispute_of("pm_card_createDispute")

    staged = client.v1.disputes.update(
        dispute.id, {"evidence": {"product_description": "GPU hours"}, "submit": False}
    )

    assert (staged.status, staged.evidence.product_description) == ("needs_response", "GPU hours")
    assert staged.evidence_details.submission_count == 0


def test_closing_accepts_it_as_lost(client, dispute_of, eventually):
    dispute = dispute_of("pm_card_createDispute")

    client.v1.disputes.close(dispute.id)

    assert eventually(lambda: closed(client, dispute)).status == "lost"


def test_a_disputed_charge_cannot_be_refunded(client, dispute_of):
    dispute = dispute_of("pm_card_createDispute")

    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": dispute.charge})

    assert refused.value.code == "charge_disputed"


def test_an_unknown_one_is_missing(client):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.disputes.retrieve("du_nobody_knows")

    assert refused.value.code == "resource_missing"


def test_unknown_evidence_is_refused(client, dispute_of):
    dispute = dispute_of("pm_card_createDispute")

    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.disputes.update(dispute.id, {"evidence": {"hearsay": "they said so"}})

    assert refused.value.code == "parameter_unknown"
