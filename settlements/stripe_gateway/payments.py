"""PaymentIntents: charging a card, and looking up what became of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import stripe

from settlements.stripe_facts import (
    CardRefused,
    OutcomeUnknown,
    Payment,
    PaymentOrder,
    Refused,
    TransferInstructions,
)
from settlements.stripe_gateway.client import client, plain_errors


def create_payment(order: PaymentOrder) -> Payment:
    """Create and confirm a PaymentIntent. A declined card is an answer, not an error. Raise OutcomeUnknown, Refused.

    Capture is synchronous so that the fee (the balance transaction) comes with the answer.
    Source: https://docs.stripe.com/payments/save-and-reuse#charge-saved-payment-method.
    """
    params: dict[str, Any] = {
        "amount": order.amount_cents,
        "currency": order.currency,
        "customer": order.customer_id,
        "payment_method": order.payment_method_id,
        "allowed_payment_method_types": ["card"],
        "capture_method": "automatic",
        "confirm": True,
        "description": order.description,
        "metadata": order.metadata,
        "expand": ["latest_charge.balance_transaction"],
    }
    params |= {"return_url": order.return_url} if order.return_url else {"off_session": True}
    options: stripe.RequestOptions = {"idempotency_key": order.idempotency_key}
    try:
        with plain_errors(stripe.CardError):
            return payment_of(client().v1.payment_intents.create(params, options))  # type: ignore[arg-type]
    except stripe.CardError as error:
        return _declined_payment(error)


def retrieve_payment(payment_intent_id: str) -> Payment:
    """Return a PaymentIntent as it stands now. Raise OutcomeUnknown, Refused (code resource_missing)."""
    with plain_errors():
        return payment_of(
            client().v1.payment_intents.retrieve(
                payment_intent_id, {"expand": ["latest_charge.balance_transaction"]}
            )
        )


def find_payment(*, customer_id: str, since: datetime, key: str, value: str) -> Payment | None:
    """Return a customer's PaymentIntent created since then whose metadata has ``key`` = ``value``, if there is one.

    Lists, because Stripe's search lags behind by up to minutes and its lists do not. Raise OutcomeUnknown, Refused.
    """
    with plain_errors():
        page = client().v1.payment_intents.list(
            {"customer": customer_id, "created": {"gte": int(since.timestamp())}, "limit": 100}
        )
        for intent in page.auto_paging_iter():
            facts = intent.to_dict()
            if facts["metadata"].get(key) == value:
                return retrieve_payment(facts["id"])
    return None


def cancel_payment(payment_intent_id: str, *, idempotency_key: str) -> Payment:
    """Cancel a PaymentIntent that waits for the buyer; return it as it then stands, paid if the buyer was faster."""
    try:
        with plain_errors():
            client().v1.payment_intents.cancel(payment_intent_id, {}, {"idempotency_key": idempotency_key})
    except Refused as refusal:
        if refusal.code != "payment_intent_unexpected_state":
            raise
    return retrieve_payment(payment_intent_id)


def _declined_payment(error: stripe.CardError) -> Payment:
    """Return the PaymentIntent that a declined card left behind; the error carries it whole."""
    intent = getattr(error.error, "payment_intent", None)
    if intent is None:
        raise CardRefused(error.code or "card_error", str(error.user_message or error)) from error
    return retrieve_payment(intent["id"])


def payment_of(intent: stripe.PaymentIntent) -> Payment:
    """Return the facts of a PaymentIntent. Raise OutcomeUnknown for one that succeeded and whose fee is not known."""
    facts = intent.to_dict()
    charge = facts.get("latest_charge") or {}
    balance_transaction = charge.get("balance_transaction")
    if facts["status"] == "succeeded" and not balance_transaction:
        raise OutcomeUnknown(f"{facts['id']} succeeded, but its fee is not known yet")
    error = facts.get("last_payment_error") or {}
    return Payment(
        id=facts["id"],
        status=facts["status"],
        amount_cents=facts["amount"],
        received_cents=facts["amount_received"],
        currency=facts["currency"],
        customer_id=facts["customer"] or "",
        metadata=facts["metadata"],
        charge_id=charge.get("id", ""),
        fee_cents=balance_transaction["fee"] if balance_transaction else 0,
        balance_transaction_id=balance_transaction["id"] if balance_transaction else "",
        available_at=_instant(balance_transaction["available_on"]) if balance_transaction else None,
        decline_code=_decline_code(error),
        authentication_url=_authentication_url(facts.get("next_action")),
        instructions=_instructions(facts.get("next_action")),
    )


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _instructions(next_action: dict[str, Any] | None) -> TransferInstructions | None:
    if not next_action or next_action["type"] != "display_bank_transfer_instructions":
        return None
    told = next_action["display_bank_transfer_instructions"]
    aba = next(address["aba"] for address in told["financial_addresses"] if address["type"] == "aba")
    return TransferInstructions(
        account_holder=aba["account_holder_name"],
        bank=aba["bank_name"],
        routing_number=aba["routing_number"],
        account_number=aba["account_number"],
        reference=told["reference"],
        page_url=told["hosted_instructions_url"],
        remaining_cents=told["amount_remaining"],
    )


def _decline_code(error: dict[str, Any]) -> str:
    """Return the most specific code: why the bank declined, else why Stripe did."""
    return error.get("decline_code") or error.get("code") or ""


def _authentication_url(next_action: dict[str, Any] | None) -> str:
    if not next_action or next_action["type"] != "redirect_to_url":
        return ""
    return next_action["redirect_to_url"]["url"] or ""
