"""How much an organization may have at stake, every change of that, and what holds of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models.people import Organization, User
from marketplace.audit import audited
from marketplace.states import Transitions


@audited(fields=["organization", "credit_cents", "prepaid_cents", "limit_set_at", "suspended_reason"])
class BiddingLimit(models.Model):
    """How much an organization may have at stake, and how much of that is held now, cents.

    The limit is what it has paid in and not spent plus the credit that finance gives. ``prepaid_cents`` is the balance
    of its BUYER_PREPAID account: the ledger's triggers keep it, and nobody else may. ``held_cents`` is the sum of the
    organization's live holds. Both are kept, and not summed each time, because they guard something under this row's
    lock.
    """

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="bidding_limit"
    )
    credit_cents = models.BigIntegerField(default=0)
    prepaid_cents = models.BigIntegerField(default=0, editable=False)
    limit_cents = models.GeneratedField(
        expression=models.F("credit_cents") + models.F("prepaid_cents"),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    held_cents = models.BigIntegerField(default=0)
    limit_set_at = models.DateTimeField(
        null=True, blank=True, help_text="When finance, or the first card, last set the credit."
    )
    suspended_reason = models.CharField(
        max_length=300,
        blank=True,
        default="",
        help_text="Why nothing new may be held, for people; empty: it may.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(name="credit_not_negative", condition=Q(credit_cents__gte=0)),
            models.CheckConstraint(name="prepaid_not_negative", condition=Q(prepaid_cents__gte=0)),
            models.CheckConstraint(name="held_not_negative", condition=Q(held_cents__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.held_cents} of {self.limit_cents} cents held"

    @property
    def free_cents(self) -> int:
        """What may still be put at stake; zero when the limit fell below what is held."""
        return max(0, self.limit_cents - self.held_cents)

    @property
    def over_cents(self) -> int:
        """How far what is held exceeds a limit that fell below it."""
        return max(0, self.held_cents - self.limit_cents)


@audited()
class CreditChange(models.Model):
    """A change of an organization's credit line: who, when, why, from what to what. A decided one is never changed.

    A raise above CREDIT_FOUR_EYES_CENTS (``needs_second``) is proposed by one finance person and decided by another.
    Without ``proposed_by`` a rule did it, such as the starting limit.
    """

    class Status(models.TextChoices):
        PROPOSED = "proposed", "Waits for a second person"
        IN_FORCE = "in_force", "Set"
        REFUSED = "refused", "Refused"

    TRANSITIONS: Transitions = {
        Status.PROPOSED: frozenset({Status.IN_FORCE, Status.REFUSED}),
        Status.IN_FORCE: frozenset(),
        Status.REFUSED: frozenset(),
    }

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="credit_changes")
    before_cents = models.BigIntegerField()
    after_cents = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    status = models.CharField(max_length=10, choices=Status, default=Status.PROPOSED)
    needs_second = models.BooleanField(default=False)
    proposed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="credit_change_amounts", condition=Q(before_cents__gte=0, after_cents__gte=0)
            ),
            models.CheckConstraint(name="credit_change_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="credit_change_four_eyes",
                condition=~Q(status="in_force")
                | Q(needs_second=False)
                | Q(decided_by__isnull=False, proposed_by__isnull=False)
                & ~Q(decided_by=models.F("proposed_by")),
            ),
            models.CheckConstraint(
                name="credit_change_decided_when",
                condition=Q(status="proposed") | Q(decided_at__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["organization"], condition=Q(status="proposed"), name="credit_change_one_open"
            ),
        ]
        indexes = [models.Index(fields=["organization", "-id"], name="credit_change_by_org")]

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.before_cents} to {self.after_cents} cents"


class Hold(models.Model):
    """A part of an organization's limit set aside for one bid or one unpaid settlement."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="holds")
    reference = models.CharField(max_length=60, help_text="What it is held for, such as bid:12.")
    amount_cents = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reference"], condition=Q(released_at=None), name="hold_one_live_per_reference"
            ),
            models.CheckConstraint(name="hold_positive", condition=Q(amount_cents__gt=0)),
        ]
        indexes = [
            models.Index(
                fields=["organization", "id"], condition=Q(released_at=None), name="hold_live_by_org"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.amount_cents} cents"
