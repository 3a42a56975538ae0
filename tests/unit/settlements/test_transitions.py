"""Every pair of states, taken from the tables: what may follow what, and what each payment state means."""

import itertools

import pytest

from marketplace.states import IllegalTransition, require_transition
from settlements.declines import FALLBACK, decline_reason
from settlements.models import (
    ChargeAttempt,
    Delivery,
    Dispute,
    Lease,
    Outage,
    Refund,
    RefundAttempt,
    Settlement,
    TransferReversal,
)
from settlements.operations.payments import verdict_of
from settlements.stripe_facts import Payment

TABLES = [
    (Settlement.Status, Settlement.TRANSITIONS),
    (ChargeAttempt.Outcome, ChargeAttempt.TRANSITIONS),
    (Dispute.Status, Dispute.TRANSITIONS),
    (Refund.Status, Refund.TRANSITIONS),
    (RefundAttempt.Outcome, RefundAttempt.TRANSITIONS),
    (TransferReversal.Status, TransferReversal.TRANSITIONS),
    (Delivery.Status, Delivery.TRANSITIONS),
    (Outage.Status, Outage.TRANSITIONS),
    (Lease.Status, Lease.TRANSITIONS),
]
PAIRS = [(table, *pair) for states, table in TABLES for pair in itertools.product(states, repeat=2)]


@pytest.mark.parametrize(("states", "table"), TABLES)
def test_tables_name_every_state(states: type, table: dict[str, frozenset[str]]) -> None:
    assert set(table) == set(states)


@pytest.mark.parametrize(("table", "source", "target"), PAIRS)
def test_only_what_the_table_says_may_follow(
    table: dict[str, frozenset[str]], source: str, target: str
) -> None:
    if target in table[source]:
        require_transition(table, source, target)
    else:
        with pytest.raises(IllegalTransition):
            require_transition(table, source, target)


def test_nothing_follows_a_payment() -> None:
    assert Settlement.TRANSITIONS[Settlement.Status.PAID] == frozenset()
    assert ChargeAttempt.TRANSITIONS[ChargeAttempt.Outcome.SUCCEEDED] == frozenset()


def test_only_what_waited_for_the_buyer_goes_back_to_not_known() -> None:
    unknown, waiting = ChargeAttempt.Outcome.UNKNOWN, ChargeAttempt.Outcome.ACTION_REQUIRED
    assert {source for source, targets in ChargeAttempt.TRANSITIONS.items() if unknown in targets} == {
        waiting
    }


@pytest.mark.parametrize(
    ("stripe_status", "outcome"),
    [
        ("succeeded", "succeeded"),
        ("requires_action", "action_required"),
        ("requires_payment_method", "declined"),
        ("canceled", "cancelled"),
        ("processing", "unknown"),
        ("requires_confirmation", "unknown"),
        ("requires_capture", "unknown"),
        ("a_state_of_tomorrow", "unknown"),
    ],
)
def test_every_state_of_a_payment_has_its_meaning(stripe_status: str, outcome: str) -> None:
    payment = Payment(
        id="pi_1",
        status=stripe_status,
        amount_cents=100,
        received_cents=0,
        currency="usd",
        customer_id="cus_1",
        metadata={},
        charge_id="",
        fee_cents=0,
        decline_code="expired_card",
        authentication_url="",
    )

    assert verdict_of(payment).outcome == outcome


def test_declines_read_like_sentences() -> None:
    assert decline_reason("expired_card") == "The card has expired."
    assert decline_reason("a_code_of_tomorrow") == FALLBACK
    assert decline_reason("stolen_card") == FALLBACK  # whoever holds it is not told
