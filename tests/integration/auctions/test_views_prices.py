"""Price histories: what they sum up to, as page, table and file."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from auctions.models import Market, ProductPrice, Window
from auctions.queries.prices import PricedProduct, Product, history, summary_of
from inventory.models import ResourceType
from marketplace.db import database_now
from tests.factories import MarketFactory, ResourceTypeFactory, WindowFactory

pytestmark = pytest.mark.django_db
REGION = "us-west"


@pytest.fixture
def resource_type() -> ResourceType:
    return ResourceTypeFactory()


def priced(
    resource_type: ResourceType,
    market: Market,
    *,
    hours_ago: int,
    paid: int | None,
    sold: int = 0,
    offered: int = 100,
    region: str = REGION,
) -> ProductPrice:
    at = database_now() - timedelta(hours=hours_ago)
    window = WindowFactory(
        market=market,
        status=Window.Status.CLEARED,
        opens_at=at - timedelta(hours=1),
        freezes_at=at - timedelta(minutes=6),
        closes_at=at,
        cleared_at=at,
        surplus_ticks=0,
        revenue_ticks=0,
    )
    return ProductPrice.objects.create(
        window=window,
        resource_type=resource_type,
        region=region,
        paid_ticks=paid,
        sold_unit_hours=sold,
        offered_unit_hours=offered,
    )


def url(resource_type: ResourceType, name: str = "price_history", region: str = REGION, **query: str) -> str:
    return reverse(f"auctions:{name}", args=[resource_type.slug, region], query=query or None)


class TestSummary:
    def test_weighs_the_mean_by_what_was_sold_and_leaves_out_what_was_not(
        self, resource_type: ResourceType
    ) -> None:
        market = MarketFactory()
        for hours_ago, paid, sold in ((1, 30_000, 10), (2, None, 0), (3, 20_000, 30), (4, 26_000, 1)):
            priced(resource_type, market, hours_ago=hours_ago, paid=paid, sold=sold)

        summary = summary_of(list(history(Product(resource_type, REGION), market)))

        assert (summary.n_windows, summary.n_sold) == (4, 3)
        assert (summary.last_ticks, summary.low_ticks, summary.high_ticks) == (30_000, 20_000, 30_000)
        assert summary.mean_ticks == (30_000 * 10 + 20_000 * 30 + 26_000) // 41
        assert (summary.sold_unit_hours, summary.offered_unit_hours, summary.sold_share) == (41, 400, 10)

    def test_of_nothing_is_nothing(self) -> None:
        summary = summary_of([])

        assert (summary.last_ticks, summary.mean_ticks, summary.sold_share) == (None, None, None)


class TestPage:
    def test_shows_one_market_and_span_newest_first(self, resource_type: ResourceType) -> None:
        near, far = MarketFactory(position=0), MarketFactory(position=1)
        new, old = (priced(resource_type, near, hours_ago=hours, paid=10_000, sold=1) for hours in (2, 200))
        other = priced(resource_type, far, hours_ago=3, paid=11_000, sold=1)
        priced(resource_type, near, hours_ago=2, paid=9_000, sold=1, region="eu-west")
        client = Client()

        def shown(**query: str) -> list[int]:
            return [price.pk for price in client.get(url(resource_type, **query)).context["prices"]]

        assert shown() == [new.pk]
        assert shown(span="14d") == [new.pk, old.pk]
        assert shown(market=far.slug) == [other.pk]
        assert shown(market="no-such", span="no-such") == [new.pk]

    def test_says_what_to_do_where_there_is_nothing(self, resource_type: ResourceType) -> None:
        assert "No prices yet" in Client().get(url(resource_type)).content.decode()
        priced(resource_type, MarketFactory(), hours_ago=200, paid=1, sold=1)
        assert "Nothing in this span" in Client().get(url(resource_type)).content.decode()
        assert "No prices yet" in Client().get(url(resource_type, region="eu-west")).content.decode()

    def test_is_not_there_for_what_does_not_exist(self, resource_type: ResourceType) -> None:
        assert Client().get(url(resource_type, region="atlantis")).status_code == 404
        assert Client().get("/prices/no-such/us-west/").status_code == 404
        assert Client().get(url(resource_type, "price_csv")).status_code == 404

    def test_takes_as_many_queries_for_many_as_for_one(
        self, resource_type: ResourceType, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        market = MarketFactory()
        for hours in range(1, 20):
            priced(resource_type, market, hours_ago=hours, paid=10_000, sold=1)

        with django_assert_num_queries(3):  # type, markets, prices
            Client().get(url(resource_type))
        for other in ResourceTypeFactory.create_batch(3):
            priced(other, market, hours_ago=1, paid=10_000, sold=1)
        with django_assert_num_queries(3):  # markets, prices, types
            Client().get(reverse("auctions:price_list"))


class TestList:
    def test_sums_each_product_up_as_its_own_page_does(self, resource_type: ResourceType) -> None:
        market, idle = MarketFactory(), ResourceTypeFactory(name="Idle", slug="idle")
        for hours_ago, paid, sold in ((1, 30_000, 10), (2, None, 0), (3, 20_000, 30), (4, 26_000, 1)):
            priced(resource_type, market, hours_ago=hours_ago, paid=paid, sold=sold)
        priced(idle, market, hours_ago=5, paid=None)

        of_type, of_idle = sorted(products(), key=lambda row: row.product.resource_type.name == "Idle")

        assert of_type.summary == summary_of(list(history(Product(resource_type, REGION), market)))
        assert (of_type.ticks, of_type.change_ticks) == ((30_000, 20_000, 26_000), 10_000)
        assert of_idle.summary == summary_of(list(history(Product(idle, REGION), market)))
        assert (of_idle.ticks, of_idle.change_ticks, of_idle.summary.last_ticks) == ((), None, None)

    def test_shows_one_market_and_span_and_links_to_the_same(self, resource_type: ResourceType) -> None:
        near, far = MarketFactory(position=0), MarketFactory(position=1)
        priced(resource_type, near, hours_ago=200, paid=10_000, sold=1)
        priced(resource_type, far, hours_ago=3, paid=11_000, sold=1)

        assert products() == []
        assert [row.ticks for row in products(span="14d")] == [(10_000,)]
        assert [row.ticks for row in products(market=far.slug)] == [(11_000,)]
        page = (
            Client().get(reverse("auctions:price_list"), {"market": far.slug, "span": "1d"}).content.decode()
        )
        assert f"?market={far.slug}&amp;span=1d" in page
        assert "Nothing in this span" in Client().get(reverse("auctions:price_list")).content.decode()

    def test_says_what_to_do_before_anything_cleared(self) -> None:
        MarketFactory()
        assert "No prices yet" in Client().get(reverse("auctions:price_list")).content.decode()


def products(**query: str) -> list[PricedProduct]:
    return Client().get(reverse("auctions:price_list"), query).context["products"]


def test_the_file_holds_the_whole_history(resource_type: ResourceType) -> None:
    market = MarketFactory()
    priced(resource_type, market, hours_ago=1, paid=24_950, sold=8)
    priced(resource_type, market, hours_ago=5_000, paid=None)

    answer = Client().get(url(resource_type, "price_csv", market=market.slug))

    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["paid_usd_per_unit_hour"] for row in rows] == ["2.4950", ""]
    assert datetime.fromisoformat(rows[0]["closed_at"]).tzinfo == UTC
