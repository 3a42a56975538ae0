"""What a clearing gave (awards) and what it told (prices), and the indicative prices before it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Organization
from auctions.models.bids import Bid, BidLeg
from auctions.models.markets import Lot, Window
from inventory.models import Region, ResourceType
from marketplace.hours import n_hours


class Award(models.Model):
    """What a bid won: units of a lot for ``[starts_at, ends_at)``. All amounts are ticks for the whole award.

    reserve cost ≤ amount ≤ value: no seller gets less than its reserve, no bid pays more than its limit. When its buyer
    does not pay, the hours from ``cancelled_from`` on are returned to sale (auctions/returns.py).
    """

    window = models.ForeignKey(Window, on_delete=models.PROTECT, related_name="awards")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="awards")
    bid = models.ForeignKey(Bid, on_delete=models.PROTECT, related_name="awards")
    leg = models.OneToOneField(BidLeg, on_delete=models.PROTECT, related_name="award")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="awards")
    units = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    value_ticks = models.BigIntegerField()
    reserve_cost_ticks = models.BigIntegerField()
    amount_ticks = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_from = models.DateTimeField(
        null=True, blank=True, help_text="First hour that was returned to sale; the award's start: all of it."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="award_cancelled_from_an_hour_of_its_own",
                condition=Q(cancelled_at=None, cancelled_from=None)
                | Q(
                    cancelled_at__isnull=False,
                    cancelled_from__isnull=False,
                    cancelled_from__gte=F("starts_at"),
                    cancelled_from__lt=F("ends_at"),
                ),
            ),
            models.CheckConstraint(name="award_units_positive", condition=Q(units__gte=1)),
            models.CheckConstraint(
                name="award_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="award_never_above_its_bid", condition=Q(amount_ticks__lte=F("value_ticks"))
            ),
            models.CheckConstraint(
                name="award_never_below_the_reserve", condition=Q(amount_ticks__gte=F("reserve_cost_ticks"))
            ),
        ]
        indexes = [models.Index(fields=["organization", "-id"], name="award_by_organization")]

    def __str__(self) -> str:
        return f"{self.units} units of lot {self.lot_id}"

    @property
    def n_hours(self) -> int:
        return n_hours(self.starts_at, self.ends_at)

    @property
    def unit_hours(self) -> int:
        return self.units * self.n_hours


class LotPrice(models.Model):
    """What an hour of a lot came to, ticks per unit-hour: paid on average, and at the margin."""

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="prices")
    hour = models.DateTimeField()
    paid_ticks = models.BigIntegerField()
    marginal_ticks = models.BigIntegerField()
    sold_units = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lot", "hour"], name="lot_price_once_per_hour")]

    def __str__(self) -> str:
        return f"lot {self.lot_id} at {self.hour:%Y-%m-%d %H:00}: {self.paid_ticks}"


class ProductPrice(models.Model):
    """What a product (resource type × region) came to in a cleared window: the price history.

    ``paid_ticks``: revenue over unit-hours sold, ticks per unit-hour, rounded down; null when nothing sold.
    """

    window = models.ForeignKey(Window, on_delete=models.PROTECT, related_name="product_prices")
    resource_type = models.ForeignKey(ResourceType, on_delete=models.PROTECT, related_name="+")
    region = models.CharField(max_length=20, choices=Region)
    paid_ticks = models.BigIntegerField(null=True, blank=True)
    sold_unit_hours = models.BigIntegerField()
    offered_unit_hours = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["window", "resource_type", "region"], name="product_price_once"),
            models.CheckConstraint(
                name="product_price_iff_sold",
                condition=Q(sold_unit_hours=0, paid_ticks=None)
                | Q(sold_unit_hours__gt=0, paid_ticks__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["resource_type", "region", "-window"], name="product_price_history")]

    def __str__(self) -> str:
        return f"{self.resource_type_id} in {self.region}: {self.paid_ticks}"


class Indication(models.Model):
    """The latest indicative price of a product in an uncleared window; one row, overwritten.

    ``paid_ticks``: what winners would pay on average if the window cleared now, ticks per unit-hour; null when nobody
    would win. ``entry_ticks``: the lowest price that would win one more node now, null when nothing is left to win.
    ``offered_units`` sums what each lot has in all of its hours. ``is_estimate``: bids that combine lots or hours bear
    on it, so both prices are quick estimates of what a clearing would find.
    """

    window = models.ForeignKey(Window, on_delete=models.CASCADE, related_name="indications")
    resource_type = models.ForeignKey(ResourceType, on_delete=models.PROTECT, related_name="+")
    region = models.CharField(max_length=20, choices=Region)
    paid_ticks = models.BigIntegerField(null=True, blank=True)
    entry_ticks = models.BigIntegerField(null=True, blank=True)
    offered_units = models.PositiveIntegerField()
    n_lots = models.PositiveIntegerField()
    is_estimate = models.BooleanField(default=False)
    revision = models.BigIntegerField(help_text="Grows with every update of any row.")
    computed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["window", "resource_type", "region"], name="indication_once"),
        ]
        indexes = [models.Index(fields=["revision"], name="indication_by_revision")]

    def __str__(self) -> str:
        return f"{self.resource_type_id} in {self.region}: {self.paid_ticks}"
