"""The seller's API: resource types, sites, blocks. Prices are integer ticks ($0.0001) per unit-hour, times UTC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from accounts.api.authentication import organization_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import IsSeller
from accounts.api.problems import FieldError, Problem, invalid, refusal
from inventory import queries
from inventory.models import Block, Region, ResourceType, Site
from inventory.operations import (
    BlockNotFound,
    BlockRefused,
    SiteNameTaken,
    create_site,
    list_block,
    list_pattern,
    withdraw_block,
)
from inventory.queries import BlockFigures
from inventory.terms import BlockTerms, Pattern, PatternTerms

MAX_ID = 2**63 - 1
FIELD_NAMES = {"reserve": "reserve_ticks", "floor": "floor_ticks"}
"""What the API calls a field of the terms, where it differs."""


class ResourceTypeSerializer(serializers.ModelSerializer[ResourceType]):
    class Meta:
        model = ResourceType
        fields = (
            "slug",
            "name",
            "kind",
            "maker",
            "memory_gib",
            "node_units",
            "power_watts",
            "posted_price_ticks",
        )


class SiteSerializer(serializers.ModelSerializer[Site]):
    class Meta:
        model = Site
        fields = ("id", "name", "region", "fabric", "power_kw", "created_at")


class SiteTermsSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    region = serializers.ChoiceField(choices=Region.choices)
    fabric = serializers.ChoiceField(choices=Site.Fabric.choices, default=Site.Fabric.NONE)
    power_kw = serializers.IntegerField(
        min_value=1, max_value=10_000_000, required=False, allow_null=True, default=None
    )


class BlockSerializer(serializers.ModelSerializer[Block]):
    """A block with its unit-hours, which the view hands over as ``figures`` by block."""

    resource_type = serializers.SlugRelatedField[ResourceType](slug_field="slug", read_only=True)
    region = serializers.CharField(source="site.region", read_only=True)
    offered_unit_hours = serializers.SerializerMethodField()
    sold_unit_hours = serializers.SerializerMethodField()
    frozen_unit_hours = serializers.SerializerMethodField()

    class Meta:
        model = Block
        fields = (
            "id",
            "status",
            "site",
            "region",
            "resource_type",
            "units",
            "unit_step",
            "starts_at",
            "ends_at",
            "reserve_ticks",
            "floor_ticks",
            "decline_hours",
            "offered_unit_hours",
            "sold_unit_hours",
            "frozen_unit_hours",
            "listed_at",
            "withdrawn_at",
        )

    def get_offered_unit_hours(self, block: Block) -> int:
        return self._figures(block).offered

    def get_sold_unit_hours(self, block: Block) -> int:
        return self._figures(block).sold

    def get_frozen_unit_hours(self, block: Block) -> int:
        return self._figures(block).frozen

    def _figures(self, block: Block) -> BlockFigures:
        figures: BlockFigures = self.context["figures"][block.pk]
        return figures


class BlockTermsSerializer(serializers.Serializer[Any]):
    """A block's terms. What they must satisfy stands in inventory/policies.py."""

    site = serializers.IntegerField(min_value=1, max_value=MAX_ID)
    resource_type = serializers.SlugRelatedField[ResourceType](
        slug_field="slug", queryset=ResourceType.objects.filter(is_active=True)
    )
    units = serializers.IntegerField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    reserve_ticks = serializers.IntegerField()
    floor_ticks = serializers.IntegerField(required=False, allow_null=True, default=None)
    decline_hours = serializers.IntegerField(required=False, allow_null=True, default=None)

    def terms(self) -> BlockTerms:
        """Return the terms that valid data says."""
        said = self.validated_data
        return BlockTerms(
            site_id=said["site"],
            resource_type_id=said["resource_type"].pk,
            units=said["units"],
            starts_at=said["starts_at"],
            ends_at=said["ends_at"],
            reserve_ticks=said["reserve_ticks"],
            floor_ticks=said["floor_ticks"],
            decline_hours=said["decline_hours"],
        )


class PatternSerializer(serializers.Serializer[Any]):
    """A recurring idle period, one block each time it comes. What it must satisfy stands in inventory/patterns.py."""

    site = serializers.IntegerField(min_value=1, max_value=MAX_ID)
    resource_type = serializers.SlugRelatedField[ResourceType](
        slug_field="slug", queryset=ResourceType.objects.filter(is_active=True)
    )
    units = serializers.IntegerField()
    weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6),
        allow_empty=False,
        max_length=7,
        help_text="Monday is 0. A period belongs to the day it begins on.",
    )
    from_hour = serializers.IntegerField(min_value=0, max_value=23, help_text="UTC.")
    to_hour = serializers.IntegerField(
        min_value=0, max_value=23, help_text="UTC; at or before from_hour: on the next day."
    )
    first_day = serializers.DateField()
    last_day = serializers.DateField(help_text="The last one that a period begins on.")
    reserve_ticks = serializers.IntegerField()
    floor_ticks = serializers.IntegerField(required=False, allow_null=True, default=None)
    decline_hours = serializers.IntegerField(required=False, allow_null=True, default=None)

    def terms(self) -> PatternTerms:
        """Return the terms that valid data says."""
        said = self.validated_data
        return PatternTerms(
            site_id=said["site"],
            resource_type_id=said["resource_type"].pk,
            units=said["units"],
            pattern=Pattern(
                weekdays=frozenset(said["weekdays"]),
                from_hour=said["from_hour"],
                to_hour=said["to_hour"],
                first_day=said["first_day"],
                last_day=said["last_day"],
            ),
            reserve_ticks=said["reserve_ticks"],
            floor_ticks=said["floor_ticks"],
            decline_hours=said["decline_hours"],
        )


class WithdrawalSerializer(serializers.Serializer[Any]):
    withdrawn_unit_hours = serializers.IntegerField(help_text="Unsold, and off the market now.")
    sold_unit_hours = serializers.IntegerField(help_text="Sold; they stay.")
    frozen_unit_hours = serializers.IntegerField(help_text="In a frozen window; they stay until it clears.")


class ResourceTypeViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[ResourceType]):
    """What is sold: GPUs (a unit is one GPU) and models (a unit is 1,000 tokens/s)."""

    permission_classes = [AllowAny]
    pagination_class = None
    serializer_class = ResourceTypeSerializer

    def get_queryset(self) -> QuerySet[ResourceType]:
        return queries.resource_types_on_sale()


@extend_schema_view(create=extend_schema(request=SiteTermsSerializer, responses={201: SiteSerializer}))
class SiteViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Site]):
    """Your data centres."""

    permission_classes = [IsSeller]
    queryset = Site.objects.none()
    serializer_class = SiteSerializer

    def get_queryset(self) -> QuerySet[Site]:
        return queries.sites_of(organization_of(self.request))

    @idempotent
    def create(self, request: Request) -> Response:
        said = SiteTermsSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        try:
            site = create_site(seller=organization_of(request), **said.validated_data)
        except SiteNameTaken as taken:
            raise refusal(str(taken), field="name", code="taken") from taken
        return Response(SiteSerializer(site).data, status=status.HTTP_201_CREATED)


@extend_schema_view(
    create=extend_schema(request=BlockTermsSerializer, responses={201: BlockSerializer}),
    recurring=extend_schema(request=PatternSerializer, responses={201: BlockSerializer(many=True)}),
    withdraw=extend_schema(request=None, responses={200: WithdrawalSerializer}),
)
class BlockViewSet(viewsets.GenericViewSet[Block]):
    """The idle capacity you list."""

    permission_classes = [IsSeller]
    queryset = Block.objects.none()
    serializer_class = BlockSerializer
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Block]:
        return queries.blocks_of(organization_of(self.request))

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(_serialized(page))

    def retrieve(self, request: Request, pk: int) -> Response:
        return Response(_serialized([self.get_object()])[0])

    @idempotent
    def create(self, request: Request) -> Response:
        said = BlockTermsSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        assert request.user.is_authenticated
        try:
            block = list_block(seller=organization_of(request), listed_by=request.user, terms=said.terms())
        except BlockRefused as refused:
            raise _refusal_of(refused) from refused
        [data] = _serialized([self.get_queryset().get(pk=block.pk)])
        return Response(data, status=status.HTTP_201_CREATED)

    @action(detail=False, methods=["post"], pagination_class=None)
    @idempotent
    def recurring(self, request: Request) -> Response:
        """List a block for each time a period recurs: all of them, or none."""
        said = PatternSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        assert request.user.is_authenticated
        try:
            blocks = list_pattern(seller=organization_of(request), listed_by=request.user, terms=said.terms())
        except BlockRefused as refused:
            raise _refusal_of(refused) from refused
        listed = self.get_queryset().filter(pk__in=[block.pk for block in blocks]).order_by("starts_at")
        return Response(_serialized(list(listed)), status=status.HTTP_201_CREATED)

    @action(detail=True, methods=["post"])
    @idempotent
    def withdraw(self, request: Request, pk: int) -> Response:
        try:
            withdrawal = withdraw_block(seller=organization_of(request), block_id=pk)
        except BlockNotFound:
            raise Http404 from None
        return Response(WithdrawalSerializer(withdrawal).data)


def _refusal_of(refused: BlockRefused) -> Problem:
    return invalid(
        FieldError(FIELD_NAMES.get(error.field, error.field), error.code, error.message)
        for error in refused.errors
    )


def _serialized(blocks: Sequence[Block]) -> Any:
    figures = queries.figures_of(blocks, now=timezone.now())
    return BlockSerializer(blocks, many=True, context={"figures": figures}).data


router = SimpleRouter(use_regex_path=False)
router.register("resource-types", ResourceTypeViewSet, basename="api_resource_type")
router.register("sites", SiteViewSet, basename="api_site")
router.register("blocks", BlockViewSet, basename="api_block")
urlpatterns = router.urls
