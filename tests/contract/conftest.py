"""The same contract, asked of the sandbox and, when STRIPE_TEST_KEY holds a key of a test account, of Stripe itself."""

import os
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
import stripe

from settlements.stripe_sandbox.server import SandboxServer

KEY = os.environ.get("STRIPE_TEST_KEY", "")
PATIENCE_S = 60
"""How long Stripe may take for what it does by and by: disputes, asynchronous refunds."""

Found = TypeVar("Found")


@pytest.fixture(scope="session")
def contract_sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture(params=["sandbox", "stripe"])
def side(request: pytest.FixtureRequest) -> str:
    if request.param == "stripe" and not KEY:
        pytest.skip("STRIPE_TEST_KEY is not set: give a test account's secret key to ask Stripe itself")
    if request.param == "stripe" and not KEY.startswith(("sk_test_", "rk_test_")):
        pytest.fail("STRIPE_TEST_KEY is no test key: these tests charge cards")
    return str(request.param)


@pytest.fixture
def client(side: str, request: pytest.FixtureRequest) -> stripe.StripeClient:
    if side == "stripe":
        return stripe.StripeClient(KEY, max_network_retries=2)
    server = request.getfixturevalue("contract_sandbox")
    server.reset()
    return stripe.StripeClient(
        "sk_test_sandbox", base_addresses={"api": server.base_url}, max_network_retries=0
    )


@pytest.fixture
def customer(client: stripe.StripeClient) -> str:
    return client.v1.customers.create({"name": "Contract test"}).id


@pytest.fixture
def pay(client: stripe.StripeClient, customer: str) -> Callable[..., stripe.PaymentIntent]:
    """Charge a test card as the application does, with its balance transaction."""

    def charge(card: str = "pm_card_visa", amount: int = 10_000, **more: object) -> stripe.PaymentIntent:
        method = client.v1.payment_methods.attach(card, {"customer": customer})
        return client.v1.payment_intents.create(
            {
                "amount": amount,
                "currency": "usd",
                "customer": customer,
                "payment_method": method.id,
                "allowed_payment_method_types": ["card"],
                "capture_method": "automatic",
                "confirm": True,
                "off_session": True,
                "expand": ["latest_charge.balance_transaction"],
                **more,
            }
        )

    return charge


@pytest.fixture
def eventually(side: str) -> Callable[[Callable[[], Found | None]], Found]:
    """Ask until there is an answer: at once in the sandbox, within a minute at Stripe."""

    def ask(question: Callable[[], Found | None]) -> Found:
        deadline = time.monotonic() + (PATIENCE_S if side == "stripe" else 0)
        while (found := question()) is None:
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(1)
        return found

    return ask
