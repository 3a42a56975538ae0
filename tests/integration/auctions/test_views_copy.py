"""A bid that is over, put into the market's present window: the ticket opens filled in and says what is gone."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from accounts.models import Membership
from auctions.models import Bid, Lot
from auctions.operations.bids import cancel_bid, place_bid
from auctions.terms import BidTerms
from marketplace.db import database_now
from marketplace.hours import HOUR
from tests.factories import LotFactory, WindowFactory
from tests.integration.auctions.conftest import Auction, close_and_clear, turn_clock_past_close
from tests.integration.auctions.pages import Visit, bid_on, offer_again, visit
from tests.integration.auctions.test_expressive_bids import bid_of, filtered, leg_on, option

pytestmark = pytest.mark.django_db


@pytest.fixture
def trader(auction: Auction) -> Visit:
    return visit(auction.buyer)


def copy(trader: Visit, bid: Bid):
    return trader.client.get(reverse("auctions:bid_copy", args=[bid.pk]))


def told(answer) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def lost(auction: Auction, terms: BidTerms) -> Bid:
    bid = place_bid(organization=auction.buyer, placed_by=None, window_id=auction.window.pk, terms=terms)
    bid_on(auction.lot, auction.rival, units=8, price_ticks=90_000)
    close_and_clear(auction.window)
    return bid


class TestPlainBid:
    def test_opens_the_ticket_of_the_same_block_filled_in(self, auction: Auction, trader: Visit) -> None:
        bid = bid_on(auction.lot, auction.buyer, units=8, price_ticks=15_000)
        bid_on(auction.lot, auction.rival, units=8, price_ticks=90_000)
        close_and_clear(auction.window)
        later = offer_again(auction.lot)

        answer = copy(trader, bid)

        assert answer.url == reverse("auctions:bid_ticket", args=[later.pk]) + "?units=8&price=1.5000"
        assert told(answer) == []
        assert (
            reverse("auctions:bid_copy", args=[bid.pk])
            in trader.client.get(reverse("auctions:bid_detail", args=[bid.pk])).content.decode()
        )

    def test_of_a_cancelled_one_opens_it_in_the_same_window(self, auction: Auction, trader: Visit) -> None:
        bid = bid_on(auction.lot, auction.buyer)
        cancel_bid(organization=auction.buyer, cancelled_by=None, bid_id=bid.pk)
        answer = copy(trader, bid)
        assert urlsplit(answer.url).path == reverse("auctions:bid_ticket", args=[auction.lot.pk])

    def test_whose_lot_is_gone_says_so_and_keeps_the_rest(self, auction: Auction, trader: Visit) -> None:
        bid = bid_on(auction.lot, auction.buyer, units=8, price_ticks=15_000)
        close_and_clear(auction.window)
        other = LotFactory(
            window=WindowFactory(market=auction.window.market, opens_at=database_now() - timedelta(minutes=4))
        )

        answer = copy(trader, bid)

        assert urlsplit(answer.url).path == reverse("auctions:bid_compose", args=[other.pk])
        typed = parse_qs(urlsplit(answer.url).query, keep_blank_values=True)
        assert (typed["option-0-leg-0-lots"], typed["option-0-leg-0-units"]) == ([""], ["8"])
        assert typed["option-0-amount"] == ["1.5000"]
        (said,) = [one for one in told(answer) if "Lot" in one]
        assert f"Lot {auction.lot.pk} is not on offer" in said
        assert trader.client.get(answer.url).status_code == 200

    def test_of_a_lot_that_got_shorter_says_that_hours_moved(self, auction: Auction, trader: Visit) -> None:
        bid = bid_on(auction.lot, auction.buyer)
        close_and_clear(auction.window)
        later = offer_again(auction.lot, starts_at=auction.lot.starts_at + HOUR)
        answer = copy(trader, bid)
        assert urlsplit(answer.url).path == reverse("auctions:bid_ticket", args=[later.pk])
        assert any("hours" in one for one in told(answer))

    def test_into_a_window_that_closes_while_typing_leads_on_to_the_next(
        self, auction: Auction, trader: Visit
    ) -> None:
        bid = bid_on(auction.lot, auction.buyer, units=8, price_ticks=5_000)
        close_and_clear(auction.window)
        second = offer_again(auction.lot)
        assert urlsplit(copy(trader, bid).url).path == reverse("auctions:bid_ticket", args=[second.pk])
        turn_clock_past_close(second.window)
        third = offer_again(second)

        answer = trader.client.post(
            reverse("auctions:bid_review", args=[second.pk]), {"units": "7", "price": "1.75"}
        )

        assert answer.status_code == 422
        assert "takes no bids" in answer.content.decode()
        assert [answer.context["form"][name].value() for name in ("units", "price")] == ["7", "1.75"]
        onward = answer.context["way_on"].address
        assert onward == reverse("auctions:bid_ticket", args=[third.pk]) + "?units=7&price=1.75"


class TestComposedBid:
    def test_keeps_options_filters_and_what_is_left_of_its_lots(
        self, auction: Auction, trader: Visit
    ) -> None:
        gone = LotFactory(window=auction.window)
        terms = bid_of(
            option(leg_on(gone, auction.lot, units=2, hours=1)),
            option(filtered(leg_on(auction.lot, units=2), auction.lot.block.resource_type), value=30_000),
        )
        bid = lost(auction, terms)
        Lot.objects.filter(pk=gone.pk).update(on_offer=False)
        later = offer_again(auction.lot)

        answer = copy(trader, bid)

        typed = parse_qs(urlsplit(answer.url).query, keep_blank_values=True)
        assert typed["options"] == ["2"]
        assert typed["option-0-leg-0-lots"] == [str(later.pk)]
        assert typed["option-1-leg-0-types"] == [str(later.block.resource_type_id)]
        assert any(f"Lot {gone.pk} is not on offer" in one for one in told(answer))

    def test_with_hours_that_are_over_moves_them_into_the_window(
        self, auction: Auction, trader: Visit
    ) -> None:
        leg = filtered(leg_on(auction.lot, units=2), auction.lot.block.resource_type)
        bid = lost(auction, bid_of(option(leg)))
        later = offer_again(auction.lot)
        window = later.window
        window.delivery_from, window.delivery_to = leg.latest_at, leg.latest_at + 12 * HOUR
        window.save()

        answer = copy(trader, bid)

        typed = parse_qs(urlsplit(answer.url).query)
        assert typed["option-0-leg-0-earliest"] == [f"{leg.latest_at:%Y-%m-%dT%H:%M}"]
        assert typed["option-0-leg-0-hours"] == ["2"]
        assert any("hours" in one for one in told(answer))
        assert replace(leg, units=2) == leg


class TestNowhere:
    def test_between_windows_says_so(self, auction: Auction, trader: Visit) -> None:
        bid = bid_on(auction.lot, auction.buyer)
        close_and_clear(auction.window)
        answer = copy(trader, bid)
        assert answer.url == reverse("auctions:market", args=[auction.window.market.slug])
        assert any("takes no bids now" in one for one in told(answer))

    def test_is_for_traders_and_own_bids(self, auction: Auction) -> None:
        bid = bid_on(auction.lot, auction.buyer)
        assert copy(visit(auction.buyer, role=Membership.Role.VIEWER), bid).status_code == 403
        assert copy(visit(auction.rival), bid).status_code == 404
