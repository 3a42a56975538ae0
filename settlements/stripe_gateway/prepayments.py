"""Money paid in ahead: on Stripe's own page by card, or by bank transfer; and when Stripe lets it be used."""

from __future__ import annotations

from typing import Any

import stripe

from settlements.stripe_facts import Payment, PaymentSession, PrepaymentOrder
from settlements.stripe_gateway.client import client, plain_errors
from settlements.stripe_gateway.payments import payment_of, retrieve_payment

US_TRANSFER: Any = {
    "customer_balance": {"funding_type": "bank_transfer", "bank_transfer": {"type": "us_bank_transfer"}}
}


def create_payment_session(order: PrepaymentOrder, *, success_url: str, cancel_url: str) -> PaymentSession:
    """Open a Checkout Session in which the buyer pays by card. Raise OutcomeUnknown, Refused.

    Source: https://docs.stripe.com/payments/checkout. The PaymentIntent is made when the buyer pays.
    """
    price: Any = {
        "currency": order.currency,
        "unit_amount": order.amount_cents,
        "product_data": {"name": order.description},
    }
    with plain_errors():
        session = client().v1.checkout.sessions.create(
            {
                "mode": "payment",
                "customer": order.customer_id,
                "allowed_payment_method_types": ["card"],
                "line_items": [{"price_data": price, "quantity": 1}],
                "payment_intent_data": {
                    "capture_method": "automatic",
                    "description": order.description,
                    "metadata": order.metadata,
                },
                "metadata": order.metadata,
                "success_url": success_url,
                "cancel_url": cancel_url,
            },
            {"idempotency_key": order.idempotency_key},
        )
    return _session(session)


def retrieve_payment_session(session_id: str) -> PaymentSession:
    """Return a Checkout Session as it stands, with the payment made in it, if any. Raise OutcomeUnknown, Refused."""
    with plain_errors():
        session = client().v1.checkout.sessions.retrieve(session_id)
    return _session(session)


def create_bank_transfer(order: PrepaymentOrder) -> Payment:
    """Ask for a bank transfer: the payment says where to send it. Raise OutcomeUnknown, Refused.

    Source: https://docs.stripe.com/payments/bank-transfers/accept-a-payment.
    """
    params: Any = {
        "amount": order.amount_cents,
        "currency": order.currency,
        "customer": order.customer_id,
        "allowed_payment_method_types": ["customer_balance"],
        "payment_method_data": {"type": "customer_balance"},
        "payment_method_options": US_TRANSFER,
        "confirm": True,
        "description": order.description,
        "metadata": order.metadata,
    }
    with plain_errors():
        made = client().v1.payment_intents.create(params, {"idempotency_key": order.idempotency_key})
    # What lay in the customer's cash balance may have paid it at once, and its fee comes a moment later.
    return retrieve_payment(made.id) if made.status == "succeeded" else payment_of(made)


def _session(session: stripe.checkout.Session) -> PaymentSession:
    facts = session.to_dict()
    return PaymentSession(
        id=facts["id"],
        url=facts.get("url") or "",
        status=facts["status"] or "",
        customer_id=facts["customer"] or "",
        payment_intent_id=facts.get("payment_intent") or "",
        metadata=facts.get("metadata") or {},
    )
