"""The two WebSockets: the public board, and an organization's own feed. What they say stands in docs/live.md."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from typing import Any
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError, InterfaceError

from auctions.live import access, messages
from auctions.live.hub import Hub, Listener, current_hub
from auctions.live.messages import CloseCode
from auctions.live.own import OwnFeed

logger = logging.getLogger(__name__)

REQUEST_BYTES_MAX = 256
REQUESTS_MAX = 20
REQUESTS_MAX_PER_SECONDS = 10.0
REPLAY_EVENTS_MAX = 2_000


class LiveConsumer(AsyncWebsocketConsumer):
    """A socket that sends what its listener lacks whenever the hub wakes it, one frame after the other.

    While a frame waits for a slow reader, only this socket waits.
    """

    hub: Hub
    listener: Listener | None = None
    writer: asyncio.Task[None] | None = None
    counted_as = ""
    asked_to_resync = False

    def enter(self, counted_as: str, limit: int) -> bool:
        """Count this socket with those of the same reader; say whether it is within the limit."""
        if self.hub.sockets[counted_as] >= limit:
            return False
        self.hub.sockets[counted_as] += 1
        self.counted_as = counted_as
        return True

    def start_writing(self) -> None:
        self.requested_at: deque[float] = deque(maxlen=REQUESTS_MAX)
        self.writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        assert self.listener is not None
        wake = self.listener.wake
        try:
            while True:
                await wake.wait()
                wake.clear()
                if self.asked_to_resync:
                    self.asked_to_resync, self.listener.position = False, None
                await self.send_what_is_missing(self.listener)
        except access.NotAllowed as refusal:
            await self.close(refusal.code)
        except OSError:
            return  # the reader is gone; uvicorn says so with an OSError and calls disconnect
        except Exception:
            logger.exception("a live socket failed")
            await self.close(CloseCode.FAILED)

    async def send_what_is_missing(self, listener: Listener) -> None:
        """Bring the reader to the present. Raise NotAllowed to close the socket."""
        raise NotImplementedError

    async def send_frame(self, frame: str) -> None:
        await self.base_send({"type": "websocket.send", "text": frame})

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take a request to resync; everything else, or too much of it, closes the socket."""
        if self.listener is None:
            return None  # closed already; what it says was on its way
        if len(text_data or bytes_data or "") > REQUEST_BYTES_MAX:
            return await self.close(CloseCode.TOO_BIG)
        if not self._is_resync(text_data) or self._asks_too_often():
            return await self.close(CloseCode.NOT_UNDERSTOOD)
        self.asked_to_resync = True
        self.listener.wake.set()
        return None

    @staticmethod
    def _is_resync(text: str | None) -> bool:
        try:
            return json.loads(text or "") == {"type": "resync"}
        except ValueError:
            return False

    def _asks_too_often(self) -> bool:
        now = asyncio.get_running_loop().time()
        self.requested_at.append(now)
        return (
            len(self.requested_at) == REQUESTS_MAX and now - self.requested_at[0] < REQUESTS_MAX_PER_SECONDS
        )

    async def disconnect(self, code: int) -> None:
        if self.writer is not None:
            self.writer.cancel()
        if self.listener is not None:
            self.hub.leave(self.listener)
            self.listener = None
        if self.counted_as:
            self.hub.sockets[self.counted_as] -= 1
            if not self.hub.sockets[self.counted_as]:
                del self.hub.sockets[self.counted_as]
            self.counted_as = ""


class BoardConsumer(LiveConsumer):
    """Prices and phases, to anyone."""

    async def connect(self) -> None:
        self.hub = current_hub()
        await self.accept()
        address = (self.scope.get("client") or ["unknown"])[0]
        if not self.enter(f"address:{address}", settings.LIVE_SOCKETS_PER_ADDRESS):
            return await self.close(CloseCode.TOO_MANY_SOCKETS)
        self.listener = self.hub.join_board()
        self.start_writing()
        return None

    async def send_what_is_missing(self, listener: Listener) -> None:
        if frame := self.hub.board_frame(listener):
            await self.send_frame(frame)
        if notice := self.hub.notice(listener):
            await self.send_frame(notice)


class OwnConsumer(LiveConsumer):
    """An organization's bids, awards and money, to its members."""

    checked_at = 0.0
    has_started = False
    organization_id: int

    async def connect(self) -> None:
        self.hub = current_hub()
        await self.accept()
        asked = parse_qs(self.scope["query_string"].decode("latin1"))
        self.expected_id = _number(asked, "organization")
        try:
            user_id, self.organization_id = await self._check()
        except access.NotAllowed as refusal:
            return await self.close(refusal.code)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("an own feed cannot open without the database: %s", error)
            return await self.close(CloseCode.TRY_LATER)
        if not self.enter(f"user:{user_id}", settings.LIVE_SOCKETS_PER_USER):
            return await self.close(CloseCode.TOO_MANY_SOCKETS)
        self.expected_id = self.organization_id
        self.listener = self.hub.join_own(self.organization_id, position=_number(asked, "after"))
        self.start_writing()
        return None

    async def _check(self) -> tuple[int, int]:
        self.checked_at = asyncio.get_running_loop().time()
        return await access.find_organization_async(
            self.scope["cookies"].get(settings.SESSION_COOKIE_NAME), expected_id=self.expected_id
        )

    async def send_what_is_missing(self, listener: Listener) -> None:
        try:
            if asyncio.get_running_loop().time() - self.checked_at > settings.LIVE_RECHECK_SECONDS:
                await self._check()
            await self._send_events(listener)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("an own feed waits for the database: %s", error)
            return  # nothing is lost: the position stands, and the hub's next beat wakes us
        if notice := self.hub.notice(listener):
            await self.send_frame(notice)

    async def _send_events(self, listener: Listener) -> None:
        """Send what follows the listener's position, from memory where that reaches back far enough."""
        assert listener.feed is not None
        if not self.has_started or listener.position is None:
            await self._start(listener, listener.feed)
        while (frames := listener.feed.since(listener.position or 0)) is None:
            page = await access.page_of_events_async(self.organization_id, after=listener.position)
            if not page or page[0][0] != (listener.position or 0) + 1:
                listener.position = None  # the past is no longer kept: begin anew
                return await self._start(listener, listener.feed)
            for listener.position, frame in page:
                await self.send_frame(frame)
        for sequence, frame in enumerate(frames, start=(listener.position or 0) + 1):
            listener.position = sequence
            await self.send_frame(frame)
        return None

    async def _start(self, listener: Listener, feed: OwnFeed) -> None:
        """Begin where the reader left off if that is near enough, else at the end, and say so."""
        last = await access.last_sequence_async(self.organization_id)
        feed.skip_to(last)
        self.has_started = True
        if listener.position is not None and 0 <= last - listener.position <= REPLAY_EVENTS_MAX:
            return
        listener.position = last
        await self.send_frame(messages.own_snapshot(organization_id=self.organization_id, seq=last))


async def no_such_feed(scope: Any, receive: Any, send: Any) -> None:
    """Refuse an address that no feed has, without an accident in the log."""
    await send({"type": "websocket.close"})


def _number(asked: dict[str, list[str]], name: str) -> int | None:
    value = asked.get(name, [""])[0]
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else None
