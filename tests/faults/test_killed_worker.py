"""A worker killed with -9 in the middle of its work leaves nothing half done, and another finishes it."""

from __future__ import annotations

import signal

import pytest
from django.db import connection, transaction

from accounts.models import BiddingLimit, Stream
from auctions.models import Award, Bid, Inquiry, Window
from auctions.operations.bids import place_bid
from auctions.operations.inquiries import ask_about_bid
from auctions.terms import single_lot_terms
from inventory.models import BlockHour
from tests.factories import LotFactory
from tests.integration.auctions.conftest import (
    Auction,
    close_and_clear,
    transactional_auction,
    turn_clock_past_close,
)
from tests.integration.auctions.test_expressive_bids import bid_of, leg_on, option, place
from tests.workers import DEADLINE_SECONDS, until, worker

__all__ = ["transactional_auction"]

pytestmark = pytest.mark.django_db(transaction=True)


def waits_for_our_lock() -> bool:
    """Say whether another backend is stopped by a row that this connection has locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        (waits,) = cursor.fetchone()
    return bool(waits)


def backends() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state IN ('active', 'idle in transaction')"
        )
        (count,) = cursor.fetchone()
    return int(count)


class TestWorkerKilledWhileClearing:
    def test_leaves_nothing_half_done_and_another_finishes(
        self, transactional_auction: Auction, running_database_url: str
    ) -> None:
        auction = transactional_auction
        bid = place_bid(
            organization=auction.buyer,
            placed_by=None,
            window_id=auction.window.pk,
            terms=single_lot_terms(auction.lot, units=4, price_ticks=20_000),
        )
        turn_clock_past_close(auction.window)

        with worker(running_database_url) as first:
            with transaction.atomic():
                # Clearing writes awards and sold hours, then wants this row: there we stop it, halfway through.
                BiddingLimit.objects.select_for_update().get(organization=auction.buyer)
                until(waits_for_our_lock, "the worker is in the middle of clearing")
                first.send_signal(signal.SIGKILL)
                first.wait()
            until(lambda: backends() == 0, "the database has noticed")

            assert Window.objects.get(pk=auction.window.pk).status == Window.Status.CLOSED
            assert not Award.objects.exists()
            assert set(BlockHour.objects.values_list("sold_units", flat=True)) == {0}
            assert Bid.objects.get().status == Bid.Status.PLACED

        with worker(running_database_url) as second:
            until(
                lambda: Window.objects.get(pk=auction.window.pk).status == Window.Status.CLEARED,
                "another worker cleared the window",
            )
            second.terminate()
            assert second.wait(timeout=DEADLINE_SECONDS) == 0

        award = Award.objects.get(bid=bid)
        assert award.amount_ticks == 4 * 2 * 10_000
        assert set(BlockHour.objects.values_list("sold_units", flat=True)) == {4}


class TestWorkerKilledWhileAnswering:
    def test_leaves_the_inquiry_to_another(
        self, transactional_auction: Auction, running_database_url: str
    ) -> None:
        auction = transactional_auction
        other = LotFactory(window=auction.window)
        legs = [leg_on(lot, units=8, min_units=8) for lot in (auction.lot, other)]
        place(auction, bid_of(option(legs[0], value=900_000)))
        loser = place(auction, bid_of(option(*legs, value=800_000)), organization=auction.rival)
        close_and_clear(auction.window)
        inquiry = ask_about_bid(organization=auction.rival, asked_by=None, bid_id=loser.pk)

        with worker(running_database_url) as first:
            with transaction.atomic():
                # The answer is found and written, then wants to tell the stream: there we stop it.
                Stream.objects.select_for_update().get(organization=auction.rival)
                until(waits_for_our_lock, "the worker is about to tell the answer")
                first.send_signal(signal.SIGKILL)
                first.wait()
            until(lambda: backends() == 0, "the database has noticed")
            inquiry.refresh_from_db()
            assert (inquiry.status, inquiry.answer) == (Inquiry.Status.ASKED, None)

        with worker(running_database_url) as second:
            until(
                lambda: Inquiry.objects.get().status == Inquiry.Status.ANSWERED,
                "another worker answered",
            )
            second.terminate()
            assert second.wait(timeout=DEADLINE_SECONDS) == 0

        inquiry.refresh_from_db()
        assert inquiry.answer["options"][0]["limit_ticks"] == 900_000 + 160_000 + 1
