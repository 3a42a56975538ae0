"""Windows with packages: a wrong clearing of whatever kind holds them, and one that is only bounded says so."""

from collections.abc import Callable
from dataclasses import replace
from math import ceil
from typing import Any

import numpy as np
import pytest

from accounts.models import Hold
from auctions.engine import Book, Clearing, clear
from auctions.engine.package import large
from auctions.models import Award, Bid, Inquiry, Lot, Receipt, Window, WindowRecord
from auctions.operations.clearing import ClearingHeld, clear_window
from auctions.operations.inquiries import answer_inquiry, ask_about_bid
from auctions.operations.windows import close_window
from tests.factories import BuyerFactory, LotFactory
from tests.integration.auctions.conftest import Auction, close_and_clear, turn_clock_past_close
from tests.integration.auctions.pages import visit
from tests.integration.auctions.test_api_bids import api
from tests.integration.auctions.test_expressive_bids import bid_of, leg_on, option, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(auction: Auction) -> Lot:
    return LotFactory(window=auction.window)


@pytest.fixture
def bids(auction: Auction, other: Lot) -> list[Bid]:
    """One lot each for buyer and rival, at $100; a third offers $150 for both, a fourth $17 for one."""
    first, second = (leg_on(lot, units=8, min_units=8) for lot in (auction.lot, other))
    return [
        place(auction, bid_of(option(first, value=1_000_000))),
        place(auction, bid_of(option(second, value=1_000_000)), organization=auction.rival),
        place(auction, bid_of(option(first, second, value=1_500_000)), organization=BuyerFactory()),
        place(auction, bid_of(option(first, value=170_000)), organization=BuyerFactory()),
    ]


Wrong = Callable[[Clearing], dict[str, Any]]


def paying(first: int, second: int) -> Wrong:
    """Other amounts that add up: only the rule tells them from the right ones."""

    def wrong(right: Clearing) -> dict[str, Any]:
        amount = np.array([first, second])
        bidder = right.book.bid_bidder[right.award_bid]
        paid = np.zeros_like(right.price_paid)
        for lot, ticks in zip(right.award_lot.tolist(), amount.tolist(), strict=True):
            hours = slice(right.book.lot_hour_offset[lot], right.book.lot_hour_offset[lot + 1])
            paid[hours] = ticks // 16
        return {
            "award_amount": amount,
            "payment": amount[np.argsort(bidder)],
            "revenue": first + second,
            "price_paid": paid,
        }

    return wrong


def without_one_winner(right: Clearing) -> dict[str, Any]:
    """The rival's bid alone, as if nobody had wanted the other lot: all figures agree with one another."""
    keep, lost = 1, 0
    lot = int(right.award_lot[lost])
    hours = slice(right.book.lot_hour_offset[lot], right.book.lot_hour_offset[lot + 1])
    sold, paid = right.price_sold.copy(), right.price_paid.copy()
    sold[hours] = paid[hours] = 0
    awards = {
        name: getattr(right, name)[[keep]]
        for name in Clearing.__dataclass_fields__
        if name.startswith("award_")
    }
    bidder = right.book.bid_bidder[right.award_bid[keep]]
    row = int(np.flatnonzero(right.payment_bidder == bidder)[0])
    return awards | {
        "surplus": int(right.award_value[keep]) - 160_000,
        "revenue": int(right.award_amount[keep]),
        "payment_bidder": right.payment_bidder[[row]],
        "payment": right.payment[[row]],
        "vcg": right.vcg[[row]],
        "price_sold": sold,
        "price_paid": paid,
        "loser_bid": np.insert(right.loser_bid, 0, right.award_bid[lost]),
        "loser_reason": np.insert(right.loser_reason, 0, 1),
        "loser_minimum": np.insert(right.loser_minimum, 0, -1),
    }


WRONG: dict[str, tuple[Wrong, str]] = {
    "a group of others offered more": (paying(600_000, 600_000), "could do"),
    "dearer than the cheapest core point": (paying(760_000, 760_000), "nearest to VCG"),
    "not nearest to VCG": (paying(740_000, 760_000), "nearest to VCG"),
    "above a limit": (paying(1_000_001, 499_999), "awards"),
    "below the reserve": (paying(159_999, 1_340_001), "awards"),
    "another VCG": (lambda right: {"vcg": right.vcg - 1}, "vcg"),
    "a better choice exists": (without_one_winner, "a choice worth"),
    "another surplus": (lambda right: {"surplus": right.surplus + 1}, "surplus"),
    "another value": (lambda right: {"award_value": right.award_value - 1}, "value"),
    "other hours": (lambda right: {"award_start": right.award_start + 1}, "awards"),
    "another lot": (lambda right: {"award_lot": right.award_lot[::-1].copy()}, "awards"),
    "more than is on offer": (lambda right: {"award_units": right.award_units + 1}, "units"),
    "a loser left out": (
        lambda right: {
            "loser_bid": right.loser_bid[1:],
            "loser_reason": right.loser_reason[1:],
            "loser_minimum": right.loser_minimum[1:],
        },
        "losers",
    ),
    "another reason": (lambda right: {"loser_reason": right.loser_reason * 0}, "reason"),
    "a minimum that would not win": (lambda right: {"loser_minimum": right.loser_minimum + 2}, "minimum"),
    "a marginal price of its own": (lambda right: {"price_marginal": right.price_marginal + 1}, "marginal"),
    "bounded without a gap": (lambda right: {"status": "bounded"}, "gap"),
    "optimal with a gap": (lambda right: {"gap": 0.1}, "gap"),
    "a gap smaller than it is": (
        lambda right: without_one_winner(right) | {"status": "bounded", "gap": 0.01},
        "gap",
    ),
}


class TestVerification:
    @pytest.mark.parametrize("kind", WRONG)
    def test_a_wrong_clearing_holds_the_window_and_charges_nobody(
        self, auction: Auction, bids: list[Bid], kind: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        wrong, told = WRONG[kind]

        def engine(book: Book) -> Clearing:
            right = clear(book)
            assert sorted(right.award_amount.tolist()) == [750_000, 750_000]
            return replace(right, **wrong(right))

        turn_clock_past_close(auction.window)
        assert close_window(window_id=auction.window.pk)

        with pytest.raises(ClearingHeld, match=told):
            clear_window(window_id=auction.window.pk, engine=engine)

        auction.window.refresh_from_db()
        assert auction.window.status == Window.Status.CLOSED
        assert "verification found" in auction.window.held_reason
        assert [record.levelname for record in caplog.records] == ["CRITICAL"]
        assert not Award.objects.exists()
        assert not WindowRecord.objects.exists()
        assert not Receipt.objects.exists()
        assert set(Bid.objects.values_list("status", flat=True)) == {Bid.Status.PLACED}
        held = dict(Hold.objects.filter(released_at=None).values_list("reference", "amount_cents"))
        assert held == {f"bid:{bid.pk}": bid.hold_cents for bid in bids}


class TestBounded:
    @pytest.fixture
    def bounded(self, auction: Auction, bids: list[Bid], monkeypatch: pytest.MonkeyPatch) -> Window:
        """Every program counts as too large to be searched to the end."""
        monkeypatch.setattr(large, "LARGE", 1)
        return close_and_clear(auction.window)

    def test_is_told_wherever_the_result_is(self, auction: Auction, bids: list[Bid], bounded: Window) -> None:
        assert bounded.clearing_status == "bounded"
        assert bounded.clearing_gap is not None
        percent = f"{ceil(bounded.clearing_gap * 10_000) / 100:g}"

        visitor = visit(auction.buyer)
        window = visitor.client.get(f"/windows/{bounded.pk}/").content.decode()
        check = visitor.client.get(f"/windows/{bounded.pk}/check/").content.decode()
        receipt = visitor.client.get(f"/bids/{bids[0].pk}/").content.decode()
        told = api(auction.buyer).get(f"/api/v1/windows/{bounded.pk}/").json()

        for page in (window, check, receipt):
            assert f"within {percent}\N{NO-BREAK SPACE}%" in page
        assert (told["clearing_status"], told["clearing_gap"]) == ("bounded", bounded.clearing_gap)
        figures = api(auction.buyer).get(f"/api/v1/bids/{bids[0].pk}/receipt/").json()
        assert (figures["status"], figures["gap"]) == ("bounded", bounded.clearing_gap)

    def test_answers_add_up_and_say_that_they_are_not_proven(
        self, auction: Auction, bids: list[Bid], bounded: Window
    ) -> None:
        for bid in bids:
            bid.refresh_from_db()
            inquiry = ask_about_bid(organization=bid.organization, asked_by=None, bid_id=bid.pk)
            assert answer_inquiry(inquiry_id=inquiry.pk)

        answers = [inquiry.answer for inquiry in Inquiry.objects.order_by("bid")]
        for answer in answers:
            if answer["kind"] == "displaced":
                gains = sum(one["after_ticks"] - one["before_ticks"] for one in answer["others"])
                assert answer["second_price_ticks"] == answer["reserve_ticks"] + gains


def test_an_optimal_window_says_that_it_is(auction: Auction, bids: list[Bid]) -> None:
    window = close_and_clear(auction.window)

    page = visit(auction.buyer).client.get(f"/windows/{window.pk}/").content.decode()

    assert "best possible" in page
