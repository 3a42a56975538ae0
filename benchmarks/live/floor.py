"""The floor: the same text to the same number of sockets by `websockets.broadcast`, and nothing else.

Run as: floor.py PORT UPDATES UPDATES_PER_SECOND. It broadcasts once told to on its input, and prints a line per update:
the price it carries and the monotonic clock just before, nanoseconds.
"""

from __future__ import annotations

import asyncio
import sys
from time import monotonic_ns

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.live.sockets import sample_frame


async def main(port: int, n_updates: int, per_second: float) -> None:
    sockets: set[ServerConnection] = set()

    async def accept(socket: ServerConnection) -> None:
        sockets.add(socket)
        await socket.send("{}")
        await socket.wait_closed()
        sockets.discard(socket)

    loop = asyncio.get_running_loop()
    async with serve(accept, "127.0.0.1", port, compression=None):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        sent = []
        began = loop.time()
        for number in range(1, n_updates + 1):
            await asyncio.sleep(began + number / per_second - loop.time())
            sent.append((number, monotonic_ns()))
            broadcast(sockets, sample_frame(number))
        await asyncio.sleep(1)
        for number, at in sent:
            print(number, at)
        print("done", flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
