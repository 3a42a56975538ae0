"""Delivery: one line of a settlement from its payment to the hour it ends. What is handed over: handovers.py."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Organization
from marketplace.audit import audited
from marketplace.states import Transitions
from settlements.models.settlements import SettlementLine

HANDOVER_GRACE = timedelta(minutes=30)
"""How long after it was due a hand-over still counts as made in time."""
REPORT_WITHIN = timedelta(hours=24)
"""How long after the last hour an outage can still be reported."""


@audited()
class Delivery(models.Model):
    """The hours that a line of a settlement pays for, as their seller delivers them.

    The hand-over is due at the start, or when the buyer has paid if that comes later (``due_at``). Without one half an
    hour after that it is MISSED: a late hand-over still sets it RUNNING, and what was missed is for finance to decide.
    """

    class Status(models.TextChoices):
        AWAITING_PAYMENT = "awaiting_payment", "Waits for payment"
        HANDOVER_DUE = "handover_due", "Hand-over due"
        READY = "ready", "Handed over"
        RUNNING = "running", "Running"
        DELIVERED = "delivered", "Delivered"
        MISSED = "missed", "Hand-over missed"
        CANCELLED = "cancelled", "Cancelled"

    TRANSITIONS: Transitions = {
        Status.AWAITING_PAYMENT: frozenset({Status.HANDOVER_DUE, Status.CANCELLED}),
        Status.HANDOVER_DUE: frozenset({Status.READY, Status.MISSED, Status.CANCELLED}),
        Status.READY: frozenset({Status.RUNNING, Status.CANCELLED}),
        Status.RUNNING: frozenset({Status.DELIVERED, Status.CANCELLED}),
        Status.MISSED: frozenset({Status.RUNNING, Status.DELIVERED, Status.CANCELLED}),
        Status.DELIVERED: frozenset(),
        Status.CANCELLED: frozenset(),
    }
    LIVE = (Status.AWAITING_PAYMENT, Status.HANDOVER_DUE, Status.READY, Status.RUNNING, Status.MISSED)
    TAKES_HANDOVER = (Status.HANDOVER_DUE, Status.READY, Status.RUNNING, Status.MISSED)

    line = models.OneToOneField(SettlementLine, on_delete=models.PROTECT, related_name="delivery")
    buyer = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="deliveries_bought")
    seller = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="deliveries_sold")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=16, choices=Status, default=Status.AWAITING_PAYMENT)
    due_at = models.DateTimeField(null=True, blank=True, help_text="When the hand-over is due: once paid.")
    handed_over_at = models.DateTimeField(null=True, blank=True, help_text="When it was first handed over.")
    missed_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(
                name="delivery_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="delivery_due_once_paid",
                condition=Q(status="awaiting_payment", due_at=None)
                | Q(status="cancelled")
                | (~Q(status="awaiting_payment") & Q(due_at__isnull=False, due_at__gte=F("starts_at"))),
            ),
            models.CheckConstraint(
                name="delivery_runs_once_handed_over",
                condition=~Q(status__in=["ready", "running"]) | Q(handed_over_at__isnull=False),
            ),
            models.CheckConstraint(
                name="delivery_delivered_when",
                condition=Q(status="delivered", delivered_at__isnull=False)
                | (~Q(status="delivered") & Q(delivered_at=None)),
            ),
        ]
        indexes = [
            models.Index(
                fields=["status", "starts_at"],
                condition=~Q(status__in=["delivered", "cancelled"]),
                name="delivery_live",
            ),
            models.Index(fields=["seller", "-starts_at", "-id"], name="delivery_by_seller"),
            models.Index(fields=["buyer", "-starts_at", "-id"], name="delivery_by_buyer"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"

    @property
    def missed_after(self) -> datetime | None:
        """When a hand-over that has not come counts as missed."""
        return self.due_at and self.due_at + HANDOVER_GRACE

    @property
    def report_until(self) -> datetime:
        """Until when an outage can be reported."""
        return self.ends_at + REPORT_WITHIN
