from collections.abc import Iterator

import httpx
import pytest
import stripe

from settlements.stripe_sandbox.server import SandboxServer

from .receiver import SECRET, Receiver


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture
def sandbox(running_sandbox: SandboxServer) -> SandboxServer:
    """A sandbox without webhooks, empty."""
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def client(sandbox: SandboxServer) -> stripe.StripeClient:
    return client_of(sandbox)


def client_of(server: SandboxServer) -> stripe.StripeClient:
    return stripe.StripeClient(
        "sk_test_sandbox", base_addresses={"api": server.base_url}, max_network_retries=0
    )


@pytest.fixture
def wire(sandbox: SandboxServer) -> Iterator[httpx.Client]:
    """Bare HTTP with a valid key, for what the SDK hides."""
    headers = {"Authorization": "Bearer sk_test_sandbox"}
    with httpx.Client(base_url=sandbox.base_url, headers=headers) as http:
        yield http


@pytest.fixture
def browser(sandbox: SandboxServer) -> Iterator[httpx.Client]:
    """What a person does on the hosted pages; redirects are looked at, not followed."""
    with httpx.Client(base_url=sandbox.base_url) as http:
        yield http


@pytest.fixture
def customer(client: stripe.StripeClient) -> stripe.Customer:
    return client.v1.customers.create({"name": "Ada", "email": "ada@example.com"})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def sending_sandbox(receiver: Receiver) -> Iterator[SandboxServer]:
    """A sandbox that sends its webhooks to `receiver` and retries at once."""
    with SandboxServer(webhook_url=receiver.url, webhook_secret=SECRET, retry_base_s=0.001) as server:
        yield server
