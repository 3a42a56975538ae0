"""A single bid through HTTP, beside a bare INSERT of its row with commit, on the same Postgres with fsync.

    python -m benchmarks.bids.http [--rounds 3] [--bids 150] [--seconds 5] [--clients 8]

One uvicorn process. A bid goes in by the API (POST /api/v1/bids/ with a key) and by the page (POST of the confirmed
ticket with session and CSRF token). Sequential: one connection, one bid after the other. Crowded: so many connections,
each of a buyer of its own, for so many seconds. Ways take turns, round by round, so that they meet the same machine;
idle connections are kept open meanwhile, longer than uvicorn's default.
The clients are threads of this process and share the cores with the web process and Postgres; `web cpu ms` is the web
process's processor time per bid of the crowd, which depends least on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np
import psycopg
from psycopg import sql

from benchmarks.database import describe, durable_database, program

if TYPE_CHECKING:
    from auctions.models import Lot
    from benchmarks.scene import Scene, Trader

HOST = "127.0.0.1"
WARM_UP_BIDS = 20
LOT_UNITS = 1_000_000
PRICE_TICKS = 12_500
START_SECONDS = 30

Place = Callable[[], None]
"""Places one bid and returns when it is acknowledged."""


class Measured:
    """Seconds that single bids took, and bids per second of a crowd, over all rounds."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sequential: list[float] = []
        self.crowded: list[float] = []
        self.rates: list[float] = []
        self.web_cpu_seconds = 0.0

    def line(self) -> str:
        alone = np.percentile(self.sequential, [50, 99]) * 1000
        crowd = np.percentile(self.crowded, [50, 99]) * 1000
        return (
            f"{self.name:<22}{alone[0]:>9.2f}{alone[1]:>9.2f}{1 / np.mean(self.sequential):>9.0f}"
            f"{crowd[0]:>11.2f}{crowd[1]:>9.2f}{np.mean(self.rates):>9.0f}"
            f"{self.web_cpu_seconds / len(self.crowded) * 1000:>11.2f}"
        )


HEAD = (
    f"{'':<22}{'p50 ms':>9}{'p99 ms':>9}{'per s':>9}{'p50 ms':>11}{'p99 ms':>9}{'per s':>9}{'web cpu ms':>11}"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bids", type=int, default=150)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--clients", type=int, default=8)
    asked = parser.parse_args()
    with durable_database() as url, ExitStack() as until_the_end:
        from benchmarks.scene import Scene

        scene = Scene(asked.clients)
        lot = open_lot(scene)
        port, web_pid = until_the_end.enter_context(web_process())
        ways = {
            "API": [by_api(port, buyer, lot) for buyer in scene.buyers],
            "page": [by_page(port, buyer, lot) for buyer in scene.buyers],
        }
        ways["API"][0]()
        ways["bare INSERT"] = [until_the_end.enter_context(by_insert(url)) for _ in scene.buyers]
        results = measure(ways, web_pid, asked.rounds, asked.bids, asked.seconds)
        check_count(results, lot)
        report(results, asked.clients)
        print(describe(url))


def open_lot(scene: Scene) -> Lot:
    """Open a window for an hour of bidding on one lot of a million units, so that no bid is refused."""
    from auctions.models import Lot
    from auctions.operations.windows import open_window
    from marketplace.db import database_now
    from marketplace.hours import HOUR, ceil_hour

    now = database_now()
    hour = ceil_hour(now + 2 * HOUR)
    scene.list_hour(hour, units=LOT_UNITS)
    window = scene.schedule_window(opens_at=now, closes_at=now + timedelta(hours=1), delivery_from=hour)
    assert open_window(window_id=window.pk)
    return Lot.objects.select_related("window").get(window=window)


@contextmanager
def web_process() -> Iterator[tuple[int, int]]:
    """Run one web process as `make run` does, without the API's limit per minute; give its port and process id."""
    with socket.create_server((HOST, 0)) as probe:
        port = probe.getsockname()[1]
    command = ("-m", "uvicorn", "marketplace.asgi:application", "--host", HOST, "--port", str(port))
    options = (
        "--lifespan",
        "off",
        "--no-access-log",
        "--log-level",
        "warning",
        "--timeout-keep-alive",
        "600",
    )
    environment = {
        "DATABASE_POOL_SIZE": "16",
        "API_REQUESTS_PER_MINUTE": str(10**9),
        "STATIC_FROM_SOURCE": "true",
    }
    with program(*command, *options, **environment) as web:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection((HOST, port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield port, web.pid


def by_api(port: int, buyer: Trader, lot: Lot) -> Place:
    from accounts.operations import create_api_key

    _, key = create_api_key(organization=buyer.organization, created_by=buyer.user, name="benchmark")
    connection = HTTPConnection(HOST, port)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    leg = {"lots": [lot.pk], "units": 1}
    body = json.dumps({"window": lot.window_id, "options": [{"price_ticks": PRICE_TICKS, "legs": [leg]}]})

    def place() -> None:
        _exchange(connection, "POST", "/api/v1/bids/", body, headers, expected=201)

    return place


def by_page(port: int, buyer: Trader, lot: Lot) -> Place:
    connection = HTTPConnection(HOST, port)
    cookies = _log_in(connection, buyer)
    ticket = f"/lots/{lot.pk}/bid/"
    response, text = _exchange(connection, "GET", ticket, None, {"Cookie": _header(cookies)}, expected=200)
    cookies |= _cookies(response)
    form = {"csrfmiddlewaretoken": _token(text), "units": "1", "price": f"{PRICE_TICKS / 10_000:.4f}"}
    headers = {"Cookie": _header(cookies), "Content-Type": "application/x-www-form-urlencoded"}

    def place() -> None:
        _exchange(connection, "POST", f"{ticket}confirm/", urlencode(form), headers, expected=302)

    return place


@contextmanager
def by_insert(url: str) -> Iterator[Place]:
    """Insert the row of the first bid over and over, with a sequence of its own, each in a transaction of its own."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute("SELECT * FROM auctions_bid ORDER BY id LIMIT 1")
        row = cursor.fetchone()
        names = [column.name for column in cursor.description]
        connection.commit()
        copied = {
            name: value for name, value in zip(names, row, strict=True) if name not in ("id", "sequence")
        }
        statement = sql.SQL(
            "INSERT INTO auctions_bid (sequence, {}) VALUES (nextval('auctions_bid_order'), {})"
        )
        statement = statement.format(
            sql.SQL(", ").join(map(sql.Identifier, copied)),
            sql.SQL(", ").join(sql.Placeholder() * len(copied)),
        )
        values = list(copied.values())

        def place() -> None:
            connection.execute(statement, values)
            connection.commit()

        yield place


def measure(
    ways: dict[str, list[Place]], web_pid: int, n_rounds: int, n_bids: int, seconds: float
) -> dict[str, Measured]:
    """Let every way take its turns: first alone, then crowded."""
    results = {name: Measured(name) for name in ways}
    for places in ways.values():
        for place in places:
            place()
        for _ in range(WARM_UP_BIDS):
            places[0]()
    for _ in range(n_rounds):
        for name, places in ways.items():
            results[name].sequential += [_timed(places[0]) for _ in range(n_bids)]
        for name, places in ways.items():
            busy_before = cpu_seconds(web_pid)
            spent, rate = crowd(places, seconds)
            results[name].web_cpu_seconds += cpu_seconds(web_pid) - busy_before
            results[name].crowded += spent
            results[name].rates.append(rate)
    return results


def crowd(places: Sequence[Place], seconds: float) -> tuple[list[float], float]:
    """Let every client place bids for so long. Return what each bid took and all bids per second."""
    began = time.perf_counter()

    def keep_placing(place: Place) -> list[float]:
        own = []
        while time.perf_counter() - began < seconds:
            own.append(_timed(place))
        return own

    with ThreadPoolExecutor(len(places)) as clients:
        spent = [each for own in clients.map(keep_placing, places) for each in own]
    return spent, len(spent) / (time.perf_counter() - began)


def check_count(results: dict[str, Measured], lot: Lot) -> None:
    """Make sure that every bid that was acknowledged is in the book; those before the measuring come on top."""
    from auctions.models import Bid, BidLegLot

    counts = {name: len(result.sequential) + len(result.crowded) for name, result in results.items()}
    n_rows = Bid.objects.filter(window_id=lot.window_id).count()
    n_whole = BidLegLot.objects.filter(lot=lot).count()
    if n_rows < sum(counts.values()) or n_whole < counts["API"] + counts["page"]:
        raise SystemExit(
            f"acknowledged: {counts}; in the book: {n_rows} rows, {n_whole} bids with their legs"
        )


def report(results: dict[str, Measured], n_clients: int) -> None:
    print(f"{'':<22}{'one connection':>27}{f'{n_clients} connections':>29}")
    print(HEAD)
    for result in results.values():
        print(result.line())
    bare = results["bare INSERT"]
    for name in ("API", "page"):
        slower = np.median(results[name].sequential) / np.median(bare.sequential)
        rate = np.mean(results[name].rates) / np.mean(bare.rates)
        print(f"{name} to bare INSERT: p50 × {slower:.1f}, rate × {rate:.3f}")


def cpu_seconds(pid: int) -> float:
    """Return the processor time a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _timed(place: Place) -> float:
    began = time.perf_counter()
    place()
    return time.perf_counter() - began


def _exchange(
    connection: HTTPConnection,
    method: str,
    path: str,
    body: str | None,
    headers: dict[str, str],
    *,
    expected: int,
) -> tuple[HTTPResponse, str]:
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    text = response.read().decode()
    if response.status != expected:
        raise SystemExit(f"{method} {path} answered {response.status}: {text[:400]}")
    return response, text


def _log_in(connection: HTTPConnection, buyer: Trader) -> dict[str, str]:
    from benchmarks.scene import PASSWORD

    response, text = _exchange(connection, "GET", "/accounts/login/", None, {}, expected=200)
    cookies = _cookies(response)
    form = {"csrfmiddlewaretoken": _token(text), "login": buyer.user.email, "password": PASSWORD}
    headers = {"Cookie": _header(cookies), "Content-Type": "application/x-www-form-urlencoded"}
    response, _ = _exchange(connection, "POST", "/accounts/login/", urlencode(form), headers, expected=302)
    return cookies | _cookies(response)


def _cookies(response: HTTPResponse) -> dict[str, str]:
    pairs = [cookie.split(";")[0].partition("=") for cookie in response.headers.get_all("Set-Cookie") or ()]
    return {name: value for name, _, value in pairs}


def _header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _token(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    if found is None:
        raise SystemExit("the page has no form")
    return found[1]


if __name__ == "__main__":
    main()
