"""What several tests do with the SDK: save a card, charge it while its holder is away."""

from typing import Any

import httpx
import stripe

from settlements.stripe_sandbox.server import SandboxServer

ALL_DETAILS = {
    "business_name": "Gridworks",
    "url": "https://gridworks.example",
    "first_name": "Ada",
    "last_name": "L",
    "account_number": "000123456789",
    "terms": "accepted",
    "then": "finish",
}


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


def events_of(client: stripe.StripeClient, object_id: str) -> list[str]:
    """Every event about one object so far, oldest first."""
    found = client.v1.events.list({"limit": 100}).data
    return [event.type for event in found if event.data.object.to_dict().get("id") == object_id][::-1]


def pay(client: stripe.StripeClient, amount_cents: int) -> stripe.Charge:
    """Charge a card that works; return the charge, whose balance transaction is known."""
    intent = client.v1.payment_intents.create(
        {
            "amount": amount_cents,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "allowed_payment_method_types": ["card"],
            "capture_method": "automatic",
            "confirm": True,
        }
    )
    return client.v1.charges.retrieve(intent.to_dict()["latest_charge"])


def seller_account(client: stripe.StripeClient, sandbox: SandboxServer) -> str:
    """Return the id of a connected account that was onboarded on the hosted page."""
    account = client.v1.accounts.create(
        {"type": "express", "capabilities": {"transfers": {"requested": True}}}
    )
    onboard(client, account.id)
    return account.id


def onboard(client: stripe.StripeClient, account_id: str) -> None:
    """Do what a seller does on the hosted onboarding page: follow the link, fill everything in."""
    link = client.v1.account_links.create(
        {
            "account": account_id,
            "type": "account_onboarding",
            "refresh_url": "http://127.0.0.1:1/refresh",
            "return_url": "http://127.0.0.1:1/return",
        }
    )
    with httpx.Client(base_url=link.url) as browser:
        page = browser.get(link.url).headers["location"]
        answer = browser.post(httpx.URL(link.url).join(page), data=ALL_DETAILS)
    assert answer.status_code == 303, answer.text


def control(sandbox: SandboxServer, path: str, body: dict[str, Any] | None = None) -> Any:
    """Call the control API and return its answer."""
    answer = httpx.post(f"{sandbox.base_url}/_sandbox/{path}", json=body or {})
    assert answer.status_code == 200, answer.text
    return answer.json()
