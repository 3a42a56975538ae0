"""What a tick of the publisher finds and tells, and that one publisher works at a time."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

import psycopg
import pytest
from django.db import OperationalError, connection

from accounts.models import StreamEvent
from accounts.stream import append_event
from auctions.live.messages import CHANNEL, Hint
from auctions.models import Indication, Lot, Window
from auctions.operations.bids import cancel_bid, place_bid
from auctions.publisher import Publisher, publish_once, run_publisher
from auctions.terms import single_lot_terms
from marketplace.db import LockSpace, database_now
from tests.factories import BlockFactory, BuyerFactory, LotFactory
from tests.integration.live.conftest import PATIENCE_SECONDS, World

Found = TypeVar("Found")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def publisher(world: World) -> Publisher:
    """A publisher that has told everything there was at the start."""
    publisher = Publisher(rest_per_work=0)
    publisher.tick()
    return publisher


def bid(world: World, price_ticks: int, *, units: int = 8, rival: bool = False) -> int:
    terms = single_lot_terms(world.lot, units=units, price_ticks=price_ticks)
    buyer = world.rival if rival else world.buyer
    return place_bid(organization=buyer, placed_by=world.person, window_id=world.window.pk, terms=terms).pk


def indication(world: World) -> Indication:
    return Indication.objects.get(window=world.window)


class TestTick:
    def test_costs_one_query_when_nothing_happened(
        self, publisher: Publisher, django_assert_num_queries
    ) -> None:
        with django_assert_num_queries(1):
            assert publisher.tick() is None

    def test_tells_the_price_that_a_bid_moved(self, publisher: Publisher, world: World) -> None:
        bid(world, 30_000)
        hint = publisher.tick()

        assert hint == Hint(prices=True, windows=False, organizations={world.buyer.pk: 1})
        assert indication(world).paid_ticks == 10_000  # alone, it pays the reserve
        bid(world, 20_000, rival=True)
        place_bid(
            organization=BuyerFactory(),
            placed_by=None,
            window_id=world.window.pk,
            terms=single_lot_terms(world.lot, units=1, price_ticks=15_000),
        )
        publisher.tick()
        assert indication(world).paid_ticks == 20_000

    def test_numbers_changes_upwards_and_leaves_the_rest_alone(
        self, publisher: Publisher, world: World
    ) -> None:
        other = LotFactory(window=world.window)
        Window.objects.filter(pk=world.window.pk).update(board_revision=1)
        publisher.tick()
        before = {row.region + str(row.resource_type_id): row.revision for row in Indication.objects.all()}
        bid(world, 30_000)
        publisher.tick()

        after = {row.region + str(row.resource_type_id): row.revision for row in Indication.objects.all()}
        still = f"us-east{other.block.resource_type_id}"
        moved = f"us-east{world.lot.block.resource_type_id}"
        assert after[still] == before[still]
        assert after[moved] > max(before.values())

    def test_tells_events_once_whatever_they_are_about(self, publisher: Publisher, world: World) -> None:
        append_event(organization_id=world.rival.pk, kind="settlement.paid", data={"settlement": 4})
        append_event(organization_id=world.rival.pk, kind="odd", data={"window": "not a number"})

        assert publisher.tick() == Hint(prices=False, windows=False, organizations={world.rival.pk: 1})
        assert publisher.tick() is None
        assert not StreamEvent.objects.filter(published=False).exists()

    def test_notices_a_freeze_that_only_the_clock_tells(self, publisher: Publisher, world: World) -> None:
        Window.objects.filter(pk=world.window.pk).update(freezes_at=database_now())

        assert publisher.tick() == Hint(prices=False, windows=True, organizations={})

    def test_shows_a_lot_that_joins(self, publisher: Publisher, world: World) -> None:
        block = BlockFactory(resource_type=world.lot.block.resource_type)
        LotFactory(window=world.window, block=block)
        Window.objects.filter(pk=world.window.pk).update(board_revision=1)

        assert publisher.tick() is not None
        assert (indication(world).offered_units, indication(world).n_lots) == (16, 2)

    def test_keeps_a_product_without_lots_at_nothing(self, publisher: Publisher, world: World) -> None:
        Lot.objects.filter(pk=world.lot.pk).update(on_offer=False)
        Window.objects.filter(pk=world.window.pk).update(board_revision=1)
        publisher.tick()

        assert (indication(world).offered_units, indication(world).entry_ticks) == (0, None)

    def test_forgets_the_prices_of_a_window_that_left(self, publisher: Publisher, world: World) -> None:
        Window.objects.filter(pk=world.window.pk).update(status=Window.Status.CANCELLED)

        assert publisher.tick() == Hint(prices=False, windows=True, organizations={})
        assert not Indication.objects.exists()

    def test_follows_a_cancelled_bid_back_down(self, publisher: Publisher, world: World) -> None:
        pk = bid(world, 30_000)
        publisher.tick()
        cancel_bid(organization=world.buyer, cancelled_by=world.person, bid_id=pk)
        publisher.tick()

        assert indication(world).paid_ticks is None

    def test_tells_everything_after_a_failure(self, publisher: Publisher, world: World) -> None:
        bid(world, 30_000)
        end_session(own_session())
        with pytest.raises(OperationalError):
            publisher.tick()
        connection.close()

        assert publisher.tick() == Hint(prices=True, windows=False, organizations={world.buyer.pk: 1})

    def test_lets_a_window_rest_that_took_long_yet_tells_its_phase(self, world: World) -> None:
        publisher = Publisher(rest_per_work=1e6)
        publisher.tick()
        bid(world, 30_000)

        assert publisher.tick() == Hint(prices=False, windows=False, organizations={world.buyer.pk: 1})
        Window.objects.filter(pk=world.window.pk).update(freezes_at=database_now())
        assert publisher.tick() == Hint(prices=False, windows=True, organizations={})
        assert indication(world).paid_ticks is None

    def test_sends_one_notification_for_all_events_and_one_for_prices(
        self, publisher: Publisher, world: World
    ) -> None:
        with listening() as listener:
            bid(world, 30_000)
            bid(world, 20_000, rival=True)
            publisher.tick()
            told = [
                json.loads(one.payload) for one in listener.notifies(timeout=PATIENCE_SECONDS, stop_after=2)
            ]

        organizations = {str(world.buyer.pk): 1, str(world.rival.pk): 1}
        assert told == [
            {"prices": False, "windows": False, "organizations": organizations},
            {"prices": True, "windows": False, "organizations": {}},
        ]

    def test_tells_events_while_prices_are_still_being_computed(
        self, publisher: Publisher, world: World
    ) -> None:
        """A huge book may take minutes; here another session keeps its prices from being written."""
        with listening() as slow, listening() as listener:
            slow.execute("BEGIN")
            slow.execute("SELECT FROM auctions_indication FOR UPDATE")
            bid(world, 30_000)
            append_event(organization_id=world.rival.pk, kind="settlement.paid", data={"settlement": 4})
            thread = threading.Thread(target=in_own_session(publisher.tick))
            thread.start()
            try:
                (told,) = listener.notifies(timeout=PATIENCE_SECONDS, stop_after=1)
                was_still_at_it = thread.is_alive()
                assert everything_told()
            finally:
                slow.execute("ROLLBACK")
                thread.join(PATIENCE_SECONDS)

        assert was_still_at_it
        assert json.loads(told.payload)["organizations"] == {str(world.buyer.pk): 1, str(world.rival.pk): 1}
        assert indication(world).paid_ticks == 10_000


class TestPublishOnce:
    def test_clears_away_what_a_dead_publisher_left(self, world: World) -> None:
        publish_once()
        Window.objects.filter(pk=world.window.pk).update(status=Window.Status.CANCELLED)
        publish_once()

        assert not Indication.objects.exists()


class TestRunPublisher:
    def test_another_takes_over_from_one_that_lost_its_session(self, world: World) -> None:
        with running_publishers(2):
            first = wait_for(leader)
            append_event(organization_id=world.buyer.pk, kind="bid.won", data={})
            wait_for(everything_told)
            end_session(first)
            wait_for(lambda: (leader() or first) != first)
            append_event(organization_id=world.buyer.pk, kind="bid.lost", data={})
            wait_for(everything_told)

        assert leader() is None

    def test_steps_down_when_asked(self, world: World) -> None:
        with running_publishers(1):
            assert wait_for(leader)

        assert leader() is None


@contextmanager
def running_publishers(n: int) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=run_publisher, args=(stop,)) for _ in range(n)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        assert not any(thread.is_alive() for thread in threads)


def in_own_session(work: Callable[[], object]) -> Callable[[], None]:
    """Have a thread do some work and close the database connection that it took for it."""

    def do() -> None:
        try:
            work()
        finally:
            connection.close()

    return do


def leader() -> int | None:
    """The database session that publishes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = 0"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [int(LockSpace.PUBLISHER)],
        )
        found = cursor.fetchone()
    return found and found[0]


def everything_told() -> bool:
    return not StreamEvent.objects.filter(published=False).exists()


def own_session() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    return pid


def end_session(pid: int) -> None:
    with listening() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])


def wait_for(condition: Callable[[], Found]) -> Found:
    """Return what ``condition`` finds as soon as it finds anything."""
    pause = threading.Event()
    deadline = monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert monotonic() < deadline, "it did not happen"
        pause.wait(0.02)
    return found


@contextmanager
def listening() -> Iterator[psycopg.Connection]:
    parameters = {
        name: value
        for name, value in connection.get_connection_params().items()
        if name not in ("cursor_factory", "context")
    }
    with psycopg.connect(**parameters, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        yield listener
