"""How late windows clear: from closes_at to cleared_at, by a real worker process on a Postgres with fsync.

    python -m benchmarks.clearing.lateness [--windows 60] [--bids 10] [--seconds 60]

The windows close one after the other over so many seconds. Each has one lot and so many bids from eight buyers. The
worker opens, freezes, closes, clears and settles them; no card is on file, so nothing is charged. Prints p50, p99 and
the most of the time to CLOSED and to CLEARED, both by the database's clock.
"""

from __future__ import annotations

import argparse
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.database import describe, durable_database, program

if TYPE_CHECKING:
    from auctions.models import Window
    from benchmarks.scene import Scene

N_BUYERS = 8
LEAD = timedelta(seconds=30)
"""Time for the worker to open all windows, and for all bids, before the first window freezes."""
PATIENCE_SECONDS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--windows", type=int, default=60)
    parser.add_argument("--bids", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60)
    asked = parser.parse_args()
    with durable_database() as url:
        from benchmarks.scene import Scene

        scene = Scene(N_BUYERS)
        with program("manage.py", "run_worker"):
            windows = schedule(scene, asked.windows, timedelta(seconds=asked.seconds))
            wait_for(windows, "open", PATIENCE_SECONDS)
            bid_on(scene, windows, asked.bids)
            wait_for(windows, "cleared", LEAD.total_seconds() + asked.seconds + PATIENCE_SECONDS)
        report(windows, asked.bids, asked.seconds)
        print(describe(url))


def schedule(scene: Scene, n_windows: int, spread: timedelta) -> list[Window]:
    """Schedule the windows, each with a block of its own in an hour of its own."""
    from marketplace.db import database_now
    from marketplace.hours import HOUR, ceil_hour

    first_hour = ceil_hour(database_now()) + HOUR
    hours = [first_hour + number * HOUR for number in range(n_windows)]
    for hour in hours:
        scene.list_hour(hour, units=8)
    opens_at = database_now()
    return [
        scene.schedule_window(
            opens_at=opens_at + timedelta(microseconds=number),
            closes_at=opens_at + LEAD + spread * number / n_windows,
            delivery_from=hour,
        )
        for number, hour in enumerate(hours)
    ]


def bid_on(scene: Scene, windows: list[Window], n_bids: int) -> None:
    """Place bids of one to four units at rising prices; the lots have eight."""
    from auctions.models import Lot
    from auctions.operations.bids import place_bid
    from auctions.terms import single_lot_terms

    for lot in Lot.objects.filter(window__in=windows).select_related("block").order_by("window__closes_at"):
        for number in range(n_bids):
            buyer = scene.buyers[number % len(scene.buyers)]
            terms = single_lot_terms(lot, units=1 + number % 4, price_ticks=6_000 + 100 * number)
            place_bid(
                organization=buyer.organization, placed_by=buyer.user, window_id=lot.window_id, terms=terms
            )


def wait_for(windows: list[Window], status: str, seconds: float) -> None:
    """Wait until every window has come to ``status``."""
    from auctions.models import Window

    deadline = time.monotonic() + seconds
    waiting = Window.objects.filter(pk__in=[window.pk for window in windows]).exclude(status=status)
    while n_waiting := waiting.count():
        if time.monotonic() > deadline:
            raise SystemExit(f"{n_waiting} of {len(windows)} windows are not {status} after {seconds:g} s")
        time.sleep(0.5)


def report(windows: list[Window], n_bids: int, seconds: float) -> None:
    from auctions.models import Award, Window

    rows = Window.objects.filter(pk__in=[window.pk for window in windows])
    instants = list(rows.values_list("closes_at", "closed_at", "cleared_at"))
    n_awards = Award.objects.filter(window__in=windows).count()
    print(f"{len(windows)} windows over {seconds:g} s, {n_bids} bids each, {n_awards} awards")
    print(f"{'after closes_at':<16}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}")
    print(line("closed", [_ms(closed, closes) for closes, closed, _ in instants]))
    print(line("cleared", [_ms(cleared, closes) for closes, _, cleared in instants]))


def line(name: str, late_ms: list[float]) -> str:
    p50, p99 = np.percentile(late_ms, [50, 99])
    return f"{name:<16}{p50:>9.0f}{p99:>9.0f}{max(late_ms):>9.0f}"


def _ms(later: datetime, earlier: datetime) -> float:
    return (later - earlier).total_seconds() * 1000


if __name__ == "__main__":
    main()
