"""One connection to Postgres per web process, and everyone who waits on it.

The hub listens for hints, reads what changed once, and wakes the sockets concerned; each sends for itself what it
lacks. The connection opens with the first socket and closes with the last. When it is lost, sockets are told so, and
once it is back everybody gets the whole again.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

import psycopg
from django.db import connections

from auctions.live import messages, queries
from auctions.live.board import Board
from auctions.live.messages import Hint
from auctions.live.own import OwnFeed

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
CONNECT_SECONDS = 5
READ_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0
KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current_hub() -> Hub:
    """Return the hub of the running event loop: in a web process there is one."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())


class Listener:
    """A socket as the hub knows it: woken when there may be something to send."""

    __slots__ = ("feed", "notice", "position", "wake")

    def __init__(self, *, feed: OwnFeed | None = None, position: int | None = None) -> None:
        self.feed = feed
        self.position = position
        self.notice = 0
        self.wake = asyncio.Event()
        self.wake.set()


class Hub:
    def __init__(self) -> None:
        self.board = Board()
        self.sockets: defaultdict[str, int] = defaultdict(int)
        self.is_live = False
        self._revision = 0
        self._board_listeners: set[Listener] = set()
        self._own_listeners: dict[int, set[Listener]] = {}
        self._feeds: dict[int, OwnFeed] = {}
        self._notice = 0
        self._is_publishing = False
        self._clock_ahead = timedelta(0)
        self._task: asyncio.Task[None] | None = None

    @property
    def now(self) -> datetime:
        """The database's clock, as last compared."""
        return datetime.now(UTC) + self._clock_ahead

    def join_board(self) -> Listener:
        """Start to wake a socket for the board. Pair with ``leave``."""
        listener = Listener()
        self._board_listeners.add(listener)
        self._start()
        return listener

    def join_own(self, organization_id: int, *, position: int | None) -> Listener:
        """Start to wake a socket for an organization's feed that it has had up to ``position``. Pair with ``leave``."""
        feed = self._feeds.setdefault(organization_id, OwnFeed(organization_id))
        listener = Listener(feed=feed, position=position)
        self._own_listeners.setdefault(organization_id, set()).add(listener)
        self._start()
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a socket; with the last one the connection closes."""
        if listener.feed is None:
            self._board_listeners.discard(listener)
        else:
            self._leave_own(listener, listener.feed.organization_id)
        if not self._board_listeners and not self._own_listeners and self._task is not None:
            self._task.cancel()
            self._task = None
            self.is_live = False

    def _leave_own(self, listener: Listener, organization_id: int) -> None:
        others = self._own_listeners.get(organization_id, set())
        others.discard(listener)
        if not others:
            self._own_listeners.pop(organization_id, None)
            self._feeds.pop(organization_id, None)

    def board_frame(self, listener: Listener) -> str | None:
        """Return what brings a socket's board to the present and count it as sent; None when nothing is missing."""
        position, board = listener.position, self.board
        if position == board.seq or not self.is_live:
            return None
        listener.position = board.seq
        delta = None if position is None else board.delta_since(position)
        return delta or board.snapshot(now=self.now)

    def notice(self, listener: Listener) -> str | None:
        """Return the newest beat or warning if the socket has not had it, and count it as sent."""
        if listener.notice == self._notice:
            return None
        listener.notice = self._notice
        return messages.beat(now=self.now, publishing=self._is_publishing) if self.is_live else messages.STALE

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="live hub")

    async def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                async with _listening() as connection:
                    await self._reload(connection)
                    pause = FIRST_PAUSE_SECONDS
                    await self._follow(connection)
            except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError) as error:
                logger.warning("live hub lost the database, trying again: %s", error)
            except Exception:
                logger.exception("live hub failed, trying again")
            self.is_live = False
            self._announce()
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _reload(self, connection: psycopg.AsyncConnection) -> None:
        """Read everything anew. It runs after LISTEN, so that nothing falls between."""
        async with asyncio.timeout(READ_SECONDS):
            self._revision, rows = await queries.read_rows(connection, since=0)
            on_board, _ = await queries.read_windows(connection, known=())
            lasts = await queries.read_last_sequences(connection, organization_ids=self._feeds.keys())
            await self._take_pulse(connection)
        self.board.replace(on_board=on_board, rows=rows)
        for pk, last in lasts.items():
            if pk in self._feeds:
                self._feeds[pk].skip_to(last)
        self.is_live = True
        self._announce()

    async def _follow(self, connection: psycopg.AsyncConnection) -> None:
        clock = asyncio.get_running_loop().time
        next_beat = clock() + BEAT_SECONDS
        while True:
            patience = max(0.0, next_beat - clock())
            heard = connection.notifies(timeout=patience, stop_after=1)
            hints = [Hint.decode(notify.payload) async for notify in heard]
            async with asyncio.timeout(READ_SECONDS):
                if hints:
                    await self._catch_up(connection, Hint.merge(hints))
                if clock() >= next_beat:
                    await self._take_pulse(connection)
                    self._announce()
                    next_beat = clock() + BEAT_SECONDS

    async def _catch_up(self, connection: psycopg.AsyncConnection, hint: Hint) -> None:
        if not self._is_publishing:
            self._is_publishing = True
            self._announce()
        if (hint.prices or hint.windows) and await self._read_board(connection, windows=hint.windows):
            for listener in self._board_listeners:
                listener.wake.set()
        if concerned := self._feeds_concerned(hint):
            await self._read_own(connection, concerned)

    async def _read_board(self, connection: psycopg.AsyncConnection, *, windows: bool) -> bool:
        # Rows first: a window that opens between the two reads is then known before its rows are.
        self._revision, rows = await queries.read_rows(connection, since=self._revision)
        known = self.board.window_ids
        if not windows and all(row.window_id in known for row in rows):
            return self.board.update(on_board=(), ended=(), rows=rows)
        on_board, ended = await queries.read_windows(connection, known=known)
        return self.board.update(on_board=on_board, ended=ended, rows=rows)

    def _feeds_concerned(self, hint: Hint) -> dict[int, int]:
        """Return, by organization that somebody here listens to, the sequence after which to read."""
        if hint.organizations is None:
            return {pk: feed.last for pk, feed in self._feeds.items()}
        return {
            pk: self._feeds[pk].last or first - 1
            for pk, first in hint.organizations.items()
            if pk in self._feeds
        }

    async def _read_own(self, connection: psycopg.AsyncConnection, concerned: dict[int, int]) -> None:
        for pk, events in (await queries.read_events(connection, after=concerned)).items():
            if pk not in self._feeds:
                continue  # its last socket left meanwhile
            self._feeds[pk].extend(events)
            for listener in self._own_listeners[pk]:
                listener.wake.set()

    async def _take_pulse(self, connection: psycopg.AsyncConnection) -> None:
        now, self._is_publishing = await queries.read_pulse(connection)
        self._clock_ahead = now - datetime.now(UTC)

    def _announce(self) -> None:
        """Let every socket say how the feed is."""
        self._notice += 1
        for listener in self._board_listeners.union(*self._own_listeners.values()):
            listener.wake.set()


@asynccontextmanager
async def _listening() -> AsyncIterator[psycopg.AsyncConnection]:
    """Open a connection of our own that hears the publisher."""
    parameters = connections["default"].get_connection_params()
    for only_django_s in ("cursor_factory", "context"):
        parameters.pop(only_django_s, None)
    parameters |= {
        **KEEPALIVES,
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "sparegrid live hub",
    }
    async with await psycopg.AsyncConnection.connect(**parameters, autocommit=True) as connection:
        await connection.execute(f"LISTEN {messages.CHANNEL}")
        yield connection
