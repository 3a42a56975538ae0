"""Markets, windows, lots and prices through the API: open to everyone, silent about bids and names."""

import pytest
import pytest_django
from django.core.cache import cache
from rest_framework.test import APIClient

from auctions.models import Indication
from tests.factories import LotFactory
from tests.integration.auctions.conftest import Auction, close_and_clear, turn_clock_past_freeze
from tests.integration.auctions.pages import bid_on

ROOT = "/api/v1/"


@pytest.fixture
def client() -> APIClient:
    cache.clear()
    return APIClient(raise_request_exception=False)


class TestMarkets:
    def test_lists_and_retrieves(self, auction: Auction, client: APIClient) -> None:
        (market,) = client.get(f"{ROOT}markets/").json()

        assert market["slug"] == auction.window.market.slug
        assert client.get(f"{ROOT}markets/{market['slug']}/").json() == market


class TestWindows:
    def test_tells_the_phase_by_the_clock(self, auction: Auction, client: APIClient) -> None:
        turn_clock_past_freeze(auction.window)

        (window,) = client.get(f"{ROOT}windows/", {"market": auction.window.market.slug}).json()["results"]

        assert (window["status"], window["phase"]) == ("open", "frozen")

    def test_comes_with_its_indications(self, auction: Auction, client: APIClient) -> None:
        block = auction.lot.block
        Indication.objects.create(
            window=auction.window,
            resource_type=block.resource_type,
            region=block.site.region,
            paid_ticks=12_345,
            offered_units=8,
            n_lots=1,
            revision=1,
        )

        told = client.get(f"{ROOT}windows/{auction.window.pk}/").json()

        assert told["indications"][0]["paid_ticks"] == 12_345
        assert client.get(f"{ROOT}indications/").json()["results"] == told["indications"]

    def test_tells_prices_but_no_bids_once_cleared(self, auction: Auction, client: APIClient) -> None:
        bid_on(auction.lot, auction.buyer, units=4, price_ticks=43_219)
        close_and_clear(auction.window)

        answer = client.get(f"{ROOT}windows/{auction.window.pk}/")

        (price,) = answer.json()["product_prices"]
        assert (price["paid_ticks"], price["sold_unit_hours"]) == (10_000, 8)
        assert client.get(f"{ROOT}prices/", {"region": price["region"]}).json()["results"] == [price]
        assert "43219" not in answer.content.decode()
        assert "surplus" not in answer.content.decode()


class TestLots:
    def test_tells_units_in_whole_nodes(self, auction: Auction, client: APIClient) -> None:
        auction.lot.block.unit_step = 3
        auction.lot.block.save()

        (lot,) = client.get(f"{ROOT}lots/", {"window": auction.window.pk, "on_offer": "true"}).json()[
            "results"
        ]

        assert (lot["units_on_offer"], lot["unit_step"], lot["hours"]) == (6, 3, 2)
        assert client.get(f"{ROOT}lots/{auction.lot.pk}/").json() == lot

    def test_has_nothing_on_offer_once_cleared(self, auction: Auction, client: APIClient) -> None:
        close_and_clear(auction.window)

        lot = client.get(f"{ROOT}lots/{auction.lot.pk}/").json()

        assert (lot["on_offer"], lot["units_on_offer"]) == (False, 0)

    def test_comes_in_pages_with_a_bounded_number_of_queries(
        self, auction: Auction, client: APIClient, django_assert_max_num_queries
    ) -> None:
        LotFactory.create_batch(4, window=auction.window)

        with django_assert_max_num_queries(3):
            first = client.get(f"{ROOT}lots/", {"page_size": 3}).json()
        rest = client.get(first["next"]).json()

        assert len(first["results"]) == 3
        assert len(rest["results"]) == 2

    def test_refuses_a_region_that_is_none(self, auction: Auction, client: APIClient) -> None:
        answer = client.get(f"{ROOT}lots/", {"region": "moon"})

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "region"


@pytest.mark.parametrize("rows", ["lots", "indications", "prices"])
class TestFilterByWindow:
    @pytest.mark.parametrize("text", ["-1e999999", "-1E400", "1.5", "12x"])
    def test_refuses_what_is_no_id_at_once(self, db: None, client: APIClient, rows: str, text: str) -> None:
        answer = client.get(f"{ROOT}{rows}/", {"window": text})

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "window"

    @pytest.mark.parametrize("text", ["0", "-7", str(10**30)])
    def test_finds_nothing_by_a_number_that_no_row_has(
        self, db: None, client: APIClient, rows: str, text: str
    ) -> None:
        assert client.get(f"{ROOT}{rows}/", {"window": text}).json()["results"] == []


def test_counts_the_requests_of_an_address_whatever_it_claims_to_be(
    db: None, client: APIClient, settings: pytest_django.Settings
) -> None:
    settings.API_ANONYMOUS_REQUESTS_PER_MINUTE = 2

    claims = [{"X-Forwarded-For": f"198.51.100.{number}"} for number in range(7)]
    statuses = [client.get(f"{ROOT}markets/", headers=claim).status_code for claim in claims]

    assert statuses.count(429) >= 3  # a minute may turn once meanwhile
