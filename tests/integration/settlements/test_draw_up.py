"""A cleared window's settlements: one per buyer, to the cent, once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from accounts.holds import LimitExceeded, set_hold
from accounts.models import BiddingLimit, Hold, StreamEvent
from auctions.models import Window
from settlements import ledger
from settlements.jobs import CHARGE
from settlements.models import SettledWindow, Settlement, Transaction
from settlements.operations.charging import charge_settlement
from settlements.operations.draw_up import WindowNotCleared, settle_window
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import BlockFactory, BuyerFactory, LotFactory, SellerFactory, SiteFactory, WindowFactory
from tests.integration.settlements.steps import (
    jobs_waiting,
    mark_cleared,
    prepay,
    put_on_file,
    settlement_of,
    win,
)

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


class TestPrepaid:
    def test_pays_first_and_the_card_is_asked_for_the_rest(self, stripe_sandbox: SandboxServer) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer)
        prepay(buyer, 400)

        settlement = settlement_of(1_000, buyer=buyer)

        assert (settlement.prepaid_cents, settlement.to_collect_cents) == (400, 600)
        limit = BiddingLimit.objects.get(pk=buyer.pk)
        assert (limit.prepaid_cents, limit.held_cents) == (0, 600)
        assert ledger.balance_cents(ledger.buyer_receivable(buyer.pk)) == 600

        assert charge_settlement(settlement_id=settlement.pk) == Status.PAID
        assert settlement.attempts.get().amount_cents == 600
        assert ledger.balance_cents(ledger.buyer_receivable(buyer.pk)) == 0
        assert BiddingLimit.objects.get(pk=buyer.pk).held_cents == 0

    @pytest.mark.parametrize("prepaid_cents", [1_000, 1_001])
    def test_covering_all_of_it_pays_at_once_without_a_card(self, prepaid_cents: int) -> None:
        buyer = BuyerFactory(limit_cents=0)
        prepay(buyer, prepaid_cents)

        settlement = settlement_of(1_000, buyer=buyer)

        assert settlement.status == Status.PAID
        assert settlement.paid_at is not None
        assert jobs_waiting() == []
        limit = BiddingLimit.objects.get(pk=buyer.pk)
        assert (limit.prepaid_cents, limit.held_cents) == (prepaid_cents - 1_000, 0)
        assert StreamEvent.objects.get(organization=buyer).kind == "settlement.paid"

    def test_never_frees_less_than_was_free_before(self) -> None:
        window, buyer = WindowFactory(), BuyerFactory(limit_cents=500)
        prepay(buyer, 700)
        win(buyer, 100_050, window=window)  # holds 1,001 cents of 1,200
        assert BiddingLimit.objects.get(pk=buyer.pk).free_cents == 199

        settle_window(window_id=mark_cleared(window).pk)

        assert BiddingLimit.objects.get(pk=buyer.pk).free_cents == 200

    def test_two_windows_settled_at_once_spend_it_once(self) -> None:
        buyer, windows = BuyerFactory(), [WindowFactory(), WindowFactory()]
        prepay(buyer, 1_000)
        for window in windows:
            win(buyer, 80_000, window=window)
            mark_cleared(window)
        together = threading.Barrier(2)

        def settle(window: Window) -> None:
            together.wait()
            try:
                settle_window(window_id=window.pk)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            for future in [pool.submit(settle, window) for window in windows]:
                future.result()

        assert sorted(own.prepaid_cents for own in Settlement.objects.all()) == [200, 800]
        assert BiddingLimit.objects.get(pk=buyer.pk).prepaid_cents == 0


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


class TestHoldsAgainstThreads:
    def test_two_threads_never_hold_more_than_prepaid_and_credit_together(self) -> None:
        buyer = BuyerFactory(limit_cents=60)
        prepay(buyer, 40)
        together = threading.Barrier(16)

        def bid(number: int) -> bool:
            together.wait()
            try:
                with transaction.atomic():
                    set_hold(organization_id=buyer.pk, reference=f"bid:{number}", amount_cents=7)
                return True
            except LimitExceeded:
                return False
            finally:
                connection.close()

        with ThreadPoolExecutor(16) as pool:
            held = sum(future.result() for future in [pool.submit(bid, number) for number in range(16)])

        limit = BiddingLimit.objects.get(pk=buyer.pk)
        assert (held, limit.held_cents, limit.free_cents) == (14, 98, 2)

    def test_spending_and_bidding_at_once_never_exceed_the_limit(self) -> None:
        buyer, window = BuyerFactory(limit_cents=0), WindowFactory()
        prepay(buyer, 1_000)
        win(buyer, 60_000, window=window)  # holds 600 of 1,000
        mark_cleared(window)
        together = threading.Barrier(5)

        def bid(number: int) -> bool:
            together.wait()
            try:
                with transaction.atomic():
                    set_hold(organization_id=buyer.pk, reference=f"bid:{10_000 + number}", amount_cents=150)
                return True
            except LimitExceeded:
                return False
            finally:
                connection.close()

        def settle() -> None:
            together.wait()
            try:
                settle_window(window_id=window.pk)
            finally:
                connection.close()

        with ThreadPoolExecutor(5) as pool:
            settling = pool.submit(settle)
            held = sum(future.result() for future in [pool.submit(bid, number) for number in range(4)])
            settling.result()

        limit = BiddingLimit.objects.get(pk=buyer.pk)
        assert (held, limit.prepaid_cents, limit.held_cents) == (2, 400, 300)
