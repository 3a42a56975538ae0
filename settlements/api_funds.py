"""The API of a buyer's limit and what is held of it. Amounts are US cents."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework import generics, serializers, viewsets

from accounts.api.authentication import organization_of
from accounts.api.permissions import IsMember
from accounts.models import BiddingLimit, Hold
from settlements.queries.funds import limit_of


class LimitSerializer(serializers.ModelSerializer[BiddingLimit]):
    """How much may be at stake: ``limit_cents`` is prepaid money plus credit, of which ``held_cents`` are held now."""

    free_cents = serializers.IntegerField(read_only=True, help_text="What may still be put at stake.")

    class Meta:
        model = BiddingLimit
        fields = (
            "limit_cents",
            "prepaid_cents",
            "credit_cents",
            "held_cents",
            "free_cents",
            "suspended_reason",
        )


class LimitView(generics.RetrieveAPIView[BiddingLimit]):
    """Your organization's limit: what it is made of, what is held and what is free."""

    permission_classes = [IsMember]
    serializer_class = LimitSerializer

    def get_object(self) -> BiddingLimit:
        return limit_of(organization_of(self.request).pk)


class HoldSerializer(serializers.ModelSerializer[Hold]):
    """A part of the limit set aside. ``purpose`` and ``number`` name the bid or settlement it is for."""

    purpose = serializers.SerializerMethodField()
    number = serializers.SerializerMethodField()

    class Meta:
        model = Hold
        fields = ("id", "purpose", "number", "amount_cents", "created_at", "released_at")

    def get_purpose(self, hold: Hold) -> str:
        return hold.reference.partition(":")[0]

    def get_number(self, hold: Hold) -> int:
        return int(hold.reference.partition(":")[2])


class HoldViewSet(viewsets.ReadOnlyModelViewSet[Hold]):
    """Your organization's holds, newest first; those that were released have ``released_at``."""

    permission_classes = [IsMember]
    queryset = Hold.objects.none()
    serializer_class = HoldSerializer
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Hold]:
        return Hold.objects.filter(organization=organization_of(self.request))
