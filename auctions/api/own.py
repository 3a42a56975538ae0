"""An organization's own bids and awards, and the three things that can be done with a bid."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import QuerySet
from django.http import Http404
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.authentication import organization_of
from accounts.api.filters import IdFilter
from accounts.api.idempotency import idempotent
from accounts.api.permissions import IsBuyer, IsMember
from accounts.api.problems import refusal
from accounts.models import User
from auctions.api.serializers import AwardSerializer, BidSerializer
from auctions.api.terms import BidInput, ChangeInput, path_of
from auctions.models import Award, Bid
from auctions.operations.bids import BidNotFound, BidRejected, cancel_bid, change_bid, place_bid
from auctions.operations.inquiries import InquiryRefused, ask_about_bid
from auctions.queries.bids import awards_of, bids_of
from auctions.queries.inquiries import explanation_as_json
from auctions.queries.receipts import receipt_of
from auctions.queries.records import proof_of
from marketplace.db import snapshot

CREATED = 201
ACCEPTED = 202


class BidFilter(filters.FilterSet):
    window = IdFilter(field_name="window_id")
    standing_order = IdFilter(field_name="standing_order_id")
    status = filters.ChoiceFilter(choices=Bid.Status.choices)


class BidViewSet(ReadOnlyModelViewSet):
    """Own bids, newest first. Placing and changing hold the most that the bid can cost."""

    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = BidFilter
    serializer_class = BidSerializer
    queryset = Bid.objects.none()  # tells the schema the type of its key

    def get_permissions(self) -> list[BasePermission]:
        return [IsMember()] if self.request.method in SAFE_METHODS else [IsBuyer()]

    def get_queryset(self) -> QuerySet[Bid]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return bids_of(organization_of(self.request))

    @snapshot()
    def list(self, request: Request) -> Response:
        return super().list(request)

    @snapshot()
    def retrieve(self, request: Request, pk: str) -> Response:
        return super().retrieve(request, pk=pk)

    @extend_schema(request=BidInput, responses={CREATED: BidSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Place a bid."""
        said = BidInput(data=request.data)
        said.is_valid(raise_exception=True)
        with _refusals():
            bid = place_bid(
                organization=organization_of(request),
                placed_by=_caller(request),
                window_id=said.validated_data["window"],
                terms=said.terms(),
            )
        return Response(self._told(bid), status=CREATED)

    @extend_schema(request=ChangeInput, responses=BidSerializer)
    def update(self, request: Request, pk: str) -> Response:
        """Replace an own bid's terms. It takes a new place in time; from the freeze on it can only be raised."""
        bid_id = self._own_id(pk)
        said = ChangeInput(data=request.data)
        said.is_valid(raise_exception=True)
        with _refusals():
            bid = change_bid(
                organization=organization_of(request),
                changed_by=_caller(request),
                bid_id=bid_id,
                terms=said.terms(),
                sequence=said.validated_data.get("sequence"),
            )
        return Response(self._told(bid))

    @extend_schema(responses={200: BidSerializer})
    def destroy(self, request: Request, pk: str) -> Response:
        """Cancel an own bid and release its hold; only while its window is open."""
        with _refusals():
            bid = cancel_bid(
                organization=organization_of(request), cancelled_by=_caller(request), bid_id=self._own_id(pk)
            )
        return Response(self._told(bid))

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True)
    @snapshot()
    def proof(self, request: Request, pk: str) -> Response:
        """Prove that an own bid was in its window's book when that closed; 404 before."""
        proof = proof_of(self.get_object())
        if proof is None:
            raise Http404
        return Response(proof)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True)
    @snapshot()
    def receipt(self, request: Request, pk: str) -> Response:
        """Explain what an own bid costs: what it displaced, reserve, VCG and core part; 404 if it won nothing."""
        receipt = receipt_of(self.get_object())
        if receipt is None:
            raise Http404
        return Response(receipt.as_json())

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True)
    @snapshot()
    def explanation(self, request: Request, pk: str) -> Response:
        """Read what a bid of packages would have had to offer, or displaced, once it was asked for with POST.

        ``status`` is ``can_be_asked``, ``nothing_to_ask``, ``asked``, ``answered`` or ``failed``.
        """
        return Response(explanation_as_json(self.get_object()))

    @extend_schema(request=None, responses={ACCEPTED: OpenApiTypes.OBJECT})
    @explanation.mapping.post
    @idempotent
    def ask(self, request: Request, pk: str) -> Response:
        """Have it worked out; a worker searches for it. Asked twice, it is worked out once."""
        try:
            inquiry = ask_about_bid(
                organization=organization_of(request), asked_by=_caller(request), bid_id=self._own_id(pk)
            )
        except InquiryRefused as refused:
            raise refusal(str(refused), field="bid", code="nothing_to_ask") from None
        return Response(explanation_as_json(inquiry.bid), status=ACCEPTED)

    def _own_id(self, pk: str) -> int:
        return get_object_or_404(Bid, organization=organization_of(self.request), pk=pk).pk

    @snapshot()
    def _told(self, bid: Bid) -> dict[str, object]:
        return BidSerializer(self.get_queryset().get(pk=bid.pk)).data


class AwardFilter(filters.FilterSet):
    window = IdFilter(field_name="window_id")
    bid = IdFilter(field_name="bid_id")


class AwardViewSet(ReadOnlyModelViewSet):
    """What the organization won, newest first."""

    permission_classes = [IsMember]
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = AwardFilter
    serializer_class = AwardSerializer
    queryset = Award.objects.none()  # tells the schema the type of its key

    def get_queryset(self) -> QuerySet[Award]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return awards_of(organization_of(self.request))


def _caller(request: Request) -> User:
    assert isinstance(request.user, User)  # the permissions saw to it
    return request.user


@contextmanager
def _refusals() -> Iterator[None]:
    """Answer what the operations refuse as problems, in their words and at their fields."""
    try:
        yield
    except BidRejected as rejected:
        raise refusal(rejected.message, field=path_of(rejected), code=rejected.code) from None
    except BidNotFound:
        raise Http404 from None
