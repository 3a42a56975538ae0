"""Customer: an organization as Stripe knows it. PaymentMethod: a card it left on file."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Organization

BRAND_NAMES = {"amex": "American Express", "unionpay": "UnionPay", "jcb": "JCB", "mastercard": "Mastercard"}


class Customer(models.Model):
    """An organization's Stripe customer. The key is saved before the call that creates it, so it is created once."""

    organization = models.OneToOneField(
        Organization, on_delete=models.PROTECT, primary_key=True, related_name="stripe_customer"
    )
    idempotency_key = models.UUIDField(unique=True)
    stripe_id = models.CharField(max_length=80, unique=True, null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.stripe_id or f"organization {self.organization_id}, not yet at Stripe"


class PaymentMethod(models.Model):
    """A card on file, saved by a SetupIntent for charges while the buyer is away."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="payment_methods")
    stripe_id = models.CharField(max_length=80, unique=True)
    brand = models.CharField(max_length=20)
    last4 = models.CharField(max_length=4)
    exp_month = models.PositiveSmallIntegerField()
    exp_year = models.PositiveSmallIntegerField()
    fingerprint = models.CharField(
        max_length=40,
        blank=True,
        default="",
        help_text="Stripe's name for the card's number: the same for whoever adds it.",
    )
    spent_on_limit = models.BooleanField(
        default=False, help_text="Its number brought a starting limit and brings no other."
    )
    is_default = models.BooleanField(default=False)
    added_at = models.DateTimeField(db_default=Now())
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(is_default=True, removed_at=None),
                name="payment_method_one_default",
            ),
            models.UniqueConstraint(
                fields=["fingerprint"],
                condition=Q(spent_on_limit=True),
                name="payment_method_brings_one_limit",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """What the card is called on a screen."""
        brand = BRAND_NAMES.get(self.brand, self.brand.replace("_", " ").title())
        return f"{brand} ending {self.last4}"
