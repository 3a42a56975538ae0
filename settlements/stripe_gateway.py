"""The only module that speaks to Stripe; without STRIPE_SECRET_KEY it speaks to the local sandbox, over the same HTTP.

Every call either returns plain facts or raises: ``OutcomeUnknown`` when Stripe may or may not have done it (time-out,
lost connection, 5xx, rate limit, a bad key) or has not finished, ``Refused`` when it certainly has not. No call is made
inside a database transaction.

Time-outs: 3 s to connect, STRIPE_READ_TIMEOUT_S (20 s) to answer, because card networks take a while and a cut-off
costs a lookup. STRIPE_MAX_NETWORK_RETRIES (1) with the same idempotency key covers a dropped connection; anything
longer is for the sweep, which waits without holding a worker.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

import stripe
from django.conf import settings
from django.db import connection

from settlements.stripe_facts import (
    Card,
    OutcomeUnknown,
    Payment,
    PaymentOrder,
    Refused,
    SetupSession,
    WebhookRefused,
)

CONNECT_TIMEOUT_S = 3.05
WEBHOOK_TOLERANCE_S = 300
FINAL_REFUSALS = (stripe.InvalidRequestError, stripe.CardError)


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
        with _plain_errors(stripe.CardError):
            return _payment(_client().v1.payment_intents.create(params, options))  # type: ignore[arg-type]
    except stripe.CardError as error:
        return _declined_payment(error)


def retrieve_payment(payment_intent_id: str) -> Payment:
    """Return a PaymentIntent as it stands now. Raise OutcomeUnknown, Refused (code resource_missing)."""
    with _plain_errors():
        return _payment(
            _client().v1.payment_intents.retrieve(
                payment_intent_id, {"expand": ["latest_charge.balance_transaction"]}
            )
        )


def find_payment(*, customer_id: str, since: datetime, key: str, value: str) -> Payment | None:
    """Return a customer's PaymentIntent created since then whose metadata has ``key`` = ``value``, if there is one.

    Lists, because Stripe's search lags behind by up to minutes and its lists do not. Raise OutcomeUnknown, Refused.
    """
    with _plain_errors():
        page = _client().v1.payment_intents.list(
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
        with _plain_errors():
            _client().v1.payment_intents.cancel(payment_intent_id, {}, {"idempotency_key": idempotency_key})
    except Refused as refusal:
        if refusal.code != "payment_intent_unexpected_state":
            raise
    return retrieve_payment(payment_intent_id)


def create_customer(*, idempotency_key: str, name: str, organization_id: int) -> str:
    """Create an organization's customer and return its id. Raise OutcomeUnknown, Refused."""
    with _plain_errors():
        customer = _client().v1.customers.create(
            {"name": name, "metadata": {"organization": str(organization_id)}},
            {"idempotency_key": idempotency_key},
        )
        return customer.id


def create_setup_session(*, customer_id: str, success_url: str, cancel_url: str) -> SetupSession:
    """Open a Checkout Session in which the buyer saves a card for later charges. Raise OutcomeUnknown, Refused."""
    with _plain_errors():
        return _setup_session(
            _client().v1.checkout.sessions.create(
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
    with _plain_errors():
        return _setup_session(
            _client().v1.checkout.sessions.retrieve(session_id, {"expand": ["setup_intent"]})
        )


def retrieve_card(payment_method_id: str) -> Card:
    """Return a saved card. Raise OutcomeUnknown, Refused."""
    with _plain_errors():
        return _card(_client().v1.payment_methods.retrieve(payment_method_id).to_dict())


def detach_card(payment_method_id: str) -> None:
    """Detach a card from its customer; a card already detached or gone is fine. Raise OutcomeUnknown."""
    if retrieve_card(payment_method_id).customer_id:
        with _plain_errors():
            _client().v1.payment_methods.detach(payment_method_id)


def verified_event(payload: bytes, signature: str) -> dict[str, Any]:
    """Return a webhook's event if Stripe signed it within the last 300 s. Raise WebhookRefused."""
    if not signature:
        raise WebhookRefused("There is no Stripe-Signature header.")
    try:
        stripe.WebhookSignature.verify_header(
            payload, signature, settings.STRIPE_WEBHOOK_SECRET, tolerance=WEBHOOK_TOLERANCE_S
        )
        event = json.loads(payload)
    except (stripe.SignatureVerificationError, ValueError) as error:
        raise WebhookRefused(str(error)) from error
    match event:
        case {"id": str(), "type": str(), "data": {"object": dict()}}:
            return event
    raise WebhookRefused("The body is no Stripe event.")


def _client() -> stripe.StripeClient:
    return _client_for(
        settings.STRIPE_SECRET_KEY,
        settings.STRIPE_SANDBOX_URL,
        settings.STRIPE_READ_TIMEOUT_S,
        settings.STRIPE_MAX_NETWORK_RETRIES,
    )


@lru_cache(maxsize=8)
def _client_for(
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
def _plain_errors(*let_through: type[stripe.StripeError]) -> Iterator[None]:
    """Refuse to run inside a transaction, and turn the SDK's errors into the two that callers know."""
    if connection.in_atomic_block:
        raise RuntimeError("Stripe is never called inside a database transaction")
    try:
        yield
    except let_through:
        raise
    except stripe.IdempotencyError as error:
        raise OutcomeUnknown(str(error)) from error
    except FINAL_REFUSALS as error:
        raise Refused(error.code or "invalid_request", str(error.user_message or error)) from error
    except stripe.StripeError as error:
        raise OutcomeUnknown(str(error)) from error


def _declined_payment(error: stripe.CardError) -> Payment:
    """Return the PaymentIntent that a declined card left behind; the error carries it whole."""
    intent = getattr(error.error, "payment_intent", None)
    if intent is None:
        raise Refused(error.code or "card_error", str(error.user_message or error)) from error
    return retrieve_payment(intent["id"])


def _payment(intent: stripe.PaymentIntent) -> Payment:
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
        decline_code=_decline_code(error),
        authentication_url=_authentication_url(facts.get("next_action")),
    )


def _decline_code(error: dict[str, Any]) -> str:
    """Return the most specific code: why the bank declined, else why Stripe did."""
    return error.get("decline_code") or error.get("code") or ""


def _authentication_url(next_action: dict[str, Any] | None) -> str:
    if not next_action or next_action["type"] != "redirect_to_url":
        return ""
    return next_action["redirect_to_url"]["url"] or ""


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
