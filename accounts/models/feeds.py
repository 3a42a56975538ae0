"""What happened, in order: the feed of each organization, and those of our own desks."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models.people import Organization


class Stream(models.Model):
    """An organization's own feed: the number of the last event in it."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="stream"
    )
    last_sequence = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.organization_id} at {self.last_sequence}"


class StreamEvent(models.Model):
    """One thing that happened to an organization: a bid, an award, a payment. Never conflated, never changed.

    ``sequence`` counts without gaps within the organization. ``published`` turns true once listeners were told.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="stream_events")
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=40, help_text="Such as bid.placed, award.won, settlement.paid.")
    data = models.JSONField(
        default=dict, help_text="Identifiers and amounts, enough to tell the reader what changed."
    )
    created_at = models.DateTimeField(db_default=Now())
    published = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "sequence"], name="stream_event_numbered_once"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(published=False), name="stream_event_unpublished"),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id}#{self.sequence} {self.kind}"


class DeskEvent(models.Model):
    """One thing that our own staff should see to, in the transaction that made it so; ``told`` once passed on."""

    class Desk(models.TextChoices):
        FINANCE = "finance", "Finance"
        OPERATOR = "operator", "Operators"

    desk = models.CharField(max_length=10, choices=Desk)
    kind = models.CharField(max_length=40, help_text="Such as refund.proposed, window.held.")
    data = models.JSONField(default=dict, help_text="Identifiers and amounts, as in StreamEvent.")
    created_at = models.DateTimeField(db_default=Now())
    told = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(name="desk_known", condition=Q(desk__in=["finance", "operator"])),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(told=False), name="desk_event_untold")]

    def __str__(self) -> str:
        return f"{self.kind} for {self.desk}"
