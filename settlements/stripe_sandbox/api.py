"""What a resource is built of: the call being served, and the endpoint that serves it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import clock, webhooks
from .errors import StripeError, resource_missing, unsupported
from .store import Object, Store

METADATA_MAX_KEYS = 50
METADATA_MAX_KEY_LENGTH = 40
METADATA_MAX_VALUE_LENGTH = 500

# How Stripe's messages call each kind of object.
NOUNS = {
    "customer": "customer",
    "payment_method": "PaymentMethod",
    "setup_intent": "setupintent",
    "payment_intent": "payment_intent",
    "charge": "charge",
    "checkout.session": "checkout.session",
    "refund": "refund",
    "dispute": "dispute",
    "customer_cash_balance_transaction": "customer_cash_balance_transaction",
    "event": "event",
    "balance_transaction": "balance_transaction",
    "account": "account",
    "transfer": "transfer",
    "transfer_reversal": "transfer_reversal",
    "payout": "payout",
}


@dataclass
class Call:
    """One request being served, inside one store transaction.

    `request_id` is None for what people do on the hosted pages. `deferred` runs after the answer
    has been rendered, still in the transaction: what Stripe does a moment later.
    """

    store: Store
    base_url: str
    webhook_plan: webhooks.Plan
    params: dict[str, Any] = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)
    request_id: str | None = None
    idempotency_key: str | None = None
    now_s: int = field(default_factory=clock.now_s)
    deferred: list[Callable[[], None]] = field(default_factory=list)

    def get(self, kind: str, object_id: str, *, param: str | None = None) -> Object:
        """Return an object; raises resource_missing (404 for the path's own id, 400 for a parameter's)."""
        found = self.store.find(kind, object_id)
        if found is None:
            status = 404 if param is None else 400
            raise resource_missing(NOUNS[kind], object_id, param=param or "id", status=status)
        return found

    def emit(
        self, type_: str, body: Object, *, previous: Object | None = None, account: str | None = None
    ) -> None:
        """Record an event about an object and queue its delivery; ``account`` is the connected one it happened in."""
        webhooks.record_event(
            self.store,
            self.webhook_plan,
            type_=type_,
            body=body,
            previous=previous,
            request={"id": self.request_id, "idempotency_key": self.idempotency_key},
            created=self.now_s,
            account=account,
        )


@dataclass(frozen=True)
class Endpoint:
    """A route of the API: the SDK's definition of its parameters, and those honoured here."""

    method: str
    path: str
    params: type
    supports: frozenset[str]
    run: Callable[[Call], Object]

    def refuse_unsupported(self, params: dict[str, Any]) -> None:
        """Raise for a parameter that Stripe knows and the sandbox would ignore."""
        for name in params:
            if name not in self.supports and name != "expand":
                raise unsupported(f"the parameter {name} of {self.method} {self.path}", param=name)


def merged_metadata(current: dict[str, str], given: dict[str, str] | str) -> dict[str, str]:
    """Merge metadata as Stripe does: an empty value deletes its key, an empty string all of them."""
    if isinstance(given, str):
        return {}
    for key, value in given.items():
        if len(key) > METADATA_MAX_KEY_LENGTH or len(value) > METADATA_MAX_VALUE_LENGTH:
            raise StripeError(
                f"Metadata keys can have up to {METADATA_MAX_KEY_LENGTH} characters and values up to "
                f"{METADATA_MAX_VALUE_LENGTH}: {key[:METADATA_MAX_KEY_LENGTH]}",
                param=f"metadata[{key}]",
            )
    merged = {key: value for key, value in (current | given).items() if value != ""}
    if len(merged) > METADATA_MAX_KEYS:
        raise StripeError(f"Metadata can have up to {METADATA_MAX_KEYS} keys.", param="metadata")
    return merged


def text_or_none(value: str | None) -> str | None:
    """An empty string unsets a field."""
    return value or None
