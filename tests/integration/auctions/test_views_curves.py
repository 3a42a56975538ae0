"""Supply and demand of a cleared window: what is drawn, what is counted as left out, and who sees it when."""

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from auctions.curves import Crossing
from auctions.models import Lot, Window
from auctions.operations.bids import cancel_bid, place_bid
from auctions.operations.windows import cancel_window
from tests.factories import BlockFactory, BuyerFactory, LotFactory, OrganizationFactory
from tests.integration.auctions.conftest import Auction, close_and_clear
from tests.integration.auctions.pages import bid_on, visit
from tests.integration.auctions.test_expressive_bids import bid_of, leg_on, option
from tests.integration.auctions.test_views_prices import priced

pytestmark = pytest.mark.django_db


def page_of(window: Window, name: str = "window_curves", **query: object) -> str:
    return reverse(f"auctions:{name}", args=[window.pk], query=query or None)


def product_of(lot: Lot) -> str:
    return f"{lot.block.resource_type.slug}@{lot.block.site.region}"


def of_the_same_product(lot: Lot, **more: object) -> Lot:
    block = BlockFactory(resource_type=lot.block.resource_type, site=lot.block.site, **more)
    return LotFactory(window=lot.window, block=block)


@pytest.fixture
def second(auction: Auction) -> Lot:
    """Another lot of the product: eight units for two hours, at $1.5000."""
    return of_the_same_product(auction.lot, reserve_ticks=15_000)


class TestCurves:
    def test_show_bids_by_price_lots_by_reserve_and_where_they_cross(
        self, auction: Auction, second: Lot
    ) -> None:
        bid_on(auction.lot, auction.buyer, units=4, price_ticks=20_000)
        bid_on(auction.lot, auction.rival, units=8, price_ticks=30_000)
        bid_on(second, auction.rival, units=2, price_ticks=20_000)
        cancel_bid(
            organization=auction.buyer,
            cancelled_by=None,
            bid_id=bid_on(second, auction.buyer, units=1, price_ticks=40_000).pk,
        )
        window = close_and_clear(auction.window)

        curves = visit(auction.buyer).client.get(page_of(window)).context["curves"]

        assert [
            (each.step.price_ticks, each.step.unit_hours, each.step.n, each.step.up_to)
            for each in curves.demand
        ] == [
            (30_000, 16, 1, 16),
            (20_000, 12, 2, 28),
        ]
        assert [each.won for each in curves.demand] == [16, 4]
        assert [each.own for each in curves.demand] == [0, 8]
        assert [(step.price_ticks, step.unit_hours, step.n) for step in curves.supply] == [
            (10_000, 16, 1),
            (15_000, 16, 1),
        ]
        assert curves.crossing == Crossing(28, 15_000, 15_000)
        assert (curves.cleared.sold, curves.cleared.offered, curves.n_drawn) == (20, 32, 3)
        assert (curves.n_choosing, curves.n_whole, curves.left_out.n_bids) == (0, 0, 0)

    def test_of_one_plain_lot_cross_at_what_it_sold(self, auction: Auction, second: Lot) -> None:
        bid_on(auction.lot, auction.buyer, units=4, price_ticks=20_000)
        bid_on(auction.lot, auction.rival, units=6, price_ticks=30_000)
        bid_on(second, auction.rival, units=2, price_ticks=20_000)
        window = close_and_clear(auction.window)

        curves = Client().get(page_of(window, lot=auction.lot.pk)).context["curves"]

        assert curves.crossing == Crossing(16, 20_000, 20_000)
        assert (curves.cleared.sold, curves.cleared.margin_ticks, curves.n_drawn) == (16, 20_000, 2)

    def test_count_what_they_cannot_hold_and_what_it_won(self, auction: Auction, second: Lot) -> None:
        elsewhere = LotFactory(window=auction.window)
        either = option(leg_on(auction.lot, elsewhere, units=2), price=50_000)
        package = option(
            leg_on(auction.lot, units=2, min_units=2), leg_on(second, units=2, min_units=2), price=40_000
        )
        apart = [option(leg_on(lot, units=1), price=30_000) for lot in (auction.lot, second)]
        hour = option(leg_on(auction.lot, second, units=3, min_units=3, hours=1), price=25_000)
        for terms in (bid_of(either), bid_of(package), bid_of(*apart), bid_of(hour)):
            place_bid(organization=BuyerFactory(), placed_by=None, window_id=auction.window.pk, terms=terms)
        bid_on(elsewhere, auction.buyer)
        window = close_and_clear(auction.window)

        all_lots = Client().get(page_of(window, product=product_of(auction.lot))).context["curves"]
        one_lot = (
            Client().get(page_of(window, product=product_of(auction.lot), lot=second.pk)).context["curves"]
        )

        assert (all_lots.left_out.n_several, all_lots.left_out.n_elsewhere) == (2, 1)
        assert (all_lots.n_drawn, all_lots.n_choosing, all_lots.n_whole) == (1, 1, 1)
        assert [(each.step.price_ticks, each.step.unit_hours) for each in all_lots.demand] == [(25_000, 3)]
        drawn = sum(each.won for each in all_lots.demand)
        assert drawn + all_lots.left_out.won == all_lots.cleared.sold > 0
        assert (one_lot.n_drawn, one_lot.left_out.n_several, one_lot.left_out.n_elsewhere) == (0, 2, 1)

    def test_price_a_value_by_the_unit_hour(self, auction: Auction) -> None:
        whole = option(leg_on(auction.lot, units=4, min_units=4), value=100_007)
        place_bid(
            organization=auction.buyer, placed_by=None, window_id=auction.window.pk, terms=bid_of(whole)
        )
        window = close_and_clear(auction.window)

        (each,) = Client().get(page_of(window)).context["curves"].demand

        assert (each.step.price_ticks, each.step.unit_hours, each.won) == (12_500, 8, 8)


class TestPrivacy:
    def test_nothing_is_drawn_before_the_window_has_cleared(self, auction: Auction, client: Client) -> None:
        bid_on(auction.lot, auction.buyer, price_ticks=23_761)

        answer = client.get(page_of(auction.window))

        assert answer.headers["Location"] == reverse("auctions:market", args=[auction.window.market.slug])
        assert client.get(page_of(auction.window, "window_curves_csv")).status_code == 404

    def test_nor_of_a_cancelled_window(self, auction: Auction, client: Client) -> None:
        bid_on(auction.lot, auction.buyer, price_ticks=23_761)
        cancel_window(window_id=auction.window.pk, reason="A test")

        page = client.get(page_of(auction.window)).content.decode()

        assert "This window was cancelled" in page
        assert "2.3761" not in page

    def test_nor_of_one_whose_book_was_not_published(self, auction: Auction, client: Client) -> None:
        price = priced(auction.lot.block.resource_type, auction.window.market, hours_ago=9, paid=1, sold=1)

        assert "No book was published" in client.get(page_of(price.window)).content.decode()
        assert client.get(page_of(price.window, "window_curves_csv")).status_code == 404
        assert "Curves" not in client.get(reverse("auctions:window", args=[price.window_id])).content.decode()

    def test_no_name_and_nobody_elses_share_is_told(self, auction: Auction) -> None:
        bid_on(auction.lot, auction.buyer)
        window = close_and_clear(auction.window)

        page = visit(auction.rival).client.get(page_of(window))

        assert auction.buyer.name not in page.content.decode()
        assert [each.own for each in page.context["curves"].demand] == [0]


class TestPage:
    def test_is_reached_from_the_window_by_product_and_lot(self, auction: Auction, client: Client) -> None:
        bid_on(auction.lot, auction.buyer)
        window = close_and_clear(auction.window)

        page = client.get(reverse("auctions:window", args=[window.pk])).content.decode()

        product = page_of(window, product=product_of(auction.lot)).replace("%40", "@")
        assert product in page
        assert f"{product}&amp;lot={auction.lot.pk}" in page

    @pytest.mark.parametrize("query", [{"product": "no-such@us-east"}, {"lot": "0"}, {"lot": "x'"}])
    def test_is_not_there_for_what_was_not_offered(
        self, auction: Auction, client: Client, query: dict[str, str]
    ) -> None:
        window = close_and_clear(auction.window)

        assert client.get(page_of(window, **query)).status_code == 404
        assert client.get(page_of(window, "window_curves_csv", **query)).status_code == 404

    def test_says_so_where_nobody_bid(self, auction: Auction, client: Client) -> None:
        window = close_and_clear(auction.window)

        assert "no bid to draw" in client.get(page_of(window)).content.decode()

    def test_takes_as_many_queries_for_many_bids_as_for_one(
        self, auction: Auction, second: Lot, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for n in range(12):
            bid_on(auction.lot, OrganizationFactory(), units=1, price_ticks=20_000 + n)
        window = close_and_clear(auction.window)

        with django_assert_num_queries(6):  # window, prices, record, lots, demand, hours
            Client().get(page_of(window))


def test_the_file_holds_both_curves(auction: Auction, second: Lot, client: Client) -> None:
    bid_on(auction.lot, auction.buyer, units=4, price_ticks=24_950)
    window = close_and_clear(auction.window)

    answer = client.get(page_of(window, "window_curves_csv"))

    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [(row["side"], row["price_usd_per_unit_hour"], row["up_to_unit_hours"]) for row in rows] == [
        ("demand", "2.4950", "8"),
        ("supply", "1.0000", "16"),
        ("supply", "1.5000", "32"),
    ]
    assert [row["won_unit_hours"] for row in rows] == ["8", "", ""]
