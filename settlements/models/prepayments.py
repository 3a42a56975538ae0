"""Prepayment: money that a buyer pays in ahead. PendingFunds: money that Stripe still holds back."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Organization, User
from marketplace.audit import audited
from marketplace.states import Transitions
from settlements.models.ledger import Transaction


@audited(exclude=["form_key", "page_url", "instructions", "n_calls", "called_at"])
class Prepayment(models.Model):
    """One payment onto a buyer's prepaid balance. Its row, and so its key, is committed before Stripe is called.

    ``form_key`` comes with the form: sent twice, it is one prepayment and one payment at Stripe. ``remaining_cents`` is
    what of a bank transfer has not come yet.
    """

    class Method(models.TextChoices):
        CARD = "card", "Card"
        BANK_TRANSFER = "bank_transfer", "Bank transfer"

    class Status(models.TextChoices):
        OPEN = "open", "Waits for the payment"
        RECEIVED = "received", "Received"
        EXPIRED = "expired", "Never paid"

    TRANSITIONS: Transitions = {
        Status.OPEN: frozenset({Status.RECEIVED, Status.EXPIRED}),
        Status.EXPIRED: frozenset({Status.RECEIVED}),
        Status.RECEIVED: frozenset(),
    }

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="prepayments")
    method = models.CharField(max_length=14, choices=Method)
    amount_cents = models.BigIntegerField()
    currency = models.CharField(max_length=3, default="usd")
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    form_key = models.UUIDField(unique=True)
    started_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    stripe_session_id = models.CharField(max_length=80, blank=True)
    stripe_payment_intent_id = models.CharField(max_length=80, blank=True)
    stripe_charge_id = models.CharField(max_length=80, blank=True)
    page_url = models.URLField(max_length=2000, blank=True, help_text="Stripe's page where it is paid.")
    instructions = models.JSONField(null=True, blank=True, help_text="Where to send a bank transfer.")
    remaining_cents = models.BigIntegerField()
    n_calls = models.PositiveSmallIntegerField(default=1)
    called_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    received_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="prepayment_positive", condition=Q(amount_cents__gt=0)),
            models.CheckConstraint(
                name="prepayment_remaining",
                condition=Q(remaining_cents__gte=0, remaining_cents__lte=F("amount_cents")),
            ),
            models.CheckConstraint(
                name="prepayment_received_when",
                condition=~Q(status="received") | Q(received_at__isnull=False, remaining_cents=0),
            ),
            models.UniqueConstraint(
                fields=["stripe_payment_intent_id"],
                condition=~Q(stripe_payment_intent_id=""),
                name="prepayment_own_payment_intent",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-id"], name="prepayment_by_org"),
            models.Index(fields=["called_at"], condition=Q(status="open"), name="prepayment_open"),
        ]

    def __str__(self) -> str:
        return f"prepayment {self.pk}"

    @property
    def came_cents(self) -> int:
        """What of a bank transfer has come so far."""
        return self.amount_cents - self.remaining_cents


class PendingFunds(models.Model):
    """What a payment brought, net of Stripe's fee, from when it is booked until Stripe lets it be used.

    One row per balance transaction at Stripe; its move from pending to available is booked once.
    """

    stripe_id = models.CharField(max_length=80, unique=True, help_text="Stripe's balance transaction, txn_….")
    posted = models.OneToOneField(Transaction, on_delete=models.PROTECT, related_name="pending_funds")
    net_cents = models.BigIntegerField()
    available_at = models.DateTimeField()
    booked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["available_at"], condition=Q(booked_at=None), name="pending_funds_due"),
        ]

    def __str__(self) -> str:
        return f"{self.net_cents} cents of {self.stripe_id}"
