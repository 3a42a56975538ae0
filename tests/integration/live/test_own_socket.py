"""/ws/own/: one organization's events, all of them, in order, to its members and nobody else."""

import asyncio

import pytest

from accounts.models import Membership
from accounts.stream import append_event
from auctions.live.own import EVENTS_KEPT
from auctions.publisher import publish_once
from tests.integration.live.conftest import Site, World, end_listening, happen, in_database

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def always_recheck(settings) -> None:
    settings.LIVE_RECHECK_SECONDS = 0


class TestOwnSocket:
    async def test_begins_where_the_stream_ends_and_goes_on_without_gaps(
        self, site: Site, world: World
    ) -> None:
        await happen(world.buyer, "bid.placed")
        async with site.socket("/ws/own/", cookie=world.cookie) as own:
            snapshot = await own.next()
            await happen(world.buyer, "bid.changed", "bid.won")
            events = [await own.next(), await own.next()]

        assert snapshot == {"type": "snapshot", "seq": 1, "organization": world.buyer.pk}
        assert [(event["seq"], event["kind"]) for event in events] == [(2, "bid.changed"), (3, "bid.won")]
        assert events[0]["data"] == {"bid": 1}

    async def test_resumes_after_the_last_event_a_reader_has(self, site: Site, world: World) -> None:
        await happen(world.buyer, "bid.placed", "bid.changed", "bid.won")
        async with site.socket("/ws/own/?after=1", cookie=world.cookie) as own:
            assert [(await own.next())["seq"] for _ in range(2)] == [2, 3]
            await happen(world.buyer, "settlement.due")
            assert (await own.next())["seq"] == 4

    @pytest.mark.parametrize("after", ["99", "-1", "x", "9" * 40])
    async def test_begins_anew_for_a_number_that_means_nothing(
        self, site: Site, world: World, after: str
    ) -> None:
        await happen(world.buyer, "bid.placed")
        async with site.socket(f"/ws/own/?after={after}", cookie=world.cookie) as own:
            assert (await own.next())["type"] == "snapshot"

    async def test_tells_nobody_else(self, site: Site, world: World) -> None:
        async with site.socket("/ws/own/", cookie=world.cookie) as own:
            await own.next()
            await happen(world.rival, "bid.placed")
            await happen(world.buyer, "bid.won")

            assert (await own.next())["kind"] == "bid.won"

    async def test_answers_a_gap_with_where_the_stream_stands(self, site: Site, world: World) -> None:
        async with site.socket("/ws/own/", cookie=world.cookie) as own:
            await own.next()
            await happen(world.buyer, "bid.placed")
            await own.next()
            await own.send({"type": "resync"})

            assert await own.next() == {"type": "snapshot", "seq": 1, "organization": world.buyer.pk}

    async def test_loses_nothing_when_more_happens_at_once_than_is_kept(
        self, site: Site, world: World
    ) -> None:
        n_events = EVENTS_KEPT + 50
        async with site.socket("/ws/own/", cookie=world.cookie) as own:
            await own.next()
            await happen(world.buyer, *["bid.lost"] * n_events)

            assert [(await own.next())["seq"] for _ in range(n_events)] == list(range(1, n_events + 1))

    async def test_loses_nothing_while_the_database_was_away(self, site: Site, world: World) -> None:
        async with site.socket("/ws/own/", cookie=world.cookie) as own:
            await own.next()
            await end_listening()
            await happen(world.buyer, "bid.placed", "bid.won")

            assert (await own.next())["type"] == "stale"
            assert [(await own.next())["seq"] for _ in range(2)] == [1, 2]

    async def test_shares_what_was_read_between_the_sockets_of_an_organization(
        self, site: Site, world: World
    ) -> None:
        async with (
            site.socket("/ws/own/", cookie=world.cookie) as one,
            site.socket("/ws/own/", cookie=world.cookie) as two,
        ):
            await asyncio.gather(one.next(), two.next())
            await happen(world.buyer, "bid.placed")
            heard = await asyncio.gather(one.next(), two.next())

        assert heard[0] == heard[1]


class TestWhoMayListen:
    async def test_refuses_who_is_not_signed_in(self, site: Site, world: World) -> None:
        async with site.socket("/ws/own/") as own:
            assert await own.close_code() == 4401

    async def test_refuses_a_session_that_never_was(self, site: Site, world: World) -> None:
        async with site.socket("/ws/own/", cookie="sessionid=made-up") as own:
            assert await own.close_code() == 4401

    async def test_refuses_who_belongs_to_no_organization(self, site: Site, world: World) -> None:
        await in_database(Membership.objects.all().delete)()
        async with site.socket("/ws/own/", cookie=world.cookie) as own:
            assert await own.close_code() == 4403

    async def test_refuses_a_page_drawn_for_another_organization(self, site: Site, world: World) -> None:
        path = f"/ws/own/?organization={world.rival.pk}"
        async with site.socket(path, cookie=world.cookie) as own:
            assert await own.close_code() == 4409

    async def test_bounds_the_sockets_of_one_person(self, site: Site, world: World, settings) -> None:
        settings.LIVE_SOCKETS_PER_USER = 1
        async with site.socket("/ws/own/", cookie=world.cookie) as first:
            await first.next()
            async with site.socket("/ws/own/", cookie=world.cookie) as second:
                assert await second.close_code() == 4429

    @pytest.mark.usefixtures("always_recheck")
    async def test_tells_no_more_once_the_session_has_ended(self, site: Site, world: World) -> None:
        cookie = world.cookie
        async with site.socket("/ws/own/", cookie=cookie) as own:
            await own.next()
            await in_database(world.browser.logout)()
            await happen(world.buyer, "bid.won")

            assert await own.close_code() == 4401

    @pytest.mark.usefixtures("always_recheck")
    async def test_tells_no_more_once_the_membership_has_ended(self, site: Site, world: World) -> None:
        async with site.socket("/ws/own/", cookie=world.cookie) as own:
            await own.next()
            await in_database(Membership.objects.filter(user=world.person).delete)()
            await happen(world.buyer, "bid.won")

            assert await own.close_code() == 4403


@in_database
def write_without_publishing(organization_id: int) -> None:
    append_event(organization_id=organization_id, kind="bid.placed", data={})


async def test_counts_an_event_that_was_written_but_not_yet_told_once(site: Site, world: World) -> None:
    await write_without_publishing(world.buyer.pk)
    async with site.socket("/ws/own/", cookie=world.cookie) as own:
        assert (await own.next())["seq"] == 1
        await in_database(publish_once)()
        await happen(world.buyer, "bid.won")

        assert (await own.next())["seq"] == 2
