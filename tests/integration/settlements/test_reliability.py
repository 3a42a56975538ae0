"""Sellers' reliability counted from their deliveries, and bids that ask for it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from inventory.models import SellerReliability
from settlements.models import Delivery, Outage
from settlements.operations.outages import decide_outage
from settlements.operations.reliability import count_reliability
from settlements.sweeps import sweep_deliveries
from tests.factories import LotFactory, UserFactory
from tests.integration.settlements.deliveries import give, handed_over, paid_delivery, report, running

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


def uphold(outage: Outage) -> None:
    outage.refresh_from_db()
    decide_outage(
        outage_id=outage.pk,
        decided_by=UserFactory(is_finance=True),
        upheld_minutes=outage.n_minutes,
        reason="Seen.",
        fingerprint=outage.fingerprint,
        now=outage.delivery.ends_at,
    )


def end(delivery: Delivery) -> SellerReliability:
    sweep_deliveries(now=delivery.ends_at)
    return SellerReliability.objects.get(pk=delivery.seller_id)


class TestCountReliability:
    def test_counts_what_was_delivered(self) -> None:
        delivery = running()

        counted = end(delivery)

        assert (counted.n_deliveries, counted.due_unit_minutes, counted.lost_unit_minutes) == (1, 120, 0)
        assert counted.score_bps is None  # one delivery says little

    def test_counts_an_outage_once_it_is_upheld_and_not_before(self) -> None:
        delivery = running()
        end(delivery)
        outage = report(delivery, minutes=(0, 30), now=delivery.ends_at)
        assert SellerReliability.objects.get().lost_unit_minutes == 0

        uphold(outage)

        counted = SellerReliability.objects.get()
        assert (counted.lost_unit_minutes, counted.n_outages, counted.n_missed) == (30, 1, 0)

    def test_counts_a_hand_over_that_never_came_as_all_lost(self) -> None:
        delivery = paid_delivery()
        sweep_deliveries(now=delivery.starts_at + 30 * MINUTE)
        uphold(Outage.objects.get())

        counted = end(delivery)

        assert (counted.n_deliveries, counted.lost_unit_minutes, counted.n_missed) == (1, 120, 1)

    def test_counts_a_late_hand_over_as_missed_and_lost_until_it_came(self) -> None:
        delivery = paid_delivery()
        sweep_deliveries(now=delivery.starts_at + 30 * MINUTE)
        give(delivery, at=delivery.starts_at + 45 * MINUTE)
        uphold(Outage.objects.get())

        counted = end(delivery)

        assert (counted.lost_unit_minutes, counted.n_missed, counted.n_outages) == (45, 1, 0)

    def test_forgets_after_90_days_by_itself(self) -> None:
        delivery = running()
        end(delivery)

        sweep_deliveries(now=delivery.ends_at + timedelta(days=89))
        assert SellerReliability.objects.get().n_deliveries == 1
        sweep_deliveries(now=delivery.ends_at + timedelta(days=90))
        assert SellerReliability.objects.get().n_deliveries == 0

    def test_counts_no_delivery_cancelled_for_another_reason(self) -> None:
        delivery = handed_over()
        Delivery.objects.filter(pk=delivery.pk).update(status=Delivery.Status.CANCELLED)

        assert count_reliability(seller_id=delivery.seller_id, now=delivery.ends_at).n_deliveries == 0

    def test_has_a_score_from_the_fifth_delivery(self) -> None:
        deliveries = [running() for _ in range(5)]
        for delivery in deliveries:
            sweep_deliveries(now=delivery.ends_at)
        seller = deliveries[0].seller
        Delivery.objects.update(seller=seller)

        counted = count_reliability(seller_id=seller.pk, now=deliveries[0].ends_at)

        assert (counted.n_deliveries, counted.score_bps) == (5, 10_000)


def test_is_shown_with_its_sample_where_lots_are_chosen() -> None:
    lot = LotFactory()
    SellerReliability.objects.create(
        organization=lot.block.site.organization,
        n_deliveries=42,
        due_unit_minutes=6000,
        lost_unit_minutes=60,
        n_missed=1,
        score_bps=9900,
    )
    answer = Client().get(f"/api/v1/lots/{lot.pk}/")

    assert answer.json()["seller_reliability_bps"] == 9900
    assert answer.json()["seller_deliveries"] == 42
    client = Client()
    client.force_login(UserFactory())
    page = client.get(reverse("auctions:market", args=[lot.window.market.slug])).content.decode()
    assert "99.0 % delivered" in page
    assert "42 deliveries, 1 missed" in page


def test_a_seller_without_deliveries_is_new_and_no_sample_is_told() -> None:
    lot = LotFactory()
    client = Client()
    client.force_login(UserFactory())

    page = client.get(reverse("auctions:market", args=[lot.window.market.slug])).content.decode()

    assert "New seller" in page
    assert "0 deliveries" not in page
