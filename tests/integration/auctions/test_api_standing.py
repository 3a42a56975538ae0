"""Standing orders through the API: the same operations as the pages, the same refusals, and retries that are safe."""

import pytest
from rest_framework.test import APIClient

from accounts.models import Membership
from auctions.models import Lot, StandingOrder
from marketplace.hours import HOUR
from tests.integration.auctions.conftest import Auction, turn_clock_past_freeze
from tests.integration.auctions.orders import open_bid, start, step
from tests.integration.auctions.test_api_bids import api, errors_of

pytestmark = pytest.mark.django_db
ORDERS = "/api/v1/standing-orders/"


@pytest.fixture
def buyer(auction: Auction) -> APIClient:
    return api(auction.buyer)


def asked(lot: Lot, **changed: object) -> dict[str, object]:
    return {
        "filter": {"types": [lot.block.resource_type.slug]},
        "goal_unit_hours": 40,
        "deadline_at": (lot.starts_at + 24 * HOUR).isoformat(),
        "budget_cents": 80_00,
        **changed,
    }


class TestStart:
    def test_starts_an_order_and_tells_it(self, auction: Auction, buyer: APIClient) -> None:
        answer = buyer.post(ORDERS, asked(auction.lot, market=auction.window.market.slug))

        assert answer.status_code == 201
        told = answer.json()
        order = StandingOrder.objects.get()
        assert (told["id"], told["status"], told["price_ticks"]) == (order.pk, "active", 20_000)
        assert told["market"] == auction.window.market.slug
        assert told["filter"]["types"] == [auction.lot.block.resource_type.slug]
        assert order.organization == auction.buyer

    def test_with_a_key_is_done_once(self, auction: Auction, buyer: APIClient) -> None:
        answers = [
            buyer.post(ORDERS, asked(auction.lot), HTTP_IDEMPOTENCY_KEY="order-1").json()["id"]
            for _ in range(3)
        ]
        assert len(set(answers)) == StandingOrder.objects.count() == 1

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"filter": {"types": ["nothing"]}}, "filter.types"),
            ({"filter": {"types": []}}, "filter.types"),
            ({"goal_unit_hours": 0}, "goal_unit_hours"),
            ({"goal_unit_hours": "40"}, "goal_unit_hours"),
            ({"budget_cents": 0}, "budget_cents"),
            ({"budget_cents": 1, "goal_unit_hours": 1000}, "price_ticks"),
            ({"price_ticks": 10**12}, "price_ticks"),
            ({"min_hours": 0}, "min_hours"),
            ({"deadline_at": "2020-01-01T00:00:00Z"}, "deadline_at"),
            ({"deadline_at": "soon"}, "deadline_at"),
            ({"market": "nowhere"}, "market"),
        ],
    )
    def test_names_the_field_that_is_wrong(
        self, auction: Auction, buyer: APIClient, changed: dict[str, object], field: str
    ) -> None:
        answer = buyer.post(ORDERS, asked(auction.lot, **changed))
        assert answer.status_code in (400, 422)
        assert any(name.startswith(field) for name in errors_of(answer)), errors_of(answer)
        assert not StandingOrder.objects.exists()

    def test_is_for_traders_of_buyers(self, auction: Auction) -> None:
        viewer = api(auction.buyer, role=Membership.Role.VIEWER)
        assert viewer.post(ORDERS, asked(auction.lot)).status_code == 403
        assert viewer.get(ORDERS).status_code == 200
        assert APIClient().get(ORDERS).status_code == 401


class TestRead:
    def test_tells_what_it_won_and_could_win(self, auction: Auction, buyer: APIClient) -> None:
        order = start(auction)
        step(order)

        (told,) = buyer.get(ORDERS).json()["results"]

        assert told == buyer.get(f"{ORDERS}{order.pk}/").json()
        assert (told["open_unit_hours"], told["open_ticks"], told["left_cents"]) == (16, 320_000, 48_00)
        (bid,) = buyer.get("/api/v1/bids/", {"standing_order": order.pk}).json()["results"]
        assert (bid["id"], bid["standing_order"]) == (open_bid(order).pk, order.pk)
        assert buyer.get(ORDERS, {"status": "paused"}).json()["results"] == []

    def test_others_do_not_exist(self, auction: Auction) -> None:
        order = start(auction)
        rival = api(auction.rival)
        assert rival.get(ORDERS).json()["results"] == []
        for method, path in (
            ("get", ""),
            ("put", ""),
            ("delete", ""),
            ("post", "pause/"),
            ("post", "resume/"),
        ):
            answer = getattr(rival, method)(f"{ORDERS}{order.pk}/{path}", asked(auction.lot))
            assert answer.status_code == 404


class TestWrite:
    def test_changes_pauses_resumes_and_cancels(self, auction: Auction, buyer: APIClient) -> None:
        order = start(auction)
        step(order)
        address = f"{ORDERS}{order.pk}/"

        told = buyer.put(address, asked(auction.lot, goal_unit_hours=60, revision=1)).json()
        assert (told["goal_unit_hours"], told["revision"], told["kept_bids"]) == (60, 2, [])
        again = buyer.put(address, asked(auction.lot, revision=1))
        assert errors_of(again) == {"revision": "This order was changed meanwhile; look at it again."}
        assert buyer.post(f"{address}pause/").json()["status"] == "paused"
        assert buyer.post(f"{address}resume/").json()["status"] == "active"
        assert buyer.delete(address).json()["status"] == "cancelled"
        assert "over" in errors_of(buyer.delete(address))["order"]

    def test_tells_of_bids_that_stay(self, auction: Auction, buyer: APIClient) -> None:
        order = start(auction)
        step(order)
        turn_clock_past_freeze(auction.window)
        assert buyer.delete(f"{ORDERS}{order.pk}/").json()["kept_bids"] == [open_bid(order).pk]

    def test_its_bids_cannot_be_changed_by_themselves(self, auction: Auction, buyer: APIClient) -> None:
        order = start(auction)
        step(order)
        answer = buyer.delete(f"/api/v1/bids/{open_bid(order).pk}/")
        assert f"standing order {order.pk}" in errors_of(answer)["bid"]


class TestPreview:
    def test_says_what_an_order_would_do_without_starting_it(
        self, auction: Auction, buyer: APIClient
    ) -> None:
        told = buyer.post(f"{ORDERS}preview/", asked(auction.lot, goal_unit_hours=16)).json()

        (market,) = told["markets"]
        assert (told["price_ticks"], market["unit_hours"], market["one_bid_wins_all"]) == (50_000, 16, True)
        assert market["windows_in_time"] > 0
        assert not StandingOrder.objects.exists()
