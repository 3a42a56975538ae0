"""Receipts: every figure a winner is told, worked out again by hand from the published book."""

import json

import pytest

from auctions.models import Award, Bid, LotReceipt, Receipt, Window, WindowRecord
from auctions.queries.receipts import Level, receipt_of
from auctions.sealing import organization_pseudonym
from tests.factories import BuyerFactory, LotFactory
from tests.integration.auctions.conftest import Auction, close_and_clear
from tests.integration.auctions.pages import bid_on, visit
from tests.integration.auctions.test_api_bids import api

pytestmark = pytest.mark.django_db


@pytest.fixture
def winner(auction: Auction) -> Bid:
    """Wins six of eight units for two hours; the rival gets two of its six, a third bids too low for any."""
    winner = bid_on(auction.lot, auction.buyer, units=6, price_ticks=30_000)
    bid_on(auction.lot, auction.rival, units=6, price_ticks=20_000)
    bid_on(auction.lot, BuyerFactory(), units=4, price_ticks=15_000)
    close_and_clear(auction.window)
    winner.refresh_from_db()
    return winner


class TestReceiptOf:
    def test_lists_what_was_displaced_and_what_it_adds_up_to(self, winner: Bid) -> None:
        receipt = receipt_of(winner)

        (lot,) = receipt.lots
        assert lot.displaced == [Level(4, 160_000, 20_000, False), Level(2, 60_000, 15_000, False)]
        assert lot.amount_ticks == receipt.amount_ticks == receipt.payment_ticks == 220_000
        assert lot.average_ticks == 18_333
        assert (receipt.second_price_ticks, receipt.core_ticks) == (220_000, 0)
        assert receipt.alone_ticks == lot.alone_ticks == 6 * 2 * 10_000
        assert (receipt.status, receipt.gap) == ("optimal", None)

    def test_names_the_reserve_where_nobody_else_bid(self, auction: Auction) -> None:
        only = bid_on(auction.lot, auction.buyer, units=3)
        close_and_clear(auction.window)
        only.refresh_from_db()

        receipt = receipt_of(only)

        assert receipt.lots[0].displaced == [Level(3, 60_000, 10_000, True)]
        assert receipt.amount_ticks == receipt.alone_ticks == 60_000

    def test_a_loser_has_none(self, auction: Auction, winner: Bid) -> None:
        assert receipt_of(Bid.objects.get(status=Bid.Status.LOST)) is None

    def test_every_figure_follows_from_the_published_book(self, auction: Auction) -> None:
        lots = [auction.lot, LotFactory(window=auction.window)]
        for n, lot in enumerate(lots):
            for m, organization in enumerate([auction.buyer, auction.rival, BuyerFactory(), auction.buyer]):
                bid_on(lot, organization, units=3 + m, price_ticks=12_000 + 1_000 * (n + 3 * m))
        window = close_and_clear(auction.window)
        record = WindowRecord.objects.get(window=window)
        book, clearing = json.loads(record.book), json.loads(record.clearing)

        for told in LotReceipt.objects.select_related("receipt"):
            by_hand = displaced_by_hand(window, book, clearing, told)
            assert [(one["units"], one["ticks"], one["is_reserve"]) for one in told.displaced] == by_hand
            assert told.amount_ticks == sum(ticks for _, ticks, _ in by_hand)
        assert LotReceipt.objects.count() == len(Award.objects.values("lot", "organization").distinct())
        for told in Receipt.objects.all():
            name = organization_pseudonym(window, told.organization_id)
            assert (told.payment_ticks, told.vcg_ticks) == (clearing["payments"][name], clearing["vcg"][name])


class TestWhereItIsTold:
    def test_on_the_page_of_the_bid(self, auction: Auction, winner: Bid) -> None:
        page = visit(auction.buyer).client.get(f"/bids/{winner.pk}/").content.decode()

        assert "Why it costs this" in page
        for figure in ("$2.0000", "$1.5000", "$22.0000"):
            assert figure in page, figure

    def test_through_the_api(self, auction: Auction, winner: Bid) -> None:
        told = api(auction.buyer).get(f"/api/v1/bids/{winner.pk}/receipt/").json()

        assert told["lots"][0]["displaced"][0] == {
            "units": 4,
            "ticks": 160_000,
            "average_ticks": 20_000,
            "is_reserve": False,
        }

    def test_to_nobody_else(self, auction: Auction, winner: Bid) -> None:
        assert api(auction.rival).get(f"/api/v1/bids/{winner.pk}/receipt/").status_code == 404


def displaced_by_hand(
    window: Window, book: dict, clearing: dict, told: LotReceipt
) -> list[tuple[int, int, bool]]:
    """The highest units that others bid on a lot in vain, one by one, then the reserve: (units, ticks, is_reserve)."""
    (lot,) = (lot for lot in book["lots"] if lot["id"] == str(told.lot_id))
    won = {award["bid"]: award["units"] for award in clearing["awards"]}
    own = organization_pseudonym(window, told.receipt.organization_id)
    in_vain = [
        bid["options"][0]["price"]
        for bid in book["bids"]
        if bid["bidder"] != own and bid["options"][0]["legs"][0]["lots"] == [lot["id"]]
        for _ in range(bid["options"][0]["legs"][0]["units"] - won.get(bid["id"], 0))
        if bid["options"][0]["price"] >= lot["reserve"]
    ]
    prices = sorted(in_vain, reverse=True)[: told.units]
    hours = lot["end"] - lot["start"]
    levels = [
        (prices.count(price), prices.count(price) * price * hours, False) for price in dict.fromkeys(prices)
    ]
    left = told.units - len(prices)
    return levels + ([(left, left * lot["reserve"] * hours, True)] if left else [])
