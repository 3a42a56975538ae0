"""Bids through the API: the same operations as the pages, the same refusals, and retries that are safe."""

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from accounts.keys import new_secret, secret_sha256
from accounts.models import ApiKey, BiddingLimit, Hold, Membership, Organization
from auctions.models import Bid, Lot
from auctions.operations.windows import cancel_window
from tests.factories import LotFactory, MembershipFactory, SellerFactory
from tests.integration.auctions.conftest import (
    Auction,
    close_and_clear,
    turn_clock_past_close,
    turn_clock_past_freeze,
)
from tests.integration.auctions.pages import bid_on

BIDS = "/api/v1/bids/"


@pytest.fixture(autouse=True)
def fresh_throttle() -> None:
    cache.clear()


def api(organization: Organization, role: str = Membership.Role.TRADER) -> APIClient:
    """A program with a key of ``organization``."""
    membership = MembershipFactory(organization=organization, role=role)
    drawn = new_secret()
    ApiKey.objects.create(
        organization=organization,
        created_by=membership.user,
        name="Desk",
        prefix=drawn.prefix,
        secret_sha256=secret_sha256(drawn.secret),
    )
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {drawn.text}")
    return client


@pytest.fixture
def buyer(auction: Auction) -> APIClient:
    return api(auction.buyer)


def terms(lot: Lot, *, price_ticks: object = 20_000, units: object = 4, **more: object) -> dict[str, object]:
    return {"options": [{"price_ticks": price_ticks, "legs": [{"lots": [lot.pk], "units": units, **more}]}]}


def asked(auction: Auction, **said: object) -> dict[str, object]:
    return {"window": auction.window.pk, **terms(auction.lot, **said)}


def errors_of(answer) -> dict[str, str]:
    assert answer["Content-Type"] == "application/problem+json"
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


def assert_nothing_placed() -> None:
    assert not Bid.objects.exists()
    assert not Hold.objects.exists()


class TestPlace:
    def test_places_a_bid_and_tells_its_terms(self, auction: Auction, buyer: APIClient) -> None:
        answer = buyer.post(BIDS, asked(auction))

        assert answer.status_code == 201
        told = answer.json()
        assert (told["status"], told["max_ticks"], told["hold_cents"]) == ("placed", 160_000, 16_00)
        (option,) = told["options"]
        (leg,) = option["legs"]
        assert (option["price_ticks"], leg["lots"], leg["units"], leg["hours"]) == (
            20_000,
            [auction.lot.pk],
            4,
            2,
        )

    def test_places_one_bid_for_a_repeated_request(self, auction: Auction, buyer: APIClient) -> None:
        key = {"Idempotency-Key": "order-17"}

        first = buyer.post(BIDS, asked(auction), headers=key)
        second = buyer.post(BIDS, asked(auction), headers=key)

        assert first.json()["id"] == second.json()["id"]
        assert Bid.objects.count() == 1

    def test_takes_a_session_instead_of_a_key(self, auction: Auction) -> None:
        client = APIClient()
        client.force_login(MembershipFactory(organization=auction.buyer).user)

        assert client.post(BIDS, asked(auction)).status_code == 201

    def test_asks_who_is_there(self, auction: Auction) -> None:
        assert APIClient().post(BIDS, asked(auction)).status_code == 401
        assert_nothing_placed()

    def test_refuses_a_viewer(self, auction: Auction) -> None:
        assert api(auction.buyer, Membership.Role.VIEWER).post(BIDS, asked(auction)).status_code == 403
        assert_nothing_placed()

    def test_refuses_a_mere_seller(self, auction: Auction) -> None:
        assert api(SellerFactory()).post(BIDS, asked(auction)).status_code == 403


class TestExpressiveBids:
    def test_places_options_legs_filters_and_values_and_tells_them_again(
        self, auction: Auction, buyer: APIClient
    ) -> None:
        other = LotFactory(window=auction.window)
        lot, slug = auction.lot, auction.lot.block.resource_type.slug
        hours = {"earliest_at": lot.starts_at.isoformat(), "latest_at": lot.ends_at.isoformat()}
        package = [
            {"lots": [lot.pk], "units": 4},
            {"lots": [other.pk], "units": 8, "earliest_at": other.starts_at.isoformat()},
        ]
        any_of = {"lots": [other.pk, lot.pk], "units": 8, "min_units": 8, "hours": 1, **hours}
        matching = {"filter": {"types": [slug], "regions": ["us-west", "us-east"]}, "units": 2, **hours}

        answer = buyer.post(
            BIDS,
            {
                "window": auction.window.pk,
                "options": [
                    {"value_ticks": 500_000, "legs": package},
                    {"price_ticks": 30_000, "legs": [any_of]},
                    {"price_ticks": 20_000, "legs": [matching]},
                ],
            },
        )

        assert answer.status_code == 201
        told = answer.json()
        first, second, third = told["options"]
        assert told["max_ticks"] == 500_000
        assert [(leg["lots"], leg["min_units"]) for leg in first["legs"]] == [([lot.pk], 4), ([other.pk], 8)]
        assert (second["legs"][0]["lots"], second["legs"][0]["hours"]) == ([other.pk, lot.pk], 1)
        assert third["legs"][0]["filter"] == {
            "types": [slug],
            "regions": ["us-east", "us-west"],
            "fabrics": [],
            "min_reliability_bps": None,
        }
        assert (third["legs"][0]["lots"], third["legs"][0]["min_units"]) == ([], 1)

    def test_says_where_in_the_bid_a_mistake_is(self, auction: Auction, buyer: APIClient) -> None:
        good = {"lots": [auction.lot.pk], "units": 4}
        options = [
            {"price_ticks": 20_000, "legs": [good]},
            {"price_ticks": 20_000, "legs": [good, {**good, "units": 9}]},
        ]

        answer = buyer.post(BIDS, {"window": auction.window.pk, "options": options})

        assert "offers 8 units" in errors_of(answer)["options.1.legs.1.units"]
        assert_nothing_placed()

    def test_knows_no_type_that_is_not_there(self, auction: Auction, buyer: APIClient) -> None:
        leg = {"filter": {"types": ["abacus"]}, "units": 1}
        hours = {
            "earliest_at": auction.lot.starts_at.isoformat(),
            "latest_at": auction.lot.ends_at.isoformat(),
        }

        answer = buyer.post(
            BIDS,
            {"window": auction.window.pk, "options": [{"price_ticks": 1, "legs": [{**leg, **hours}]}]},
        )

        assert "“abacus”" in errors_of(answer)["options.0.legs.0.filter.types"]


class TestBadInput:
    """Each mistake has its own words, names its field, and changes nothing."""

    @pytest.mark.parametrize(
        ("said", "field", "words"),
        [
            ({"price_ticks": 24950.5}, "options.0.price_ticks", "whole ticks of $0.0001"),
            ({"price_ticks": "2.495"}, "options.0.price_ticks", "whole ticks of $0.0001"),
            ({"price_ticks": True}, "options.0.price_ticks", "whole ticks of $0.0001"),
            ({"price_ticks": -1}, "options.0.price_ticks", "cannot be negative"),
            ({"price_ticks": 0}, "options.0.price_ticks", "at least one tick"),
            ({"price_ticks": 100_000_001}, "options.0.price_ticks", "cannot exceed $10,000.0000"),
            ({"units": 0}, "options.0.legs.0.units", "at least one unit"),
            ({"units": 2.5}, "options.0.legs.0.units", "whole numbers"),
            ({"units": 9}, "options.0.legs.0.units", "This lot offers 8 units"),
            ({"hours": 3}, "options.0.legs.0.hours", "between 1 and 2 hours"),
            ({"min_units": 5}, "options.0.legs.0.min_units", "between 1 and 4"),
            ({"earliest_at": "2026-11-24T14:30:00Z"}, "options.0.legs.0.earliest_at", "whole UTC hours"),
            ({"filter": {"types": ["h100"]}}, "options.0.legs.0", "either lots or a filter"),
        ],
    )
    def test_is_explained_at_its_field(
        self, auction: Auction, buyer: APIClient, said: dict[str, object], field: str, words: str
    ) -> None:
        answer = buyer.post(BIDS, asked(auction, **said))

        assert answer.status_code == 422
        assert words in errors_of(answer)[field]
        assert_nothing_placed()

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"window": "soon"},
            {"options": []},
            {"options": [{"legs": []}]},
            {"options": [{"price_ticks": 1, "value_ticks": 1, "legs": [{"lots": [1], "units": 1}]}]},
            {"options": [{"price_ticks": 1, "legs": [{"lots": [], "units": 1}]}]},
            [],
        ],
    )
    def test_refuses_what_is_no_bid(self, auction: Auction, buyer: APIClient, body: object) -> None:
        answer = buyer.post(BIDS, body)

        assert answer.status_code == 422
        assert errors_of(answer)
        assert_nothing_placed()

    def test_refuses_a_bid_above_the_limit(self, auction: Auction, buyer: APIClient) -> None:
        BiddingLimit.objects.filter(organization=auction.buyer).update(credit_cents=15_99)

        assert "bidding limit" in errors_of(buyer.post(BIDS, asked(auction)))["limit"]
        assert_nothing_placed()

    def test_refuses_a_bid_on_a_closed_window(self, auction: Auction, buyer: APIClient) -> None:
        turn_clock_past_close(auction.window)

        assert "has closed" in errors_of(buyer.post(BIDS, asked(auction)))["window"]
        assert_nothing_placed()

    def test_refuses_a_bid_on_a_cancelled_window(self, auction: Auction, buyer: APIClient) -> None:
        cancel_window(window_id=auction.window.pk, reason="A site dropped out")

        assert "cancelled" in errors_of(buyer.post(BIDS, asked(auction)))["window"]

    def test_refuses_an_unknown_lot_and_one_of_another_window(
        self, auction: Auction, buyer: APIClient
    ) -> None:
        elsewhere = LotFactory()
        unknown = Lot(pk=elsewhere.pk + 1000)

        for lot in (elsewhere, unknown):
            answer = buyer.post(BIDS, {"window": auction.window.pk, **terms(lot)})
            assert "no such lot in this window" in errors_of(answer)["options.0.legs.0.lots"]
        assert_nothing_placed()

    @pytest.mark.parametrize("further_on", [1000, 2**31, 2**62])
    def test_refuses_an_unknown_window(self, auction: Auction, buyer: APIClient, further_on: int) -> None:
        said = asked(auction) | {"window": auction.window.pk + further_on}

        assert errors_of(buyer.post(BIDS, said))["window"] == "There is no such auction window."


class TestChange:
    def test_replaces_the_terms(self, auction: Auction, buyer: APIClient) -> None:
        bid = bid_on(auction.lot, auction.buyer)

        told = buyer.put(f"{BIDS}{bid.pk}/", terms(auction.lot, price_ticks=30_000)).json()

        assert told["options"][0]["price_ticks"] == 30_000
        assert told["sequence"] > bid.sequence

    def test_leaves_alone_what_was_changed_since_it_was_read(
        self, auction: Auction, buyer: APIClient
    ) -> None:
        bid = bid_on(auction.lot, auction.buyer)
        read = {"sequence": bid.sequence}

        first = buyer.put(f"{BIDS}{bid.pk}/", terms(auction.lot, price_ticks=30_000) | read)
        second = buyer.put(f"{BIDS}{bid.pk}/", terms(auction.lot, price_ticks=25_000) | read)

        assert (first.status_code, second.status_code) == (200, 422)
        assert "changed meanwhile" in errors_of(second)["sequence"]
        assert buyer.get(f"{BIDS}{bid.pk}/").json()["max_ticks"] == first.json()["max_ticks"]

    def test_lowers_nothing_from_the_freeze_on(self, auction: Auction, buyer: APIClient) -> None:
        bid = bid_on(auction.lot, auction.buyer)
        turn_clock_past_freeze(auction.window)

        answer = buyer.put(f"{BIDS}{bid.pk}/", terms(auction.lot, price_ticks=19_999))

        assert "can only rise" in errors_of(answer)["options.0.price_ticks"]
        assert bid.options.get().price_ticks == 20_000


class TestCancel:
    def test_releases_the_hold(self, auction: Auction, buyer: APIClient) -> None:
        bid = bid_on(auction.lot, auction.buyer)

        assert buyer.delete(f"{BIDS}{bid.pk}/").json()["status"] == "cancelled"
        assert BiddingLimit.objects.get(organization=auction.buyer).held_cents == 0

    def test_is_refused_from_the_freeze_on_and_a_second_time(
        self, auction: Auction, buyer: APIClient
    ) -> None:
        frozen, cancelled = bid_on(auction.lot, auction.buyer), bid_on(auction.lot, auction.buyer)
        buyer.delete(f"{BIDS}{cancelled.pk}/")
        assert "no longer in the book" in errors_of(buyer.delete(f"{BIDS}{cancelled.pk}/"))["bid"]

        turn_clock_past_freeze(auction.window)

        assert "frozen" in errors_of(buyer.delete(f"{BIDS}{frozen.pk}/"))["window"]


class TestOthersBids:
    @pytest.mark.parametrize("method", ["get", "put", "delete"])
    def test_are_as_unknown_as_none(self, auction: Auction, buyer: APIClient, method: str) -> None:
        others = bid_on(auction.lot, auction.rival)
        body = terms(auction.lot) if method == "put" else None

        theirs = getattr(buyer, method)(f"{BIDS}{others.pk}/", body)
        nobodys = getattr(buyer, method)(f"{BIDS}{others.pk + 1000}/", body)

        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json() == nobodys.json()
        others.refresh_from_db()
        assert others.status == Bid.Status.PLACED

    def test_are_not_listed(self, auction: Auction, buyer: APIClient) -> None:
        own = bid_on(auction.lot, auction.buyer)
        bid_on(auction.lot, auction.rival)

        assert [bid["id"] for bid in buyer.get(BIDS).json()["results"]] == [own.pk]

    def test_awards_are_not_listed_either(self, auction: Auction, buyer: APIClient) -> None:
        bid_on(auction.lot, auction.buyer, units=8, price_ticks=40_000)
        bid_on(auction.lot, auction.rival, units=8, price_ticks=15_000)
        close_and_clear(auction.window)

        (award,) = buyer.get("/api/v1/awards/").json()["results"]

        assert (award["units"], award["amount_ticks"], award["average_ticks"]) == (8, 8 * 2 * 15_000, 15_000)
        assert api(auction.rival).get("/api/v1/awards/").json()["results"] == []


class TestList:
    def test_takes_as_many_queries_for_many_as_for_one(
        self, auction: Auction, buyer: APIClient, django_assert_max_num_queries
    ) -> None:
        for _ in range(20):
            bid_on(auction.lot, auction.buyer, units=1)

        with django_assert_max_num_queries(14):
            assert len(buyer.get(BIDS).json()["results"]) == 20

    def test_filters_by_status_and_window(self, auction: Auction, buyer: APIClient) -> None:
        bid_on(auction.lot, auction.buyer)

        assert buyer.get(BIDS, {"status": "lost"}).json()["results"] == []
        assert len(buyer.get(BIDS, {"window": auction.window.pk}).json()["results"]) == 1
        assert buyer.get(BIDS, {"status": "nonsense"}).status_code == 422


class TestWhatIsHeld:
    def test_is_nothing_for_a_cancelled_bid(self, auction: Auction, buyer: APIClient) -> None:
        bid = bid_on(auction.lot, auction.buyer)

        cancelled = buyer.delete(f"{BIDS}{bid.pk}/").json()

        assert (cancelled["hold_cents"], cancelled["max_ticks"]) == (0, bid.max_ticks)

    def test_follows_the_clearing(self, auction: Auction, buyer: APIClient) -> None:
        lost = bid_on(auction.lot, auction.buyer, units=8, price_ticks=11_000)
        won = bid_on(auction.lot, auction.buyer, units=8, price_ticks=30_000)
        bid_on(auction.lot, auction.rival, units=8, price_ticks=15_000)
        close_and_clear(auction.window)

        held = {bid: buyer.get(f"{BIDS}{bid.pk}/").json()["hold_cents"] for bid in (lost, won)}

        live = Hold.objects.get(reference=f"bid:{won.pk}", released_at=None)
        assert held == {lost: 0, won: live.amount_cents}
