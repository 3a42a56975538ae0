"""From commit to frame: one web process, many sockets, beside the floor of `websockets.broadcast` in the same run.

    python -m benchmarks.live.sockets [--sockets 1000] [--updates-per-second 10] [--seconds 20] [--stalled 50]

Each update writes one product's price and notifies in one transaction, as the publisher does, but faster than its four
a second. Latency runs from just before COMMIT to the frame's arrival at a reader; readers are a process of their own.
With `--stalled` the hub is measured once more beside readers that ask for whole boards and never read a byte of them.
Needs DATABASE_URL or the server binaries for a throw-away Postgres.
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psycopg

N_PRODUCTS = 40
HINT = """{"prices":true,"windows":false,"organizations":{}}"""
SETTLE_SECONDS = 1.0
STALLED_BUFFER_BYTES = 2_304
_RESYNC_TEXT = b'{"type": "resync"}'
RESYNC = bytes([0x81, 0x80 | len(_RESYNC_TEXT), 0, 0, 0, 0]) + _RESYNC_TEXT
"""A client's text frame, masked with zeros."""
RESYNCS = 18
"""One short of what closes a socket for asking too often."""
BETWEEN_RESYNCS_SECONDS = 0.1  # several at once are answered once
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def sample_frame(number: int) -> str:
    """Return a delta as the board sends it for one product, carrying ``number`` as its price."""
    row = f'{{"window":1,"product":"3:region-7","paid":{number},"entry":20000,"offered":64,"lots":3}}'
    return f'{{"type":"delta","seq":{number + 1},"prev":{number},"rows":[{row}],"windows":[]}}'


@dataclass(frozen=True)
class Run:
    """What one run measured: latencies in ms, the share of a core, frames that came and should have come."""

    name: str
    latency_ms: np.ndarray
    core: float
    n_expected: int

    def line(self) -> str:
        p50, p99, worst = np.percentile(self.latency_ms, [50, 99, 100])
        share = len(self.latency_ms) / self.n_expected
        return f"{self.name:<24}{p50:>9.1f}{p99:>9.1f}{worst:>9.1f}{self.core:>9.1%}{share:>10.2%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--updates-per-second", type=float, default=10)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--stalled", type=int, default=0)
    asked = parser.parse_args()
    allow_open_files(2 * (asked.sockets + asked.stalled) + 200)
    n_updates = int(asked.seconds * asked.updates_per_second)
    with ExitStack() as until_the_end:
        until_the_end.enter_context(database())
        hubs = [
            measure_hub(asked.sockets, n_updates, asked.updates_per_second, n_stalled)
            for n_stalled in sorted({0, asked.stalled})
        ]
    floor = measure_floor(asked.sockets, n_updates, asked.updates_per_second)
    print(f"{asked.sockets} sockets, {asked.updates_per_second:g} updates/s, {asked.seconds:g} s")
    print(f"{'':<24}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'core':>9}{'frames':>10}")
    for run in (*hubs, floor):
        print(run.line())
    for hub in hubs:
        p99_ratio = np.percentile(hub.latency_ms, 99) / np.percentile(floor.latency_ms, 99)
        print(f"{hub.name}, ratio to the floor: p99 × {p99_ratio:.2f}, core × {hub.core / floor.core:.2f}")


def measure_hub(n_sockets: int, n_updates: int, per_second: float, n_stalled: int) -> Run:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "marketplace.asgi:application", "--port", str(port)]
    command += ["--lifespan", "off", "--log-level", "warning", "--ws-per-message-deflate", "false"]
    environment = {**os.environ, "LIVE_SOCKETS_PER_ADDRESS": str(n_sockets + n_stalled)}
    with process(command, env=environment) as web:
        wait_until_open(port)
        with stalled_readers(port, n_stalled), crowd(port, "/ws/board/", n_sockets) as (readers, output):
            busy, began = cpu_seconds(web.pid), time.monotonic()
            sent = drive(n_updates, per_second)
            core = (cpu_seconds(web.pid) - busy) / (time.monotonic() - began)
            seen = end_crowd(readers, output)
    name = f"hub, {n_stalled} stalled" if n_stalled else "hub (commit to frame)"
    return Run(name, latencies(sent, seen), core, n_updates * n_sockets)


def measure_floor(n_sockets: int, n_updates: int, per_second: float) -> Run:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.live.floor", str(port), str(n_updates), str(per_second)]
    with process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        expect(server, "ready")
        with crowd(port, "/", n_sockets) as (readers, output):
            busy, began = cpu_seconds(server.pid), time.monotonic()
            server.stdin.write("go\n")
            server.stdin.flush()
            lines = iter(server.stdout.readline, "done\n")
            sent = dict(tuple(map(int, line.split())) for line in lines)
            core = (cpu_seconds(server.pid) - busy) / (time.monotonic() - began)
            seen = end_crowd(readers, output)
    return Run("floor (broadcast)", latencies(sent, seen), core, n_updates * n_sockets)


def drive(n_updates: int, per_second: float) -> dict[int, int]:
    """Commit price after price; return when each was about to be committed."""
    sent = {}
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        (first,) = connection.execute("SELECT min(id) FROM auctions_indication").fetchone()
        began = time.monotonic()
        for number in range(1, n_updates + 1):
            time.sleep(max(0.0, began + number / per_second - time.monotonic()))
            connection.execute(
                "UPDATE auctions_indication SET paid_ticks = %s, revision = nextval('auctions_indication_order')"
                " WHERE id = %s",
                [number, first + number % N_PRODUCTS],
            )
            connection.execute("SELECT pg_notify('sparegrid_live', %s)", [HINT])
            sent[number] = time.monotonic_ns()
            connection.commit()
    time.sleep(SETTLE_SECONDS)
    return sent


def latencies(sent: dict[int, int], seen: np.ndarray) -> np.ndarray:
    """Return ms between a price's commit and each arrival; of a conflated frame, its newest price counts."""
    began = np.zeros(max(sent) + 1, dtype=np.int64)
    began[list(sent)] = list(sent.values())
    arrived = seen[(seen[:, 0] > 0) & (seen[:, 0] <= max(sent))]
    return (arrived[:, 1] - began[arrived[:, 0]]) / 1e6


@contextmanager
def database() -> Iterator[None]:
    """Give a database of our own with a board on it, and drop it afterwards."""
    from marketplace.postgres import temporary_cluster

    with ExitStack() as until_the_end:
        if "DATABASE_URL" not in os.environ:
            cluster = until_the_end.enter_context(temporary_cluster())
            cluster.start(die_with_us=True)
            os.environ["DATABASE_URL"] = cluster.url
        server = os.environ["DATABASE_URL"]
        name = f"sparegrid_bench_{os.getpid()}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        os.environ["DATABASE_URL"] = urlsplit(server)._replace(path=f"/{name}").geturl()
        try:
            lay_out_board()
            yield
        finally:
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            os.environ["DATABASE_URL"] = server


def lay_out_board() -> None:
    subprocess.run([sys.executable, "manage.py", "migrate", "--noinput", "-v", "0"], check=True)
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(BOARD, {"products": N_PRODUCTS})


BOARD = """
    WITH market AS (
        INSERT INTO auctions_market (slug, name, position, cadence, lead_from, lead_to, status)
        VALUES ('benchmark', 'Benchmark', 0, '1 hour', '0', '24 hours', 'active') RETURNING id
    ), win AS (
        INSERT INTO auctions_window (market_id, opens_at, freezes_at, closes_at, delivery_from, delivery_to, status,
                                     board_revision, cancelled_reason, held_reason, book_sha256, engine_version,
                                     pseudonym_key, bids_root, seal, clearing_status)
        SELECT id, now(), now() + '50 min', now() + '1 hour', now() + '1 hour', now() + '1 day', 'open',
               0, '', '', '', '', 'benchmark', '', '', ''
        FROM market RETURNING id
    ), kind AS (
        INSERT INTO inventory_resourcetype (slug, name, kind, maker, node_units, is_active)
        VALUES ('benchmark-gpu', 'Benchmark GPU', 'gpu', 'NVIDIA', 8, true) RETURNING id
    )
    INSERT INTO auctions_indication (window_id, resource_type_id, region, paid_ticks, entry_ticks, offered_units,
                                     n_lots, is_estimate, revision)
    SELECT win.id, kind.id, 'region-' || number, 0, 20000, 64, 3, false, nextval('auctions_indication_order')
    FROM win, kind, generate_series(1, %(products)s) AS number
"""


@contextmanager
def crowd(port: int, path: str, n_sockets: int) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "seen.npy"
        command = [
            sys.executable,
            "-m",
            "benchmarks.live.crowd",
            str(port),
            path,
            str(n_sockets),
            str(output),
        ]
        with process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as readers:
            expect(readers, "ready")
            yield readers, output


@contextmanager
def stalled_readers(port: int, n: int) -> Iterator[None]:
    """Hold sockets whose readers shook hands, asked for the whole board again and again, and read nothing of it."""
    host = f"127.0.0.1:{port}"
    handshake = (
        f"GET /ws/board/ HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()
    with ExitStack() as until_the_end:
        readers = []
        for _ in range(n):
            reader = until_the_end.enter_context(socket.socket())
            reader.settimeout(30)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, STALLED_BUFFER_BYTES)
            reader.connect(("127.0.0.1", port))
            reader.sendall(handshake)
            if b" 101 " not in reader.recv(64, socket.MSG_PEEK):
                raise SystemExit("a stalled reader was not let in")
            readers.append(reader)
        for _ in range(RESYNCS if readers else 0):
            for reader in readers:
                reader.sendall(RESYNC)
            time.sleep(BETWEEN_RESYNCS_SECONDS)
        yield


def end_crowd(readers: subprocess.Popen[str], output: Path) -> np.ndarray:
    readers.stdin.close()
    readers.wait(30)
    return np.load(output)


@contextmanager
def process(command: list[str], **options: object) -> Iterator[subprocess.Popen]:
    program = subprocess.Popen(command, **options)
    try:
        yield program
    finally:
        program.terminate()
        try:
            program.wait(10)
        except subprocess.TimeoutExpired:
            program.kill()


def expect(program: subprocess.Popen[str], word: str) -> None:
    line = program.stdout.readline().strip()
    if line != word:
        raise SystemExit(f"{program.args[2]} said {line!r} instead of {word!r}")


def wait_until_open(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("the web process did not start")


def cpu_seconds(pid: int) -> float:
    """Return the processor time a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def allow_open_files(n: int) -> None:
    """Raise this process's limit, which the processes it starts inherit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < n:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(n, hard), hard))


if __name__ == "__main__":
    main()
