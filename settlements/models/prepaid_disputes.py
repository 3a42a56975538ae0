"""PrepaidDispute: a buyer's bank takes back what was paid in ahead."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import User
from marketplace.audit import audited
from marketplace.states import Transitions
from settlements.models.prepayments import Prepayment


@audited(exclude=["checked_at"])
class PrepaidDispute(models.Model):
    """A prepayment that its cardholder disputes, as Stripe tells it. ``taken_*``, ``returned_*``: what was booked.

    ``frozen_cents`` were on the balance when the bank took them, and left it: won, they are on it again; lost, they
    stay gone. What had been spent by then is our loss if it is lost.
    """

    class Status(models.TextChoices):
        INQUIRY = "inquiry", "The bank asks"
        UNDER_REVIEW = "under_review", "The bank decides"
        WON = "won", "Won"
        CLOSED = "closed", "Closed without a loss"
        LOST = "lost", "Lost"

    TRANSITIONS: Transitions = {
        Status.INQUIRY: frozenset({Status.UNDER_REVIEW, Status.WON, Status.CLOSED, Status.LOST}),
        Status.UNDER_REVIEW: frozenset({Status.WON, Status.CLOSED, Status.LOST}),
        Status.WON: frozenset(),
        Status.CLOSED: frozenset(),
        Status.LOST: frozenset(),
    }
    OPEN = (Status.INQUIRY, Status.UNDER_REVIEW)

    prepayment = models.ForeignKey(Prepayment, on_delete=models.PROTECT, related_name="disputes")
    stripe_id = models.CharField(max_length=80, unique=True)
    amount_cents = models.BigIntegerField()
    reason = models.CharField(max_length=60, help_text="The cardholder's, in Stripe's words.")
    status = models.CharField(max_length=16, choices=Status)
    due_at = models.DateTimeField(null=True, blank=True, help_text="Evidence after this is too late.")
    taken_cents = models.BigIntegerField(default=0)
    taken_fee_cents = models.BigIntegerField(default=0)
    returned_cents = models.BigIntegerField(default=0)
    returned_fee_cents = models.BigIntegerField(default=0)
    frozen_cents = models.BigIntegerField(default=0, help_text="Of what was taken, off the balance.")
    created_at = models.DateTimeField(db_default=Now())
    checked_at = models.DateTimeField(db_default=Now(), help_text="When Stripe was last asked.")
    closed_at = models.DateTimeField(null=True, blank=True)
    excused_by = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who of finance lets the buyer bid again after a loss of ours.",
    )
    excused_at = models.DateTimeField(null=True, blank=True)
    excused_note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="prepaid_dispute_excused_by_somebody_for_a_reason",
                condition=Q(excused_by=None, excused_at=None, excused_note="")
                | (
                    Q(status="lost", excused_by__isnull=False, excused_at__isnull=False) & ~Q(excused_note="")
                ),
            ),
            models.CheckConstraint(name="prepaid_dispute_of_something", condition=Q(amount_cents__gt=0)),
            models.CheckConstraint(
                name="prepaid_dispute_within_what_was_taken",
                condition=Q(
                    returned_cents__gte=0,
                    returned_cents__lte=F("taken_cents"),
                    frozen_cents__gte=0,
                    frozen_cents__lte=F("taken_cents"),
                ),
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(status__in=["inquiry", "under_review"]),
                name="prepaid_dispute_open",
            ),
        ]

    def __str__(self) -> str:
        return f"dispute {self.pk} of prepayment {self.prepayment_id}"

    @property
    def lost_cents(self) -> int:
        """What we lost: it had been spent when the bank took it, and the bank keeps it."""
        return self.taken_cents - self.frozen_cents if self.status == self.Status.LOST else 0

    @property
    def keeps_from_bidding(self) -> bool:
        """Say whether its buyer places no new bid because of what we lost."""
        return self.lost_cents > 0 and self.excused_at is None

    @property
    def reason_words(self) -> str:
        """The cardholder's reason for a screen."""
        return self.reason.replace("_", " ").capitalize()
