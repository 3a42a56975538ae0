"""Idempotency keys as Stripe keeps them. Source: https://docs.stripe.com/api/idempotent_requests.

A key is claimed before its request runs and settled with the answer in the request's own
transaction. What fails validation never claims one.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from . import clock
from .errors import StripeError
from .store import Store

KEY_MAX_LENGTH = 255
KEPT_S = 24 * 60 * 60


@dataclass(frozen=True)
class SavedAnswer:
    status: int
    body: str
    request_id: str


def fingerprint(method: str, path: str, params: dict[str, Any]) -> str:
    """Return what must be equal for two requests to be the same request."""
    return hashlib.sha256(json.dumps([method, path, params], sort_keys=True).encode()).hexdigest()


def claim(store: Store, *, key: str, request_fingerprint: str, request_id: str) -> SavedAnswer | None:
    """Claim a key for this request, or return the answer its first use got.

    Raises StripeError: 409 while the first use still runs, 400 when it had other parameters.
    """
    if len(key) > KEY_MAX_LENGTH:
        raise StripeError(
            f"The idempotency key can have up to {KEY_MAX_LENGTH} characters; yours has {len(key)}.",
            type_="idempotency_error",
        )
    with store.transaction():
        now = clock.now() + store.ahead_s()
        store.connection.execute("DELETE FROM idempotency WHERE claimed_at < ?", (now - KEPT_S,))
        row = store.connection.execute("SELECT * FROM idempotency WHERE key = ?", (key,)).fetchone()
        if row is None:
            store.connection.execute(
                "INSERT INTO idempotency (key, fingerprint, claimed_at, request_id) VALUES (?, ?, ?, ?)",
                (key, request_fingerprint, now, request_id),
            )
            return None
    if row["fingerprint"] != request_fingerprint:
        raise StripeError(
            "Keys for idempotent requests can only be used with the same parameters they were first used "
            f"with. Try using a key other than '{key}' if you meant to execute a different request.",
            type_="idempotency_error",
        )
    if row["status"] is None:
        raise StripeError(
            "There is currently another in-progress request using this Idempotent Key (that probably means "
            "you submitted twice, and the other request is still going through): "
            f"{key}. Please try again later.",
            status=409,
            type_="idempotency_error",
            code="idempotency_key_in_use",
        )
    return SavedAnswer(row["status"], row["body"], row["request_id"])


def settle(store: Store, *, key: str, status: int, body: str) -> None:
    """Save the answer under its key; the caller's transaction holds it."""
    store.connection.execute("UPDATE idempotency SET status = ?, body = ? WHERE key = ?", (status, body, key))


def release(store: Store, *, key: str) -> None:
    """Give up a claim whose request never began to execute."""
    with store.transaction():
        store.connection.execute("DELETE FROM idempotency WHERE key = ? AND status IS NULL", (key,))
