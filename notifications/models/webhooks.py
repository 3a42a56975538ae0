"""Webhooks: an organization's endpoints, what is on its way to them, and each call."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Organization, User
from marketplace.states import Transitions


class WebhookEndpoint(models.Model):
    """Where an organization's own program listens, and to which events. Its secrets are sealed (signing.py)."""

    class Status(models.TextChoices):
        ENABLED = "enabled", "On"
        DISABLED = "disabled", "Off"
        REMOVED = "removed", "Removed"

    TRANSITIONS: Transitions = {
        Status.ENABLED: frozenset({Status.DISABLED, Status.REMOVED}),
        Status.DISABLED: frozenset({Status.ENABLED, Status.REMOVED}),
        Status.REMOVED: frozenset(),
    }

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField(max_length=500)
    name = models.CharField(max_length=80, blank=True)
    events = ArrayField(models.CharField(max_length=40))
    status = models.CharField(max_length=10, choices=Status, default=Status.ENABLED)
    sealed_secret = models.TextField()
    sealed_secret_before = models.TextField(blank=True)
    secret_before_until = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    n_failed_in_row = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(
        null=True, blank=True, help_text="After a failure nothing is sent for a moment."
    )
    disabled_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="webhook_hears_something", condition=Q(events__len__gt=0)),
            models.CheckConstraint(
                name="webhook_status_known", condition=Q(status__in=["enabled", "disabled", "removed"])
            ),
            models.CheckConstraint(
                name="webhook_old_secret_ends",
                condition=Q(sealed_secret_before="", secret_before_until=None)
                | ~Q(sealed_secret_before="") & Q(secret_before_until__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["organization", "id"], name="webhook_by_organization")]

    def __str__(self) -> str:
        return self.name or self.url


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint. ``event_id`` stays the same however often it is sent."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Given up"

    TRANSITIONS: Transitions = {
        Status.WAITING: frozenset({Status.DELIVERED, Status.FAILED}),
        Status.DELIVERED: frozenset({Status.WAITING}),
        Status.FAILED: frozenset({Status.WAITING}),
    }

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.CharField(max_length=60)
    event = models.CharField(max_length=40)
    body = models.TextField(help_text="The JSON as it is signed and sent.")
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    n_attempts = models.PositiveSmallIntegerField(default=0)
    n_attempts_left = models.PositiveSmallIntegerField()
    next_try_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event_id"], name="webhook_event_once_per_endpoint"),
            models.CheckConstraint(
                name="webhook_delivery_ended_when",
                condition=Q(status="waiting", ended_at=None)
                | Q(status__in=["delivered", "failed"], ended_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["endpoint", "-id"], name="webhook_delivery_log"),
            models.Index(
                fields=["next_try_at"], condition=Q(status="waiting"), name="webhook_delivery_waiting"
            ),
            models.Index(
                fields=["ended_at"], condition=Q(ended_at__isnull=False), name="webhook_delivery_by_age"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to endpoint {self.endpoint_id}"


class WebhookAttempt(models.Model):
    """One call of an endpoint. It is there before the call: without ``ended_at`` its outcome is not known."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    called_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    said = models.CharField(max_length=300, blank=True, help_text="What kept it from an answer.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="webhook_attempt_numbered_once"),
            models.CheckConstraint(
                name="webhook_attempt_ends_after_call",
                condition=Q(ended_at=None) | Q(ended_at__gte=F("called_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.delivery_id}"

    @property
    def milliseconds(self) -> int | None:
        """How long the call took; None while its outcome is not known."""
        return (
            None if self.ended_at is None else round((self.ended_at - self.called_at).total_seconds() * 1000)
        )
