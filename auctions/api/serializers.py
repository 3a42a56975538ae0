"""What the API tells: markets, windows, lots and prices to everyone, bids and awards to their own organization."""

from __future__ import annotations

from typing import Any, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from auctions.models import Award, Bid, BidLeg, BidOption, Indication, Lot, Market, ProductPrice, Window
from auctions.queries.bids import average_ticks, was_cut
from inventory.models import ResourceType


class MarketSerializer(serializers.ModelSerializer):
    class Meta:
        model = Market
        fields = ["slug", "name", "status", "cadence", "lead_from", "lead_to"]


class IndicationSerializer(serializers.ModelSerializer):
    """Where a product would clear if its window closed now. Ticks per unit-hour.

    ``is_estimate``: bids that combine lots or hours bear on it, and both prices are quick estimates.
    """

    resource_type = serializers.SlugRelatedField[ResourceType](slug_field="slug", read_only=True)

    class Meta:
        model = Indication
        fields = [
            "window",
            "resource_type",
            "region",
            "paid_ticks",
            "entry_ticks",
            "offered_units",
            "n_lots",
            "is_estimate",
            "revision",
            "computed_at",
        ]


class ProductPriceSerializer(serializers.ModelSerializer):
    """What a product came to in a cleared window. Ticks per unit-hour, rounded down; null when nothing sold."""

    resource_type = serializers.SlugRelatedField[ResourceType](slug_field="slug", read_only=True)
    market = serializers.CharField(source="window.market.slug", read_only=True)
    cleared_at = serializers.DateTimeField(source="window.cleared_at", read_only=True)

    class Meta:
        model = ProductPrice
        fields = [
            "window",
            "market",
            "cleared_at",
            "resource_type",
            "region",
            "paid_ticks",
            "sold_unit_hours",
            "offered_unit_hours",
        ]


class WindowSerializer(serializers.ModelSerializer):
    """A window. ``phase`` is what the clock says now, ahead of the jobs that write ``status`` down.

    ``clearing_status`` is ``optimal``, or ``bounded``: the surplus is within ``clearing_gap`` of the best possible.
    ``bids_root``, ``book_sha256`` and ``seal`` are published at close; book and clearing stand at
    /windows/<id>/book.json and clearing.json once it has cleared.
    """

    market = serializers.SlugRelatedField[Market](slug_field="slug", read_only=True)
    phase = serializers.SerializerMethodField()

    class Meta:
        model = Window
        fields = [
            "id",
            "market",
            "status",
            "phase",
            "opens_at",
            "freezes_at",
            "closes_at",
            "delivery_from",
            "delivery_to",
            "closed_at",
            "bids_root",
            "book_sha256",
            "seal",
            "lots_per_filter",
            "cleared_at",
            "clearing_status",
            "clearing_gap",
            "cancelled_at",
            "cancelled_reason",
            "revenue_ticks",
        ]

    def get_phase(self, window: Window) -> str:
        return window.phase_at(timezone.now()).value


class WindowDetailSerializer(WindowSerializer):
    """A window with its public prices: indications until it clears, product prices afterwards."""

    indications = IndicationSerializer(many=True, read_only=True)
    product_prices = ProductPriceSerializer(many=True, read_only=True)

    class Meta(WindowSerializer.Meta):
        fields = [*WindowSerializer.Meta.fields, "indications", "product_prices"]


class LotSerializer(serializers.ModelSerializer):
    """A lot. ``units_on_offer`` is what one bid for its whole period may ask for, in multiples of ``unit_step``."""

    resource_type = serializers.CharField(source="block.resource_type.slug", read_only=True)
    region = serializers.CharField(source="block.site.region", read_only=True)
    fabric = serializers.CharField(source="block.site.fabric", read_only=True)
    unit_step = serializers.IntegerField(source="block.unit_step", read_only=True)
    units_on_offer = serializers.SerializerMethodField()
    hours = serializers.IntegerField(source="n_hours", read_only=True)
    seller_reliability_bps = serializers.SerializerMethodField(
        help_text="Of unit-hours due in the last 90 days, the share delivered; null for a new seller."
    )
    seller_deliveries = serializers.SerializerMethodField(help_text="How many deliveries that counts.")

    class Meta:
        model = Lot
        fields = [
            "id",
            "window",
            "resource_type",
            "region",
            "fabric",
            "starts_at",
            "ends_at",
            "hours",
            "unit_step",
            "units_on_offer",
            "reserve_ticks",
            "on_offer",
            "seller_reliability_bps",
            "seller_deliveries",
        ]

    def get_seller_reliability_bps(self, lot: Lot) -> int | None:
        found = getattr(lot.block.site.organization, "reliability", None)
        return found.score_bps if found else None

    def get_seller_deliveries(self, lot: Lot) -> int:
        found = getattr(lot.block.site.organization, "reliability", None)
        return found.n_deliveries if found else 0

    def get_units_on_offer(self, lot: Lot) -> int:
        units: dict[int, int] = self.context["units"]
        return units.get(lot.pk, 0)


class FilterSerializer(serializers.Serializer):
    types = serializers.ListField(child=serializers.SlugField())
    regions = serializers.ListField(child=serializers.CharField())
    fabrics = serializers.ListField(child=serializers.CharField())
    min_reliability_bps = serializers.IntegerField(allow_null=True)


class LegSerializer(serializers.ModelSerializer):
    """A leg. Where it has a filter, ``lots`` is what that came to: empty until the window closes."""

    lots = serializers.SerializerMethodField()
    filter = serializers.SerializerMethodField()

    class Meta:
        model = BidLeg
        fields = ["lots", "filter", "units", "min_units", "earliest_at", "latest_at", "hours"]

    def get_lots(self, leg: BidLeg) -> list[int]:
        return [named.lot_id for named in leg.named_lots.all()]

    @extend_schema_field(FilterSerializer(allow_null=True))
    def get_filter(self, leg: BidLeg) -> dict[str, Any] | None:
        if not leg.is_filtered:
            return None
        slugs = self._type_slugs()
        return {
            "types": [slugs[pk] for pk in leg.filter_types],
            "regions": leg.filter_regions,
            "fabrics": leg.filter_fabrics,
            "min_reliability_bps": leg.filter_min_reliability_bps,
        }

    def _type_slugs(self) -> dict[int, str]:
        """Return slugs by type, read once for an answer: the context is shared by its parts."""
        context = cast(dict[str, Any], self.context)
        if "type_slugs" not in context:
            context["type_slugs"] = dict(ResourceType.objects.values_list("id", "slug"))
        slugs: dict[int, str] = context["type_slugs"]
        return slugs


class OptionSerializer(serializers.ModelSerializer):
    legs = LegSerializer(many=True, read_only=True)

    class Meta:
        model = BidOption
        fields = ["price_ticks", "value_ticks", "legs"]


class AwardSerializer(serializers.ModelSerializer):
    """What a bid won. ``amount_ticks`` is for the whole award, ``average_ticks`` per unit-hour, rounded down.

    An award that was not paid is cancelled, from ``cancelled_from`` on.
    """

    average_ticks = serializers.SerializerMethodField()

    class Meta:
        model = Award
        fields = [
            "id",
            "window",
            "bid",
            "lot",
            "units",
            "starts_at",
            "ends_at",
            "amount_ticks",
            "average_ticks",
            "created_at",
            "cancelled_at",
            "cancelled_from",
        ]

    def get_average_ticks(self, award: Award) -> int:
        return average_ticks(award)


class BidSerializer(serializers.ModelSerializer):
    """An own bid. ``max_ticks`` is the most it can cost, ``hold_cents`` what is held for it now.

    Of a bid that won, what it costs is held until its settlement takes the hold over.

    ``receipt_sha256`` seals what it says, with its ``nonce`` and its ``sequence``. ``lots_per_filter`` says to how many
    lots its filters were cut at close; null of a bid that was not cut.
    """

    options = OptionSerializer(many=True, read_only=True)
    awards = AwardSerializer(many=True, read_only=True)
    hold_cents = serializers.IntegerField(source="held_cents", read_only=True)
    lots_per_filter = serializers.SerializerMethodField()

    class Meta:
        model = Bid
        fields = [
            "id",
            "window",
            "standing_order",
            "status",
            "sequence",
            "nonce",
            "receipt_sha256",
            "options",
            "max_ticks",
            "hold_cents",
            "placed_at",
            "changed_at",
            "loss_reason",
            "minimum_to_win_ticks",
            "lots_per_filter",
            "awards",
        ]

    def get_lots_per_filter(self, bid: Bid) -> int | None:
        return bid.window.lots_per_filter if was_cut(bid) else None
