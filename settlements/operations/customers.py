"""An organization's customer at Stripe: made once, before anything else is asked of Stripe for it."""

from __future__ import annotations

import uuid

from django.db import transaction

from accounts.models import Organization
from settlements import stripe_gateway as gateway
from settlements.models import Customer
from settlements.operations.keys import another_key_after_failure


def ensure_customer(organization_id: int) -> str:
    """Return the organization's customer at Stripe, created once: the key is saved before the call."""
    with transaction.atomic(durable=True):
        organization = Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
        customer, _ = Customer.objects.get_or_create(
            organization=organization, defaults={"idempotency_key": uuid.uuid4()}
        )
    if customer.stripe_id:
        return customer.stripe_id
    unmade = Customer.objects.filter(pk=customer.pk, idempotency_key=customer.idempotency_key, stripe_id=None)
    with another_key_after_failure(unmade, "idempotency_key"):
        stripe_id = gateway.create_customer(
            idempotency_key=str(customer.idempotency_key),
            name=organization.name,
            organization_id=organization_id,
        )
    with transaction.atomic(durable=True):
        Customer.objects.filter(pk=customer.pk, stripe_id=None).update(stripe_id=stripe_id)
    return stripe_id
