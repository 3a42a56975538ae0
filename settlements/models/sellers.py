"""SellerAccount: a selling organization as Stripe Connect knows it, and whether Stripe lets it be paid."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Organization
from marketplace.audit import audited


@audited(exclude=["idempotency_key", "checked_at"])
class SellerAccount(models.Model):
    """A seller's connected account. The key is saved before the call that creates it, so it is created once.

    What Stripe says of it is kept as last read: nothing is transferred until ``can_be_paid``.
    """

    organization = models.OneToOneField(
        Organization, on_delete=models.PROTECT, primary_key=True, related_name="seller_account"
    )
    idempotency_key = models.UUIDField(unique=True)
    email = models.EmailField(help_text="Whom Stripe writes to: who set it up.")
    stripe_id = models.CharField(max_length=80, unique=True, null=True, blank=True)
    details_submitted = models.BooleanField(default=False)
    payouts_enabled = models.BooleanField(default=False)
    transfers_active = models.BooleanField(default=False)
    currently_due = models.JSONField(default=list, blank=True, help_text="What Stripe still asks for.")
    disabled_reason = models.CharField(max_length=100, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True, help_text="When Stripe was last asked.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="seller_account_paid_once_at_stripe",
                condition=Q(stripe_id__isnull=False) | Q(payouts_enabled=False, transfers_active=False),
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_id or f"organization {self.organization_id}, not yet at Stripe"

    @property
    def can_be_paid(self) -> bool:
        return self.payouts_enabled and self.transfers_active
