"""Lease: an award of more than 31 days, paid by the month in advance. Each month is a settlement of its own."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Organization
from auctions.models import Award
from marketplace.audit import audited
from marketplace.states import Transitions


@audited()
class Lease(models.Model):
    """An award that is paid by the month. Its months sum to ``amount_cents`` and ``fee_cents``: a trigger says so.

    When a month is not paid the lease ends before it; the months before stay.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        COMPLETED = "completed", "Completed"
        DEFAULTED = "defaulted", "Defaulted"

    TRANSITIONS: Transitions = {
        Status.ACTIVE: frozenset({Status.COMPLETED, Status.DEFAULTED}),
        Status.COMPLETED: frozenset(),
        Status.DEFAULTED: frozenset(),
    }

    award = models.OneToOneField(Award, on_delete=models.PROTECT, related_name="lease")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="leases")
    amount_cents = models.BigIntegerField()
    fee_cents = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="lease_fee_within_amount",
                condition=Q(fee_cents__gte=0, fee_cents__lte=F("amount_cents")),
            ),
            models.CheckConstraint(
                name="lease_ended_when",
                condition=Q(status="active", ended_at=None) | ~Q(status="active") & Q(ended_at__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["organization", "-id"], name="lease_by_organization")]

    def __str__(self) -> str:
        return f"lease {self.pk}"


class LeaseMonth(models.Model):
    """One month of a lease, numbered from 1: its hours and what they cost. The settlement that charges it names it."""

    lease = models.ForeignKey(Lease, on_delete=models.PROTECT, related_name="months")
    number = models.PositiveSmallIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    amount_cents = models.BigIntegerField()
    fee_cents = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lease", "number"], name="lease_month_once"),
            models.UniqueConstraint(fields=["lease", "starts_at"], name="lease_month_starts_once"),
            models.CheckConstraint(
                name="lease_month_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="lease_month_fee_within_amount",
                condition=Q(fee_cents__gte=0, fee_cents__lte=F("amount_cents")),
            ),
        ]
        indexes = [models.Index(fields=["starts_at"], name="lease_month_by_start")]

    def __str__(self) -> str:
        return f"month {self.number} of lease {self.lease_id}"
