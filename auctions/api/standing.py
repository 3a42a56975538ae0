"""Standing orders through the API: the same operations as the pages, the same refusals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.authentication import organization_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import IsBuyer, IsMember
from accounts.api.problems import refusal
from accounts.models import User
from auctions.api.standing_json import (
    OrderChangeInput,
    OrderInput,
    StandingOrderSerializer,
    StoppedSerializer,
)
from auctions.models import Bid, StandingOrder
from auctions.operations.standing import (
    OrderNotFound,
    cancel_order,
    change_order,
    pause_order,
    resume_order,
    start_order,
)
from auctions.queries.standing import orders_of, tallies_of
from auctions.standing.outlook import MarketOutlook, outlook_of
from auctions.standing.policy import OrderRejected, check_order
from auctions.standing.terms import Remaining
from inventory.models import ResourceType
from marketplace.db import snapshot

CREATED = 201


class OrderFilter(filters.FilterSet):
    status = filters.ChoiceFilter(choices=StandingOrder.Status.choices)


class StandingOrderViewSet(ReadOnlyModelViewSet):
    """Own standing orders, newest first. A worker places their bids, window after window."""

    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = OrderFilter
    serializer_class = StandingOrderSerializer
    queryset = StandingOrder.objects.none()  # tells the schema the type of its key

    def get_permissions(self) -> list[BasePermission]:
        return [IsMember()] if self.request.method in SAFE_METHODS else [IsBuyer()]

    def get_queryset(self) -> QuerySet[StandingOrder]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return orders_of(organization_of(self.request))

    @snapshot()
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(
            StandingOrderSerializer(page, many=True, context=_context(page)).data
        )

    @snapshot()
    def retrieve(self, request: Request, pk: str) -> Response:
        order = self.get_object()
        return Response(StandingOrderSerializer(order, context=_context([order])).data)

    @extend_schema(request=OrderInput, responses={CREATED: StandingOrderSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Start a standing order."""
        said = OrderInput(data=request.data)
        said.is_valid(raise_exception=True)
        with _refusals():
            order = start_order(
                organization=organization_of(request), created_by=_caller(request), terms=said.terms()
            )
        return Response(self._told(order), status=CREATED)

    @extend_schema(request=OrderChangeInput, responses=StoppedSerializer)
    def update(self, request: Request, pk: str) -> Response:
        """Replace what an own order asks for; its open bids are taken back where they can be, and placed anew."""
        order = self.get_object()
        said = OrderChangeInput(data=request.data)
        said.is_valid(raise_exception=True)
        with _refusals():
            outcome = change_order(
                organization=organization_of(request),
                order_id=order.pk,
                terms=said.terms(),
                revision=said.validated_data.get("revision"),
            )
        return Response(self._told(outcome.order, outcome.kept))

    @extend_schema(responses={200: StoppedSerializer})
    def destroy(self, request: Request, pk: str) -> Response:
        """Cancel an own order for good, and take its open bids back where their windows are not frozen."""
        order = self.get_object()
        with _refusals():
            outcome = cancel_order(organization=organization_of(request), order_id=order.pk)
        return Response(self._told(outcome.order, outcome.kept))

    @extend_schema(request=None, responses={200: StoppedSerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def pause(self, request: Request, pk: str) -> Response:
        """Keep an own order from bidding, and take its open bids back where their windows are not frozen."""
        order = self.get_object()
        with _refusals():
            outcome = pause_order(organization=organization_of(request), order_id=order.pk)
        return Response(self._told(outcome.order, outcome.kept))

    @extend_schema(request=None, responses={200: StandingOrderSerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def resume(self, request: Request, pk: str) -> Response:
        """Let a paused order bid again."""
        order = self.get_object()
        with _refusals():
            resumed = resume_order(
                organization=organization_of(request), order_id=order.pk, by=_caller(request)
            )
        return Response(self._told(resumed))

    @extend_schema(request=OrderInput, responses={200: OpenApiTypes.OBJECT})
    @action(detail=False, methods=["post"])
    @idempotent
    def preview(self, request: Request) -> Response:
        """Say what an order would do, without starting it: windows in time, and what it would bid at once."""
        said = OrderInput(data=request.data)
        said.is_valid(raise_exception=True)
        now = timezone.now()
        with _refusals(), snapshot():
            terms = said.terms()
            check_order(terms, now=now)
            outlooks = outlook_of(
                terms,
                Remaining(terms.goal_unit_hours, terms.budget_ticks),
                organization_id=organization_of(request).pk,
                now=now,
            )
        return Response(
            {"price_ticks": terms.price_ticks, "markets": [_outlook_as_json(one) for one in outlooks]}
        )

    @snapshot()
    def _told(self, order: StandingOrder, kept: Sequence[Bid] | None = None) -> dict[str, object]:
        fresh = self.get_queryset().get(pk=order.pk)
        if kept is None:
            return StandingOrderSerializer(fresh, context=_context([fresh])).data
        return StoppedSerializer(fresh, context=_context([fresh]) | {"kept": list(kept)}).data


def _context(orders: list[StandingOrder]) -> dict[str, Any]:
    return {
        "tallies": tallies_of(orders),
        "type_slugs": dict(ResourceType.objects.values_list("id", "slug")),
    }


def _outlook_as_json(outlook: MarketOutlook) -> dict[str, Any]:
    plan = outlook.plan
    return {
        "market": outlook.market.slug,
        "windows_in_time": outlook.n_windows,
        "window": outlook.window.pk if outlook.window else None,
        "bids_now": bool(plan and plan.terms),
        "why_not": plan.why_not if plan else "",
        "unit_hours": plan.unit_hours if plan else 0,
        "max_ticks": plan.terms.max_ticks if plan and plan.terms else 0,
        "one_bid_wins_all": outlook.whole is not None,
    }


def _caller(request: Request) -> User:
    assert isinstance(request.user, User)  # the permissions saw to it
    return request.user


_API_NAMES = {
    "types": "filter.types",
    "regions": "filter.regions",
    "fabrics": "filter.fabrics",
    "min_reliability_bps": "filter.min_reliability_bps",
    "goal": "goal_unit_hours",
    "deadline": "deadline_at",
    "budget": "budget_cents",
    "price": "price_ticks",
}


@contextmanager
def _refusals() -> Iterator[None]:
    """Answer what the operations refuse as problems, in their words and at their fields."""
    try:
        yield
    except OrderRejected as rejected:
        field = _API_NAMES.get(rejected.field, rejected.field)
        raise refusal(rejected.message, field=field, code=rejected.code) from None
    except OrderNotFound:
        raise Http404 from None
