"""What Stripe told us: each event stored once, as it came, and handled by a job."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class StripeEvent(models.Model):
    """A verified webhook event. ``handled_at`` is empty until its job has done what it asks for; ``note`` says what."""

    stripe_id = models.CharField(max_length=80, unique=True)
    type = models.CharField(max_length=80)
    object_id = models.CharField(max_length=80, db_index=True, help_text="What it is about, such as pi_….")
    payload = models.JSONField(help_text="The event as Stripe sent it.")
    received_at = models.DateTimeField(db_default=Now())
    handled_at = models.DateTimeField(null=True, blank=True)
    n_calls = models.PositiveSmallIntegerField(default=0, help_text="How often it was begun with.")
    called_at = models.DateTimeField(null=True, blank=True, help_text="When it was last begun with.")
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(handled_at=None), name="stripe_event_unhandled")]

    def __str__(self) -> str:
        return f"{self.type} {self.stripe_id}"
