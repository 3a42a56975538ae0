"""Check this auction: what anyone sees of a window before and after it clears, and what only a bidder sees."""

import gzip
import json
import re
from hashlib import sha256

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import Membership
from auctions.engine.inclusion import check_bid_in_book, check_proof
from auctions.models import Bid, Window, WindowRecord
from auctions.operations.windows import cancel_window, close_window
from auctions.views import records
from tests.factories import UserFactory
from tests.integration.auctions.conftest import Auction, close_and_clear, turn_clock_past_close
from tests.integration.auctions.pages import Visit, bid_on, visit
from tests.integration.auctions.test_api_bids import api

pytestmark = pytest.mark.django_db

PRICE_TICKS = 237_613
"""$23.7613: a price that appears nowhere by chance."""
SHOWN = ("237613", "23.7613", "23.76")
INSTANT = re.compile(r"\d\d:\d\d:\d\d\.\d+")
"""The fraction of a second may spell a price."""


def check(window: Window) -> str:
    return reverse("auctions:window_check", args=[window.pk])


def book_of(window: Window) -> str:
    return reverse("auctions:window_book", args=[window.pk])


def clearing_of(window: Window) -> str:
    return reverse("auctions:window_clearing", args=[window.pk])


def proof_of(bid: Bid) -> str:
    return reverse("auctions:bid_proof", args=[bid.pk])


async def pieces_of(answer: StreamingHttpResponse) -> list[bytes]:
    return [piece async for piece in answer]


def downloaded(client: Client, address: str) -> bytes:
    return b"".join(async_to_sync(pieces_of)(client.get(address)))


def close(window: Window) -> None:
    turn_clock_past_close(window)
    assert close_window(window_id=window.pk)
    window.refresh_from_db()


@pytest.fixture
def bid(auction: Auction) -> Bid:
    return bid_on(auction.lot, auction.buyer, price_ticks=PRICE_TICKS)


@pytest.fixture
def bidder(auction: Auction) -> Visit:
    return visit(auction.buyer)


class TestWindowCheck:
    def test_says_before_the_close_when_the_root_comes(
        self, auction: Auction, bid: Bid, client: Client
    ) -> None:
        page = client.get(check(auction.window)).content.decode()

        assert "Published the moment the window closes" in page
        assert book_of(auction.window) not in page

    def test_shows_the_root_from_the_close_on(self, auction: Auction, bid: Bid, client: Client) -> None:
        close(auction.window)

        page = client.get(check(auction.window)).content.decode()

        assert auction.window.bids_root in page
        assert book_of(auction.window) not in page

    def test_offers_book_and_clearing_with_their_hashes(
        self, auction: Auction, bid: Bid, client: Client
    ) -> None:
        window = close_and_clear(auction.window)

        page = client.get(check(window)).content.decode()

        assert window.book_sha256 in page
        assert sha256(downloaded(client, clearing_of(window))).hexdigest() in page
        assert "python -m auctions.engine verify" in page

    def test_shows_a_bidder_the_proofs_of_its_own_bids(
        self, auction: Auction, bid: Bid, bidder: Visit
    ) -> None:
        rivals = bid_on(auction.lot, auction.rival)
        window = close_and_clear(auction.window)

        page = bidder.client.get(check(window)).content.decode()

        assert bid.receipt_sha256 in page
        assert proof_of(bid) in page
        assert rivals.nonce not in page
        assert proof_of(rivals) not in page

    def test_shows_a_visitor_no_proof(self, auction: Auction, bid: Bid, client: Client) -> None:
        window = close_and_clear(auction.window)

        assert bid.nonce not in client.get(check(window)).content.decode()

    def test_says_that_a_cancelled_window_cleared_nothing(
        self, auction: Auction, bid: Bid, bidder: Visit
    ) -> None:
        cancel_window(window_id=auction.window.pk, reason="A test")

        page = bidder.client.get(check(auction.window)).content.decode()

        assert "cancelled before it closed" in page

    def test_takes_a_bounded_number_of_queries(
        self, auction: Auction, bidder: Visit, django_assert_max_num_queries
    ) -> None:
        for _ in range(12):
            bid_on(auction.lot, auction.buyer, units=1)
        window = close_and_clear(auction.window)

        with django_assert_max_num_queries(16):
            bidder.client.get(check(window))

    def test_is_led_to_from_the_window_and_the_bid(self, auction: Auction, bid: Bid, bidder: Visit) -> None:
        window = close_and_clear(auction.window)

        for page in (
            reverse("auctions:window", args=[window.pk]),
            reverse("auctions:bid_detail", args=[bid.pk]),
        ):
            assert check(window) in bidder.client.get(page).content.decode()


class TestBidProof:
    def test_proves_the_bid_in_the_published_book(self, auction: Auction, bid: Bid, bidder: Visit) -> None:
        bid_on(auction.lot, auction.rival)
        window = close_and_clear(auction.window)

        proof = bidder.client.get(proof_of(bid)).json()

        check_proof(proof)
        check_bid_in_book(proof, json.loads(downloaded(bidder.client, book_of(window))))
        assert proof["bids_root"] == window.bids_root

    def test_is_the_same_through_the_api(self, auction: Auction, bid: Bid, bidder: Visit) -> None:
        close(auction.window)

        told = api(auction.buyer).get(f"/api/v1/bids/{bid.pk}/proof/").json()

        assert told == bidder.client.get(proof_of(bid)).json()

    def test_comes_only_after_the_close(self, auction: Auction, bid: Bid, bidder: Visit) -> None:
        assert bidder.client.get(proof_of(bid)).status_code == 404
        assert api(auction.buyer).get(f"/api/v1/bids/{bid.pk}/proof/").status_code == 404

    def test_is_nobody_elses(self, auction: Auction, bid: Bid) -> None:
        close(auction.window)

        assert visit(auction.rival).client.get(proof_of(bid)).status_code == 404
        assert api(auction.rival).get(f"/api/v1/bids/{bid.pk}/proof/").status_code == 404


class TestDownloads:
    @pytest.mark.parametrize("address", [book_of, clearing_of])
    def test_are_not_there_before_the_clearing(
        self, auction: Auction, bid: Bid, bidder: Visit, address
    ) -> None:
        close(auction.window)

        assert bidder.client.get(address(auction.window)).status_code == 404

    @pytest.mark.parametrize(("address", "field"), [(book_of, "book"), (clearing_of, "clearing")])
    @pytest.mark.parametrize("accepted", ["gzip, deflate, br", "br, *;q=0.1", "GZIP;q=0.5"])
    def test_are_sent_packed_as_they_are_stored(
        self, auction: Auction, bid: Bid, client: Client, address, field: str, accepted: str
    ) -> None:
        window = close_and_clear(auction.window)
        record = WindowRecord.objects.get()

        answer = client.get(address(window), headers={"Accept-Encoding": accepted})

        assert answer["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in answer["Vary"]
        assert answer.content == bytes(getattr(record, f"{field}_gzip"))
        assert gzip.decompress(answer.content) == getattr(record, field)

    @pytest.mark.parametrize(("address", "field"), [(book_of, "book"), (clearing_of, "clearing")])
    @pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "gzip; q=0.000, *", "br"])
    def test_are_unpacked_in_pieces_for_who_takes_no_gzip(
        self, auction: Auction, bid: Bid, client: Client, address, field: str, accepted: str, monkeypatch
    ) -> None:
        monkeypatch.setattr(records, "PIECE_BYTES", 100)
        window = close_and_clear(auction.window)

        answer = client.get(address(window), headers={"Accept-Encoding": accepted})

        assert isinstance(answer, StreamingHttpResponse)
        assert "Content-Encoding" not in answer
        assert "Accept-Encoding" in answer["Vary"]
        pieces = async_to_sync(pieces_of)(answer)
        assert {len(piece) for piece in pieces[:-1]} == {100}
        assert b"".join(pieces) == getattr(WindowRecord.objects.get(), field)

    def test_name_nobody(self, auction: Auction, bid: Bid, client: Client) -> None:
        window = close_and_clear(auction.window)

        for address in (book_of, clearing_of):
            text = downloaded(client, address(window)).decode()
            for organization in (auction.buyer, auction.lot.block.site.organization):
                assert organization.name not in text
                assert organization.slug not in text
            assert bid.nonce not in text


class TestSealedUntilCleared:
    """Before the clearing nothing that the marketplace shows to anyone else says what a bid says."""

    @pytest.mark.parametrize("closed", [False, True])
    @pytest.mark.parametrize("who", ["visitor", "rival", "operator", "finance", "superuser"])
    def test_nobody_else_reads_a_bid(self, auction: Auction, bid: Bid, who: str, closed: bool) -> None:
        client = reader(who, auction)
        if closed:
            close(auction.window)

        for address in addresses(auction, bid):
            answer = client.get(address, follow=True)
            page = INSTANT.sub("", answer.content.decode())
            assert not [shown for shown in (*SHOWN, bid.nonce) if shown in page], address

    def test_the_back_office_has_no_bids(self, auction: Auction, bid: Bid) -> None:
        page = reader("superuser", auction).get("/admin/").content.decode()

        assert "/admin/auctions/" not in page
        assert "/admin/accounts/hold" not in page
        assert "/admin/accounts/stream" not in page


def reader(who: str, auction: Auction) -> Client:
    client = Client()
    if who == "rival":
        return visit(auction.rival, Membership.Role.OWNER).client
    if who != "visitor":
        roles = {
            "operator": ["is_operator"],
            "finance": ["is_finance"],
            "superuser": ["is_staff", "is_superuser"],
        }
        client.force_login(UserFactory(**dict.fromkeys(roles[who], True)))
    return client


def addresses(auction: Auction, bid: Bid) -> list[str]:
    window, lot = auction.window, auction.lot
    return [
        "/",
        "/bids/",
        "/awards/",
        reverse("auctions:market", args=[window.market.slug]),
        reverse("auctions:window", args=[window.pk]),
        reverse("auctions:bid_detail", args=[bid.pk]),
        reverse("auctions:bid_change", args=[bid.pk]),
        reverse("auctions:bid_cancel", args=[bid.pk]),
        reverse("auctions:bid_ticket", args=[lot.pk]),
        *(address(window) for address in (check, book_of, clearing_of)),
        proof_of(bid),
        f"/api/v1/windows/{window.pk}/",
        f"/api/v1/lots/{lot.pk}/",
        f"/api/v1/bids/{bid.pk}/",
        f"/api/v1/bids/{bid.pk}/proof/",
        "/api/v1/bids/",
        "/api/v1/indications/",
        "/finance/settlements/",
        "/admin/",
        f"/admin/accounts/organization/{auction.buyer.pk}/change/",
    ]
