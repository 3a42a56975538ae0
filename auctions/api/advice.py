"""Reserve advice for programs: the figures of the seller's page."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import organization_of
from accounts.api.permissions import IsSeller
from auctions.models import Market
from auctions.queries.advice import advice_on, sample_of
from auctions.queries.prices import Product
from inventory.costs import hourly_cost
from inventory.models import Region, ResourceType, UnitCost
from marketplace.money import MAX_PRICE_TICKS


class AdviceQuery(serializers.Serializer[Any]):
    resource_type = serializers.SlugRelatedField[ResourceType](
        slug_field="slug",
        queryset=ResourceType.objects.filter(is_active=True),
        error_messages={"does_not_exist": "There is no such resource type on sale."},
    )
    region = serializers.ChoiceField(choices=Region.choices)
    market = serializers.SlugRelatedField[Market](slug_field="slug", queryset=Market.objects.all())
    reserve_ticks = serializers.IntegerField(
        min_value=0, max_value=MAX_PRICE_TICKS, required=False, help_text="A reserve of your own to try too."
    )


class OutcomeSerializer(serializers.Serializer[Any]):
    """What a reserve would have come to on past lots; ticks are per unit-hour offered."""

    reserve_ticks = serializers.IntegerField()
    n_sold = serializers.IntegerField(help_text="Lots that would have sold, at least in part.")
    low = serializers.IntegerField(help_text="Of the band for their share, per cent, at 90 % confidence.")
    high = serializers.IntegerField()
    fill_percent = serializers.IntegerField(help_text="Of the unit-hours offered.")
    revenue_ticks = serializers.IntegerField()
    margin_ticks = serializers.IntegerField(
        allow_null=True, help_text="Revenue less power; null until your costs are saved."
    )


class AdviceSerializer(serializers.Serializer[Any]):
    """Outcomes are empty where fewer than eight lots cleared, or none sold."""

    n_lots = serializers.IntegerField()
    first_closed_at = serializers.DateTimeField(allow_null=True)
    last_closed_at = serializers.DateTimeField(allow_null=True)
    typical_ticks = serializers.IntegerField(allow_null=True)
    best_reserve_ticks = serializers.IntegerField(allow_null=True)
    power_ticks = serializers.IntegerField(allow_null=True)
    depreciation_ticks = serializers.IntegerField(allow_null=True)
    outcomes = OutcomeSerializer(many=True)


class ReserveAdviceView(APIView):
    """What other reserves would have come to on past lots of a product, against your saved costs."""

    permission_classes = [IsSeller]

    @extend_schema(parameters=[AdviceQuery], responses=AdviceSerializer)
    def get(self, request: Request) -> Response:
        asked = AdviceQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        saved = UnitCost.objects.filter(
            organization=organization_of(request), resource_type=said["resource_type"]
        ).first()
        cost = hourly_cost(saved) if saved else None
        sample = sample_of(Product(said["resource_type"], said["region"]), said["market"])
        advice = advice_on(sample, cost=cost, own_ticks=said.get("reserve_ticks"))
        told = {
            "n_lots": advice.n_lots,
            "first_closed_at": sample.first_at,
            "last_closed_at": sample.last_at,
            "typical_ticks": advice.typical_ticks,
            "best_reserve_ticks": advice.best.reserve_ticks if advice.best else None,
            "power_ticks": cost.power_ticks if cost else None,
            "depreciation_ticks": cost.depreciation_ticks if cost else None,
            "outcomes": [
                {
                    "reserve_ticks": each.reserve_ticks,
                    "n_sold": each.n_sold,
                    "low": each.low,
                    "high": each.high,
                    "fill_percent": each.fill_percent,
                    "revenue_ticks": each.revenue_ticks,
                    "margin_ticks": each.margin_ticks(cost.power_ticks) if cost else None,
                }
                for each in advice.outcomes
            ],
        }
        return Response(AdviceSerializer(told).data)
