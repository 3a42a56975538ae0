"""What several tests do with the SDK: save a card, charge it while its holder is away."""

from typing import Any

import httpx
import stripe


def save_card(
    client: stripe.StripeClient, browser: httpx.Client, customer: stripe.Customer, test_id: str
) -> str:
    """Save a test card for off-session use, authenticating where asked; return the payment method's id."""
    intent = client.v1.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method": test_id,
            "allowed_payment_method_types": ["card"],
            "confirm": True,
        }
    )
    if intent.status == "requires_action":
        authenticate(browser, intent.id, "complete")
        intent = client.v1.setup_intents.retrieve(intent.id)
    assert intent.status == "succeeded"
    return intent.payment_method


def authenticate(browser: httpx.Client, intent_id: str, outcome: str) -> httpx.Response:
    return browser.post(f"/authenticate/{intent_id}", data={"outcome": outcome})


def off_session(customer: stripe.Customer, method: str, **more: Any) -> dict[str, Any]:
    """The parameters of a charge while the customer is away."""
    return {
        "amount": 12_345,
        "currency": "usd",
        "customer": customer.id,
        "payment_method": method,
        "allowed_payment_method_types": ["card"],
        "off_session": True,
        "confirm": True,
        **more,
    }


def event_types(client: stripe.StripeClient) -> list[str]:
    """Every event so far, oldest first."""
    return [event.type for event in client.v1.events.list({"limit": 100}).data][::-1]
