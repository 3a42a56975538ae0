"""Bids read while another connection changes them: between any two statements of a page, the change may commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from auctions.models import Bid
from auctions.operations.bids import change_bid
from auctions.queries.bids import bids_of, own_bid
from auctions.terms import single_lot_terms
from marketplace.db import database_now
from tests.integration.auctions.conftest import Auction
from tests.integration.auctions.pages import Visit, bid_on, visit

pytestmark = pytest.mark.django_db(transaction=True)
BIDS = "/api/v1/bids/"
TABLES = ("auctions_bidoption", "auctions_bidleg", "auctions_bidleglot")


@contextmanager
def interrupted(table: str, change: Callable[[], object]) -> Iterator[None]:
    """Run ``change`` on another connection, once, just before ``table`` is first read on this one."""
    waiting = [change]

    def run(change: Callable[[], object]) -> None:
        try:
            change()
        finally:
            connection.close()

    def interrupt(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if waiting and f'FROM "{table}"' in sql:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(run, waiting.pop()).result(timeout=10)
        return execute(sql, *rest)

    with connection.execute_wrapper(interrupt):
        yield
    assert not waiting, f"{table} was never read"


@pytest.fixture
def trader(transactional_auction: Auction) -> Visit:
    return visit(transactional_auction.buyer)


@pytest.fixture
def bid(transactional_auction: Auction) -> Bid:
    return bid_on(transactional_auction.lot, transactional_auction.buyer, units=4, price_ticks=20_000)


@pytest.fixture
def raised(transactional_auction: Auction, bid: Bid) -> Callable[[], object]:
    """Raise the bid from 4 units to 7."""
    terms = single_lot_terms(transactional_auction.lot, units=7, price_ticks=20_000)
    return lambda: change_bid(
        organization=transactional_auction.buyer, changed_by=None, bid_id=bid.pk, terms=terms
    )


@pytest.mark.parametrize("table", TABLES)
class TestReadAmidAChange:
    def test_the_list_shows_the_bid_as_it_was(
        self, trader: Visit, raised: Callable[[], object], table: str
    ) -> None:
        with interrupted(table, raised):
            (own,) = trader.client.get(reverse("auctions:bid_list")).context["bids"]

        assert (own.units, own.max_cents) == (4, 16_00)

    def test_its_page_shows_it_as_it_was(
        self, trader: Visit, bid: Bid, raised: Callable[[], object], table: str
    ) -> None:
        with interrupted(table, raised):
            own = trader.client.get(reverse("auctions:bid_detail", args=[bid.pk])).context["own"]

        assert (own.units, own.bid.sequence) == (4, bid.sequence)

    @pytest.mark.parametrize("name", ["bid_change", "bid_recompose", "bid_cancel"])
    def test_the_pages_that_change_it_start_from_one_state(
        self, trader: Visit, bid: Bid, raised: Callable[[], object], table: str, name: str
    ) -> None:
        with interrupted(table, raised):
            own = trader.client.get(reverse(f"auctions:{name}", args=[bid.pk])).context["own"]

        assert own.units == 4

    def test_the_api_tells_one_state(
        self, trader: Visit, bid: Bid, raised: Callable[[], object], table: str
    ) -> None:
        with interrupted(table, raised):
            told = trader.client.get(f"{BIDS}{bid.pk}/").json()

        assert told["options"][0]["legs"][0]["units"] == 4
        assert told["max_ticks"] == bid.max_ticks

    def test_the_api_lists_one_state(
        self, trader: Visit, bid: Bid, raised: Callable[[], object], table: str
    ) -> None:
        with interrupted(table, raised):
            (told,) = trader.client.get(BIDS).json()["results"]

        assert told["options"][0]["legs"][0]["units"] == 4


def test_the_next_read_shows_the_change(
    transactional_auction: Auction, bid: Bid, raised: Callable[[], object]
) -> None:
    raised()

    assert own_bid(bids_of(transactional_auction.buyer).get(), database_now()).units == 7
