"""Keys of the API, and what was answered under an idempotency key."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from accounts.models.people import Organization, User


class ApiKey(models.Model):
    """A key that acts for an organization through the API. Only its hash is kept."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_keys")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, unique=True)
    secret_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


class ApiIdempotencyKey(models.Model):
    """What an Idempotency-Key was used for, and the answer it got.

    ``status`` is null from the moment the work begins until its answer is kept. A row that stays so belongs to a
    request that was cut off: its outcome is unknown, so the key is never run again.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint_sha256 = models.CharField(max_length=64, help_text="Of method, address and body.")
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="idempotency_key_once"),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_by_age")]

    def __str__(self) -> str:
        return f"{self.key} of organization {self.organization_id}"
