"""The deadline helper and the pages of standing orders: everything by forms, nothing lost, nothing done twice."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import BiddingLimit, Membership
from auctions.models import Bid, Lot, StandingOrder
from auctions.operations.standing import pause_order
from auctions.operations.windows import close_window
from marketplace.hours import HOUR
from tests.factories import LotFactory, SellerFactory
from tests.integration.auctions.conftest import (
    Auction,
    close_and_clear,
    turn_clock_past_close,
    turn_clock_past_freeze,
)
from tests.integration.auctions.orders import open_bid, start, step
from tests.integration.auctions.pages import Visit, offer_again, visit

pytestmark = pytest.mark.django_db
FORM = "%Y-%m-%dT%H:%M"
LIST, NEW, PREVIEW = (
    reverse("auctions:order_list"),
    reverse("auctions:order_create"),
    reverse("auctions:order_preview"),
)


@pytest.fixture
def trader(auction: Auction) -> Visit:
    return visit(auction.buyer)


def typed(lot: Lot, **changed: object) -> dict[str, object]:
    return {
        "types": [str(lot.block.resource_type_id)],
        "goal": "40",
        "deadline": f"{lot.starts_at + 24 * HOUR:{FORM}}",
        "budget": "80",
        "price": "",
        "min_hours": "1",
        "market": "",
        "reliability": "",
        **changed,
    }


def page(name: str, order: StandingOrder) -> str:
    return reverse(f"auctions:{name}", args=[order.pk])


class TestHelper:
    def test_reviews_what_it_will_do_and_starts_it(self, auction: Auction, trader: Visit) -> None:
        answer = trader.client.post(NEW, typed(auction.lot) | {"do": "review"})

        assert answer.status_code == 200
        assert not StandingOrder.objects.exists()
        text = answer.content.decode()
        assert "Start standing order" in text
        assert "a bid for up to 16 GPU-hours, $32.00 at most, on 1 lot that matches" in text
        assert answer.context["preview"].terms.price_ticks == 20_000

        answer = trader.client.post(
            NEW, typed(auction.lot) | {"do": "confirm", "request_key": answer.context["request_key"]}
        )

        order = StandingOrder.objects.get()
        assert answer.url == page("order_detail", order)
        assert (order.organization, order.created_by) == (auction.buyer, trader.user)
        assert (order.goal_unit_hours, order.budget_cents, order.price_ticks) == (40, 80_00, 20_000)

    def test_sent_twice_or_reloaded_starts_one(self, auction: Auction, trader: Visit) -> None:
        sent = typed(auction.lot) | {"do": "confirm", "request_key": str(uuid4())}
        answers = [trader.client.post(NEW, sent) for _ in range(3)]
        assert len({answer.url for answer in answers}) == StandingOrder.objects.count() == 1

    def test_offers_one_bid_that_does_it_all(self, auction: Auction, trader: Visit) -> None:
        answer = trader.client.post(NEW, typed(auction.lot, goal="14", budget="40") | {"do": "review"})

        ((outlook, address),) = answer.context["preview"].whole_bids
        assert outlook.whole_cents <= 40_00
        ticket = trader.client.get(address)
        assert ticket.status_code == 200
        (_option, *_) = ticket.context["composer"].checked(auction.window).options
        asked = parse_qs(urlsplit(address).query)
        assert asked["option-0-leg-0-parts"] == ["all"]
        placed = trader.client.post(urlsplit(address).path, asked | {"do": "confirm"})
        assert placed.url == reverse("auctions:bid_list")
        assert Bid.objects.get().status == Bid.Status.PLACED

    def test_offers_no_single_bid_where_none_is_enough(self, auction: Auction, trader: Visit) -> None:
        answer = trader.client.post(NEW, typed(auction.lot) | {"do": "review"})
        assert answer.context["preview"].whole_bids == []

    def test_previews_while_typing_and_says_nothing_while_it_is_incomplete(
        self, auction: Auction, trader: Visit
    ) -> None:
        answer = trader.client.get(PREVIEW, typed(auction.lot))
        assert "Windows that deliver in time" in answer.content.decode()
        assert "<html" not in answer.content.decode()
        answer = trader.client.get(PREVIEW, typed(auction.lot, budget=""))
        assert answer.status_code == 200
        assert "what the order will do shows here" in answer.content.decode()

    def test_a_budget_of_less_than_a_tick_each_is_told(self, auction: Auction, trader: Visit) -> None:
        answer = trader.client.post(NEW, typed(auction.lot, budget="0.01", goal="1,000") | {"do": "review"})
        assert answer.status_code == 422
        assert "less than one tick" in answer.content.decode()

    def test_edit_goes_back_with_everything_typed(self, auction: Auction, trader: Visit) -> None:
        answer = trader.client.post(NEW, typed(auction.lot, goal="1,234") | {"do": "edit"})
        assert answer.status_code == 200
        assert answer.context["form"]["goal"].value() == "1,234"
        assert not answer.context["form"].errors

    def test_warns_of_what_cannot_be_won(self, auction: Auction, trader: Visit) -> None:
        BiddingLimit.objects.filter(organization=auction.buyer).update(credit_cents=5_00)
        text = trader.client.post(NEW, typed(auction.lot, price="0.5") | {"do": "review"}).content.decode()
        assert "at your price it cannot win now" in text
        assert "left of your bidding limit" in text

    def test_a_market_that_is_not_open_is_said(self, auction: Auction, trader: Visit) -> None:
        turn_clock_past_close(auction.window)
        text = trader.client.post(NEW, typed(auction.lot) | {"do": "review"}).content.decode()
        assert "takes no new order bids; the next one does" in text

    def test_of_a_window_closed_while_typing_keeps_what_was_typed_and_bids_in_the_next(
        self, auction: Auction, trader: Visit
    ) -> None:
        said = typed(auction.lot, goal="30", budget="60.50")
        trader.client.get(NEW)
        close_and_clear(auction.window)
        answer = trader.client.post(NEW, said | {"do": "review"})
        form = answer.context["form"]
        assert (form["goal"].value(), form["budget"].value()) == ("30", "60.50")
        trader.client.post(NEW, said | {"do": "confirm", "request_key": str(uuid4())})
        later = offer_again(auction.lot)
        order = StandingOrder.objects.get()
        step(order)
        assert [bid.window for bid in order.bids.all()] == [later.window]

    @pytest.mark.parametrize(
        ("field", "value", "says"),
        [
            ("types", [], "Tick at least one type."),
            ("types", ["999999"], "There is no such type."),
            ("goal", "", "Say how many unit-hours you want."),
            ("goal", "2.5", "is not a whole number of unit-hours"),
            ("goal", "0", "Say 1 to"),
            ("deadline", "", "Say by when."),
            ("deadline", "Friday", "Write a day and an hour"),
            ("deadline", "2020-01-01T00:00", "The deadline has passed."),
            ("deadline", "2099-01-01T00:00", "at most 400 days ahead"),
            ("budget", "", "Say the most you would pay in all."),
            ("budget", "four", "Write dollars"),
            ("budget", "-1", "greater than or equal"),
            ("price", "2,49", "is not a price"),
            ("price", "90", "more than the budget"),
            ("min_hours", "half", "is not a whole number of hours"),
            ("min_hours", "100", "Before this deadline there is no run of 100 h"),
            ("market", "999999", "Select a valid choice"),
            ("regions", ["moon"], "Select a valid choice"),
            ("fabrics", ["string"], "Select a valid choice"),
            ("reliability", "most", "Write a percentage"),
            ("reliability", "101", "less than or equal"),
        ],
    )
    @pytest.mark.parametrize("action", ["review", "confirm"])
    def test_each_field_wrong_is_told_and_nothing_typed_is_lost(
        self, auction: Auction, trader: Visit, field: str, value: object, says: str, action: str
    ) -> None:
        answer = trader.client.post(NEW, typed(auction.lot, **{field: value}) | {"do": action})

        assert answer.status_code == 422
        text = answer.content.decode().replace("&gt;", ">")
        assert says in text
        form = answer.context["form"]
        for name, said in typed(auction.lot, **{field: value}).items():
            assert form[name].value() in (said, said or None)
        assert not StandingOrder.objects.exists()


class TestWho:
    def test_a_lost_session_leads_back_with_everything_typed(self, auction: Auction) -> None:
        answer = Client().post(NEW, typed(auction.lot, goal="77") | {"do": "confirm"})
        back = parse_qs(urlsplit(answer.url).query)["next"][0]
        assert not StandingOrder.objects.exists()
        shown = visit(auction.buyer).client.get(back)
        assert shown.context["form"]["goal"].value() == "77"
        assert shown.context["preview"].terms.goal_unit_hours == 77

    def test_viewers_and_sellers_may_not(self, auction: Auction) -> None:
        order = start(auction)
        viewer = visit(auction.buyer, role=Membership.Role.VIEWER)
        seller = visit(SellerFactory())
        for client in (viewer.client, seller.client):
            assert client.get(NEW).status_code == 403
            assert client.post(NEW, typed(auction.lot) | {"do": "confirm"}).status_code == 403
        for name in ("order_pause", "order_resume", "order_cancel"):
            assert viewer.client.post(page(name, order)).status_code == 403
        shown = viewer.client.get(page("order_detail", order))
        assert shown.status_code == 200
        assert "Cancel order" not in shown.content.decode()

    def test_another_organizations_order_does_not_exist(self, auction: Auction) -> None:
        order = start(auction)
        stranger = visit(auction.rival).client
        for name in ("order_detail", "order_change", "order_cancel"):
            assert stranger.get(page(name, order)).status_code == 404
        for name in ("order_pause", "order_resume", "order_cancel"):
            assert stranger.post(page(name, order)).status_code == 404
        preview = stranger.get(PREVIEW, typed(auction.lot) | {"order": order.pk}).content.decode()
        assert f"order={order.pk}" not in preview


class TestList:
    def test_says_what_each_came_to_in_as_many_queries_for_one_as_for_many(
        self, auction: Auction, trader: Visit
    ) -> None:
        def n_queries() -> int:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert trader.client.get(LIST).status_code == 200
            return len(queries)

        order = start(auction, goal_unit_hours=16)
        step(order)
        trader.client.get(LIST)
        one = n_queries()
        for _ in range(3):
            step(start(auction, goal_unit_hours=8))
        assert n_queries() == one <= 16
        text = trader.client.get(LIST).content.decode()
        assert f"Order {order.pk}" in text
        assert "0 of 16" in text

    def test_an_empty_one_says_what_to_do(self, auction: Auction, trader: Visit) -> None:
        assert NEW in trader.client.get(LIST).content.decode()

    def test_stands_in_the_navigation(self, auction: Auction, trader: Visit) -> None:
        assert f'<a href="{LIST}">Orders</a>' in trader.client.get("/").content.decode()


class TestDetail:
    def test_tells_bids_wins_spent_and_left(self, auction: Auction, trader: Visit) -> None:
        order = start(auction, goal_unit_hours=20)
        step(order)
        bid = open_bid(order)
        close_and_clear(auction.window)
        step(order)

        answer = trader.client.get(page("order_detail", order))

        assert (answer.context["missing"], answer.context["left_cents"]) == (4, 64_00)
        (line,) = answer.context["bids"]
        assert (line.bid, line.unit_hours, line.won_unit_hours, line.amount_ticks) == (bid, 16, 16, 160_000)
        text = answer.content.decode()
        assert "$16.00" in text
        assert f"Bid {bid.pk}" in text

    def test_of_an_order_kept_from_bidding_says_why(self, auction: Auction, trader: Visit) -> None:
        BiddingLimit.objects.filter(organization=auction.buyer).update(credit_cents=0)
        order = start(auction)
        step(order)
        assert "bidding limit allows" in trader.client.get(page("order_detail", order)).content.decode()

    @pytest.mark.parametrize("status", StandingOrder.Status.values)
    def test_of_every_state_shows(self, auction: Auction, trader: Visit, status: str) -> None:
        order = start(auction)
        ended_at = order.created_at if status in ("fulfilled", "expired", "cancelled") else None
        StandingOrder.objects.filter(pk=order.pk).update(status=status, ended_at=ended_at)
        text = trader.client.get(page("order_detail", order)).content.decode()
        assert StandingOrder.Status(status).label in text
        assert ("Cancel order" in text) == (status in StandingOrder.LIVE)

    def test_its_bids_are_not_changed_by_themselves(self, auction: Auction, trader: Visit) -> None:
        order = start(auction)
        step(order)
        bid = open_bid(order)
        text = trader.client.get(reverse("auctions:bid_detail", args=[bid.pk])).content.decode()
        assert page("order_detail", order) in text
        assert reverse("auctions:bid_cancel", args=[bid.pk]) not in text
        answer = trader.client.post(reverse("auctions:bid_cancel", args=[bid.pk]))
        assert answer.status_code == 422
        assert f"standing order {order.pk}" in answer.content.decode()


class TestStops:
    def test_pauses_resumes_and_cancels(self, auction: Auction, trader: Visit) -> None:
        order = start(auction)
        step(order)
        for name, status in (
            ("order_pause", "paused"),
            ("order_resume", "active"),
            ("order_cancel", "cancelled"),
        ):
            answer = trader.client.post(page(name, order))
            assert answer.url == page("order_detail", order)
            order.refresh_from_db()
            assert order.status == status
        assert not Bid.objects.filter(status=Bid.Status.PLACED).exists()

    def test_asks_before_cancelling(self, auction: Auction, trader: Visit) -> None:
        order = start(auction)
        assert "Cancel standing order" in trader.client.get(page("order_cancel", order)).content.decode()
        order.refresh_from_db()
        assert order.status == "active"

    def test_tells_of_a_frozen_bid(self, auction: Auction, trader: Visit) -> None:
        order = start(auction)
        step(order)
        turn_clock_past_freeze(auction.window)
        answer = trader.client.post(page("order_pause", order), follow=True)
        assert f"Bid {open_bid(order).pk} can no longer be taken back" in answer.content.decode()

    def test_twice_or_too_late_is_told(self, auction: Auction, trader: Visit) -> None:
        order = start(auction)
        trader.client.post(page("order_cancel", order))
        for name in ("order_pause", "order_resume", "order_cancel"):
            answer = trader.client.post(page(name, order), follow=True)
            assert "This order is over" in answer.content.decode()


class TestChange:
    def test_starts_from_what_it_asks_for(self, auction: Auction, trader: Visit) -> None:
        order = start(auction)
        form = trader.client.get(page("order_change", order)).context["form"]
        assert (form["goal"].value(), form["budget"].value(), form["price"].value()) == (
            "40",
            "80.00",
            "2.0000",
        )

    def test_saves_and_places_anew(self, auction: Auction, trader: Visit) -> None:
        order = start(auction)
        step(order)
        answer = trader.client.post(
            page("order_change", order), typed(auction.lot, goal="60", price="1.5") | {"revision": "1"}
        )
        assert answer.url == page("order_detail", order)
        step(order)
        assert (order.goal_unit_hours, order.price_ticks, order.revision) == (60, 15_000, 2)
        assert order.bids.count() == 2

    def test_in_two_tabs_the_second_is_told_and_keeps_what_was_typed(
        self, auction: Auction, trader: Visit
    ) -> None:
        order = start(auction)
        change = page("order_change", order)
        trader.client.post(change, typed(auction.lot, goal="60") | {"revision": "1"})
        answer = trader.client.post(change, typed(auction.lot, goal="70") | {"revision": "1"})
        assert answer.status_code == 422
        assert "changed meanwhile" in answer.content.decode()
        assert answer.context["form"]["goal"].value() == "70"
        assert answer.context["revision"] == 2
        order.refresh_from_db()
        assert order.goal_unit_hours == 60

    def test_of_an_order_that_ended_while_typing_is_told(self, auction: Auction, trader: Visit) -> None:
        order = start(auction)
        StandingOrder.objects.update(status="expired", ended_at=order.created_at)
        answer = trader.client.post(page("order_change", order), typed(auction.lot, goal="70"))
        assert answer.status_code == 422
        assert "This order is over: deadline passed." in answer.content.decode()
        assert answer.context["form"]["goal"].value() == "70"

    def test_while_its_window_closes_keeps_the_bid_and_says_so(self, auction: Auction, trader: Visit) -> None:
        order = start(auction)
        step(order)
        turn_clock_past_close(auction.window)
        close_window(window_id=auction.window.pk)
        answer = trader.client.post(page("order_change", order), typed(auction.lot, goal="60"), follow=True)
        assert "can no longer be taken back" in answer.content.decode()

    def test_a_lost_session_leads_back_with_everything_typed(self, auction: Auction, trader: Visit) -> None:
        order = start(auction)
        answer = Client().post(page("order_change", order), typed(auction.lot, goal="77") | {"revision": "1"})
        back = parse_qs(urlsplit(answer.url).query)["next"][0]
        shown = trader.client.get(back)
        assert shown.context["form"]["goal"].value() == "77"
        assert shown.context["revision"] == 1

    def test_paused_stays_paused(self, auction: Auction, trader: Visit) -> None:
        order = start(auction)
        pause_order(organization=auction.buyer, order_id=order.pk)
        trader.client.post(page("order_change", order), typed(auction.lot, goal="60"))
        order.refresh_from_db()
        assert (order.status, order.goal_unit_hours) == ("paused", 60)


def test_a_later_market_counts_its_windows(auction: Auction, trader: Visit) -> None:
    """Windows open at whole cadences since the epoch: one whose next opening is days away, whatever day it is."""
    today = int(datetime.now(UTC).timestamp()) // 86_400
    days = next(days for days in range(5, 31) if today % days < days - 3)
    rare = LotFactory(window__market__cadence=timedelta(days=days)).window.market
    answer = trader.client.get(PREVIEW, typed(auction.lot, market=str(rare.pk)))
    assert f"<strong>{rare.name}</strong>" in answer.content.decode()
    assert "No window delivers a run before this deadline" in answer.content.decode()
