"""Customers, and the cards that they leave on file."""

from __future__ import annotations

from typing import Any

import stripe

from settlements.stripe_facts import Card, SetupSession
from settlements.stripe_gateway.client import client, plain_errors


def create_customer(*, idempotency_key: str, name: str, organization_id: int) -> str:
    """Create an organization's customer and return its id. Raise OutcomeUnknown, Refused."""
    with plain_errors():
        customer = client().v1.customers.create(
            {"name": name, "metadata": {"organization": str(organization_id)}},
            {"idempotency_key": idempotency_key},
        )
        return customer.id


def create_setup_session(*, customer_id: str, success_url: str, cancel_url: str) -> SetupSession:
    """Open a Checkout Session in which the buyer saves a card for later charges. Raise OutcomeUnknown, Refused."""
    with plain_errors():
        return _setup_session(
            client().v1.checkout.sessions.create(
                {
                    "mode": "setup",
                    "currency": "usd",
                    "customer": customer_id,
                    "success_url": success_url,
                    "cancel_url": cancel_url,
                }
            )
        )


def retrieve_setup_session(session_id: str) -> SetupSession:
    """Return a Checkout Session with the card that came of it. Raise OutcomeUnknown, Refused."""
    with plain_errors():
        return _setup_session(
            client().v1.checkout.sessions.retrieve(session_id, {"expand": ["setup_intent"]})
        )


def retrieve_card(payment_method_id: str) -> Card:
    """Return a saved card. Raise OutcomeUnknown, Refused."""
    with plain_errors():
        return _card(client().v1.payment_methods.retrieve(payment_method_id).to_dict())


def detach_card(payment_method_id: str) -> None:
    """Detach a card from its customer; a card already detached or gone is fine. Raise OutcomeUnknown."""
    if retrieve_card(payment_method_id).customer_id:
        with plain_errors():
            client().v1.payment_methods.detach(payment_method_id)


def _setup_session(session: stripe.checkout.Session) -> SetupSession:
    facts = session.to_dict()
    setup_intent: Any = facts.get("setup_intent")
    succeeded = isinstance(setup_intent, dict) and setup_intent["status"] == "succeeded"
    return SetupSession(
        id=facts["id"],
        url=facts.get("url") or "",
        status=facts["status"] or "",
        customer_id=facts["customer"] or "",
        payment_method_id=setup_intent["payment_method"] if succeeded else "",
    )


def _card(facts: dict[str, Any]) -> Card:
    card = facts["card"]
    return Card(
        id=facts["id"],
        customer_id=facts.get("customer") or "",
        brand=card["brand"],
        last4=card["last4"],
        exp_month=card["exp_month"],
        exp_year=card["exp_year"],
        fingerprint=card.get("fingerprint") or "",
    )
