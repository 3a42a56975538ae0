"""The API of webhook endpoints, for owners: what docs/webhooks.md describes, under /api/v1/webhook-endpoints/."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from accounts.api.authentication import organization_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import IsOwner
from accounts.api.problems import refusal
from accounts.models import User
from notifications.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from notifications.operations.endpoints import (
    EndpointRefused,
    Terms,
    change_endpoint,
    create_endpoint,
    remove_endpoint,
    rotate_secret,
    send_again,
    send_test,
    switch_endpoint,
)
from notifications.queries import endpoints_of
from notifications.webhook_events import EVENTS


class EndpointSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    """An endpoint. ``secret`` is there in the answer that made it, and null ever after."""

    secret = serializers.SerializerMethodField()
    enabled = serializers.SerializerMethodField()

    class Meta:
        model = WebhookEndpoint
        fields = (
            "id",
            "url",
            "name",
            "events",
            "enabled",
            "disabled_reason",
            "failing_since",
            "created_at",
            "secret",
        )

    def get_secret(self, endpoint: WebhookEndpoint) -> str | None:
        secret: str | None = self.context.get("secret")
        return secret

    def get_enabled(self, endpoint: WebhookEndpoint) -> bool:
        return endpoint.status == WebhookEndpoint.Status.ENABLED


class EndpointInput(serializers.Serializer[Any]):
    url = serializers.CharField(max_length=500)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=list(EVENTS)), allow_empty=False, max_length=len(EVENTS)
    )
    name = serializers.CharField(max_length=80, required=False, allow_blank=True)
    enabled = serializers.BooleanField(required=False)


class WebhookAttemptSerializer(serializers.ModelSerializer[WebhookAttempt]):
    """One call. Without ``ended_at`` its outcome is not known."""

    milliseconds = serializers.IntegerField(read_only=True, allow_null=True)

    class Meta:
        model = WebhookAttempt
        fields = ("number", "called_at", "ended_at", "status_code", "said", "milliseconds")


class WebhookDeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """An event on its way to an endpoint."""

    attempts = WebhookAttemptSerializer(many=True, read_only=True)
    status = serializers.CharField(read_only=True, help_text="waiting, delivered or failed")
    next_try_at = serializers.SerializerMethodField()

    class Meta:
        model = WebhookDelivery
        fields = ("id", "event_id", "event", "status", "created_at", "ended_at", "next_try_at", "attempts")

    def get_next_try_at(self, delivery: WebhookDelivery) -> str | None:
        waits = delivery.status == WebhookDelivery.Status.WAITING
        return delivery.next_try_at.isoformat() if waits else None


class WebhookEndpointViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[WebhookEndpoint]
):
    """Where your own programs hear of events. For owners."""

    queryset = WebhookEndpoint.objects.none()
    serializer_class = EndpointSerializer
    permission_classes = (IsOwner,)
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        return endpoints_of(organization_of(self.request))

    @extend_schema(request=EndpointInput, responses={201: EndpointSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Make an endpoint. Its ``secret`` is in this answer alone."""
        said = _said(request)
        try:
            endpoint, secret = create_endpoint(
                organization=organization_of(request), by=_person(request), terms=_terms(said)
            )
        except EndpointRefused as refused:
            raise refusal(str(refused), field=refused.field) from refused
        return _told_once(endpoint, secret, status.HTTP_201_CREATED)

    @extend_schema(request=EndpointInput, responses={200: EndpointSerializer})
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change what you send and leave the rest; ``enabled`` switches it on or off."""
        endpoint = self.get_object()
        said = _said(request, partial=True)
        before = {"url": endpoint.url, "events": endpoint.events, "name": endpoint.name}
        organization = organization_of(request)
        try:
            if said.keys() & before.keys():
                endpoint = change_endpoint(
                    organization=organization, endpoint_id=pk, terms=_terms(before | said)
                )
            if "enabled" in said:
                endpoint = switch_endpoint(organization=organization, endpoint_id=pk, on=said["enabled"])
        except WebhookEndpoint.DoesNotExist:
            raise Http404 from None
        except EndpointRefused as refused:
            raise refusal(str(refused), field=refused.field) from refused
        return Response(EndpointSerializer(endpoint).data)

    def destroy(self, request: Request, pk: int) -> Response:
        """End an endpoint for good."""
        try:
            remove_endpoint(organization=organization_of(request), endpoint_id=pk)
        except WebhookEndpoint.DoesNotExist:
            raise Http404 from None
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={201: WebhookDeliverySerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def test(self, request: Request, pk: int) -> Response:
        """Send a test event."""
        try:
            delivery = send_test(organization=organization_of(request), endpoint_id=pk, now=timezone.now())
        except WebhookEndpoint.DoesNotExist:
            raise Http404 from None
        except EndpointRefused as refused:
            raise refusal(str(refused), field="enabled") from refused
        return Response(WebhookDeliverySerializer(delivery).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={200: EndpointSerializer})
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    @idempotent
    def rotate_secret(self, request: Request, pk: int) -> Response:
        """Have another secret, in this answer alone; the old one signs too for a day."""
        try:
            endpoint, secret = rotate_secret(
                organization=organization_of(request), endpoint_id=pk, now=timezone.now()
            )
        except WebhookEndpoint.DoesNotExist:
            raise Http404 from None
        return _told_once(endpoint, secret, status.HTTP_200_OK)


class WebhookDeliveryViewSet(viewsets.ReadOnlyModelViewSet[WebhookDelivery]):
    """What was sent to your endpoints, with every attempt. For owners."""

    queryset = WebhookDelivery.objects.none()
    serializer_class = WebhookDeliverySerializer
    permission_classes = (IsOwner,)
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[WebhookDelivery]:
        own = WebhookDelivery.objects.filter(endpoint__organization=organization_of(self.request))
        return own.prefetch_related("attempts")

    @extend_schema(request=None, responses={200: WebhookDeliverySerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def again(self, request: Request, pk: int) -> Response:
        """Send an event once more, with the same id."""
        try:
            delivery = send_again(organization=organization_of(request), delivery_id=pk, now=timezone.now())
        except WebhookDelivery.DoesNotExist:
            raise Http404 from None
        except EndpointRefused as refused:
            raise refusal(str(refused), field="enabled") from refused
        return Response(WebhookDeliverySerializer(delivery).data)


def _said(request: Request, *, partial: bool = False) -> dict[str, Any]:
    said = EndpointInput(data=request.data, partial=partial)
    said.is_valid(raise_exception=True)
    values: dict[str, Any] = said.validated_data
    return values


def _terms(said: dict[str, Any]) -> Terms:
    return Terms(url=said["url"], events=tuple(said["events"]), name=said.get("name", ""))


def _told_once(endpoint: WebhookEndpoint, secret: str, code: int) -> Response:
    """Answer with a secret that the answer kept for a repeated request leaves out (accounts/api/idempotency.py)."""
    response = Response(EndpointSerializer(endpoint, context={"secret": secret}).data, status=code)
    response.told_once = ("secret",)  # type: ignore[attr-defined]
    return response


def _person(request: Request) -> User:
    assert request.user.is_authenticated
    return request.user


router = SimpleRouter(use_regex_path=False)
router.register("webhook-endpoints", WebhookEndpointViewSet, basename="api_webhook_endpoint")
router.register("webhook-deliveries", WebhookDeliveryViewSet, basename="api_webhook_delivery")
urlpatterns = router.urls
