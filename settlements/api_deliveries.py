"""The API of deliveries: the buyer's access, keys and outages, the seller's hand-over and answers. Times are UTC."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import organization_of
from accounts.api.idempotency import idempotent
from accounts.api.permissions import IsBuyer, IsMember, IsSeller
from accounts.api.problems import refusal
from accounts.models import ApiKey, User
from settlements.models import Delivery, Outage, SshKey
from settlements.operations.handovers import (
    MAX_ENDPOINT_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    Access,
    HandoverRefused,
    NothingHandedOver,
    hand_over,
    read_handover,
)
from settlements.operations.outages import OutageRefused, OutageReport, answer_outage, report_outage
from settlements.operations.ssh_keys import KeysRefused, add_ssh_key, choose_ssh_keys, remove_ssh_key
from settlements.queries.deliveries import listed_deliveries
from settlements.ssh_keys import InvalidSshKey


class SshKeySerializer(serializers.ModelSerializer[SshKey]):
    class Meta:
        model = SshKey
        fields = ("id", "line", "type", "comment", "fingerprint", "added_at")


class SshKeyInput(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="One line of a .pub file.")


class OutageSerializer(serializers.ModelSerializer[Outage]):
    """An outage. ``refund_cents`` is what upholding it gave back, null until then."""

    refund_cents = serializers.IntegerField(
        source="refund.amount_cents", default=None, allow_null=True, read_only=True
    )

    class Meta:
        model = Outage
        fields = (
            "id",
            "kind",
            "status",
            "starts_at",
            "ends_at",
            "what",
            "reported_at",
            "answer",
            "answered_at",
            "upheld_minutes",
            "decision",
            "decided_at",
            "refund_cents",
        )


class OutageInput(serializers.Serializer[Any]):
    """Whole minutes ``[starts_at, ends_at)`` that have passed, within the delivery."""

    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    what = serializers.CharField(max_length=2000)


class AnswerInput(serializers.Serializer[Any]):
    accepts = serializers.BooleanField()
    note = serializers.CharField(
        max_length=2000, required=False, allow_blank=True, default="", help_text="Needed to dispute."
    )


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """A delivery. What was handed over is never in here; ``version`` counts its changes, 0 is none yet."""

    award = serializers.IntegerField(source="line.award_id", read_only=True)
    settlement = serializers.IntegerField(source="line.settlement_id", read_only=True)
    units = serializers.IntegerField(source="line.award.units", read_only=True)
    version = serializers.IntegerField(read_only=True)
    ssh_keys = SshKeySerializer(many=True, read_only=True)
    outages = OutageSerializer(many=True, read_only=True)

    class Meta:
        model = Delivery
        fields = (
            "id",
            "award",
            "settlement",
            "status",
            "units",
            "starts_at",
            "ends_at",
            "due_at",
            "handed_over_at",
            "missed_at",
            "delivered_at",
            "version",
            "ssh_keys",
            "outages",
        )


class AccessSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    given_at = serializers.DateTimeField()
    endpoint = serializers.CharField()
    instructions = serializers.CharField()
    credentials = serializers.CharField()


class HandoverInput(serializers.Serializer[Any]):
    """What is handed over. ``version`` is the one you read: 0 for the first hand-over."""

    endpoint = serializers.CharField(max_length=MAX_ENDPOINT_CHARACTERS)
    instructions = serializers.CharField(
        max_length=MAX_TEXT_CHARACTERS, required=False, allow_blank=True, default=""
    )
    credentials = serializers.CharField(
        max_length=MAX_TEXT_CHARACTERS, required=False, allow_blank=True, default=""
    )
    version = serializers.IntegerField(min_value=0, default=0)


class KeyChoiceInput(serializers.Serializer[Any]):
    keys = serializers.ListField(child=serializers.IntegerField(min_value=1), max_length=50)


class _DeliveryViewSet(viewsets.ReadOnlyModelViewSet[Delivery]):
    queryset = Delivery.objects.none()
    serializer_class = DeliverySerializer
    lookup_value_converter = "int"
    side: str

    def get_queryset(self) -> QuerySet[Delivery]:
        own = listed_deliveries().filter(**{self.side: organization_of(self.request)})
        return own.prefetch_related("ssh_keys", "outages__refund")

    def _told(self, pk: int, status_code: int = status.HTTP_200_OK) -> Response:
        return Response(DeliverySerializer(self.get_queryset().get(pk=pk)).data, status=status_code)


class OwnDeliveryViewSet(_DeliveryViewSet):
    """What you won and paid: when it starts, its access, SSH keys and outages."""

    side = "buyer"

    def get_permissions(self) -> list[BasePermission]:
        return [IsBuyer() if self.action in ("keys", "outages") else IsMember()]

    @extend_schema(responses={200: AccessSerializer})
    @action(detail=True, methods=["get"])
    @sensitive_variables("opened", "told")
    def access(self, request: Request, pk: int) -> Response:
        """Read what was handed over. Each reading is noted, with the key that was used."""
        try:
            opened = read_handover(
                buyer=organization_of(request),
                delivery_id=pk,
                read_by=_person(request),
                api_key=request.auth if isinstance(request.auth, ApiKey) else None,
                now=timezone.now(),
            )
        except (Delivery.DoesNotExist, NothingHandedOver):
            raise Http404 from None
        handover = opened.handover
        told = {"version": handover.version, "given_at": handover.given_at, **opened.access.as_said()}
        return Response(AccessSerializer(told).data, headers={"Cache-Control": "no-store, private"})

    @extend_schema(request=KeyChoiceInput, responses={200: DeliverySerializer})
    @action(detail=True, methods=["put"])
    def keys(self, request: Request, pk: int) -> Response:
        """Choose which SSH keys the seller lets in."""
        said = KeyChoiceInput(data=request.data)
        said.is_valid(raise_exception=True)
        try:
            choose_ssh_keys(
                buyer=organization_of(request),
                delivery_id=pk,
                key_ids=said.validated_data["keys"],
                now=timezone.now(),
            )
        except Delivery.DoesNotExist:
            raise Http404 from None
        except KeysRefused as refused:
            raise refusal(str(refused), field="keys") from refused
        return self._told(pk)

    @extend_schema(request=OutageInput, responses={201: OutageSerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def outages(self, request: Request, pk: int) -> Response:
        """Report an outage."""
        said = OutageInput(data=request.data)
        said.is_valid(raise_exception=True)
        try:
            outage = report_outage(
                buyer=organization_of(request),
                delivery_id=pk,
                reported_by=_person(request),
                report=OutageReport(**said.validated_data),
                now=timezone.now(),
            )
        except Delivery.DoesNotExist:
            raise Http404 from None
        except OutageRefused as refused:
            raise refusal(refused.message, field=refused.field) from refused
        return Response(OutageSerializer(outage).data, status=status.HTTP_201_CREATED)


class SoldDeliveryViewSet(_DeliveryViewSet):
    """What you sold: until when to hand over, to whom to let in, and its outages."""

    side = "seller"
    permission_classes = [IsSeller]

    @extend_schema(request=HandoverInput, responses={200: DeliverySerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    @sensitive_variables("said")
    def handover(self, request: Request, pk: int) -> Response:
        """Hand over access, or change what was handed over. The answer repeats none of it."""
        said = HandoverInput(data=request.data)
        said.is_valid(raise_exception=True)
        texts = {name: said.validated_data[name] for name in ("endpoint", "instructions", "credentials")}
        try:
            hand_over(
                seller=organization_of(request),
                delivery_id=pk,
                given_by=_person(request),
                access=Access(**texts),
                version_seen=said.validated_data["version"],
                now=timezone.now(),
            )
        except Delivery.DoesNotExist:
            raise Http404 from None
        except HandoverRefused as refused:
            raise refusal(refused.message, field=refused.field) from refused
        return self._told(pk)


class SoldOutageViewSet(viewsets.GenericViewSet[Outage]):
    """Outages that buyers reported of what you sold."""

    queryset = Outage.objects.none()
    serializer_class = OutageSerializer
    permission_classes = [IsSeller]
    lookup_value_converter = "int"

    @extend_schema(request=AnswerInput, responses={200: OutageSerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def answer(self, request: Request, pk: int) -> Response:
        """Accept or dispute a report, once."""
        said = AnswerInput(data=request.data)
        said.is_valid(raise_exception=True)
        try:
            outage = answer_outage(
                seller=organization_of(request),
                outage_id=pk,
                answered_by=_person(request),
                now=timezone.now(),
                **said.validated_data,
            )
        except Outage.DoesNotExist:
            raise Http404 from None
        except OutageRefused as refused:
            raise refusal(refused.message, field=refused.field) from refused
        return Response(OutageSerializer(outage).data)


@extend_schema_view(create=extend_schema(request=SshKeyInput, responses={201: SshKeySerializer}))
class SshKeyViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[SshKey]):
    """Your SSH public keys; they go with what you win from then on."""

    queryset = SshKey.objects.none()
    serializer_class = SshKeySerializer
    permission_classes = [IsBuyer]
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[SshKey]:
        return SshKey.objects.filter(organization=organization_of(self.request), removed_at=None)

    @idempotent
    def create(self, request: Request) -> Response:
        said = SshKeyInput(data=request.data)
        said.is_valid(raise_exception=True)
        try:
            key = add_ssh_key(
                organization=organization_of(request),
                added_by=_person(request),
                text=said.validated_data["key"],
            )
        except InvalidSshKey as invalid:
            raise refusal(str(invalid), field="key") from invalid
        return Response(SshKeySerializer(key).data, status=status.HTTP_201_CREATED)

    def destroy(self, request: Request, pk: int) -> Response:
        try:
            remove_ssh_key(organization=organization_of(request), key_id=pk, now=timezone.now())
        except SshKey.DoesNotExist:
            raise Http404 from None
        return Response(status=status.HTTP_204_NO_CONTENT)


def _person(request: Request) -> User:
    assert request.user.is_authenticated  # the permissions saw to it
    return request.user
