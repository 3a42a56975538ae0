"""Outage: time of a delivery that the buyer could not use, from the report to finance's decision."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now

from accounts.models import User
from marketplace.audit import audited
from marketplace.states import Transitions
from settlements.models.deliveries import Delivery
from settlements.models.refunds import Refund

MINUTE = timedelta(minutes=1)


@audited()
class Outage(models.Model):
    """Whole minutes ``[starts_at, ends_at)`` of a delivery without service: reported, or a hand-over that was missed.

    The seller answers, finance decides: all of it, some minutes, or none. What is upheld is refunded in proportion.
    Those of one delivery never overlap, so that no minute is refunded twice.
    """

    class Kind(models.TextChoices):
        REPORTED = "reported", "Outage"
        MISSED_HANDOVER = "missed_handover", "No hand-over"

    class Status(models.TextChoices):
        OPEN = "open", "Reported"
        ACCEPTED = "accepted", "Accepted by the seller"
        DISPUTED = "disputed", "Disputed by the seller"
        UPHELD = "upheld", "Upheld"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"

    TRANSITIONS: Transitions = {
        Status.OPEN: frozenset(
            {Status.ACCEPTED, Status.DISPUTED, Status.UPHELD, Status.REJECTED, Status.WITHDRAWN}
        ),
        Status.ACCEPTED: frozenset({Status.UPHELD, Status.REJECTED}),
        Status.DISPUTED: frozenset({Status.UPHELD, Status.REJECTED, Status.WITHDRAWN}),
        Status.UPHELD: frozenset({Status.OPEN}),
        Status.REJECTED: frozenset(),
        Status.WITHDRAWN: frozenset(),
    }
    UNDECIDED = (Status.OPEN, Status.ACCEPTED, Status.DISPUTED)

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="outages")
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.REPORTED)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    what = models.TextField(help_text="What did not work, in the buyer's words.")
    reported_by = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: the clock did.",
    )
    reported_at = models.DateTimeField(db_default=Now())
    answer = models.TextField(blank=True, help_text="In the seller's words.")
    answered_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    upheld_minutes = models.PositiveIntegerField(null=True, blank=True)
    decision = models.TextField(blank=True, help_text="Why finance decided so.")
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    refund = models.OneToOneField(
        Refund, null=True, blank=True, on_delete=models.PROTECT, related_name="outage"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="outage_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="outage_upheld_in_part_or_whole",
                condition=Q(status="upheld", upheld_minutes__gte=1)
                | (~Q(status="upheld") & Q(upheld_minutes=None)),
            ),
            models.CheckConstraint(
                name="outage_decided_by_somebody_for_a_reason",
                condition=~Q(status__in=["upheld", "rejected"])
                | (Q(decided_by__isnull=False, decided_at__isnull=False) & ~Q(decision="")),
            ),
            models.CheckConstraint(
                name="outage_answered_by_somebody",
                condition=~Q(status__in=["accepted", "disputed"])
                | Q(answered_by__isnull=False, answered_at__isnull=False),
            ),
            models.CheckConstraint(
                name="outage_refund_only_when_upheld", condition=Q(status="upheld") | Q(refund=None)
            ),
            ExclusionConstraint(
                name="outage_minute_claimed_once",
                expressions=[
                    (
                        Func(F("delivery_id"), F("delivery_id"), models.Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    (Func(F("starts_at"), F("ends_at"), function="tstzrange"), RangeOperators.OVERLAPS),
                ],
                condition=~Q(status__in=["rejected", "withdrawn"]),
            ),
            models.UniqueConstraint(
                fields=["delivery"],
                condition=Q(kind="missed_handover"),
                name="outage_one_missed_handover",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(status__in=["open", "accepted", "disputed"]),
                name="outage_undecided",
            ),
        ]

    def __str__(self) -> str:
        return f"outage {self.pk}"

    @property
    def n_minutes(self) -> int:
        return (self.ends_at - self.starts_at) // MINUTE

    @property
    def hold_reference(self) -> str:
        """What keeps the seller's share back until it is decided, and its refund by whoever must agree to that."""
        return f"outage:{self.pk}"

    @property
    def fingerprint(self) -> str:
        """What a page that showed this outage is recognized by: it changes with whatever a decision depends on."""
        return f"{self.status}:{self.starts_at.timestamp():.0f}:{self.ends_at.timestamp():.0f}"
