"""The demo's past: prices of books that the engine cleared, written once."""

from datetime import UTC, datetime

import pytest
from django.db.models import Count
from django.test import Client
from django.urls import reverse

from auctions.models import Market, ProductPrice, Window
from auctions.sweeps import sweep_windows
from settlements.models import SettledWindow
from simulation.history import DAYS, seed_history
from simulation.seed import seed_demo

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)


def test_writes_two_weeks_once_and_the_market_goes_on() -> None:
    seed_demo()

    assert seed_history(now=NOW) == 24 * DAYS
    assert seed_history(now=NOW) == 0

    market = Market.objects.get(slug="intraday")
    assert set(Window.objects.values_list("market__slug", flat=True)) == {"intraday"}
    per_window = ProductPrice.objects.values("window").annotate(n=Count("id")).values_list("n", flat=True)
    assert set(per_window) == {10}
    sold = ProductPrice.objects.exclude(paid_ticks=None)
    assert sold.count() > 24 * DAYS * 8
    assert min(sold.values_list("paid_ticks", flat=True)) > 0
    assert not Window.objects.filter(revenue_ticks=0).exists()
    assert SettledWindow.objects.count() == 24 * DAYS
    page = Client().get(reverse("auctions:window", args=[market.windows.latest("pk").pk])).text
    assert "only what each product came to is on record" in page
    assert "Check this auction" not in page
    sweep_windows(now=NOW)
    assert market.windows.exclude(status=Window.Status.CLEARED).count() == 2
