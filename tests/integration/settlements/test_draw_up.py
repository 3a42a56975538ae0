"""A cleared window's settlements: one per buyer, to the cent, once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.models import BiddingLimit, Hold, StreamEvent
from auctions.models import Window
from settlements import ledger
from settlements.jobs import CHARGE
from settlements.models import SettledWindow, Settlement, Transaction
from settlements.operations.draw_up import WindowNotCleared, settle_window
from tests.factories import BlockFactory, BuyerFactory, LotFactory, SellerFactory, SiteFactory, WindowFactory
from tests.integration.settlements.steps import jobs_waiting, mark_cleared, settlement_of, win

pytestmark = pytest.mark.django_db(transaction=True)
Status = Settlement.Status


class TestSettleWindow:
    def test_draws_up_one_settlement_per_buyer_with_a_line_per_award(self) -> None:
        window, buyer, other = WindowFactory(), BuyerFactory(), BuyerFactory()
        first, second = win(buyer, 123_450, window=window), win(buyer, 10_049, window=window)
        third = win(other, 50_000, window=window)

        settlements = settle_window(window_id=mark_cleared(window).pk)

        assert [(own.organization_id, own.amount_cents, own.status) for own in settlements] == [
            (buyer.pk, 1334, Status.DUE),
            (other.pk, 500, Status.DUE),
        ]
        lines = {line.award_id: (line.amount_cents, line.fee_cents) for line in settlements[0].lines.all()}
        assert lines == {first.pk: (1234, 61), second.pk: (100, 5)}
        assert settlements[1].lines.get().award_id == third.pk

    def test_books_what_is_owed_to_whom(self) -> None:
        window, buyer, seller, rival = WindowFactory(), BuyerFactory(), SellerFactory(), SellerFactory()
        for owner, ticks in ((seller, 100_000), (seller, 50_000), (rival, 30_000)):
            block = BlockFactory(site=SiteFactory(organization=owner))
            win(buyer, ticks, window=window, lot=LotFactory(window=window, block=block))

        settle_window(window_id=mark_cleared(window).pk)

        assert ledger.balances_cents() == {
            ledger.buyer_receivable(buyer.pk): 1800,
            ledger.seller_reserve(seller.pk): -1425,
            ledger.seller_reserve(rival.pk): -285,
            ledger.PLATFORM_FEES: -90,
        }
        assert Transaction.objects.get().kind == Transaction.Kind.SETTLEMENT_DUE

    def test_takes_over_the_holds_and_frees_what_single_bids_rounded_up(self) -> None:
        window, buyer = WindowFactory(), BuyerFactory()
        for ticks in (10_001, 10_001):
            win(buyer, ticks, window=window)
        assert BiddingLimit.objects.get(pk=buyer.pk).held_cents == 202

        (settlement,) = settle_window(window_id=mark_cleared(window).pk)

        live = Hold.objects.filter(organization=buyer, released_at=None)
        assert [(hold.reference, hold.amount_cents) for hold in live] == [
            (f"settlement:{settlement.pk}", 200)
        ]
        assert BiddingLimit.objects.get(pk=buyer.pk).held_cents == 200

    def test_holds_what_is_owed_even_when_the_limit_was_cut(self) -> None:
        window, buyer = WindowFactory(), BuyerFactory()
        win(buyer, 100_000, window=window)
        BiddingLimit.objects.filter(pk=buyer.pk).update(credit_cents=0)

        settle_window(window_id=mark_cleared(window).pk)

        assert BiddingLimit.objects.get(pk=buyer.pk).held_cents == 1000

    def test_defers_the_charge_and_tells_the_buyer(self) -> None:
        settlement = settlement_of(1000)

        assert jobs_waiting() == [(CHARGE, settlement.pk)]
        told = StreamEvent.objects.get(organization=settlement.organization)
        assert told.kind == "settlement.due"
        assert told.data["settlement"] == settlement.pk

    def test_is_done_once(self) -> None:
        settlement = settlement_of(1000)

        assert settle_window(window_id=settlement.window_id) == []
        assert Settlement.objects.count() == 1

    def test_refuses_a_window_that_has_not_cleared(self) -> None:
        with pytest.raises(WindowNotCleared):
            settle_window(window_id=WindowFactory(status=Window.Status.CLOSED).pk)

        assert not SettledWindow.objects.exists()

    def test_notes_a_window_in_which_nothing_sold(self) -> None:
        assert settle_window(window_id=mark_cleared(WindowFactory()).pk) == []
        assert SettledWindow.objects.exists()


class TestAmountsNoCardTakes:
    @pytest.mark.parametrize("ticks", [0, 99])
    def test_nothing_to_pay_is_paid_at_once(self, ticks: int) -> None:
        window, buyer = WindowFactory(), BuyerFactory()
        win(buyer, ticks, window=window)

        (settlement,) = settle_window(window_id=mark_cleared(window).pk)

        assert (settlement.status, settlement.amount_cents) == (Status.PAID, 0)
        assert settlement.paid_at is not None
        assert jobs_waiting() == []
        assert not Transaction.objects.exists()
        assert not Hold.objects.filter(released_at=None).exists()

    @pytest.mark.parametrize(
        ("cents", "status"), [(1, Status.CARRIED), (49, Status.CARRIED), (50, Status.DUE)]
    )
    def test_less_than_a_card_takes_is_carried_and_still_owed(self, cents: int, status: str) -> None:
        settlement = settlement_of(cents)

        assert settlement.status == status
        assert ledger.balance_cents(ledger.buyer_receivable(settlement.organization_id)) == cents


class TestTwoWorkers:
    def test_racing_for_one_window_draw_it_up_once(self) -> None:
        window = WindowFactory()
        for _ in range(5):
            win(BuyerFactory(), 100_000, window=window)
        mark_cleared(window)
        together = threading.Barrier(4)

        def settle() -> int:
            together.wait()
            try:
                return len(settle_window(window_id=window.pk))
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            drawn_up = sorted(future.result() for future in [pool.submit(settle) for _ in range(4)])

        assert drawn_up == [0, 0, 0, 5]
        assert Settlement.objects.count() == 5
        assert len(jobs_waiting()) == 5
        assert sum(ledger.balances_cents().values()) == 0
