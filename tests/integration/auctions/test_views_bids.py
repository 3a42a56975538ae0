"""Own bids and awards: what each phase allows, and that nobody else's can be seen or touched."""

from collections.abc import Callable
from html import escape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from accounts.models import BiddingLimit
from auctions.models import Bid, Window
from auctions.queries.bids import outcome_in_words, own_bid
from marketplace.db import database_now
from tests.factories import BuyerFactory, SellerFactory, UserFactory
from tests.integration.auctions.conftest import (
    Auction,
    close_and_clear,
    turn_clock_past_close,
    turn_clock_past_freeze,
)
from tests.integration.auctions.pages import Visit, bid_on, offer_again, visit


@pytest.fixture
def trader(auction: Auction) -> Visit:
    return visit(auction.buyer)


@pytest.fixture
def bid(auction: Auction) -> Bid:
    return bid_on(auction.lot, auction.buyer)


def address(name: str, bid: Bid) -> str:
    return reverse(f"auctions:bid_{name}", args=[bid.pk])


def terms_of(bid: Bid) -> tuple[int, int | None]:
    option = bid.options.get()
    return option.legs.get().units, option.price_ticks


class TestBidList:
    def test_puts_those_in_the_book_first(self, auction: Auction, trader: Visit, bid: Bid) -> None:
        later = bid_on(auction.lot, auction.buyer)
        trader.client.post(address("cancel", later))

        own = trader.client.get(reverse("auctions:bid_list")).context["bids"]

        assert [row.bid for row in own] == [bid, later]

    def test_takes_a_bounded_number_of_queries(
        self, auction: Auction, trader: Visit, django_assert_max_num_queries
    ) -> None:
        for _ in range(20):
            bid_on(auction.lot, auction.buyer, units=1)

        with django_assert_max_num_queries(14):
            trader.client.get(reverse("auctions:bid_list"))

    def test_shows_nobody_elses(self, auction: Auction, trader: Visit) -> None:
        bid_on(auction.lot, auction.rival)

        assert trader.client.get(reverse("auctions:bid_list")).context["bids"] == []

    def test_asks_no_seller_to_bid(self, db: None) -> None:
        page = visit(SellerFactory()).client.get(reverse("auctions:bid_list")).content.decode()

        assert "registered as a seller only" in page
        assert "pick one of its lots" not in page

    def test_offers_only_raising_from_the_freeze_on(self, auction: Auction, trader: Visit, bid: Bid) -> None:
        turn_clock_past_freeze(auction.window)

        page = trader.client.get(reverse("auctions:bid_list")).content.decode()

        assert "Raise" in page
        assert address("cancel", bid) not in page

    def test_leads_an_expired_session_to_log_in_as_a_whole_page(self, auction: Auction, client) -> None:
        answer = client.get(reverse("auctions:bid_list"), headers={"HX-Request": "true"})

        assert answer["HX-Redirect"].startswith(reverse("account_login"))

    def test_explains_itself_to_someone_without_an_organization(self, db: None, client) -> None:
        client.force_login(UserFactory())

        assert client.get(reverse("auctions:bid_list")).status_code == 403


class TestOthersBids:
    @pytest.mark.parametrize("name", ["detail", "change", "cancel"])
    def test_are_as_unknown_as_none(self, auction: Auction, trader: Visit, name: str) -> None:
        others = bid_on(auction.lot, auction.rival)

        assert trader.client.get(address(name, others)).status_code == 404

    @pytest.mark.parametrize("name", ["change", "cancel"])
    def test_cannot_be_touched(self, auction: Auction, trader: Visit, name: str) -> None:
        others = bid_on(auction.lot, auction.rival)

        answer = trader.client.post(address(name, others), {"units": "8", "price": "9", "confirm": "1"})

        assert answer.status_code == 404
        others.refresh_from_db()
        assert others.status == Bid.Status.PLACED
        assert terms_of(others) == (4, 20_000)


class TestBidChange:
    def test_reviews_before_it_changes(self, trader: Visit, bid: Bid) -> None:
        page = trader.client.post(address("change", bid), {"units": "5", "price": "3"})

        assert "$30.00" in page.content.decode()
        assert terms_of(bid) == (4, 20_000)

    def test_changes_when_confirmed(self, trader: Visit, bid: Bid) -> None:
        answer = trader.client.post(address("change", bid), {"units": "5", "price": "3", "confirm": "1"})

        assert answer.url == address("detail", bid)
        assert terms_of(bid) == (5, 30_000)

    def test_lowers_nothing_from_the_freeze_on(self, auction: Auction, trader: Visit, bid: Bid) -> None:
        turn_clock_past_freeze(auction.window)

        lower = trader.client.post(address("change", bid), {"units": "4", "price": "1.9", "confirm": "1"})
        assert "can only rise" in " ".join(lower.context["form"].errors["price"])
        fewer = trader.client.post(address("change", bid), {"units": "3", "price": "2", "confirm": "1"})
        assert "can only rise" in " ".join(fewer.context["form"].errors["units"])

        assert terms_of(bid) == (4, 20_000)

    def test_refuses_more_than_the_limit_and_keeps_what_was_typed(
        self, auction: Auction, trader: Visit, bid: Bid
    ) -> None:
        BiddingLimit.objects.filter(organization=auction.buyer).update(credit_cents=20_00)

        answer = trader.client.post(address("change", bid), {"units": "8", "price": "2", "confirm": "1"})

        assert answer.status_code == 422
        assert answer.context["form"]["units"].value() == "8"
        assert terms_of(bid) == (4, 20_000)

    @pytest.mark.parametrize("confirm", [{}, {"confirm": "1"}])
    def test_from_a_stale_page_changes_nothing_and_says_what_it_is_now(
        self, trader: Visit, bid: Bid, confirm: dict[str, str]
    ) -> None:
        page = trader.client.get(address("change", bid))
        assert f'name="sequence" value="{bid.sequence}"' in page.content.decode()
        trader.client.post(address("change", bid), {"units": "6", "price": "3", "confirm": "1"})

        stale = {"units": "5", "price": "2.5", "sequence": str(bid.sequence)}
        answer = trader.client.post(address("change", bid), stale | confirm)

        assert answer.status_code == 422
        (words,) = answer.context["form"].non_field_errors()
        assert words.startswith("This bid was changed meanwhile (now up to 6 GPUs")
        assert [answer.context["form"][name].value() for name in ("units", "price")] == ["5", "2.5"]
        assert terms_of(bid) == (6, 30_000)

        again = {**stale, "sequence": str(answer.context["sequence"]), "confirm": "1"}
        assert trader.client.post(address("change", bid), again).status_code == 302
        assert terms_of(bid) == (5, 25_000)

    def test_takes_a_sequence_that_no_bid_has_for_none(self, trader: Visit, bid: Bid) -> None:
        answer = trader.client.get(address("change", bid), {"sequence": "9" * 5_000})

        assert answer.status_code == 200
        assert f'name="sequence" value="{bid.sequence}"' in answer.content.decode()

    def test_refuses_once_the_window_has_closed(self, auction: Auction, trader: Visit, bid: Bid) -> None:
        turn_clock_past_close(auction.window)

        answer = trader.client.post(address("change", bid), {"units": "5", "price": "3", "confirm": "1"})

        assert answer.status_code == 422
        assert terms_of(bid) == (4, 20_000)

    @pytest.mark.parametrize("confirm", [{}, {"confirm": "1"}])
    @pytest.mark.parametrize("close", [turn_clock_past_close, close_and_clear])
    def test_of_a_window_closed_while_typing_leads_to_the_current_one_filled_in(
        self,
        auction: Auction,
        trader: Visit,
        bid: Bid,
        close: Callable[[Window], object],
        confirm: dict[str, str],
    ) -> None:
        close(auction.window)
        later = offer_again(auction.lot)

        typed = {"units": "5", "price": "3.10", "sequence": str(bid.sequence)}
        answer = trader.client.post(address("change", bid), typed | confirm)

        assert answer.status_code == 422
        assert answer.context["form"].non_field_errors()
        assert [answer.context["form"][name].value() for name in ("units", "price")] == ["5", "3.10"]
        onward = answer.context["way_on"]
        assert onward.address == reverse("auctions:bid_ticket", args=[later.pk]) + "?units=5&price=3.10"
        assert f'href="{escape(onward.address)}"' in answer.content.decode()

    def test_brings_an_expired_session_back_with_what_was_typed(self, trader: Visit, bid: Bid) -> None:
        trader.client.logout()

        answer = trader.client.post(address("change", bid), {"units": "6", "price": "2.75", "confirm": "1"})

        (back,) = parse_qs(urlsplit(answer.url).query)["next"]
        trader.client.force_login(trader.user)
        form = trader.client.get(back).context["form"]
        assert (form["units"].value(), form["price"].value()) == ("6", "2.75")
        assert terms_of(bid) == (4, 20_000)


class TestBidCancel:
    def test_asks_first(self, trader: Visit, bid: Bid) -> None:
        assert "$16.00 held for it" in trader.client.get(address("cancel", bid)).content.decode()
        bid.refresh_from_db()
        assert bid.status == Bid.Status.PLACED

    def test_releases_what_was_held(self, auction: Auction, trader: Visit, bid: Bid) -> None:
        trader.client.post(address("cancel", bid))

        bid.refresh_from_db()
        assert bid.status == Bid.Status.CANCELLED
        assert BiddingLimit.objects.get(organization=auction.buyer).held_cents == 0

    def test_is_refused_from_the_freeze_on(self, auction: Auction, trader: Visit, bid: Bid) -> None:
        turn_clock_past_freeze(auction.window)

        answer = trader.client.post(address("cancel", bid))

        assert answer.status_code == 422
        assert "no longer cancelled" in answer.content.decode()
        bid.refresh_from_db()
        assert bid.status == Bid.Status.PLACED


class TestOutcome:
    def test_tells_a_loser_what_would_have_won(self, auction: Auction, trader: Visit) -> None:
        lost = bid_on(auction.lot, auction.buyer, units=8, price_ticks=11_000)
        bid_on(auction.lot, auction.rival, units=8, price_ticks=15_000)
        close_and_clear(auction.window)

        page = trader.client.get(address("detail", lost)).content.decode()

        assert "Other bids offered more" in page
        assert "per GPU-hour would have won" in page

    def test_tells_a_bid_below_the_reserve(self, auction: Auction, trader: Visit) -> None:
        lost = bid_on(auction.lot, auction.buyer, price_ticks=9_000)
        close_and_clear(auction.window)
        lost.refresh_from_db()

        assert "reserve was higher" in outcome_in_words(own_bid(lost, database_now()))

    @pytest.mark.parametrize(
        ("units", "words"), [(1, "Won the unit it asked for."), (8, "Won all 8 units it asked for.")]
    )
    def test_tells_what_was_won(self, auction: Auction, trader: Visit, units: int, words: str) -> None:
        won = bid_on(auction.lot, auction.buyer, units=units, price_ticks=20_000)
        close_and_clear(auction.window)
        won.refresh_from_db()

        assert outcome_in_words(own_bid(won, database_now())) == words

    def test_lists_what_was_won_at_the_second_price(self, auction: Auction, trader: Visit) -> None:
        bid_on(auction.lot, auction.buyer, units=8, price_ticks=30_000)
        bid_on(auction.lot, auction.rival, units=8, price_ticks=15_000)
        close_and_clear(auction.window)

        ((award, average),) = trader.client.get(reverse("auctions:award_list")).context["awards"]

        assert (award.units, average) == (8, 15_000)

    def test_shows_no_award_to_others(self, auction: Auction) -> None:
        bid_on(auction.lot, auction.buyer)
        close_and_clear(auction.window)

        assert visit(BuyerFactory()).client.get(reverse("auctions:award_list")).context["awards"] == []
