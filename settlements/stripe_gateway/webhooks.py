"""Events that Stripe sends: is the signature Stripe's, and is it an event at all?"""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from typing import Any

import stripe
from django.conf import settings

from settlements.stripe_facts import WebhookRefused

WEBHOOK_TOLERANCE_S = 300
_NOBODYS = secrets.token_hex()
"""Stands where no secret is set: nothing is signed with it."""


def verified_event(payload: bytes, signature: str) -> dict[str, Any]:
    """Return a webhook's event if Stripe signed it within the last 300 s with any of our secrets. Raise WebhookRefused.

    Stripe gives each endpoint a secret of its own, and our account's events and our sellers' come by two endpoints.
    """
    if not signature:
        raise WebhookRefused("There is no Stripe-Signature header.")
    try:
        _verify(payload, signature, _secrets())
        event = json.loads(payload)
    except (stripe.SignatureVerificationError, ValueError) as error:
        raise WebhookRefused(str(error)) from error
    match event:
        case {"id": str(), "type": str(), "data": {"object": dict()}}:
            return event
    raise WebhookRefused("The body is no Stripe event.")


def _secrets() -> list[str]:
    """Never an empty one, as a stray comma would leave: everybody can sign with that."""
    given = [secret.strip() for secret in settings.STRIPE_WEBHOOK_SECRET.split(",")]
    return [secret for secret in given if secret] or [_NOBODYS]


def _verify(payload: bytes, signature: str, given: list[str]) -> None:
    """Raise SignatureVerificationError, as the last of the secrets has it, where none of them signed it."""
    *others, last = given
    for secret in others:
        with suppress(stripe.SignatureVerificationError):
            stripe.WebhookSignature.verify_header(payload, signature, secret, tolerance=WEBHOOK_TOLERANCE_S)
            return
    stripe.WebhookSignature.verify_header(payload, signature, last, tolerance=WEBHOOK_TOLERANCE_S)
