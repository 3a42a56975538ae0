"""The bid ticket: what it takes, what it refuses and how it says so, and that two clicks are one bid."""

from datetime import timedelta
from html import escape
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.models import BiddingLimit, Hold, Membership, Organization
from auctions.models import Bid, Lot, LotPrice, Window
from auctions.operations.windows import cancel_window
from inventory.operations.blocks import withdraw_block
from marketplace.db import database_now
from tests.factories import BlockFactory, BuyerFactory, LotFactory, SellerFactory, SiteFactory, WindowFactory
from tests.integration.auctions.conftest import (
    Auction,
    close_and_clear,
    turn_clock_past_close,
    turn_clock_past_freeze,
)
from tests.integration.auctions.pages import Visit, offer_again, visit

GOOD = {"units": "4", "price": "2.5000"}
STEPS = ("review", "confirm")


@pytest.fixture
def trader(auction: Auction) -> Visit:
    return visit(auction.buyer)


def address(lot: Lot, step: str = "ticket") -> str:
    return reverse(f"auctions:bid_{step}", args=[lot.pk])


def post(visitor: Visit, lot: Lot, step: str, **typed: str):
    return visitor.client.post(address(lot, step), {**GOOD, **typed})


def assert_nothing_placed() -> None:
    assert not Bid.objects.exists()
    assert not Hold.objects.exists()


class TestTicket:
    def test_shows_the_lot_and_what_the_limit_has_left(self, auction: Auction, trader: Visit) -> None:
        page = trader.client.get(address(auction.lot)).content.decode()

        assert "8 GPUs" in page
        assert "$1.0000" in page
        assert "$100,000.00" in page

    def test_asks_a_visitor_to_log_in_and_keeps_what_was_typed(self, auction: Auction, client) -> None:
        page = client.get(address(auction.lot), GOOD).content.decode()

        assert "Log in to bid" in page
        assert "units%3D4%26price%3D2.5000" in page
        assert 'name="price"' not in page

    def test_tells_a_viewer_why_not(self, auction: Auction) -> None:
        viewer = visit(auction.buyer, Membership.Role.VIEWER)

        page = viewer.client.get(address(auction.lot)).content.decode()

        assert "Ask an owner to make you a trader" in page
        assert 'name="price"' not in page

    def test_tells_a_seller_why_not(self, auction: Auction) -> None:
        page = visit(SellerFactory()).client.get(address(auction.lot)).content.decode()

        assert "registered as a seller only" in page

    def test_tells_an_organization_without_a_limit_to_add_a_card(self, auction: Auction) -> None:
        page = visit(BuyerFactory(limit_cents=0)).client.get(address(auction.lot)).content.decode()

        assert "Your bidding limit is $0.00" in page

    @pytest.mark.parametrize("step", ["ticket", *STEPS])
    def test_leads_on_from_a_closed_window(self, auction: Auction, trader: Visit, step: str) -> None:
        turn_clock_past_close(auction.window)

        answer = (
            trader.client.get(address(auction.lot)) if step == "ticket" else post(trader, auction.lot, step)
        )

        assert "The current window of" in answer.content.decode()

    @pytest.mark.parametrize("step", STEPS)
    def test_of_a_window_closed_while_typing_leads_to_the_same_block_filled_in(
        self, auction: Auction, trader: Visit, step: str
    ) -> None:
        close_and_clear(auction.window)
        later = offer_again(auction.lot)

        answer = post(trader, auction.lot, step)

        assert answer.status_code == 422
        assert [answer.context["form"][name].value() for name in GOOD] == [*GOOD.values()]
        onward = answer.context["way_on"].address
        assert onward == address(later) + "?units=4&price=2.5000"
        assert f'href="{escape(onward)}"' in answer.content.decode()
        form = trader.client.get(onward).context["form"]
        assert [form[name].value() for name in GOOD] == [*GOOD.values()]

    def test_leads_to_another_lot_of_the_product_or_else_to_the_market(
        self, auction: Auction, trader: Visit
    ) -> None:
        close_and_clear(auction.window)
        window = WindowFactory(market=auction.window.market, opens_at=database_now() - timedelta(minutes=4))
        LotFactory(window=window)
        market = reverse("auctions:market", args=[window.market.slug])
        assert post(trader, auction.lot, "review").context["way_on"].address == market

        block = auction.lot.block
        site = SiteFactory(region=block.site.region)
        alike = LotFactory(
            window=window, block=BlockFactory(site=site, resource_type=block.resource_type, units=8)
        )
        onward = post(trader, auction.lot, "review").context["way_on"]
        assert onward.address == address(alike) + "?units=4&price=2.5000"

    @pytest.mark.parametrize("step", STEPS)
    def test_keeps_the_cost_beside_a_refusal(self, auction: Auction, trader: Visit, step: str) -> None:
        answer = post(trader, auction.lot, step, units="9")

        assert answer.status_code == 422
        assert "$45.00" in answer.content.decode()  # 9 units × 2 h × $2.5000

    def test_says_when_nothing_is_left(self, auction: Auction, trader: Visit) -> None:
        block = auction.lot.block
        withdraw_block(seller=block.site.organization, block_id=block.pk)

        page = trader.client.get(address(auction.lot)).content.decode()

        assert "Nothing of this lot is left on offer" in page
        assert reverse("auctions:market", args=[auction.window.market.slug]) in page
        assert 'name="price"' not in page

    def test_is_a_fragment_to_htmx(self, auction: Auction, trader: Visit) -> None:
        answer = trader.client.get(address(auction.lot), headers={"HX-Request": "true"})

        assert answer.content.decode().strip().startswith('<section id="ticket"')

    def test_works_out_the_cost_on_the_server(self, auction: Auction, trader: Visit) -> None:
        fragment = trader.client.get(address(auction.lot, "cost"), {"units": "3", "price": "0.33335"})
        assert "–" in fragment.content.decode()  # finer than a tick: nothing to work out yet

        fragment = trader.client.get(address(auction.lot, "cost"), {"units": "3", "price": "1.3333"})
        assert "$8.00" in fragment.content.decode()  # 3 units × 2 h × $1.3333 = $7.9998, held in whole cents
        assert "$99,992.00" in fragment.content.decode()


class TestReview:
    def test_shows_what_is_committed_and_places_nothing(self, auction: Auction, trader: Visit) -> None:
        page = post(trader, auction.lot, "review").content.decode()

        assert "$20.00" in page
        assert "Place bid" in page
        assert_nothing_placed()

    @pytest.mark.parametrize(
        ("step", "units", "words"),
        [
            (1, "1", "1 GPU<"),
            (1, "4", "4 GPUs, or part of them<"),
            (4, "4", "4 GPUs<"),
            (4, "8", "in steps of 4<"),
        ],
    )
    def test_says_what_parts_may_win(
        self, auction: Auction, trader: Visit, step: int, units: str, words: str
    ) -> None:
        auction.lot.block.unit_step = step
        auction.lot.block.save()

        assert words in post(trader, auction.lot, "review", units=units).content.decode()

    def test_warns_of_a_price_below_the_reserve(self, auction: Auction, trader: Visit) -> None:
        assert (
            "below the seller’s reserve" in post(trader, auction.lot, "review", price="0.5").content.decode()
        )


class TestConfirm:
    def test_places_the_bid_and_leads_to_the_list(self, auction: Auction, trader: Visit) -> None:
        answer = post(trader, auction.lot, "confirm", request_key=str(uuid4()))

        assert answer.url == reverse("auctions:bid_list")
        bid = Bid.objects.get()
        assert (bid.organization, bid.placed_by) == (auction.buyer, trader.user)
        assert bid.max_ticks == 4 * 2 * 25_000
        assert bid.options.get().price_ticks == 25_000

    def test_places_one_bid_for_two_clicks(self, auction: Auction, trader: Visit) -> None:
        request_key = str(uuid4())

        first = post(trader, auction.lot, "confirm", request_key=request_key)
        second = post(trader, auction.lot, "confirm", request_key=request_key)

        assert first.url == second.url
        assert Bid.objects.count() == 1
        assert Hold.objects.get().amount_cents == 20_00

    def test_sent_again_after_its_bid_was_cancelled_says_so(self, auction: Auction, trader: Visit) -> None:
        request_key = str(uuid4())
        post(trader, auction.lot, "confirm", request_key=request_key)
        bid = Bid.objects.get()
        trader.client.post(reverse("auctions:bid_cancel", args=[bid.pk]), follow=True)

        again = trader.client.post(
            address(auction.lot, "confirm"), {**GOOD, "request_key": request_key}, follow=True
        )

        (told,) = again.context["messages"]
        assert f"bid {bid.pk}" in str(told)
        assert "no longer in the book: cancelled" in str(told)

    def test_leads_the_whole_page_on_from_a_fragment(self, auction: Auction, trader: Visit) -> None:
        answer = trader.client.post(address(auction.lot, "confirm"), GOOD, headers={"HX-Request": "true"})

        assert answer["HX-Redirect"] == reverse("auctions:bid_list")

    def test_refuses_a_viewer(self, auction: Auction) -> None:
        viewer = visit(auction.buyer, Membership.Role.VIEWER)

        assert post(viewer, auction.lot, "confirm").status_code == 403
        assert_nothing_placed()

    def test_takes_a_bid_in_a_frozen_window(self, auction: Auction, trader: Visit) -> None:
        turn_clock_past_freeze(auction.window)

        assert post(trader, auction.lot, "confirm").status_code == 302


@pytest.mark.parametrize("step", STEPS)
class TestBadInput:
    """Each mistake has its own words, is shown at its field, keeps what was typed, and changes nothing."""

    @pytest.mark.parametrize(
        ("field", "typed", "words"),
        [
            ("price", "2.49505", "Prices move in ticks of $0.0001"),
            ("price", "0", "at least one tick"),
            ("price", "-1", "cannot be negative"),
            ("price", "cheap", "“cheap” is not a price"),
            ("price", "", "Say the most you would pay"),
            ("price", "10000.0001", "cannot exceed $10,000.0000"),
            ("units", "0", "at least one unit"),
            ("units", "-8", "at least one unit"),
            ("units", "2.5", "“2.5” is not a whole number of units"),
            ("units", "9", "This lot offers 8 units"),
            ("units", "99999999999", "No lot has more than"),
            ("units", "", "Say how many units"),
        ],
    )
    def test_is_explained_at_its_field(
        self, auction: Auction, trader: Visit, step: str, field: str, typed: str, words: str
    ) -> None:
        answer = post(trader, auction.lot, step, **{field: typed})

        assert answer.status_code == 422
        form = answer.context["form"]
        assert words in " ".join(form.errors[field])
        other = "units" if field == "price" else "price"
        assert form[field].value() == typed
        assert form[other].value() == GOOD[other]
        assert_nothing_placed()

    def test_refuses_part_of_a_node(self, auction: Auction, trader: Visit, step: str) -> None:
        auction.lot.block.unit_step = 8
        auction.lot.block.save()

        answer = post(trader, auction.lot, step)

        assert "whole nodes of 8" in " ".join(answer.context["form"].errors["units"])
        assert_nothing_placed()

    def test_refuses_a_bid_above_the_limit(self, auction: Auction, trader: Visit, step: str) -> None:
        BiddingLimit.objects.filter(organization=auction.buyer).update(credit_cents=19_99)

        answer = post(trader, auction.lot, step)

        assert answer.status_code == 422
        assert "limit" in " ".join(answer.context["form"].non_field_errors())
        assert_nothing_placed()

    def test_refuses_a_bid_on_a_closed_window(self, auction: Auction, trader: Visit, step: str) -> None:
        turn_clock_past_close(auction.window)

        answer = post(trader, auction.lot, step)

        assert answer.status_code == 422
        assert "closed" in " ".join(answer.context["form"].non_field_errors())
        assert_nothing_placed()

    def test_refuses_a_bid_on_a_cancelled_window(self, auction: Auction, trader: Visit, step: str) -> None:
        cancel_window(window_id=auction.window.pk, reason="A site dropped out")

        assert post(trader, auction.lot, step).status_code == 422
        assert_nothing_placed()

    def test_refuses_a_bid_on_an_own_lot(self, auction: Auction, step: str) -> None:
        seller = auction.lot.block.site.organization
        Organization.objects.filter(pk=seller.pk).update(is_buyer=True)
        seller.refresh_from_db()

        answer = post(visit(seller), auction.lot, step)

        assert "your own organization" in " ".join(answer.context["form"].non_field_errors())
        assert_nothing_placed()

    def test_sends_an_expired_session_to_log_in_and_back(
        self, auction: Auction, trader: Visit, step: str
    ) -> None:
        trader.client.logout()

        answer = post(trader, auction.lot, step)

        login = urlsplit(answer.url)
        (back,) = parse_qs(login.query)["next"]
        assert login.path == reverse("account_login")
        trader.client.force_login(trader.user)
        form = trader.client.get(back).context["form"]
        assert (form["units"].value(), form["price"].value()) == (GOOD["units"], GOOD["price"])
        assert_nothing_placed()

    def test_knows_no_such_lot(self, auction: Auction, trader: Visit, step: str) -> None:
        auction.lot.pk += 1000

        assert post(trader, auction.lot, step).status_code == 404


class TestOdds:
    def past_lots(self, lot: Lot, marginals: list[int]) -> None:
        for marginal in marginals:
            past = LotFactory(
                window__market=lot.window.market,
                window__status=Window.Status.CLEARED,
                window__cleared_at=lot.window.opens_at,
                window__surplus_ticks=0,
                window__revenue_ticks=0,
                block__site__region=lot.block.site.region,
                block__resource_type=lot.block.resource_type,
                on_offer=False,
            )
            LotPrice.objects.create(
                lot=past, hour=past.starts_at, paid_ticks=marginal, marginal_ticks=marginal, sold_units=4
            )

    def test_are_told_from_lots_like_it_with_the_size_of_the_sample(
        self, auction: Auction, trader: Visit
    ) -> None:
        self.past_lots(auction.lot, [20_000 + 1_000 * n for n in range(10)])

        cost = trader.client.get(address(auction.lot, "cost"), GOOD).content.decode()

        assert "would have won 6 of the last 10 lots like it" in cost
        assert "35–81 %" in cost
        assert "$17.60" in cost  # 8 unit-hours at the median paid, $2.2000

    def test_are_left_untold_with_too_small_a_sample(self, auction: Auction, trader: Visit) -> None:
        self.past_lots(auction.lot, [20_000] * 3)

        assert "Too few lots like it cleared yet (3)" in post(trader, auction.lot, "review").content.decode()
