"""A member's question why a bid ended as it did, where the answer costs the engine searches."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User
from auctions.models.bids import Bid
from marketplace.states import Transitions


class Inquiry(models.Model):
    """What a bid of packages would have had to offer, or displaced: asked for by its organization, found by a worker.

    ``answer`` is written once, from the published book; auctions/answers.py says what it holds.
    """

    class Status(models.TextChoices):
        ASKED = "asked", "Being worked out"
        ANSWERED = "answered", "Answered"
        FAILED = "failed", "Failed"

    TRANSITIONS: Transitions = {
        Status.ASKED: frozenset({Status.ANSWERED, Status.FAILED}),
        Status.ANSWERED: frozenset(),
        Status.FAILED: frozenset({Status.ASKED}),
    }

    bid = models.OneToOneField(Bid, on_delete=models.PROTECT, related_name="inquiry")
    asked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=Status, default=Status.ASKED)
    asked_at = models.DateTimeField(db_default=Now())
    answered_at = models.DateTimeField(null=True, blank=True)
    answer = models.JSONField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "inquiries"
        constraints = [
            models.CheckConstraint(
                name="inquiry_answered_with_its_answer",
                condition=Q(status="answered", answer__isnull=False, answered_at__isnull=False)
                | (~Q(status="answered") & Q(answer__isnull=True)),
            ),
        ]
        indexes = [
            models.Index(fields=["asked_at"], condition=Q(status="asked"), name="inquiry_waiting"),
        ]

    def __str__(self) -> str:
        return f"inquiry about bid {self.bid_id}"
