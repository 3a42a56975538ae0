"""Asking why a bid of packages ended as it did: who may, when, and that the answer adds up."""

import threading

import pytest
from django.db import IntegrityError, connections, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import Membership, Organization, StreamEvent
from auctions.models import Award, Bid, Inquiry, Lot, WindowRecord
from auctions.operations.bids import BidNotFound
from auctions.operations.inquiries import MAX_WAITING, InquiryRefused, answer_inquiry, ask_about_bid
from auctions.queries.bids import bids_of, own_bid
from auctions.queries.inquiries import Explanation, explanation_of
from auctions.queries.receipts import receipt_of
from auctions.sweeps import sweep_inquiries
from marketplace.db import database_now
from tests.factories import BuyerFactory, LotFactory, ResourceTypeFactory
from tests.integration.auctions.conftest import Auction, close_and_clear
from tests.integration.auctions.pages import bid_on, visit
from tests.integration.auctions.test_api_bids import api
from tests.integration.auctions.test_expressive_bids import bid_of, filtered, leg_on, option, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(auction: Auction) -> Lot:
    return LotFactory(window=auction.window)


def whole(lot: Lot, units: int = 8):
    return leg_on(lot, units=units, min_units=units)


def value_bid(auction: Auction, organization: Organization, value: int, *lots: Lot) -> Bid:
    return place(
        auction, bid_of(option(*(whole(lot) for lot in lots), value=value)), organization=organization
    )


@pytest.fixture
def bids(auction: Auction, other: Lot) -> list[Bid]:
    """Two who want a lot each, at $80 and $100, beat one who offers $100 for both; a lot's reserve comes to $16."""
    return [
        value_bid(auction, auction.buyer, 800_000, auction.lot),
        value_bid(auction, auction.rival, 1_000_000, other),
        value_bid(auction, BuyerFactory(), 1_000_000, auction.lot, other),
    ]


def ask(bid: Bid) -> Inquiry:
    return ask_about_bid(organization=bid.organization, asked_by=None, bid_id=bid.pk)


def answered(bid: Bid) -> dict:
    inquiry = ask(bid)
    assert answer_inquiry(inquiry_id=inquiry.pk)
    inquiry.refresh_from_db()
    assert inquiry.status == Inquiry.Status.ANSWERED
    return inquiry.answer


def told(bid: Bid) -> Explanation:
    return explanation_of(own_bid(bids_of(bid.organization).get(pk=bid.pk), database_now()))


class TestLoser:
    def test_is_told_the_least_that_would_have_won(self, auction: Auction, bids: list[Bid]) -> None:
        close_and_clear(auction.window)

        answer = answered(bids[2])

        assert answer == {"kind": "minimum", "options": [{"limit_ticks": 1_800_001, "is_exact": True}]}
        bids[2].refresh_from_db()
        assert bids[2].minimum_to_win_ticks == 1_800_001

    def test_is_told_of_each_option_even_of_those_the_book_left_out(
        self, auction: Auction, other: Lot, bids: list[Bid]
    ) -> None:
        nothing = option(filtered(leg_on(auction.lot), ResourceTypeFactory()), price=90_000)
        loser = place(
            auction,
            bid_of(nothing, option(whole(auction.lot), price=20_000), option(whole(other), value=300_000)),
            organization=BuyerFactory(),
        )
        close_and_clear(auction.window)

        answer = answered(loser)

        assert answer["options"] == [
            {"limit_ticks": None, "is_exact": True},
            {"limit_ticks": 50_001, "is_exact": True},
            {"limit_ticks": 1_000_001, "is_exact": True},
        ]
        assert [minimum.limit_ticks for minimum in told(loser).minimums] == [None, 50_001, 1_000_001]

    def test_has_nothing_to_ask_where_the_clearing_told_it(self, auction: Auction) -> None:
        bid_on(auction.lot, auction.buyer, units=8, price_ticks=30_000)
        loser = bid_on(auction.lot, auction.rival, units=8, price_ticks=20_000)
        close_and_clear(auction.window)

        with pytest.raises(InquiryRefused, match="nothing more"):
            ask(loser)
        assert not told(loser).may_ask


class TestWinner:
    def test_is_told_what_it_displaced_and_the_group_that_binds(
        self, auction: Auction, other: Lot, bids: list[Bid]
    ) -> None:
        close_and_clear(auction.window)
        for bid in bids[:2]:
            receipt = receipt_of(Bid.objects.get(pk=bid.pk))
            assert receipt is not None

            answered(bid)

            displaced = told(bid).displaced
            assert displaced is not None
            sums = sum(one.adds_ticks for one in displaced.others)
            assert displaced.reserve_ticks == 160_000
            assert (
                displaced.reserve_ticks + sums == displaced.second_price_ticks == receipt.second_price_ticks
            )
            assert displaced.amount_ticks == receipt.payment_ticks
            assert displaced.core_ticks == receipt.core_ticks
            assert displaced.group is None or displaced.group.binds

    def test_bears_with_the_others_what_no_group_may_offer_more_than(
        self, auction: Auction, other: Lot
    ) -> None:
        pair = [
            value_bid(auction, auction.buyer, 1_000_000, auction.lot),
            value_bid(auction, auction.rival, 1_000_000, other),
        ]
        value_bid(auction, BuyerFactory(), 1_500_000, auction.lot, other)
        close_and_clear(auction.window)

        for bid in pair:
            answered(bid)
            displaced = told(bid).displaced
            assert displaced is not None
            assert displaced.group is not None
            assert (displaced.second_price_ticks, displaced.core_ticks) == (500_000, 250_000)
            assert displaced.group.offer_ticks == displaced.group.paid_ticks == 1_500_000 - 320_000
            assert [len(member.parts) for member in displaced.group.members] == [2]

    def test_has_nothing_to_ask_where_the_receipt_lists_it(self, auction: Auction) -> None:
        winner = bid_on(auction.lot, auction.buyer)
        close_and_clear(auction.window)

        with pytest.raises(InquiryRefused):
            ask(winner)


class TestAsking:
    def test_is_for_the_bids_own_organization(self, auction: Auction, bids: list[Bid]) -> None:
        close_and_clear(auction.window)

        with pytest.raises(BidNotFound):
            ask_about_bid(organization=auction.rival, asked_by=None, bid_id=bids[2].pk)

    def test_waits_for_the_clearing(self, bids: list[Bid]) -> None:
        with pytest.raises(InquiryRefused):
            ask(bids[2])

    def test_twice_is_once(self, auction: Auction, bids: list[Bid]) -> None:
        close_and_clear(auction.window)

        assert ask(bids[2]) == ask(bids[2])
        assert jobs().count() == 1

    def test_is_limited_per_organization(self, auction: Auction, bids: list[Bid]) -> None:
        losers = [value_bid(auction, auction.buyer, 400_000, auction.lot) for _ in range(MAX_WAITING + 1)]
        close_and_clear(auction.window)
        for loser in losers[:-1]:
            ask(loser)

        with pytest.raises(InquiryRefused, match=f"{MAX_WAITING} of your bids"):
            ask(losers[-1])

    def test_tells_the_organizations_stream_when_it_is_answered(
        self, auction: Auction, bids: list[Bid]
    ) -> None:
        close_and_clear(auction.window)

        answered(bids[2])

        event = StreamEvent.objects.get(kind="bid.explained")
        assert event.organization == bids[2].organization
        assert event.data == {"bid": bids[2].pk, "window": auction.window.pk}


class TestAnswering:
    def test_happens_once(self, auction: Auction, bids: list[Bid]) -> None:
        close_and_clear(auction.window)
        inquiry = ask(bids[2])

        assert answer_inquiry(inquiry_id=inquiry.pk)
        assert not answer_inquiry(inquiry_id=inquiry.pk)
        assert StreamEvent.objects.filter(kind="bid.explained").count() == 1

    def test_that_fails_says_so_and_can_be_asked_again(
        self, auction: Auction, bids: list[Bid], caplog: pytest.LogCaptureFixture
    ) -> None:
        close_and_clear(auction.window)
        inquiry = ask(bids[2])
        Bid.objects.filter(pk=bids[2].pk).update(nonce="0" * 64)  # its name in the book is lost with it

        assert not answer_inquiry(inquiry_id=inquiry.pk)

        inquiry.refresh_from_db()
        assert inquiry.status == Inquiry.Status.FAILED
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert told(bids[2]).may_ask
        Bid.objects.filter(pk=bids[2].pk).update(nonce=bids[2].nonce)
        assert answered(bids[2])["options"][0]["limit_ticks"] == 1_800_001

    def test_an_answer_stands_with_its_state(self, auction: Auction, bids: list[Bid]) -> None:
        close_and_clear(auction.window)
        inquiry = ask(bids[2])

        with pytest.raises(IntegrityError, match="inquiry_answered_with_its_answer"), transaction.atomic():
            Inquiry.objects.filter(pk=inquiry.pk).update(status="answered")

    def test_a_lost_job_is_found_by_the_sweep(self, auction: Auction, bids: list[Bid]) -> None:
        close_and_clear(auction.window)
        inquiry = ask(bids[2])
        jobs().delete()

        assert sweep_inquiries() == 0  # its own job has a while to itself
        Inquiry.objects.update(asked_at=auction.window.opens_at)
        assert sweep_inquiries() == 1
        assert jobs().count() == 1
        assert sweep_inquiries() == 1  # waits already
        assert jobs().count() == 1

        assert answer_inquiry(inquiry_id=inquiry.pk)
        assert sweep_inquiries() == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_answer_once(transactional_auction: Auction) -> None:
    auction = transactional_auction
    other = LotFactory(window=auction.window)
    value_bid(auction, auction.buyer, 900_000, auction.lot)
    loser = value_bid(auction, auction.rival, 800_000, auction.lot, other)
    close_and_clear(auction.window)
    inquiry = ask(loser)
    found = []

    def answer() -> None:
        found.append(answer_inquiry(inquiry_id=inquiry.pk))
        connections.close_all()

    threads = [threading.Thread(target=answer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == [False, False, False, True]
    assert StreamEvent.objects.filter(kind="bid.explained").count() == 1


class TestPages:
    def test_ask_and_show_what_would_have_won(self, auction: Auction, bids: list[Bid]) -> None:
        close_and_clear(auction.window)
        loser = bids[2]
        person = visit(loser.organization)
        address = f"/bids/{loser.pk}/"
        assert "Work it out" in person.client.get(address).content.decode()

        answer = person.client.post(f"{address}ask/")

        assert (answer.status_code, answer.headers["Location"]) == (302, f"{address}#explanation")
        page = person.client.get(address).content.decode()
        assert "Being worked out since" in page
        assert "Work it out" not in page
        answer_inquiry(inquiry_id=Inquiry.objects.get().pk)
        page = person.client.get(address).content.decode()
        assert "$180.0001 for the whole" in page
        assert "$180.0001 for the whole would have won." in page

    def test_show_a_winner_what_its_price_adds_up_from(self, auction: Auction, bids: list[Bid]) -> None:
        close_and_clear(auction.window)
        answered(bids[1])

        page = visit(auction.rival).client.get(f"/bids/{bids[1].pk}/").content.decode()

        assert "Your second price" in page
        assert "Other bid 1" in page

    def test_let_readers_read_and_traders_ask(self, auction: Auction, bids: list[Bid]) -> None:
        close_and_clear(auction.window)
        reader = visit(bids[2].organization, role=Membership.Role.VIEWER)

        assert (
            "A trader of your organization can ask"
            in reader.client.get(f"/bids/{bids[2].pk}/").content.decode()
        )
        assert reader.client.post(f"/bids/{bids[2].pk}/ask/").status_code == 403

    def test_know_no_bids_of_others(self, auction: Auction, bids: list[Bid]) -> None:
        close_and_clear(auction.window)

        assert visit(auction.rival).client.post(f"/bids/{bids[2].pk}/ask/").status_code == 404
        assert not Inquiry.objects.exists()

    def test_say_why_not(self, auction: Auction) -> None:
        winner = bid_on(auction.lot, auction.buyer)
        close_and_clear(auction.window)

        page = visit(auction.buyer).client.post(f"/bids/{winner.pk}/ask/", follow=True).content.decode()

        assert "There is nothing more to work out about this bid." in page


class TestApi:
    def test_asks_and_reads(self, auction: Auction, bids: list[Bid]) -> None:
        close_and_clear(auction.window)
        client, address = api(bids[2].organization), f"/api/v1/bids/{bids[2].pk}/explanation/"
        assert client.get(address).json() == {"status": "can_be_asked", "answer": None}

        asked = client.post(address)

        assert (asked.status_code, asked.json()["status"]) == (202, "asked")
        answer_inquiry(inquiry_id=Inquiry.objects.get().pk)
        read = client.get(address).json()
        assert (read["status"], read["answer"]["options"]) == (
            "answered",
            [{"limit_ticks": 1_800_001, "is_exact": True}],
        )

    def test_refuses_where_there_is_nothing_to_ask(self, auction: Auction) -> None:
        winner = bid_on(auction.lot, auction.buyer)
        close_and_clear(auction.window)
        client, address = api(auction.buyer), f"/api/v1/bids/{winner.pk}/explanation/"

        assert client.get(address).json()["status"] == "nothing_to_ask"
        refused = client.post(address)
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "nothing_to_ask")

    def test_knows_no_bids_of_others(self, auction: Auction, bids: list[Bid]) -> None:
        close_and_clear(auction.window)
        client, address = api(auction.rival), f"/api/v1/bids/{bids[2].pk}/explanation/"

        assert client.get(address).status_code == client.post(address).status_code == 404


def test_every_package_receipt_of_a_mixed_window_adds_up(auction: Auction, other: Lot) -> None:
    """Divisible lots with their lists, packages with their answers: together they are what is paid."""
    third = LotFactory(window=auction.window)
    buyers = [auction.buyer, auction.rival, BuyerFactory(), BuyerFactory()]
    for n, buyer in enumerate(buyers):
        value_bid(auction, buyer, 500_000 + 90_000 * n, auction.lot, other)
        bid_on(third, buyer, units=3, price_ticks=14_000 + 1_000 * n)
        value_bid(auction, buyer, 330_000 + 10_000 * n, [auction.lot, other][n % 2])
    close_and_clear(auction.window)
    assert WindowRecord.objects.exists()

    for won in Award.objects.select_related("bid").order_by("id"):
        receipt = receipt_of(won.bid)
        explanation = told(won.bid)
        if not explanation.may_ask:
            continue
        answered(won.bid)
        displaced = told(won.bid).displaced
        listed = Award.objects.filter(organization=won.organization, lot=third)
        assert displaced is not None
        assert receipt is not None
        assert displaced.amount_ticks + sum(one.amount_ticks for one in listed) == receipt.payment_ticks


def jobs():
    return ProcrastinateJob.objects.filter(task_name="auctions.answer_inquiry")
