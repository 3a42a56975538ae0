"""A window whose database goes away in the middle of its clearing is neither held nor half cleared."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from django.db import OperationalError, connection, connections

from auctions.engine import Book, Clearing, clear
from auctions.models import Award, Bid, Window
from auctions.operations.bids import place_bid
from auctions.operations.clearing import clear_window
from auctions.operations.windows import close_window
from auctions.terms import single_lot_terms
from inventory.models import BlockHour
from marketplace.postgres import EmbeddedCluster
from tests.integration.auctions.conftest import Auction, transactional_auction, turn_clock_past_close

__all__ = ["transactional_auction"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def closed_window(transactional_auction: Auction) -> Window:
    """A window with one bid, ready to be cleared."""
    auction = transactional_auction
    place_bid(
        organization=auction.buyer,
        placed_by=None,
        window_id=auction.window.pk,
        terms=single_lot_terms(auction.lot, units=4, price_ticks=20_000),
    )
    turn_clock_past_close(auction.window)
    assert close_window(window_id=auction.window.pk)
    return auction.window


def engine_during(outage: Callable[[], None]) -> Callable[[Book], Clearing]:
    """The engine, with something that happens to the database while it computes."""

    def clear_meanwhile(book: Book) -> Clearing:
        outage()
        return clear(book)

    return clear_meanwhile


def require_cleared_the_next_time(window: Window) -> None:
    window.refresh_from_db()
    assert (window.status, window.held_reason) == (Window.Status.CLOSED, "")
    assert not Award.objects.exists()
    assert set(BlockHour.objects.values_list("sold_units", flat=True)) == {0}
    assert Bid.objects.get().status == Bid.Status.PLACED

    assert clear_window(window_id=window.pk)

    window.refresh_from_db()
    assert window.status == Window.Status.CLEARED
    assert Award.objects.get().units == 4
    assert Bid.objects.get().status == Bid.Status.WON


def test_a_connection_that_is_ended(closed_window: Window, running_database_url: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()

    def end_connection() -> None:
        with psycopg.connect(running_database_url) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [backend])

    with pytest.raises(OperationalError):
        clear_window(window_id=closed_window.pk, engine=engine_during(end_connection))

    require_cleared_the_next_time(closed_window)


def test_a_server_that_is_away(closed_window: Window, own_database_server: EmbeddedCluster) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")  # a throw-away server ends like one that crashed

    try:
        with pytest.raises(OperationalError):
            clear_window(window_id=closed_window.pk, engine=engine_during(own_database_server.stop))
        with pytest.raises(OperationalError):
            clear_window(window_id=closed_window.pk)
    finally:
        own_database_server.start(die_with_us=True)
    connections.close_all()

    require_cleared_the_next_time(closed_window)
