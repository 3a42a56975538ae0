"""Board, market and result pages: public, bounded, and silent about single bids."""

import pytest
from django.test import Client
from django.urls import reverse

from auctions.models import Indication, Market, Window
from auctions.operations.windows import cancel_window, freeze_window
from auctions.views import markets
from inventory.operations.blocks import withdraw_block
from tests.factories import BlockFactory, LotFactory, MarketFactory, WindowFactory
from tests.integration.auctions.conftest import (
    Auction,
    close_and_clear,
    turn_clock_past_close,
    turn_clock_past_freeze,
)
from tests.integration.auctions.pages import bid_on, set_status, visit


def market_page(market: Market) -> str:
    return reverse("auctions:market", args=[market.slug])


class TestBoard:
    def test_says_what_to_do_when_no_market_runs(self, db: None, client: Client) -> None:
        assert "No market is running" in client.get("/").content.decode()

    def test_says_what_to_do_when_nothing_is_on_offer(self, db: None, client: Client) -> None:
        WindowFactory()

        assert "Nothing is on offer right now" in client.get("/").content.decode()

    def test_shows_a_lot_before_its_first_indication(self, auction: Auction, client: Client) -> None:
        (section,) = client.get("/").context["sections"]

        (row,) = section.rows
        assert (row.offered_units, row.n_lots, row.reserve_ticks, row.indicative_ticks) == (
            8,
            1,
            10_000,
            None,
        )

    @pytest.mark.parametrize("is_frozen", [False, True])
    def test_leaves_out_lots_of_which_nothing_is_left(
        self, auction: Auction, client: Client, is_frozen: bool
    ) -> None:
        withdrawn = LotFactory(window=auction.window, block=_same_product(auction), reserve_ticks=1)
        withdraw_block(seller=withdrawn.block.site.organization, block_id=withdrawn.block_id)
        if is_frozen:
            turn_clock_past_freeze(auction.window)
            freeze_window(window_id=auction.window.pk)

        (section,) = client.get("/").context["sections"]

        (row,) = section.rows
        assert (row.n_lots, row.reserve_ticks, row.offered_units) == (1, 10_000, 8)

    def test_shows_the_indication(self, auction: Auction, client: Client) -> None:
        block = auction.lot.block
        Indication.objects.create(
            window=auction.window,
            resource_type=block.resource_type,
            region=block.site.region,
            paid_ticks=12_345,
            entry_ticks=12_400,
            offered_units=8,
            n_lots=1,
            revision=1,
        )

        page = client.get("/").content.decode()

        assert "$1.2345" in page
        assert "$1.2400" in page

    def test_shows_the_last_price_and_its_change(self, client: Client, auction: Auction) -> None:
        for price_ticks in (15_000, 18_000):
            window = WindowFactory(market=auction.window.market, opens_at=_later(auction.window))
            lot = LotFactory(window=window, block=_same_product(auction))
            bid_on(lot, auction.buyer, units=8, price_ticks=40_000)
            bid_on(lot, auction.rival, units=8, price_ticks=price_ticks)
            close_and_clear(window)

        (section,) = client.get("/").context["sections"]

        assert (section.rows[0].last_ticks, section.rows[0].change_ticks) == (18_000, 3_000)

    def test_takes_at_most_twelve_queries_however_much_is_on_offer(
        self, db: None, auction: Auction, django_assert_max_num_queries
    ) -> None:
        for _ in range(3):
            window = WindowFactory()
            for _ in range(5):
                LotFactory(window=window)
        trader = visit(auction.buyer)

        with django_assert_max_num_queries(12):
            answer = trader.client.get("/")

        assert len(answer.context["sections"]) == 4

    def test_is_a_fragment_to_htmx(self, auction: Auction, client: Client) -> None:
        answer = client.get("/", headers={"HX-Request": "true"})

        assert answer.content.decode().strip().startswith('<section id="offers"')
        assert "HX-Request" in answer["Vary"]

    def test_prefers_the_window_that_takes_bids_and_keeps_one_that_clears(
        self, auction: Auction, client: Client
    ) -> None:
        turn_clock_past_close(auction.window)
        following = WindowFactory(market=auction.window.market, opens_at=auction.window.closes_at)

        sections = client.get("/").context["sections"]

        assert [section.window for section in sections] == [auction.window, following]
        assert not sections[0].clock.takes_bids

    def test_never_tells_a_bid_or_a_name(self, auction: Auction, client: Client) -> None:
        bid_on(auction.lot, auction.buyer, price_ticks=43_219)

        for address in ("/", market_page(auction.window.market)):
            page = client.get(address).content.decode()
            assert "4.3219" not in page
            assert auction.buyer.name not in page
            assert auction.lot.block.site.organization.name not in page


class TestMarket:
    def test_lists_the_lots_of_the_current_window(self, auction: Auction, client: Client) -> None:
        (product,) = client.get(market_page(auction.window.market)).context["products"]

        (offer,) = product.lots
        assert (offer.lot, offer.units) == (auction.lot, 8)

    def test_filters_by_product(self, auction: Auction, client: Client) -> None:
        other = LotFactory(window=auction.window)
        choice = f"{other.block.resource_type.slug}@{other.block.site.region}"

        (product,) = client.get(market_page(auction.window.market), {"product": choice}).context["products"]

        assert [offer.lot for offer in product.lots] == [other]

    def test_ignores_a_product_it_does_not_have(self, auction: Auction, client: Client) -> None:
        answer = client.get(market_page(auction.window.market), {"product": "nonsense", "page": "x"})

        assert len(answer.context["products"]) == 1

    def test_offers_whole_nodes_only(self, auction: Auction, client: Client) -> None:
        auction.lot.block.unit_step = 3
        auction.lot.block.save()

        (product,) = client.get(market_page(auction.window.market)).context["products"]

        assert product.lots[0].units == 6

    def test_follows_the_clock_ahead_of_the_jobs(self, auction: Auction, client: Client) -> None:
        turn_clock_past_freeze(auction.window)

        clock = client.get(market_page(auction.window.market)).context["clock"]

        assert clock.phase == Window.Status.FROZEN
        assert clock.next_at == auction.window.closes_at

    def test_counts_down_to_nothing_while_a_window_is_late_to_open(self, db: None, client: Client) -> None:
        window = WindowFactory(status=Window.Status.SCHEDULED)

        assert client.get(market_page(window.market)).context["clock"].next_at is None

    def test_stands_between_windows(self, db: None, client: Client) -> None:
        assert "Between windows" in client.get(market_page(MarketFactory())).content.decode()

    def test_lists_what_went_before(self, auction: Auction, client: Client) -> None:
        bid_on(auction.lot, auction.buyer)
        close_and_clear(auction.window)

        (past,) = client.get(market_page(auction.window.market)).context["past"]

        assert (past.sold_unit_hours, past.offered_unit_hours) == (8, 16)

    def test_takes_a_bounded_number_of_queries(
        self, auction: Auction, client: Client, django_assert_max_num_queries
    ) -> None:
        for _ in range(30):
            LotFactory(window=auction.window)

        with django_assert_max_num_queries(12):
            client.get(market_page(auction.window.market))


class TestWindow:
    @pytest.mark.parametrize("status", Window.UNCLEARED)
    def test_leads_to_the_market_until_it_is_over(
        self, auction: Auction, client: Client, status: Window.Status
    ) -> None:
        set_status(auction.window, status)

        answer = client.get(reverse("auctions:window", args=[auction.window.pk]))

        assert answer.url == market_page(auction.window.market)

    def test_tells_what_it_came_to_but_no_bids(self, auction: Auction, client: Client) -> None:
        bid_on(auction.lot, auction.buyer, units=4, price_ticks=43_219)
        close_and_clear(auction.window)

        page = client.get(reverse("auctions:window", args=[auction.window.pk]))

        (result,) = page.context["lots"]
        assert (result.sold_unit_hours, result.offered_unit_hours, result.paid_ticks) == (8, 16, 10_000)
        assert "4.3219" not in page.content.decode()
        assert auction.buyer.name not in page.content.decode()

    def test_shows_own_bids_to_their_owner_alone(self, auction: Auction) -> None:
        bid = bid_on(auction.lot, auction.buyer)
        close_and_clear(auction.window)
        address = reverse("auctions:window", args=[auction.window.pk])

        (own,) = visit(auction.buyer).client.get(address).context["own_bids"]

        assert own.bid == bid
        assert visit(auction.rival).client.get(address).context["own_bids"] == []

    def test_shows_the_newest_of_many_own_bids_and_says_how_many_there_are(
        self, auction: Auction, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(markets, "OWN_BIDS_SHOWN", 1)
        bid_on(auction.lot, auction.buyer)
        newest = bid_on(auction.lot, auction.buyer)
        close_and_clear(auction.window)

        answer = visit(auction.buyer).client.get(reverse("auctions:window", args=[auction.window.pk]))

        (own,) = answer.context["own_bids"]
        assert own.bid == newest
        assert "The newest 1 of 2" in answer.content.decode()

    def test_sums_up_the_hours_of_lots_in_a_bounded_number_of_queries(
        self, auction: Auction, client: Client, django_assert_max_num_queries
    ) -> None:
        unsold = [LotFactory(window=auction.window) for _ in range(10)]
        bid_on(auction.lot, auction.buyer, units=8, price_ticks=40_000)
        bid_on(auction.lot, auction.rival, units=8, price_ticks=15_000)
        close_and_clear(auction.window)

        with django_assert_max_num_queries(12):
            page = client.get(reverse("auctions:window", args=[auction.window.pk]))

        told = {
            result.lot: (result.sold_unit_hours, result.paid_ticks, result.marginal_ticks)
            for result in page.context["lots"]
        }
        assert told == {auction.lot: (16, 15_000, 15_000)} | dict.fromkeys(unsold, (0, None, None))

    def test_says_why_it_was_cancelled(self, auction: Auction, client: Client) -> None:
        cancel_window(window_id=auction.window.pk, reason="A site dropped out")

        page = client.get(reverse("auctions:window", args=[auction.window.pk])).content.decode()

        assert "A site dropped out" in page


def _later(window: Window):
    """An opening of the same market that no window has yet."""
    return Window.objects.filter(market=window.market).latest("opens_at").opens_at - window.market.cadence / 3


def _same_product(auction: Auction):
    return BlockFactory(site=auction.lot.block.site, resource_type=auction.lot.block.resource_type)
