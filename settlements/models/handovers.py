"""SshKey: who may log in. Handover: what a seller gave for a delivery, sealed. HandoverRead: who saw it when."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import ApiKey, Organization, User
from settlements.models.deliveries import Delivery


class SshKey(models.Model):
    """A public key of an organization. It goes with what it wins from then on, until it is removed."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="ssh_keys")
    line = models.TextField(help_text="As it stands in an authorized_keys file.")
    type = models.CharField(max_length=30)
    comment = models.CharField(max_length=100, blank=True)
    fingerprint = models.CharField(max_length=60, help_text="SHA256:…, as ssh-keygen -l shows it.")
    deliveries = models.ManyToManyField(Delivery, related_name="ssh_keys", blank=True)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField(db_default=Now())
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "fingerprint"],
                condition=Q(removed_at=None),
                name="ssh_key_once_per_organization",
            ),
        ]

    def __str__(self) -> str:
        return self.comment or self.fingerprint


class Handover(models.Model):
    """What a seller handed over for a delivery: endpoint, instructions and credentials, encrypted together.

    Each change is a version of its own; the newest counts. Only settlements/vault.py reads ``sealed``.
    """

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="handovers")
    version = models.PositiveIntegerField()
    sealed = models.TextField(editable=False)
    given_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery", "version"], name="handover_version_once"),
            models.CheckConstraint(name="handover_versions_from_one", condition=Q(version__gte=1)),
            models.CheckConstraint(
                name="handover_never_in_the_clear", condition=Q(sealed__startswith="gAAAAA")
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.version} of delivery {self.delivery_id}"


class HandoverRead(models.Model):
    """Somebody of the buyer saw what was handed over, on the page or through a key. Never changed."""

    handover = models.ForeignKey(Handover, on_delete=models.PROTECT, related_name="reads")
    read_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    api_key = models.ForeignKey(
        ApiKey,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: the page.",
    )
    read_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["handover", "-id"], name="handover_read_newest")]

    def __str__(self) -> str:
        return f"{self.read_by} saw {self.handover}"
