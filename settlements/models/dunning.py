"""Dunning: what is done, and when, about a settlement that was not paid at once; the e-mails; a default in the end."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Organization, User
from settlements.models.settlements import Settlement


class Dunning(models.Model):
    """A settlement that is not paid, from the first failure to its payment or default.

    ``deadline_at`` is never after ``delivery_at``, when the first of its lines starts: nobody uses what is unpaid.
    """

    class Reason(models.TextChoices):
        NO_CARD = "no_card", "No card on file"
        DECLINED = "declined", "Declined"
        AUTHENTICATION = "authentication", "The bank wants the buyer to confirm"

    settlement = models.OneToOneField(
        Settlement, on_delete=models.PROTECT, primary_key=True, related_name="dunning"
    )
    reason = models.CharField(max_length=16, choices=Reason)
    policy = models.CharField(max_length=20, help_text="Name of its schedule (settlements/dunning.py).")
    opened_at = models.DateTimeField()
    delivery_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="dunning_deadline_not_after_delivery",
                condition=Q(deadline_at__lte=F("delivery_at")) | Q(deadline_at=F("opened_at")),
            ),
            models.CheckConstraint(
                name="dunning_deadline_not_before_it_opened", condition=Q(deadline_at__gte=F("opened_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"dunning of settlement {self.settlement_id}"


class DunningStep(models.Model):
    """One thing to be done about an unpaid settlement, and when. ``result`` says what came of it, for people."""

    class Kind(models.TextChoices):
        RETRY = "retry", "Try the card again"
        REMINDER = "reminder", "Reminder"
        DEADLINE = "deadline", "Deadline"

    dunning = models.ForeignKey(Dunning, on_delete=models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=10, choices=Kind)
    due_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dunning", "kind", "due_at"], name="dunning_step_once"),
            models.UniqueConstraint(
                fields=["dunning"],
                condition=Q(kind="deadline", taken_at=None),
                name="dunning_one_deadline_ahead",
            ),
            models.CheckConstraint(
                name="dunning_step_taken_with_a_result", condition=Q(taken_at=None) | ~Q(result="")
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(taken_at=None), name="dunning_step_ahead"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of settlement {self.dunning_id} at {self.due_at:%Y-%m-%d %H:%M}"


class Notice(models.Model):
    """An e-mail to the people who buy for the organization. The row is there first; a job sends it."""

    class Kind(models.TextChoices):
        NO_CARD = "no_card", "No card on file"
        DECLINED = "declined", "Card declined"
        AUTHENTICATION = "authentication", "Bank wants the buyer to confirm"
        REMINDER = "reminder", "Reminder"
        EXTENDED = "extended", "Deadline extended"
        DEFAULTED = "defaulted", "Defaulted"
        LATE_PAYMENT = "late_payment", "Paid after default"
        REFUNDED = "refunded", "Refund decided"
        DISPUTED = "disputed", "Payment disputed"

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=16, choices=Kind)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it was sent, or given up.")
    n_recipients = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(ended_at=None), name="notice_unsent")]

    def __str__(self) -> str:
        return f"{self.kind} of settlement {self.settlement_id}"


class Default(models.Model):
    """A settlement that was never paid: on record for good, with the limit before and after.

    ``by`` is who called it; None where the deadline passed.
    """

    settlement = models.OneToOneField(
        Settlement, on_delete=models.PROTECT, primary_key=True, related_name="default"
    )
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="defaults")
    amount_cents = models.BigIntegerField()
    limit_before_cents = models.BigIntegerField()
    limit_after_cents = models.BigIntegerField()
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    defaulted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="default_never_raises_the_limit",
                condition=Q(limit_after_cents__gte=0, limit_after_cents__lte=F("limit_before_cents")),
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-defaulted_at"], name="default_by_organization"),
        ]

    def __str__(self) -> str:
        return f"default on settlement {self.settlement_id}"


class CollectionDecision(models.Model):
    """What a finance person decided about collecting a settlement, and why. Rows are added, never changed."""

    class Kind(models.TextChoices):
        EXTENDED = "extended", "Deadline extended"
        RETRIED = "retried", "Card tried again"
        DEFAULTED = "defaulted", "Default called"
        WRITTEN_OFF = "written_off", "Written off"

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="decisions")
    kind = models.CharField(max_length=12, choices=Kind)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    detail = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="decision_has_a_reason", condition=~Q(reason=""))]

    def __str__(self) -> str:
        return f"settlement {self.settlement_id}: {self.kind} by {self.by_id}"
