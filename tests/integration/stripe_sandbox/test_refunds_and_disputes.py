"""What the contract tests cannot ask of Stripe: the order of events, what banks do on demand, the clock, the pages."""

from typing import Any

import httpx
import pytest
import stripe

from .conftest import client_of
from .steps import event_types

DAY_S = 24 * 60 * 60


@pytest.fixture
def pay(client: stripe.StripeClient, customer: stripe.Customer):
    def charge(card: str = "pm_card_visa") -> stripe.Charge:
        return charge_of(client, customer.id, card)

    return charge


def charge_of(client: stripe.StripeClient, customer: str, card: str = "pm_card_visa") -> stripe.Charge:
    method = client.v1.payment_methods.attach(card, {"customer": customer})
    intent = client.v1.payment_intents.create(
        {
            "amount": 10_000,
            "currency": "usd",
            "customer": customer,
            "payment_method": method.id,
            "allowed_payment_method_types": ["card"],
            "capture_method": "automatic",
            "off_session": True,
            "confirm": True,
            "expand": ["latest_charge"],
        }
    )
    return intent.latest_charge


def control(browser: httpx.Client, path: str, **body: Any) -> httpx.Response:
    return browser.post(f"/_sandbox/{path}", json=body)


def balance_cents(client: stripe.StripeClient) -> int:
    """Everything that the balance holds, available or pending."""
    now = client.v1.balance.retrieve()
    return now.available[0].amount + now.pending[0].amount


class TestRefunds:
    def test_events_of_a_partial_and_a_full_one(self, client, pay):
        charge = pay()

        client.v1.refunds.create({"charge": charge.id, "amount": 1})
        client.v1.refunds.create({"charge": charge.id})

        assert event_types(client)[-4:] == ["refund.created", "charge.refunded"] * 2

    def test_a_pending_one_succeeds_a_minute_later(self, client, browser, pay):
        refund = client.v1.refunds.create({"charge": pay("pm_card_pendingRefund").id})

        control(browser, "clock", seconds=60)

        assert client.v1.refunds.retrieve(refund.id).status == "succeeded"
        assert event_types(client)[-1] == "refund.updated"

    def test_one_that_fails_brings_its_money_back(self, client, browser, pay):
        charge = pay("pm_card_refundFail")
        before = balance_cents(client)
        refund = client.v1.refunds.create({"charge": charge.id, "amount": 2_500})
        assert balance_cents(client) == before - 2_500

        control(browser, f"refunds/{refund.id}/settle")

        failed = client.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
        assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
        assert failed.failure_balance_transaction.type == "refund_failure"
        assert balance_cents(client) == before
        assert client.v1.charges.retrieve(charge.id).amount_refunded == 0
        assert event_types(client)[-2:] == ["refund.failed", "charge.updated"]

    def test_settling_twice_changes_nothing(self, client, browser, pay):
        refund = client.v1.refunds.create({"charge": pay("pm_card_refundFail").id})

        for _ in range(2):
            control(browser, f"refunds/{refund.id}/settle")
            control(browser, f"refunds/{refund.id}/fail")

        assert event_types(client).count("refund.failed") == 1

    def test_an_unknown_one_cannot_be_told_to_fail(self, browser):
        answer = control(browser, "refunds/re_nobody/fail")

        assert (answer.status_code, "No such refund" in answer.json()["error"]) == (404, True)

    def test_what_stripe_has_and_the_sandbox_not_is_refused_and_never_ignored(self, client, pay):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.refunds.create({"charge": pay().id, "reverse_transfer": True})

        assert refused.value.code == "sandbox_unsupported"


class TestDisputes:
    def test_events_of_one_that_is_won(self, client, pay):
        dispute = client.v1.disputes.list({"charge": pay("pm_card_createDispute").id}).data[0]

        client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})

        disputed = event_types(client)
        assert disputed[disputed.index("charge.dispute.created") :] == [
            "charge.dispute.created",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.updated",
            "charge.dispute.funds_reinstated",
            "charge.dispute.closed",
        ]

    def test_a_person_may_dispute_any_charge_and_decide_it(self, client, browser, pay):
        dispute = control(browser, f"charges/{pay().id}/dispute").json()

        assert control(browser, f"disputes/{dispute['id']}/lose").json()["status"] == "lost"
        assert control(browser, f"disputes/{dispute['id']}/win").status_code == 400

    def test_an_inquiry_may_be_escalated(self, client, browser, pay):
        dispute = client.v1.disputes.list({"charge": pay("pm_card_createDisputeInquiry").id}).data[0]
        before = balance_cents(client)

        client.v1.disputes.update(
            dispute.id, {"evidence": {"uncategorized_text": "escalate_inquiry_evidence"}}
        )

        assert client.v1.disputes.retrieve(dispute.id).status == "needs_response"
        assert balance_cents(client) == before - 10_000 - 1_500

    def test_without_an_answer_it_is_lost_when_its_time_is_over(self, client, browser, pay):
        dispute = client.v1.disputes.list({"charge": pay("pm_card_createDispute").id}).data[0]

        control(browser, "clock", seconds=10 * DAY_S)

        expired = client.v1.disputes.retrieve(dispute.id)
        assert (expired.status, expired.evidence_details.past_due) == ("lost", True)
        with pytest.raises(stripe.InvalidRequestError, match="deadline"):
            client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})

    def test_evidence_is_bounded_and_given_once(self, client, pay):
        dispute = client.v1.disputes.list({"charge": pay("pm_card_createDispute").id}).data[0]

        for evidence in ({"product_description": "x" * 20_001}, {"receipt": "file_1"}):
            with pytest.raises(stripe.InvalidRequestError):
                client.v1.disputes.update(dispute.id, {"evidence": evidence})
        client.v1.disputes.update(dispute.id, {"evidence": {"product_description": "GPU hours"}})

        with pytest.raises(stripe.InvalidRequestError, match="under review"):
            client.v1.disputes.update(dispute.id, {"evidence": {"product_description": "more"}})


class TestReorder:
    def test_an_event_lets_the_next_one_go_first(self, sending_sandbox, receiver):
        httpx.post(
            f"{sending_sandbox.base_url}/_sandbox/faults/webhooks",
            json={"kind": "reorder", "types": ["charge.succeeded"]},
        )
        client = client_of(sending_sandbox)

        charge_of(client, client.v1.customers.create().id)
        receiver.wait_for_type("charge.succeeded")

        assert receiver.types()[-2:] == ["payment_intent.succeeded", "charge.succeeded"]


class TestPages:
    def test_faults_are_armed_by_forms(self, browser, client):
        armed = browser.post(
            "/faults/api",
            data={"kind": "error", "phase": "after", "method": "POST", "path": "/v1/refunds", "times": "2"},
        )
        browser.post("/faults/webhooks", data={"kind": "reorder", "types": "", "times": "1", "seconds": "5"})

        assert armed.status_code == 303
        shown = browser.get("/faults").text
        assert "/v1/refunds" in shown
        assert "Let the next one go first" in shown
        browser.post("/faults/clear")
        assert "Nothing is armed." in browser.get("/faults").text

    @pytest.mark.parametrize(
        ("path", "fields", "text"),
        [
            ("api", {"kind": "earthquake", "times": "1"}, "kind must be one of"),
            ("api", {"kind": "error", "times": "0"}, "times must be a whole number"),
            ("api", {"kind": "rate_limit", "phase": "after", "times": "1"}, "always strikes before"),
            ("webhooks", {"kind": "drop", "times": "1", "seconds": "soon"}, "seconds must be"),
        ],
    )
    def test_a_fault_that_makes_no_sense_is_refused_with_what_was_typed(self, browser, path, fields, text):
        answer = browser.post(f"/faults/{path}", data={"path": "/v1/<refunds>", **fields})

        assert answer.status_code == 400
        assert text in answer.text
        if path == "api":
            assert "/v1/&lt;refunds&gt;" in answer.text

    def test_the_overview_shows_all_and_its_buttons_work(self, browser, client, pay):
        charge = pay("pm_card_createDispute")
        refund = client.v1.refunds.create({"charge": pay("pm_card_pendingRefund").id, "amount": 1})
        dispute = client.v1.disputes.list({"charge": charge.id}).data[0]

        shown = browser.get("/").text
        for part in (charge.id, refund.id, dispute.id, "refunds/", "/settle", "/win", "adjustment"):
            assert part in shown
        pressed = browser.post(f"/_sandbox/disputes/{dispute.id}/win", headers={"Accept": "text/html"})
        assert (pressed.status_code, pressed.headers["location"]) == (303, "/")
