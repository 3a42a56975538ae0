"""Real threads, real transactions: the last unit, the last cent, one window, and the moment of closing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar
from uuid import uuid4

import pytest
from django.db import connection, transaction

from accounts.models import BiddingLimit
from auctions import placing
from auctions.models import Award, Bid, Market, Window
from auctions.operations.bids import place_bid
from auctions.operations.clearing import clear_window
from auctions.operations.windows import close_window, freeze_window, open_window, schedule_windows
from auctions.policies import BidRejected
from auctions.terms import single_lot_terms
from inventory.models import Block, BlockHour
from inventory.operations.blocks import Withdrawal, withdraw_block
from marketplace.db import LockSpace, database_now, lock_exclusive
from tests.factories import BuyerFactory, LotFactory, MarketFactory, WindowFactory
from tests.integration.auctions.conftest import Auction, turn_clock_past_close, turn_clock_past_freeze
from tests.integration.auctions.test_expressive_bids import bid_of, leg_on, option, place

pytestmark = pytest.mark.django_db(transaction=True)
T = TypeVar("T")


def race(*contenders: Callable[[], T]) -> list[T | BidRejected]:
    """Run all at once, each on a connection of its own; return what each returned, or its refusal."""
    barrier = threading.Barrier(len(contenders))

    def run(contender: Callable[[], T]) -> T | BidRejected:
        barrier.wait(timeout=10)
        try:
            return contender()
        except BidRejected as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(contenders)) as pool:
        return list(pool.map(run, contenders))


def offer(auction: Auction, organization: object, *, units: int = 1, price_ticks: int = 20_000) -> Bid:
    return place_bid(
        organization=organization,
        placed_by=None,
        window_id=auction.window.pk,
        terms=single_lot_terms(auction.lot, units=units, price_ticks=price_ticks),
    )


class TestRoomForWays:
    def test_is_not_given_twice(
        self, transactional_auction: Auction, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        auction = transactional_auction
        other = LotFactory(window=auction.window)
        flexible = bid_of(option(leg_on(auction.lot, other, hours=1)))
        first = place(auction, flexible)
        monkeypatch.setattr(placing, "MAX_SHARE_OF_WINDOW_PPM", 2 * first.share_ppm)
        buyers = BuyerFactory.create_batch(6)

        placed = race(*[lambda buyer=buyer: place(auction, flexible, buyer) for buyer in buyers])

        refused = [one.code for one in placed if isinstance(one, BidRejected)]
        assert refused == ["window_full_of_ways"] * 5
        assert Bid.objects.count() == 2


class TestPauseAndSchedule:
    def test_no_window_is_scheduled_while_its_market_is_being_paused(self) -> None:
        """Reading the market just before its pause is not enough to plan a window just after it."""
        market = MarketFactory()
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                Market.objects.select_for_update(no_key=True).get(pk=market.pk)
                Market.objects.filter(pk=market.pk).update(status=Market.Status.PAUSED)
                added = pool.submit(in_own_session, lambda: schedule_windows(now=database_now()))
                pause = threading.Event()
                while not (added.done() or somebody_waits()):
                    pause.wait(0.02)
            assert added.result(30) == 0

        assert not Window.objects.exists()


def in_own_session(work: Callable[[], T]) -> T:
    try:
        return work()
    finally:
        connection.close()


def somebody_waits() -> bool:
    """Whether any session waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        (waits,) = cursor.fetchone()
    return waits


class TestOneSubmission:
    def test_sent_many_times_at_once_places_one_bid(self) -> None:
        lot = LotFactory()
        buyer, request_key = BuyerFactory(), uuid4()

        def submit() -> Bid:
            return place_bid(
                organization=buyer,
                placed_by=None,
                window_id=lot.window_id,
                terms=single_lot_terms(lot, units=8, price_ticks=20_000),
                request_key=request_key,
            )

        placed = race(*[submit] * 4)

        assert set(placed) == {Bid.objects.get()}
        assert BiddingLimit.objects.get(organization=buyer).held_cents == Bid.objects.get().hold_cents

    def test_of_another_organization_is_another_bid(self) -> None:
        lot, request_key = LotFactory(), uuid4()
        terms = single_lot_terms(lot, units=1, price_ticks=20_000)
        for buyer in (BuyerFactory(), BuyerFactory()):
            place_bid(
                organization=buyer,
                placed_by=None,
                window_id=lot.window_id,
                terms=terms,
                request_key=request_key,
            )

        assert Bid.objects.count() == 2


class TestTheLastUnit:
    def test_two_buyers_want_it_and_one_gets_it(self) -> None:
        lot = LotFactory(block__units=1)
        auction = Auction(lot.window, lot, BuyerFactory(), BuyerFactory(), None)

        placed = race(lambda: offer(auction, auction.buyer), lambda: offer(auction, auction.rival))
        turn_clock_past_close(auction.window)
        close_window(window_id=auction.window.pk)
        clear_window(window_id=auction.window.pk)

        earlier = min(placed, key=lambda bid: bid.sequence)
        award = Award.objects.get()
        assert award.bid == earlier
        assert award.amount_ticks == 2 * 20_000
        assert set(BlockHour.objects.values_list("offered_units", "sold_units")) == {(1, 1)}


class TestOneWindow:
    def test_two_workers_clear_it_once(self, transactional_auction: Auction) -> None:
        auction = transactional_auction
        offer(auction, auction.buyer)
        turn_clock_past_close(auction.window)
        close_window(window_id=auction.window.pk)

        cleared = race(*[lambda: clear_window(window_id=auction.window.pk)] * 2)

        assert sorted(cleared) == [False, True]
        assert Award.objects.count() == 1

    def test_two_workers_open_it_once(self) -> None:
        window = WindowFactory(status=Window.Status.SCHEDULED)

        assert sorted(race(*[lambda: open_window(window_id=window.pk)] * 2)) == [False, True]

    def test_two_windows_never_offer_the_same_hour(self) -> None:
        LotFactory(on_offer=False)
        windows = [WindowFactory(status=Window.Status.SCHEDULED) for _ in range(2)]

        opened = race(*[lambda window=window: open_window(window_id=window.pk) for window in windows])

        assert opened == [True, True]
        assert sorted(window.lots.count() for window in windows) == [0, 1]


class TestTheLimit:
    def test_many_threads_never_exceed_it(self, transactional_auction: Auction) -> None:
        auction = transactional_auction
        BiddingLimit.objects.filter(organization=auction.buyer).update(credit_cents=1000)

        outcomes = race(*[lambda: offer(auction, auction.buyer)] * 4)

        placed = [outcome for outcome in outcomes if isinstance(outcome, Bid)]
        refused = [outcome for outcome in outcomes if isinstance(outcome, BidRejected)]
        assert (len(placed), len(refused)) == (2, 2)  # each bid holds 400 of the 1,000 cents
        assert BiddingLimit.objects.get(organization=auction.buyer).held_cents == 800


class TestTheMomentOfClosing:
    def test_every_acknowledged_bid_is_in_the_book_and_every_other_was_refused(self) -> None:
        lot = LotFactory(block__units=100)
        auction = Auction(lot.window, lot, None, None, None)
        buyers = BuyerFactory.create_batch(8)
        closes_at = database_now() + timedelta(milliseconds=400)
        Window.objects.filter(pk=lot.window_id).update(
            closes_at=closes_at, freezes_at=closes_at - timedelta(seconds=1)
        )

        def bid_until_refused(organization: object) -> list[Bid]:
            placed = []
            while True:
                try:
                    placed.append(offer(auction, organization))
                except BidRejected:
                    return placed

        def close_when_due() -> list[Bid]:
            while not close_window(window_id=lot.window_id):
                pass
            return list(Bid.objects.all())

        *placed, book_at_close = race(
            *[lambda buyer=buyer: bid_until_refused(buyer) for buyer in buyers], close_when_due
        )

        acknowledged = {bid for bids in placed for bid in bids}
        assert acknowledged == set(book_at_close) == set(Bid.objects.all())

    def test_a_bid_waits_for_a_closing_in_hand_and_is_then_refused(
        self, transactional_auction: Auction
    ) -> None:
        auction = transactional_auction
        turn_clock_past_close(auction.window)
        locked = threading.Event()

        def close_slowly() -> bool:
            with transaction.atomic():
                lock_exclusive(LockSpace.WINDOW, auction.window.pk)
                locked.set()
                Window.objects.filter(pk=auction.window.pk).update(status=Window.Status.CLOSED)
            return True

        def bid_late() -> Bid:
            assert locked.wait(timeout=10)
            return offer(auction, auction.buyer)

        closed, late = race(close_slowly, bid_late)

        assert closed is True
        assert isinstance(late, BidRejected)
        assert late.code == "window_closed"


def withdraw(block: Block) -> Withdrawal:
    return withdraw_block(seller=block.site.organization, block_id=block.pk)


class TestWithdrawalAgainstTheFreeze:
    def test_both_go_through_and_no_unit_is_lost(self, transactional_auction: Auction) -> None:
        auction = transactional_auction
        blocks = [auction.lot.block] + [LotFactory(window=auction.window).block for _ in range(5)]
        turn_clock_past_freeze(auction.window)

        race(
            lambda: freeze_window(window_id=auction.window.pk),
            *[
                lambda block=block: withdraw_block(seller=block.site.organization, block_id=block.pk)
                for block in blocks
            ],
        )

        assert Window.objects.get(pk=auction.window.pk).status == Window.Status.FROZEN
        for hour in (
            BlockHour.objects.all()
        ):  # withdrawn before the freeze: nothing is left; after it: the freeze has all
            assert (hour.offered_units, hour.frozen_units) in {(0, 0), (8, 8)}
