"""What is for sale: types of resource, the sites they stand in, and the blocks of idle capacity sellers list."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Organization, User
from marketplace.audit import audited
from marketplace.hours import n_hours
from marketplace.states import Transitions


class ResourceType(models.Model):
    """A kind of GPU (one unit is one GPU) or a model (one unit is 1,000 tokens/s of throughput)."""

    class Kind(models.TextChoices):
        GPU = "gpu", "GPU"
        MODEL = "model", "Model throughput"

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=5, choices=Kind)
    maker = models.CharField(max_length=60)
    memory_gib = models.PositiveIntegerField(null=True, blank=True, help_text="Per GPU.")
    node_units = models.PositiveIntegerField(default=1, help_text="Units in one node: what is sold together.")
    power_watts = models.PositiveIntegerField(null=True, blank=True, help_text="Per unit, at full load.")
    posted_price_ticks = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="On-demand price elsewhere, ticks per unit-hour: an anchor, not a quote.",
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="resource_type_kind_known", condition=Q(kind__in=["gpu", "model"])),
            models.CheckConstraint(name="resource_type_node_positive", condition=Q(node_units__gte=1)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def unit_name(self) -> str:
        """What one unit is called on a screen."""
        return "GPU" if self.kind == self.Kind.GPU else "1,000 tokens/s"


class Region(models.TextChoices):
    """Where a site stands. A product is a resource type in a region."""

    US_EAST = "us-east", "US East"
    US_CENTRAL = "us-central", "US Central"
    US_WEST = "us-west", "US West"
    CA_EAST = "ca-east", "Canada East"
    EU_NORTH = "eu-north", "EU North"
    EU_WEST = "eu-west", "EU West"
    EU_SOUTH = "eu-south", "EU South"
    ME_CENTRAL = "me-central", "Middle East"
    AP_SOUTH = "ap-south", "India"
    AP_SOUTHEAST = "ap-southeast", "Singapore"
    AP_NORTHEAST = "ap-northeast", "Japan"
    SA_EAST = "sa-east", "Brazil"


class Site(models.Model):
    """A seller's data centre."""

    class Fabric(models.TextChoices):
        INFINIBAND = "infiniband", "InfiniBand"
        ROCE = "roce", "RoCE"
        NONE = "none", "None"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="sites")
    name = models.CharField(max_length=80)
    region = models.CharField(max_length=20, choices=Region)
    fabric = models.CharField(max_length=12, choices=Fabric, default=Fabric.NONE)
    power_kw = models.PositiveIntegerField(
        null=True, blank=True, help_text="Power available to rented units."
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="site_name_once_per_seller"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.get_region_display()})"


@audited()
class Block(models.Model):
    """Idle capacity a seller lists: units of one type at one site for ``[starts_at, ends_at)``.

    Prices are ticks per unit-hour. With a floor, the reserve declines in a straight line from ``reserve_ticks`` to
    ``floor_ticks`` over the last ``decline_hours`` before delivery starts.
    """

    class Status(models.TextChoices):
        LISTED = "listed", "Listed"
        WITHDRAWN = "withdrawn", "Withdrawn"

    TRANSITIONS: Transitions = {
        Status.LISTED: frozenset({Status.WITHDRAWN}),
        Status.WITHDRAWN: frozenset(),
    }

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="blocks")
    resource_type = models.ForeignKey(ResourceType, on_delete=models.PROTECT, related_name="blocks")
    units = models.PositiveIntegerField()
    unit_step = models.PositiveIntegerField(help_text="Node size: units are sold in multiples of it.")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reserve_ticks = models.BigIntegerField()
    floor_ticks = models.BigIntegerField(null=True, blank=True)
    decline_hours = models.PositiveIntegerField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.LISTED)
    listed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    listed_at = models.DateTimeField(db_default=Now())
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="block_units_positive", condition=Q(units__gte=1)),
            models.CheckConstraint(name="block_step_positive", condition=Q(unit_step__gte=1)),
            models.CheckConstraint(
                name="block_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(name="block_reserve_not_negative", condition=Q(reserve_ticks__gte=0)),
            models.CheckConstraint(
                name="block_floor_within_reserve",
                condition=Q(floor_ticks=None, decline_hours=None)
                | Q(
                    # Said outright: a comparison with null is null, and a check that is null passes.
                    floor_ticks__isnull=False,
                    decline_hours__isnull=False,
                    floor_ticks__gte=0,
                    floor_ticks__lte=F("reserve_ticks"),
                    decline_hours__gte=1,
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["ends_at", "id"], condition=Q(status="listed"), name="block_listed_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.units} × {self.resource_type} at {self.site}"

    @property
    def n_hours(self) -> int:
        return n_hours(self.starts_at, self.ends_at)


class BlockDraft(models.Model):
    """A listing under way: what has been typed so far, by field, as it was typed. Listing it names its ``block``.

    ``version`` grows with every change, so that nobody lists what a colleague or another tab has changed meanwhile.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="block_drafts")
    begun_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    said = models.JSONField(default=dict, help_text="Texts by field of the form.")
    version = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField(db_default=Now())
    block = models.OneToOneField(Block, null=True, blank=True, on_delete=models.PROTECT, related_name="draft")

    class Meta:
        indexes = [
            models.Index(
                fields=["organization", "-changed_at"], condition=Q(block=None), name="block_draft_open"
            ),
        ]

    def __str__(self) -> str:
        return f"draft {self.pk}"


class BlockHour(models.Model):
    """One hour of a block: units offered, sold, and standing in a frozen window, where nobody may dispose of them.

    sold + frozen ≤ offered, always; so no lot-hour is ever sold twice.
    """

    block = models.ForeignKey(Block, on_delete=models.CASCADE, related_name="hours")
    hour = models.DateTimeField()
    offered_units = models.PositiveIntegerField()
    sold_units = models.PositiveIntegerField(default=0)
    frozen_units = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["block", "hour"], name="block_hour_once"),
            models.CheckConstraint(
                name="block_hour_never_oversold",
                condition=Q(offered_units__gte=F("sold_units") + F("frozen_units")),
            ),
        ]

    def __str__(self) -> str:
        return f"block {self.block_id} at {self.hour:%Y-%m-%d %H:00}: {self.sold_units} of {self.offered_units} sold"


class SellerReliability(models.Model):
    """What came of a seller's deliveries lately, and its score: see inventory/reliability.py for what is counted.

    Settlements writes it, as it alone knows of deliveries. ``score_bps`` is empty for a new seller.
    """

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="reliability"
    )
    n_deliveries = models.PositiveIntegerField(default=0)
    due_unit_minutes = models.BigIntegerField(default=0)
    lost_unit_minutes = models.BigIntegerField(default=0)
    n_missed = models.PositiveIntegerField(default=0)
    n_outages = models.PositiveIntegerField(default=0)
    score_bps = models.PositiveIntegerField(null=True, blank=True)
    counted_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="reliability_lost_within_due",
                condition=Q(lost_unit_minutes__gte=0, due_unit_minutes__gte=F("lost_unit_minutes")),
            ),
            models.CheckConstraint(
                name="reliability_score_is_a_share", condition=Q(score_bps=None) | Q(score_bps__lte=10_000)
            ),
        ]
        indexes = [models.Index(fields=["counted_at"], name="reliability_by_age")]

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.score_bps}"


class UnitCost(models.Model):
    """What a unit of a type costs the seller who owns it: the base of reserve advice, seen by that seller alone."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="unit_costs")
    resource_type = models.ForeignKey(ResourceType, on_delete=models.PROTECT, related_name="+")
    purchase_cents = models.BigIntegerField(help_text="Of one unit, with its part of node and network.")
    life_years = models.PositiveSmallIntegerField(help_text="Years over which it is written off.")
    residual_percent = models.PositiveSmallIntegerField(
        help_text="Of the purchase price, at the end of them."
    )
    power_watts = models.PositiveIntegerField(help_text="Drawn by one rented unit, cooling included.")
    energy_ticks = models.BigIntegerField(help_text="Ticks per kilowatt-hour.")
    saved_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    saved_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "resource_type"], name="unit_cost_once_per_seller_and_type"
            ),
            models.CheckConstraint(
                name="unit_cost_of_sensible_figures",
                condition=Q(
                    purchase_cents__gte=0,
                    life_years__gte=1,
                    life_years__lte=30,
                    residual_percent__lte=100,
                    energy_ticks__gte=0,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"cost of {self.resource_type} to {self.organization}"
