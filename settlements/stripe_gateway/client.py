"""The client of Stripe or, without STRIPE_SECRET_KEY, of the local sandbox, and the two ways in which a call fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import stripe
from django.conf import settings
from django.db import connection

from settlements.stripe_facts import CardRefused, OutcomeUnknown, Refused

CONNECT_TIMEOUT_S = 3.05
SERVER_ERROR = 500


def client() -> stripe.StripeClient:
    """Return the client that the settings ask for."""
    return client_for(
        settings.STRIPE_SECRET_KEY,
        settings.STRIPE_SANDBOX_URL,
        settings.STRIPE_READ_TIMEOUT_S,
        settings.STRIPE_MAX_NETWORK_RETRIES,
    )


@lru_cache(maxsize=8)
def client_for(
    secret_key: str, sandbox_url: str, read_timeout_s: float, max_network_retries: int
) -> stripe.StripeClient:
    http = stripe.RequestsClient(timeout=(CONNECT_TIMEOUT_S, read_timeout_s))
    if secret_key:
        return stripe.StripeClient(secret_key, http_client=http, max_network_retries=max_network_retries)
    return stripe.StripeClient(
        settings.STRIPE_SANDBOX_KEY,
        http_client=http,
        max_network_retries=max_network_retries,
        base_addresses={"api": sandbox_url, "files": sandbox_url, "connect": sandbox_url},
    )


@contextmanager
def plain_errors(*let_through: type[stripe.StripeError]) -> Iterator[None]:
    """Refuse to run inside a transaction, and turn the SDK's errors into the two that callers know."""
    if connection.in_atomic_block:
        raise RuntimeError("Stripe is never called inside a database transaction")
    try:
        yield
    except let_through:
        raise
    except stripe.IdempotencyError as error:
        raise OutcomeUnknown(str(error)) from error
    except stripe.CardError as error:
        raise CardRefused(error.code or "card_error", str(error.user_message or error)) from error
    except stripe.InvalidRequestError as error:
        text = str(error.user_message or error)
        raise Refused(error.code or "invalid_request", text, param=error.param or "") from error
    except stripe.StripeError as error:
        raise OutcomeUnknown(str(error), is_answer=(error.http_status or 0) >= SERVER_ERROR) from error
