"""Markets, windows, lots and prices: open to everyone. Single bids and names of organizations are not in them."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from django_filters import rest_framework as filters
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from accounts.api.filters import IdFilter
from auctions.api.serializers import (
    IndicationSerializer,
    LotSerializer,
    MarketSerializer,
    ProductPriceSerializer,
    WindowDetailSerializer,
    WindowSerializer,
)
from auctions.models import Indication, Lot, Market, ProductPrice, Window
from auctions.queries.lots import lots_with_facts, units_on_offer
from inventory.models import Region
from marketplace.db import snapshot


class MarketViewSet(ReadOnlyModelViewSet):
    """Markets in the order of the board."""

    permission_classes = [AllowAny]
    pagination_class = None
    lookup_field = "slug"
    serializer_class = MarketSerializer
    queryset = Market.objects.order_by("position", "id")


class WindowFilter(filters.FilterSet):
    market = filters.CharFilter(field_name="market__slug")
    status = filters.ChoiceFilter(choices=Window.Status.choices)


class WindowViewSet(ReadOnlyModelViewSet):
    """Windows, newest first; one alone comes with its public prices."""

    permission_classes = [AllowAny]
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = WindowFilter

    def get_queryset(self) -> QuerySet[Window]:
        windows = Window.objects.select_related("market")
        if self.action != "retrieve":
            return windows
        prices = ProductPrice.objects.select_related("resource_type", "window__market").order_by("id")
        indications = Indication.objects.select_related("resource_type").order_by("id")
        return windows.prefetch_related(
            Prefetch("product_prices", prices), Prefetch("indications", indications)
        )

    def get_serializer_class(self) -> type[WindowSerializer]:
        return WindowDetailSerializer if self.action == "retrieve" else WindowSerializer


class ProductFilter(filters.FilterSet):
    resource_type = filters.CharFilter(field_name="resource_type__slug")
    region = filters.ChoiceFilter(choices=Region.choices)


class IndicationFilter(ProductFilter):
    window = IdFilter(field_name="window_id")
    market = filters.CharFilter(field_name="window__market__slug")


class IndicationViewSet(ListModelMixin, GenericViewSet):
    """Indicative prices of every window that has not cleared, as the board shows them."""

    permission_classes = [AllowAny]
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = IndicationFilter
    serializer_class = IndicationSerializer
    queryset = Indication.objects.select_related("resource_type")


class PriceFilter(ProductFilter):
    window = IdFilter(field_name="window_id")
    market = filters.CharFilter(field_name="window__market__slug")


class PriceViewSet(ListModelMixin, GenericViewSet):
    """What products came to in cleared windows: the price history, newest first."""

    permission_classes = [AllowAny]
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = PriceFilter
    serializer_class = ProductPriceSerializer
    queryset = ProductPrice.objects.select_related("resource_type", "window__market")


class LotFilter(filters.FilterSet):
    window = IdFilter(field_name="window_id")
    market = filters.CharFilter(field_name="window__market__slug")
    resource_type = filters.CharFilter(field_name="block__resource_type__slug")
    region = filters.ChoiceFilter(field_name="block__site__region", choices=Region.choices)
    on_offer = filters.BooleanFilter()


class LotViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet):
    """Lots, newest first; ``on_offer=true`` for those that can be bid on."""

    permission_classes = [AllowAny]
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = LotFilter
    serializer_class = LotSerializer
    queryset = lots_with_facts()

    @snapshot()
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        assert page is not None
        return self.get_paginated_response(_tell(page))

    @snapshot()
    def retrieve(self, request: Request, *args: object, **kwargs: object) -> Response:
        (told,) = _tell([self.get_object()])
        return Response(told)


def _tell(lots: list[Lot]) -> list[dict[str, object]]:
    units = units_on_offer([lot for lot in lots if lot.on_offer])
    return list(LotSerializer(lots, many=True, context={"units": units}).data)
