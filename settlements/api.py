"""An organization's API of what it owes, paid and is paid, US cents. Read only: money moves by itself, or on pages."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from django.urls import path
from rest_framework import serializers, viewsets
from rest_framework.routers import SimpleRouter

from accounts.api.authentication import organization_of
from accounts.api.permissions import IsMember
from settlements.api_deliveries import (
    OwnDeliveryViewSet,
    SoldDeliveryViewSet,
    SoldOutageViewSet,
    SshKeyViewSet,
)
from settlements.api_funds import HoldViewSet, LimitView
from settlements.models import ChargeAttempt, Refund, Settlement, SettlementLine, Transfer
from settlements.queries import transfers
from settlements.queries.refunds import own_refunds
from settlements.queries.settlements import listed, why_unpaid
from settlements.queries.transfers import why_waiting


class SettlementLineSerializer(serializers.ModelSerializer[SettlementLine]):
    """One award's part. ``amount_cents`` sum to the settlement's; ``price_ticks`` is per unit-hour."""

    award = serializers.IntegerField(source="award_id", read_only=True)
    bid = serializers.IntegerField(source="award.bid_id", read_only=True)
    lot = serializers.IntegerField(source="award.lot_id", read_only=True)
    units = serializers.IntegerField(source="award.units", read_only=True)
    unit_hours = serializers.IntegerField(read_only=True)

    class Meta:
        model = SettlementLine
        fields = (
            "award",
            "bid",
            "lot",
            "units",
            "starts_at",
            "ends_at",
            "unit_hours",
            "price_ticks",
            "amount_cents",
            "refunded_cents",
        )


class SettlementSerializer(serializers.ModelSerializer[Settlement]):
    """One charge for one window. ``reason`` says in words why it is not paid, empty when it is.

    ``to_collect_cents`` is what is asked of the card; unpaid by ``pay_by``, it defaults.
    """

    window = serializers.IntegerField(source="window_id", read_only=True)
    to_collect_cents = serializers.IntegerField(read_only=True)
    pay_by = serializers.DateTimeField(read_only=True, allow_null=True)
    reason = serializers.SerializerMethodField()
    lines = SettlementLineSerializer(many=True, read_only=True)

    class Meta:
        model = Settlement
        fields = (
            "id",
            "window",
            "status",
            "reason",
            "amount_cents",
            "refunded_cents",
            "to_collect_cents",
            "pay_by",
            "currency",
            "created_at",
            "paid_at",
            "lines",
        )

    def get_reason(self, settlement: Settlement) -> str:
        return why_unpaid(settlement, list(settlement.attempts.all()))


class SettlementViewSet(viewsets.ReadOnlyModelViewSet[Settlement]):
    """What your organization owes and paid, newest first."""

    permission_classes = [IsMember]
    queryset = Settlement.objects.none()
    serializer_class = SettlementSerializer
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Settlement]:
        return (
            listed()
            .filter(organization=organization_of(self.request))
            .prefetch_related(
                Prefetch("lines", SettlementLine.objects.select_related("award").order_by("id")),
                Prefetch("attempts", ChargeAttempt.objects.order_by("number")),
            )
        )


class RefundSerializer(serializers.ModelSerializer[Refund]):
    """What goes back of a settlement: ``card_cents`` to the card, ``prepaid_cents`` to the prepaid balance."""

    settlement = serializers.IntegerField(source="settlement_id", read_only=True)

    class Meta:
        model = Refund
        fields = (
            "id",
            "settlement",
            "status",
            "reason",
            "amount_cents",
            "card_cents",
            "prepaid_cents",
            "decided_at",
            "ended_at",
        )


class RefundViewSet(viewsets.ReadOnlyModelViewSet[Refund]):
    """What was decided to go back to your organization, newest first."""

    permission_classes = [IsMember]
    queryset = Refund.objects.none()
    serializer_class = RefundSerializer
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Refund]:
        return own_refunds(organization_of(self.request))


class PayoutSerializer(serializers.ModelSerializer[Transfer]):
    """What a delivered award brings its seller, cents. ``reason`` says in words why it waits, empty once paid."""

    award = serializers.IntegerField(source="delivery.line.award_id", read_only=True)
    sold_for_cents = serializers.IntegerField(source="delivery.line.amount_cents", read_only=True)
    fee_cents = serializers.IntegerField(source="delivery.line.fee_cents", read_only=True)
    fee_bps = serializers.IntegerField(source="delivery.line.fee_bps", read_only=True)
    delivered_at = serializers.DateTimeField(source="delivery.delivered_at", read_only=True)
    reason = serializers.SerializerMethodField()

    class Meta:
        model = Transfer
        fields = (
            "id",
            "award",
            "status",
            "reason",
            "amount_cents",
            "reversed_cents",
            "currency",
            "sold_for_cents",
            "fee_cents",
            "fee_bps",
            "delivered_at",
            "paid_at",
            "stripe_transfer_id",
        )

    def get_reason(self, transfer: Transfer) -> str:
        return why_waiting(transfer)


class PayoutViewSet(viewsets.ReadOnlyModelViewSet[Transfer]):
    """What your organization is paid for what it delivered, newest first."""

    permission_classes = [IsMember]
    queryset = Transfer.objects.none()
    serializer_class = PayoutSerializer
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Transfer]:
        return transfers.listed().filter(seller=organization_of(self.request))


router = SimpleRouter(use_regex_path=False)
router.register("settlements", SettlementViewSet, basename="api_settlement")
router.register("payouts", PayoutViewSet, basename="api_payout")
router.register("refunds", RefundViewSet, basename="api_refund")
router.register("deliveries", OwnDeliveryViewSet, basename="api_delivery")
router.register("sold-deliveries", SoldDeliveryViewSet, basename="api_sold_delivery")
router.register("sold-outages", SoldOutageViewSet, basename="api_sold_outage")
router.register("ssh-keys", SshKeyViewSet, basename="api_ssh_key")
router.register("holds", HoldViewSet, basename="api_hold")
urlpatterns = [path("limit/", LimitView.as_view(), name="api_limit"), *router.urls]
