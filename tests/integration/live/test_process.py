"""The web process itself, as it runs in earnest: what it sends, and how it takes leave."""

from collections.abc import Iterator

import pytest

from tests.integration.live.conftest import Site, World, publish, set_price
from tests.web import WebProcess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def web(transactional_db: None, running_database_url: str) -> Iterator[WebProcess]:
    web = WebProcess(database_url=running_database_url)
    web.start()
    yield web
    web.close()


async def test_tells_what_another_process_published(web: WebProcess, world: World) -> None:
    await publish()
    async with Site(web.host).socket("/ws/board/") as board:
        position = (await board.next())["seq"]
        await set_price(world.lot, 12_000)
        delta = await board.next()

    assert (delta["type"], delta["prev"]) == ("delta", position)
    assert [row["paid"] for row in delta["rows"]] == [12_000]


async def test_sends_its_readers_away_before_it_stops(web: WebProcess, world: World) -> None:
    site = Site(web.host)
    async with site.socket("/ws/board/") as board, site.socket("/ws/own/", cookie=world.cookie) as own:
        await board.next()
        await own.next()
        status = web.stop()

        assert await board.close_code() == 1012
        assert await own.close_code() == 1012
    assert status in (0, -15)  # uvicorn ends by the signal it was sent, once all is closed
