"""/ws/board/: snapshot, then deltas; what a slow or confused reader gets; who is refused; a database that goes away."""

import json

import pytest
from django.db import connection
from websockets.exceptions import InvalidStatus

from auctions.consumers import BoardConsumer
from auctions.live.hub import current_hub
from auctions.models import Indication, Lot, Window
from marketplace.db import database_now
from tests.integration.live.conftest import Site, World, end_listening, in_database, publish, set_price

pytestmark = pytest.mark.django_db(transaction=True)


@in_database
def freeze_by_the_clock(window: Window) -> None:
    Window.objects.filter(pk=window.pk).update(freezes_at=database_now())


@in_database
def cancel(window: Window) -> None:
    Window.objects.filter(pk=window.pk).update(status=Window.Status.CANCELLED)


class TestBoardSocket:
    async def test_begins_with_everything_on_the_board(self, site: Site, world: World) -> None:
        await publish()
        async with site.socket("/ws/board/") as board:
            snapshot = await board.next()

        assert snapshot["type"] == "snapshot"
        assert [(each["id"], each["phase"]) for each in snapshot["windows"]] == [(world.window.pk, "open")]
        assert snapshot["rows"] == [
            {
                "window": world.window.pk,
                "product": world.product,
                "paid": None,
                "entry": 10_000,
                "offered": 8,
                "lots": 1,
                "estimate": False,
            }
        ]

    async def test_goes_on_with_numbered_changes(self, site: Site, world: World) -> None:
        async with site.socket("/ws/board/") as board:
            position = (await board.next())["seq"]
            for paid_ticks in (11_000, 12_000, 13_000):
                await set_price(world.lot, paid_ticks)
                delta = await board.next()

                assert (delta["type"], delta["prev"]) == ("delta", position)
                assert [row["paid"] for row in delta["rows"]] == [paid_ticks]
                position = delta["seq"]

    async def test_shows_a_window_that_freezes_and_one_that_ends(self, site: Site, world: World) -> None:
        await publish()
        async with site.socket("/ws/board/") as board:
            await board.next()
            await freeze_by_the_clock(world.window)
            await publish()
            frozen = await board.next()
            await cancel(world.window)
            await publish()
            ended = await board.next()

        assert [each["phase"] for each in frozen["windows"]] == ["frozen"]
        assert [(each["id"], each["phase"]) for each in ended["windows"]] == [(world.window.pk, "cancelled")]

    async def test_answers_a_gap_with_a_new_snapshot(self, site: Site, world: World) -> None:
        async with site.socket("/ws/board/") as board:
            await board.next()
            await set_price(world.lot, 11_000)
            await board.next()  # suppose this one was lost
            await board.send({"type": "resync"})
            snapshot = await board.next()

        assert snapshot["type"] == "snapshot"
        assert [row["paid"] for row in snapshot["rows"]] == [11_000]

    async def test_says_that_it_is_alive_and_whether_prices_are_computed(
        self, site: Site, world: World
    ) -> None:
        async with site.socket("/ws/board/") as board:
            beat = await board.until("beat")

        assert beat["publishing"] is False  # no worker runs in this test
        assert beat["server_time"].endswith("Z")

    async def test_closes_its_connection_with_the_last_reader(self, site: Site, world: World) -> None:
        async with site.socket("/ws/board/") as board:
            await board.next()
            assert current_hub().is_live
        async with site.socket("/ws/own/") as other:
            await other.close_code()  # a later socket has come and gone, so the first is gone for good

        assert not current_hub().is_live
        assert not current_hub().sockets


class TestASlowReader:
    async def test_keeps_nobody_waiting_and_gets_the_latest(self, site: Site, world: World) -> None:
        lot, products = world.lot, 400
        await in_database(crowd_the_board)(lot, products)
        async with (
            site.socket("/ws/board/", max_queue=1, max_size=None) as slow,
            site.socket("/ws/board/") as quick,
        ):
            first = await quick.next()
            for paid_ticks in range(1, 201):
                await in_database(reprice_all)(lot.window, paid_ticks)
                delta = await quick.next()
                assert {row["paid"] for row in delta["rows"]} == {paid_ticks}
            position, n_frames, prices = None, 0, {}
            while position != delta["seq"]:
                frame = await slow.next()
                assert frame["type"] == "snapshot" or frame["prev"] == position
                prices |= {row["product"]: row["paid"] for row in frame["rows"]}
                position, n_frames = frame["seq"], n_frames + 1

        assert len(first["rows"]) == products
        assert set(prices.values()) == {200}
        assert n_frames < 190  # it skipped what the network could not hold for it


def crowd_the_board(lot: Lot, n_products: int) -> None:
    """Put a window's product in more regions than there are, so that one frame is large."""
    Indication.objects.bulk_create(
        Indication(
            window=lot.window,
            resource_type=lot.block.resource_type,
            region=f"region-{number}",
            paid_ticks=0,
            entry_ticks=0,
            offered_units=8,
            n_lots=1,
            revision=number,
        )
        for number in range(1, n_products + 1)
    )


def reprice_all(window: Window, paid_ticks: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE auctions_indication SET paid_ticks = %s, revision = %s WHERE window_id = %s;"
            """ SELECT pg_notify('sparegrid_live', '{"prices": true, "windows": true, "organizations": {}}')""",
            [paid_ticks, 1_000 + paid_ticks, window.pk],
        )


class TestRefusals:
    async def test_refuses_a_page_of_another_site(self, site: Site, world: World) -> None:
        with pytest.raises(InvalidStatus, match="403"):
            async with site.socket("/ws/board/", origin="https://elsewhere.example"):
                pass

    async def test_refuses_an_address_that_no_feed_has(self, site: Site, world: World) -> None:
        with pytest.raises(InvalidStatus, match="403"):
            async with site.socket("/ws/nothing/"):
                pass

    @pytest.mark.parametrize("message", ['{"type":"subscribe"}', "resync", "[]", ""])
    async def test_closes_on_what_it_does_not_understand(
        self, site: Site, world: World, message: str
    ) -> None:
        async with site.socket("/ws/board/") as board:
            await board.client.send(message)

            assert await board.close_code() == 1008

    async def test_closes_on_a_long_message(self, site: Site, world: World) -> None:
        async with site.socket("/ws/board/") as board:
            await board.client.send(json.dumps({"type": "resync", "padding": "x" * 300}))

            assert await board.close_code() == 1009

    async def test_closes_on_a_flood_of_requests(self, site: Site, world: World) -> None:
        async with site.socket("/ws/board/") as board:
            for _ in range(20):
                await board.send({"type": "resync"})

            assert await board.close_code() == 1008

    async def test_bounds_the_sockets_of_one_address(self, site: Site, world: World, settings) -> None:
        settings.LIVE_SOCKETS_PER_ADDRESS = 1
        async with site.socket("/ws/board/") as first:
            await first.next()
            async with site.socket("/ws/board/") as second:
                assert await second.close_code() == 4429

    async def test_hears_nothing_more_of_a_socket_it_refused(self) -> None:
        told = []

        async def tell(message: object) -> None:
            told.append(message)

        refused = BoardConsumer()
        refused.base_send = tell

        await refused.receive(text_data='{"type": "resync"}')

        assert told == []


class TestALostDatabase:
    async def test_says_so_heals_and_sends_everything_anew(self, site: Site, world: World) -> None:
        async with site.socket("/ws/board/") as board:
            before = await board.next()
            await end_listening()
            stale = await board.until("stale")
            await set_price(world.lot, 15_000)  # nobody hears of this one
            snapshot = await board.until("snapshot")

        assert stale
        assert snapshot["seq"] > before["seq"]
        assert [row["paid"] for row in snapshot["rows"]] == [15_000]

    async def test_goes_on_after_it_healed(self, site: Site, world: World) -> None:
        async with site.socket("/ws/board/") as board:
            await board.next()
            await end_listening()
            position = (await board.until("snapshot"))["seq"]
            await set_price(world.lot, 16_000)

            assert (await board.next())["prev"] == position
