"""Standing orders as JSON: what one asks for, read strictly, and what has become of it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from auctions.api.fields import Ticks, WholeNumber
from auctions.api.serializers import FilterSerializer
from auctions.api.terms import FilterInput
from auctions.models import Bid, Market, StandingOrder
from auctions.queries.standing import Tally
from auctions.standing.policy import OrderRejected
from auctions.standing.terms import OrderTerms, largest_rounding, price_for_all
from auctions.terms import LotFilter
from inventory.models import ResourceType


class OrderInput(serializers.Serializer):
    """What a standing order asks for: unit-hours of any matching lot, by a deadline, within a budget."""

    filter = FilterInput()
    goal_unit_hours = WholeNumber(min_value=1, max_value=2**63 - 1)
    deadline_at = serializers.DateTimeField(help_text="A whole UTC hour; every hour it buys ends by then.")
    budget_cents = WholeNumber(min_value=1, max_value=2**63 - 1, help_text="Never exceeded.")
    price_ticks = Ticks(
        required=False,
        help_text="The most per unit-hour. Left out: what the budget allows for all of it, in whole nodes.",
    )
    min_hours = WholeNumber(
        min_value=1, max_value=2**31 - 1, default=1, help_text="The shortest run of hours worth having."
    )
    market = serializers.SlugField(
        required=False,
        allow_null=True,
        help_text="The one market it bids in; left out or null: every market.",
    )

    def terms(self) -> OrderTerms:
        """Return valid input as terms. Raise OrderRejected for a type or a market that is unknown."""
        said = self.validated_data
        slugs = sorted(set(said["filter"]["types"]))
        types = list(ResourceType.objects.filter(slug__in=slugs))
        if unknown := set(slugs) - {one.slug for one in types}:
            raise OrderRejected("unknown_type", "types", f"There is no resource type “{min(unknown)}”.")
        price_ticks = said.get("price_ticks")
        if price_ticks is None:
            price_ticks = price_for_all(
                goal_unit_hours=said["goal_unit_hours"],
                budget_cents=said["budget_cents"],
                rounding=largest_rounding(types, said["min_hours"]),
            )
        return OrderTerms(
            wanted=LotFilter(
                resource_type_ids=tuple(sorted(one.pk for one in types)),
                regions=tuple(sorted(said["filter"].get("regions", ()))),
                fabrics=tuple(sorted(said["filter"].get("fabrics", ()))),
                min_reliability_bps=said["filter"].get("min_reliability_bps"),
            ),
            goal_unit_hours=said["goal_unit_hours"],
            min_hours=said["min_hours"],
            price_ticks=price_ticks,
            budget_cents=said["budget_cents"],
            deadline_at=said["deadline_at"],
            market_id=self._market_id(said.get("market")),
        )

    def _market_id(self, slug: str | None) -> int | None:
        if slug is None:
            return None
        market = Market.objects.filter(slug=slug).first()
        if market is None:
            raise OrderRejected("unknown_market", "market", f"There is no market “{slug}”.")
        return market.pk


class OrderChangeInput(OrderInput):
    """What an order shall ask for instead."""

    revision = WholeNumber(
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="The order's revision as you read it: refused (changed_meanwhile) if it was changed since.",
    )


class StandingOrderSerializer(serializers.ModelSerializer):
    """An own standing order. Won and spent are awards'; open is the most that its bids in the book can win and cost.

    ``told`` says in words what keeps it from bidding at present. Its bids: ``/api/v1/bids/?standing_order=``.
    """

    filter = serializers.SerializerMethodField()
    market: serializers.SlugRelatedField[Market] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True
    )
    won_unit_hours = serializers.SerializerMethodField()
    open_unit_hours = serializers.SerializerMethodField()
    spent_ticks = serializers.SerializerMethodField()
    open_ticks = serializers.SerializerMethodField()
    left_cents = serializers.SerializerMethodField(
        help_text="Of the budget, neither spent nor at stake; rounded down."
    )

    class Meta:
        model = StandingOrder
        fields = [
            "id",
            "status",
            "revision",
            "filter",
            "market",
            "goal_unit_hours",
            "min_hours",
            "price_ticks",
            "budget_cents",
            "deadline_at",
            "won_unit_hours",
            "open_unit_hours",
            "spent_ticks",
            "open_ticks",
            "left_cents",
            "told",
            "created_at",
            "ended_at",
        ]

    @extend_schema_field(FilterSerializer)
    def get_filter(self, order: StandingOrder) -> dict[str, Any]:
        slugs: dict[int, str] = self.context["type_slugs"]
        return {
            "types": [slugs[pk] for pk in order.resource_types],
            "regions": order.regions,
            "fabrics": order.fabrics,
            "min_reliability_bps": order.min_reliability_bps,
        }

    def get_won_unit_hours(self, order: StandingOrder) -> int:
        return self._tally(order).won_unit_hours

    def get_open_unit_hours(self, order: StandingOrder) -> int:
        return self._tally(order).open_unit_hours

    def get_spent_ticks(self, order: StandingOrder) -> int:
        return self._tally(order).spent_ticks

    def get_open_ticks(self, order: StandingOrder) -> int:
        return self._tally(order).open_ticks

    def get_left_cents(self, order: StandingOrder) -> int:
        return self._tally(order).left_cents(order)

    def _tally(self, order: StandingOrder) -> Tally:
        tallies: dict[int, Tally] = self.context["tallies"]
        return tallies[order.pk]


class StoppedSerializer(StandingOrderSerializer):
    """An order that was changed, paused or cancelled; ``kept_bids`` could not be taken back and may still win."""

    kept_bids = serializers.SerializerMethodField()

    class Meta(StandingOrderSerializer.Meta):
        fields = [*StandingOrderSerializer.Meta.fields, "kept_bids"]

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_kept_bids(self, order: StandingOrder) -> list[int]:
        kept: list[Bid] = self.context["kept"]
        return [bid.pk for bid in kept]
