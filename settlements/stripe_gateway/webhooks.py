"""Events that Stripe sends: is the signature Stripe's, and is it an event at all?"""

from __future__ import annotations

import json
from typing import Any

import stripe
from django.conf import settings

from settlements.stripe_facts import WebhookRefused

WEBHOOK_TOLERANCE_S = 300


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
