"""Dispute: a buyer's bank takes a charge back. Its evidence and who bears a lost one are finance's to decide."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import User
from marketplace.audit import audited
from marketplace.states import Transitions
from settlements.models.settlements import Settlement


@audited(exclude=["evidence", "evidence_key", "checked_at"])
class Dispute(models.Model):
    """A charge that its cardholder disputes, as Stripe tells it. ``taken_*`` and ``returned_*`` are what was booked."""

    class Status(models.TextChoices):
        INQUIRY = "inquiry", "The bank asks"
        NEEDS_RESPONSE = "needs_response", "Answer needed"
        UNDER_REVIEW = "under_review", "The bank decides"
        WON = "won", "Won"
        CLOSED = "closed", "Closed without a loss"
        LOST = "lost", "Lost: who bears it?"
        BORNE = "borne", "Lost and settled"

    class Bearer(models.TextChoices):
        SELLER = "seller", "The sellers and our fee, as with a refund"
        PLATFORM = "platform", "We do, as a loss"

    TRANSITIONS: Transitions = {
        Status.INQUIRY: frozenset(
            {Status.NEEDS_RESPONSE, Status.UNDER_REVIEW, Status.WON, Status.CLOSED, Status.LOST}
        ),
        Status.NEEDS_RESPONSE: frozenset({Status.UNDER_REVIEW, Status.WON, Status.LOST}),
        Status.UNDER_REVIEW: frozenset({Status.NEEDS_RESPONSE, Status.WON, Status.CLOSED, Status.LOST}),
        Status.WON: frozenset(),
        Status.CLOSED: frozenset(),
        Status.LOST: frozenset({Status.BORNE}),
        Status.BORNE: frozenset(),
    }
    OPEN = (Status.INQUIRY, Status.NEEDS_RESPONSE, Status.UNDER_REVIEW, Status.LOST)
    SUSPENDS = (Status.NEEDS_RESPONSE, Status.UNDER_REVIEW, Status.LOST)
    ANSWERABLE = (Status.INQUIRY, Status.NEEDS_RESPONSE)
    NO_REFUND = (Status.NEEDS_RESPONSE, Status.UNDER_REVIEW, Status.LOST)

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="disputes")
    stripe_id = models.CharField(max_length=80, unique=True)
    stripe_charge_id = models.CharField(max_length=80)
    amount_cents = models.BigIntegerField()
    reason = models.CharField(max_length=60, help_text="The cardholder's, in Stripe's words.")
    status = models.CharField(max_length=16, choices=Status, default=Status.NEEDS_RESPONSE)
    due_at = models.DateTimeField(null=True, blank=True, help_text="Evidence after this is too late.")
    taken_cents = models.BigIntegerField(default=0)
    taken_fee_cents = models.BigIntegerField(default=0)
    returned_cents = models.BigIntegerField(default=0)
    returned_fee_cents = models.BigIntegerField(default=0)
    evidence = models.JSONField(
        null=True, blank=True, help_text="What was handed to the bank, by Stripe's field."
    )
    evidence_key = models.UUIDField(null=True, blank=True, unique=True)
    evidence_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    evidence_at = models.DateTimeField(null=True, blank=True)
    bearer = models.CharField(max_length=10, choices=Bearer, blank=True)
    borne_by = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who decided on it.",
    )
    borne_note = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    checked_at = models.DateTimeField(db_default=Now(), help_text="When Stripe was last asked.")
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="dispute_of_something", condition=Q(amount_cents__gt=0)),
            models.CheckConstraint(
                name="dispute_returns_no_more_than_it_took",
                condition=Q(returned_cents__gte=0, taken_cents__gte=F("returned_cents")),
            ),
            models.CheckConstraint(
                name="dispute_borne_by_somebody",
                condition=(Q(status="borne") & ~Q(bearer="") & Q(borne_by__isnull=False))
                | (~Q(status="borne") & Q(bearer="", borne_by=None)),
            ),
        ]
        indexes = [
            models.Index(fields=["status", "due_at"], name="dispute_by_status"),
            models.Index(fields=["settlement"], name="dispute_by_settlement"),
        ]

    def __str__(self) -> str:
        return f"dispute {self.pk}"

    @property
    def reason_words(self) -> str:
        """The cardholder's reason for a screen."""
        return self.reason.replace("_", " ").capitalize()

    @property
    def lost_cents(self) -> int:
        """What stays gone, without Stripe's fee."""
        return self.taken_cents - self.returned_cents
