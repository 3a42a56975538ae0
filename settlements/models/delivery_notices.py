"""DeliveryNotice: an e-mail about a delivery to the people of one of its sides."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Organization
from settlements.models.deliveries import Delivery


class DeliveryNotice(models.Model):
    """An e-mail about a delivery to those who trade for ``organization``. The row is there first; a job sends it."""

    class Kind(models.TextChoices):
        HANDOVER_DUE = "handover_due", "Hand-over due"
        HANDED_OVER = "handed_over", "Access handed over"
        MISSED = "missed", "Hand-over missed"
        CANCELLED = "cancelled", "Delivery cancelled"
        KEYS_CHANGED = "keys_changed", "SSH keys changed"
        OUTAGE_REPORTED = "outage_reported", "Outage reported"
        OUTAGE_ANSWERED = "outage_answered", "Outage answered"
        OUTAGE_WITHDRAWN = "outage_withdrawn", "Outage withdrawn"
        OUTAGE_DECIDED = "outage_decided", "Outage decided"
        OUTAGE_REOPENED = "outage_reopened", "Outage to be decided again"
        STARTS_SOON = "starts_soon", "Starts soon"

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="notices")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was sent, or had nobody to go to."
    )
    n_recipients = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "organization"],
                condition=Q(kind="starts_soon"),
                name="delivery_start_announced_once",
            ),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(ended_at=None), name="delivery_notice_unsent")]

    def __str__(self) -> str:
        return f"{self.kind} of delivery {self.delivery_id} to organization {self.organization_id}"
