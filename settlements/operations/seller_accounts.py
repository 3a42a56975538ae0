"""Sellers at Stripe: opening their account once, leading them to its onboarding page, taking in how it stands."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.models import Organization, User
from accounts.stream import append_event
from marketplace.db import database_now
from settlements import stripe_gateway as gateway
from settlements.models import SellerAccount
from settlements.operations.keys import another_key_after_failure
from settlements.stripe_facts import ConnectAccount


class AccountMismatch(Exception):
    """Stripe tells of an account that is not the one of this seller."""


class NotASeller(Exception):
    """Only a selling organization has money to be paid."""


def open_onboarding(*, organization_id: int, by: User) -> str:
    """Return the address of Stripe’s page for the seller’s details. Raise NotASeller, OutcomeUnknown, Refused.

    The address is good once and for minutes; Stripe sends whoever comes later to our address that makes a new one.
    """
    account_id = _ensure_account(organization_id, by)
    return gateway.create_account_link(
        account_id=account_id,
        refresh_url=settings.SITE_URL + reverse("settlements:payout_setup_again"),
        return_url=settings.SITE_URL + reverse("settlements:payout_setup_return"),
    )


def refresh_account(*, organization_id: int) -> SellerAccount | None:
    """Ask Stripe how a seller’s account stands; None while it has none. Raise OutcomeUnknown, Refused."""
    known = SellerAccount.objects.filter(organization_id=organization_id).exclude(stripe_id=None).first()
    if known is None or known.stripe_id is None:
        return None
    # Noted before the call: an account that Stripe tells nothing of is not asked about every second.
    SellerAccount.objects.filter(pk=known.pk).update(checked_at=database_now())
    account = gateway.retrieve_account(known.stripe_id)
    with transaction.atomic(durable=True):
        return apply_account(account)


def apply_account(account: ConnectAccount) -> SellerAccount:
    """Take in how an account stands; assumes a transaction. Raise AccountMismatch for one of nobody here."""
    own = SellerAccount.objects.select_for_update(no_key=True).filter(stripe_id=account.id).first()
    if own is None:
        raise AccountMismatch(f"{account.id} is no seller's account here")
    could_be_paid = own.can_be_paid
    own.details_submitted = account.details_submitted
    own.payouts_enabled = account.payouts_enabled
    own.transfers_active = account.transfers_active
    own.currently_due = account.currently_due
    own.disabled_reason = account.disabled_reason
    own.checked_at = database_now()
    own.save()
    if own.can_be_paid != could_be_paid:
        append_event(
            organization_id=own.organization_id,
            kind="payouts.enabled" if own.can_be_paid else "payouts.stopped",
            data={"currently_due": own.currently_due},
        )
    return own


def _ensure_account(organization_id: int, by: User) -> str:
    """Return the seller's account at Stripe, created once: the key is saved before the call."""
    with transaction.atomic(durable=True):
        organization = Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
        if not organization.is_seller:
            raise NotASeller(f"{organization} does not sell.")
        own, _ = SellerAccount.objects.get_or_create(
            organization=organization, defaults={"idempotency_key": uuid.uuid4(), "email": by.email}
        )
    if own.stripe_id:
        return own.stripe_id
    # All that is asked is in the row: asked again with the same key it must be the same to the byte.
    unmade = SellerAccount.objects.filter(pk=own.pk, idempotency_key=own.idempotency_key, stripe_id=None)
    with another_key_after_failure(unmade, "idempotency_key"):
        account = gateway.create_account(
            idempotency_key=str(own.idempotency_key), organization_id=organization_id, email=own.email
        )
    with transaction.atomic(durable=True):
        SellerAccount.objects.filter(pk=own.pk, stripe_id=None).update(stripe_id=account.id)
        apply_account(account)
    return account.id
