"""The site served on a loopback port within the test's own event loop, and real WebSocket clients to it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from channels.db import database_sync_to_async
from django.db import connection
from django.test import Client
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from accounts.models import Organization, User
from accounts.stream import append_event
from auctions.models import Indication, Lot, Window
from auctions.publisher import publish_once
from marketplace.asgi import application
from tests.factories import BuyerFactory, LotFactory, MembershipFactory

PATIENCE_SECONDS = 10.0


@dataclass
class World:
    """An open window with one lot, and a buyer whose member is logged in with ``cookie``."""

    window: Window
    lot: Lot
    buyer: Organization
    rival: Organization
    person: User
    browser: Client

    @property
    def cookie(self) -> str:
        return f"sessionid={self.browser.cookies['sessionid'].value}"

    @property
    def product(self) -> str:
        return f"{self.lot.block.resource_type_id}:{self.lot.block.site.region}"


@pytest.fixture
def world(transactional_db: None) -> World:
    lot = LotFactory()
    member = MembershipFactory(organization=BuyerFactory())
    browser = Client()
    browser.force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")
    return World(lot.window, lot, member.organization, BuyerFactory(), member.user, browser)


class Socket:
    """A client's end: frames as dictionaries, beats left out unless asked for."""

    def __init__(self, client: ClientConnection) -> None:
        self.client = client

    async def next(self, *, beats: bool = False) -> dict[str, Any]:
        """Return the next frame; fail when none comes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                frame = json.loads(await self.client.recv())
                if beats or frame["type"] != "beat":
                    return frame

    async def until(self, frame_type: str) -> dict[str, Any]:
        """Return the next frame of a type, leaving out others."""
        while (frame := await self.next(beats=True))["type"] != frame_type:
            pass
        return frame

    async def close_code(self) -> int:
        """Return the code with which the server closes, leaving out frames before it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            with suppress(ConnectionClosed):
                while True:
                    await self.client.recv()
        assert self.client.close_code is not None
        return self.client.close_code

    async def send(self, content: object) -> None:
        await self.client.send(json.dumps(content))


@dataclass
class Site:
    host: str

    @asynccontextmanager
    async def socket(self, path: str, *, cookie: str = "", **options: Any) -> AsyncIterator[Socket]:
        """Open a WebSocket as a page of this site does."""
        async with connect(
            f"ws://{self.host}{path}",
            **{
                "origin": f"http://{self.host}",
                "additional_headers": {"Cookie": cookie} if cookie else {},
                "compression": None,
                **options,
            },
        ) as client:
            yield Socket(client)


@pytest.fixture
async def site(transactional_db: None) -> AsyncIterator[Site]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            application, lifespan="off", log_level="warning", ws_per_message_deflate=False
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield Site(f"127.0.0.1:{listener.getsockname()[1]}")
        server.should_exit = True
        await serving


def in_database(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` for use from a coroutine."""
    return database_sync_to_async(function)


publish = in_database(publish_once)


@in_database
def set_price(lot: Lot, paid_ticks: int) -> None:
    """Let the product of ``lot`` stand at a price, as the publisher's next revision, and tell the hubs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('auctions_indication_order')")
        (revision,) = cursor.fetchone()
        Indication.objects.update_or_create(
            window=lot.window,
            resource_type=lot.block.resource_type,
            region=lot.block.site.region,
            defaults={
                "paid_ticks": paid_ticks,
                "entry_ticks": paid_ticks,
                "offered_units": 8,
                "n_lots": 1,
                "revision": revision,
            },
        )
        cursor.execute(
            """SELECT pg_notify('sparegrid_live', '{"prices": true, "windows": true, "organizations": {}}')"""
        )


@in_database
def happen(organization: Organization, *kinds: str) -> None:
    """Append events to an organization's stream, as operations do, and publish them."""
    for kind in kinds:
        append_event(organization_id=organization.pk, kind=kind, data={"bid": 1})
    publish_once()


@in_database
def end_listening() -> None:
    """Break the hub's connection from the database's side."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'sparegrid live hub' AND datname = current_database()"
        )
        assert cursor.fetchone() == (1,)
