"""A standing order: what a buyer wants done by a deadline, for which bids are placed window after window."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Organization, User
from auctions.models.markets import Market
from inventory.models import Region, Site
from marketplace.audit import audited
from marketplace.states import Transitions


@audited(exclude=["request_key", "looked_at"])
class StandingOrder(models.Model):
    """So many unit-hours by a deadline, within a budget: it bids in the coming windows until it has them.

    What its bids won and the most that its open bids can cost never exceed ``budget_cents``: the database refuses a bid
    that would (``standing_order_within_budget``). ``told`` is what keeps it from bidding at present, in words.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", "Bidding"
        PAUSED = "paused", "Paused"
        FULFILLED = "fulfilled", "Fulfilled"
        EXHAUSTED = "exhausted", "Budget used"
        EXPIRED = "expired", "Deadline passed"
        CANCELLED = "cancelled", "Cancelled"

    TRANSITIONS: Transitions = {
        Status.ACTIVE: frozenset(
            {Status.PAUSED, Status.FULFILLED, Status.EXHAUSTED, Status.EXPIRED, Status.CANCELLED}
        ),
        Status.PAUSED: frozenset({Status.ACTIVE, Status.FULFILLED, Status.EXPIRED, Status.CANCELLED}),
        Status.EXHAUSTED: frozenset({Status.ACTIVE, Status.EXPIRED, Status.CANCELLED}),
        Status.FULFILLED: frozenset(),
        Status.EXPIRED: frozenset(),
        Status.CANCELLED: frozenset(),
    }
    LIVE = (Status.ACTIVE, Status.PAUSED, Status.EXHAUSTED)

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="standing_orders", db_index=False
    )
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    request_key = models.UUIDField(
        null=True, help_text="Names the submission, so that a repeated one orders nothing more."
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    revision = models.PositiveIntegerField(
        default=1, help_text="Grows with every change of what it asks for."
    )
    resource_types = ArrayField(models.BigIntegerField(), help_text="Any of these types will do.")
    regions = ArrayField(
        models.CharField(max_length=20, choices=Region), default=list, blank=True, help_text="None means any."
    )
    fabrics = ArrayField(
        models.CharField(max_length=12, choices=Site.Fabric),
        default=list,
        blank=True,
        help_text="None means any.",
    )
    min_reliability_bps = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="The least reliability of the seller, basis points; empty: any."
    )
    market = models.ForeignKey(
        Market,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: every market.",
    )
    goal_unit_hours = models.PositiveBigIntegerField()
    min_hours = models.PositiveIntegerField(default=1, help_text="The shortest run of hours worth having.")
    price_ticks = models.BigIntegerField(help_text="At most, ticks per unit-hour.")
    budget_cents = models.BigIntegerField()
    deadline_at = models.DateTimeField(help_text="Every hour it buys ends by then.")
    told = models.CharField(max_length=300, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "request_key"], name="standing_order_once_per_submission"
            ),
            models.CheckConstraint(
                name="standing_order_asks_for_something",
                condition=Q(goal_unit_hours__gte=1, min_hours__gte=1, price_ticks__gte=1, budget_cents__gte=1)
                & ~Q(resource_types=[]),
            ),
            models.CheckConstraint(
                name="standing_order_ended_iff_over",
                condition=Q(status__in=["fulfilled", "expired", "cancelled"], ended_at__isnull=False)
                | (~Q(status__in=["fulfilled", "expired", "cancelled"]) & Q(ended_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="standing_order_reliability_is_a_share",
                condition=Q(min_reliability_bps=None)
                | Q(min_reliability_bps__gte=1, min_reliability_bps__lte=10_000),
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-id"], name="standing_order_by_organization"),
            models.Index(
                fields=["looked_at", "id"],
                condition=Q(status__in=["active", "paused", "exhausted"]),
                name="standing_order_live",
            ),
        ]

    def __str__(self) -> str:
        return f"standing order {self.pk}"

    @property
    def is_over(self) -> bool:
        return self.status not in self.LIVE
