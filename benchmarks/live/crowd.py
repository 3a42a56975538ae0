"""A crowd of WebSocket readers in a process of its own, cheap enough not to be what is measured.

Run as: crowd.py PORT PATH READERS OUTPUT. It prints "ready" once every reader has had its first frame, reads until its
input ends, and writes to OUTPUT (.npy) int64 (frames, 2): what a frame carries after `"paid":`, and when it came,
nanoseconds of the monotonic clock. Frames that carry no price are not counted.
"""

from __future__ import annotations

import asyncio
import re
import sys
from time import monotonic_ns

import numpy as np
import uvloop

PRICE = re.compile(rb'"paid":(\d+)')
CONNECTING_AT_ONCE = 50


class Reader(asyncio.Protocol):
    """Shakes hands, takes frames apart, notes when each came; masks and continuations do not occur."""

    def __init__(self, request: bytes, seen: list[tuple[int, int]]) -> None:
        self.request = request
        self.seen = seen
        self.buffer = b""
        self.is_open = False
        self.first_frame = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        came = monotonic_ns()
        self.buffer += data
        if not self.is_open:
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.splitlines()[0]:
                raise ConnectionError(head.decode("latin1"))
            self.is_open, self.buffer = True, rest
        while (frame := self._next_frame()) is not None:
            if not self.first_frame.done():
                self.first_frame.set_result(None)
            if prices := PRICE.findall(frame):
                self.seen.append((max(map(int, prices)), came))

    def _next_frame(self) -> bytes | None:
        if len(self.buffer) < 2:
            return None
        length, start = self.buffer[1], 2
        if length == 126:
            length, start = int.from_bytes(self.buffer[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(self.buffer[2:10], "big"), 10
        if len(self.buffer) < start + length:
            return None
        frame, self.buffer = self.buffer[start : start + length], self.buffer[start + length :]
        return frame

    def connection_lost(self, error: Exception | None) -> None:
        if not self.first_frame.done():
            self.first_frame.set_exception(error or ConnectionError("closed before the first frame"))


async def gather_crowd(port: int, path: str, n_readers: int, seen: list[tuple[int, int]]) -> None:
    host = f"127.0.0.1:{port}"
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    for start in range(0, n_readers, CONNECTING_AT_ONCE):
        together = min(CONNECTING_AT_ONCE, n_readers - start)
        connections = [
            loop.create_connection(lambda: Reader(request, seen), "127.0.0.1", port) for _ in range(together)
        ]
        readers = [reader for _, reader in await asyncio.gather(*connections)]
        await asyncio.gather(*(reader.first_frame for reader in readers))


async def main(port: int, path: str, n_readers: int, output: str) -> None:
    seen: list[tuple[int, int]] = []
    await gather_crowd(port, path, n_readers, seen)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    np.save(output, np.array(seen, dtype=np.int64).reshape(-1, 2))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]))
