"""A bid and what it says: options, their legs, and the lots a leg accepts, all as stored facts."""

from __future__ import annotations

import secrets

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Organization, User
from auctions.models.markets import Lot, Window
from auctions.models.standing import StandingOrder
from inventory.models import Region, Site
from marketplace.states import Transitions


def new_nonce() -> str:
    """Draw what keeps a bid's receipt from being guessed."""
    return secrets.token_hex(32)


class Bid(models.Model):
    """A buyer's sealed offer in a window, of which at most one option is filled.

    ``sequence`` orders bids in time over the whole marketplace; any change takes a new one. ``max_ticks`` is the most
    the bid can cost, over its options; ``hold_cents`` what is held for it. ``receipt_sha256`` seals what it says.
    """

    class Status(models.TextChoices):
        PLACED = "placed", "In the book"
        CANCELLED = "cancelled", "Cancelled"
        WON = "won", "Won"
        PART_WON = "part_won", "Partly won"
        LOST = "lost", "Lost"
        RELEASED = "released", "Released"

    TRANSITIONS: Transitions = {
        Status.PLACED: frozenset(
            {Status.CANCELLED, Status.WON, Status.PART_WON, Status.LOST, Status.RELEASED}
        ),
        Status.CANCELLED: frozenset(),
        Status.WON: frozenset(),
        Status.PART_WON: frozenset(),
        Status.LOST: frozenset(),
        Status.RELEASED: frozenset(),
    }

    class LossReason(models.TextChoices):
        BELOW_RESERVE = "below_reserve", "Below the reserve"
        OUTBID = "outbid", "Outbid"
        CANNOT_FIT = "cannot_fit", "Could not fit"
        LOST_TO_OWN_OPTION = "lost_to_own_option", "Lost to an option of its own bid"

    window = models.ForeignKey(Window, on_delete=models.PROTECT, related_name="bids")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="bids")
    placed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    standing_order = models.ForeignKey(
        StandingOrder, null=True, blank=True, on_delete=models.PROTECT, related_name="bids", db_index=False
    )
    sequence = models.BigIntegerField(unique=True)
    request_key = models.UUIDField(
        null=True, help_text="Names the submission, so that a repeated one places nothing."
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.PLACED)
    nonce = models.CharField(max_length=64, default=new_nonce, editable=False)
    receipt_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    max_ticks = models.BigIntegerField()
    share_ppm = models.PositiveIntegerField(
        default=0, help_text="Of what the engine can clear in one window, millionths; 0 for a plain bid."
    )
    hold_cents = models.BigIntegerField()
    placed_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())
    loss_reason = models.CharField(max_length=20, choices=LossReason, blank=True)
    minimum_to_win_ticks = models.BigIntegerField(
        null=True, blank=True, help_text="Ticks per unit-hour for priced options, else the value."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "request_key"], name="bid_once_per_submission"),
            models.UniqueConstraint(
                fields=["standing_order", "window"],
                condition=Q(status="placed"),
                name="standing_order_one_open_bid_per_window",
            ),
            models.CheckConstraint(name="bid_hold_not_negative", condition=Q(hold_cents__gte=0)),
            models.CheckConstraint(
                name="bid_loss_has_a_reason", condition=Q(status="lost") | Q(loss_reason="")
            ),
            models.CheckConstraint(
                name="bid_sealed_while_in_the_book", condition=~Q(status="placed") | ~Q(receipt_sha256="")
            ),
        ]
        indexes = [
            models.Index(
                fields=["window", "sequence"], condition=Q(status="placed"), name="bid_placed_by_window"
            ),
            models.Index(fields=["organization", "-id"], name="bid_by_organization"),
            models.Index(
                fields=["standing_order", "id"],
                condition=Q(standing_order__isnull=False),
                name="bid_by_standing_order",
            ),
        ]

    def __str__(self) -> str:
        return f"bid {self.pk}"


class BidOption(models.Model):
    """One way to fill a bid: all legs or none, at a price per unit-hour or at a value for the whole, in ticks."""

    bid = models.ForeignKey(Bid, on_delete=models.CASCADE, related_name="options")
    number = models.PositiveSmallIntegerField(help_text="From 0, in the order the buyer prefers.")
    price_ticks = models.BigIntegerField(null=True, blank=True)
    value_ticks = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bid", "number"], name="bid_option_numbered_once"),
            models.CheckConstraint(
                name="bid_option_price_or_value",
                condition=Q(price_ticks__isnull=False, price_ticks__gte=0, value_ticks=None)
                | Q(price_ticks=None, value_ticks__isnull=False, value_ticks__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"option {self.number} of bid {self.bid_id}"


class BidLeg(models.Model):
    """Units for ``hours`` contiguous hours inside ``[earliest_at, latest_at)`` on one of the lots it accepts.

    It accepts the lots it names (BidLegLot), or else those its filter matches: they are written down as named lots when
    the window closes.
    """

    option = models.ForeignKey(BidOption, on_delete=models.CASCADE, related_name="legs")
    number = models.PositiveSmallIntegerField()
    units = models.PositiveIntegerField()
    min_units = models.PositiveIntegerField()
    earliest_at = models.DateTimeField()
    latest_at = models.DateTimeField()
    hours = models.PositiveIntegerField()
    filter_types = ArrayField(
        models.BigIntegerField(),
        default=list,
        blank=True,
        help_text="Resource types; none where it names lots.",
    )
    filter_regions = ArrayField(
        models.CharField(max_length=20, choices=Region), default=list, blank=True, help_text="None means any."
    )
    filter_fabrics = ArrayField(
        models.CharField(max_length=12, choices=Site.Fabric),
        default=list,
        blank=True,
        help_text="None means any.",
    )

    filter_min_reliability_bps = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="The least reliability of the seller, basis points; empty: any."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["option", "number"], name="bid_leg_numbered_once"),
            models.CheckConstraint(
                name="bid_leg_units_in_order", condition=Q(min_units__gte=1, units__gte=F("min_units"))
            ),
            models.CheckConstraint(
                name="bid_leg_hours_in_order", condition=Q(hours__gte=1, latest_at__gt=F("earliest_at"))
            ),
            models.CheckConstraint(
                name="bid_leg_filter_names_types",
                condition=~Q(filter_types=[])
                | Q(filter_regions=[], filter_fabrics=[], filter_min_reliability_bps=None),
            ),
            models.CheckConstraint(
                name="bid_leg_filter_asks_a_share",
                condition=Q(filter_min_reliability_bps=None)
                | Q(filter_min_reliability_bps__gte=1, filter_min_reliability_bps__lte=10_000),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.units} units for {self.hours} h"

    @property
    def is_filtered(self) -> bool:
        return bool(self.filter_types)


class BidLegLot(models.Model):
    """A lot that a leg names, in the order of the buyer's preference."""

    leg = models.ForeignKey(BidLeg, on_delete=models.CASCADE, related_name="named_lots")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["leg", "lot"], name="bid_leg_lot_once"),
            models.UniqueConstraint(fields=["leg", "position"], name="bid_leg_lot_position_once"),
        ]

    def __str__(self) -> str:
        return f"lot {self.lot_id} for leg {self.leg_id}"
