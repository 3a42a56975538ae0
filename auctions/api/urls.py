"""Addresses of the auctions' API, under /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from auctions.api import advice, own, public, standing

router = SimpleRouter()
router.register("markets", public.MarketViewSet, basename="api-market")
router.register("windows", public.WindowViewSet, basename="api-window")
router.register("lots", public.LotViewSet, basename="api-lot")
router.register("indications", public.IndicationViewSet, basename="api-indication")
router.register("prices", public.PriceViewSet, basename="api-price")
router.register("bids", own.BidViewSet, basename="api-bid")
router.register("standing-orders", standing.StandingOrderViewSet, basename="api-standing-order")
router.register("awards", own.AwardViewSet, basename="api-award")

urlpatterns = [
    path("reserve-advice/", advice.ReserveAdviceView.as_view(), name="api-reserve-advice"),
    *router.urls,
]
