"""The demo market fills its board at once: every product in a window gets bidders enough for its price to be told."""

import random
from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.db.models import Count

from accounts.holds import grant_starting_limit
from accounts.models import Organization
from auctions.bridge import CROWD
from auctions.models import Bid, Indication, Market
from auctions.publisher import publish_once
from auctions.sweeps import sweep_windows
from simulation.cast import BUYERS
from simulation.demo_market import list_missing_blocks, place_first_bids
from simulation.seed import seed_demo

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def intraday() -> Market:
    seed_demo()
    Market.objects.exclude(slug="intraday").delete()
    with transaction.atomic():
        for buyer in Organization.objects.filter(name__in=BUYERS):
            grant_starting_limit(organization_id=buyer.pk)
    list_missing_blocks(random.Random(1), now=datetime.now(UTC))
    sweep_windows(now=datetime.now(UTC))
    return Market.objects.get()


def test_every_product_has_a_price_after_the_first_bids(intraday: Market) -> None:
    dice = random.Random(1)
    n_taken = [place_first_bids(dice, at_most=6) for _ in range(20)]
    publish_once()

    products = Indication.objects.all()
    assert len(products) == 10
    assert all(product.paid_ticks for product in products)
    assert max(n_taken) == 6
    assert n_taken[-1] == 0
    assert sum(n_taken) == Bid.objects.count() == CROWD * len(products)
    assert not Bid.objects.filter(organization__name=BUYERS[0]).exists()
    once = Bid.objects.values("organization", "options__legs__named_lots__lot").annotate(n=Count("id"))
    assert set(once.values_list("n", flat=True)) == {1}
