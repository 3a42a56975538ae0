"""Standing orders under real threads and transactions: one bid per window, never past the budget, nothing twice."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, transaction

from accounts.holds import lock_limit
from accounts.models import BiddingLimit
from auctions.models import Bid, StandingOrder
from auctions.operations.standing import bid_for_order, change_order, pause_order, start_order
from auctions.queries.standing import tally_of
from tests.factories import LotFactory
from tests.integration.auctions.conftest import Auction, close_and_clear
from tests.integration.auctions.orders import asked_for, start, step
from tests.integration.auctions.test_races import race

pytestmark = pytest.mark.django_db(transaction=True)


class TestManyWorkers:
    def test_place_one_bid_per_window_within_budget_and_goal(self, transactional_auction: Auction) -> None:
        auction = transactional_auction
        for _ in range(2):
            LotFactory(block__resource_type=auction.lot.block.resource_type)
        order = start(auction, goal_unit_hours=40, budget_cents=70_00)

        race(*[lambda: step_alone(order)] * 4)

        tally = step(order)
        windows = list(order.bids.filter(status=Bid.Status.PLACED).values_list("window", flat=True))
        assert len(windows) == len(set(windows)) == 3
        assert tally.open_unit_hours <= 40
        assert tally.open_ticks <= 70_00 * 100
        held = sum(order.bids.filter(status=Bid.Status.PLACED).values_list("hold_cents", flat=True))
        assert BiddingLimit.objects.get(organization=auction.buyer).held_cents == held

    def test_and_one_who_pauses_leave_no_bid_behind(self, transactional_auction: Auction) -> None:
        auction = transactional_auction
        order = start(auction)

        race(
            lambda: step_alone(order),
            lambda: pause_order(organization=auction.buyer, order_id=order.pk),
            lambda: step_alone(order),
        )

        step(order)
        assert order.status == StandingOrder.Status.PAUSED
        assert not order.bids.filter(status=Bid.Status.PLACED).exists()
        assert BiddingLimit.objects.get(organization=auction.buyer).held_cents == 0

    def test_and_one_who_cuts_the_budget_stay_within_it(self, transactional_auction: Auction) -> None:
        auction = transactional_auction
        order = start(auction)

        race(
            lambda: step_alone(order),
            lambda: change_order(
                organization=auction.buyer,
                order_id=order.pk,
                terms=asked_for(auction.lot, budget_cents=10_00),
            ),
            lambda: step_alone(order),
        )

        tally = step(order)
        assert 0 < tally.open_ticks <= 10_00 * 100

    def test_and_a_closing_window_lose_nothing(self, transactional_auction: Auction) -> None:
        auction = transactional_auction
        order = start(auction, goal_unit_hours=16)

        race(lambda: step_alone(order), lambda: close_and_clear(auction.window))

        tally = step(order)
        won = order.bids.filter(status=Bid.Status.WON)
        assert tally.won_unit_hours == 16 * won.count()
        assert order.status == ("fulfilled" if won.exists() else "active")


class TestOneSubmission:
    def test_sent_many_times_at_once_starts_one_order(self, transactional_auction: Auction) -> None:
        auction = transactional_auction
        key = uuid4()

        def submit() -> StandingOrder:
            return start_order(
                organization=auction.buyer, created_by=None, terms=asked_for(auction.lot), request_key=key
            )

        assert set(race(*[submit] * 4)) == {StandingOrder.objects.get()}


class TestKilledHalfWay:
    def test_leaves_nothing_behind_and_the_next_one_places_the_bid(
        self, transactional_auction: Auction
    ) -> None:
        """The worker has written its bid and waits for the limit's lock when its connection is cut."""
        auction = transactional_auction
        order = start(auction)
        backend: list[int] = []
        failed: list[Exception] = []
        is_ready = threading.Event()

        def work() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                backend.append(cursor.fetchone()[0])
            is_ready.set()
            try:
                bid_for_order(order_id=order.pk)
            except OperationalError as cut:
                failed.append(cut)
            finally:
                connection.close()

        with transaction.atomic():
            lock_limit(auction.buyer.pk)
            worker = threading.Thread(target=work)
            worker.start()
            assert is_ready.wait(timeout=30)
            while not waits_for_a_lock(backend[0]):
                pass
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", backend)
            worker.join(timeout=30)

        assert failed
        assert not Bid.objects.exists()
        assert step(order).n_open == 1
        assert Bid.objects.count() == 1
        assert tally_of(order).open_ticks == 32_00 * 100


def step_alone(order: StandingOrder) -> None:
    while bid_for_order(order_id=order.pk):
        pass


def waits_for_a_lock(backend: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock')",
            [backend],
        )
        (waits,) = cursor.fetchone()
    return bool(waits)
