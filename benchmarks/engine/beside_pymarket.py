"""Our vectorised pass beside pymarket 0.7.6 on as many bids for one good, in the same run.

    pip install --target /tmp/pymarket pymarket
    PYTHONPATH=/tmp/pymarket python -m benchmarks.engine.beside_pymarket

pymarket clears double auctions of one good (buyers and sellers bid), ours one lot with a reserve (buyers bid; second
price): the same number of offers to rank, not the same rule. pymarket is no dependency of ours. Its offers are whole
numbers up to 60: with prices that do not repeat, `huang` fails on pandas 3 (it writes to what pandas gives read-only).
"""

from __future__ import annotations

import importlib
import random
import time

import numpy as np

from auctions.engine import Book, clear
from benchmarks.engine.machine import describe_machine

N_BIDS = 10_000
MECHANISMS = ("huang", "muda")
ROUNDS = 5


def ours(n_bids: int) -> float:
    rng = np.random.default_rng(1)
    zeros, ones = np.zeros(n_bids, dtype=np.int64), np.ones(n_bids, dtype=np.int64)
    book = Book.from_arrays(
        hours=1,
        lot_id=[0],
        lot_seller=[n_bids],
        lot_units=[2 * n_bids],
        lot_start=[0],
        lot_end=[1],
        lot_reserve=[10_000],
        bid_id=np.arange(n_bids),
        bid_bidder=np.arange(n_bids),
        bid_sequence=np.arange(n_bids),
        option_price=rng.integers(10_000, 600_000, n_bids),
        leg_units=rng.integers(1, 9, n_bids),
        leg_min_units=ones,
        leg_lot=zeros,
        leg_earliest=zeros,
        leg_latest=ones,
        leg_hours=ones,
    )
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        clear(book)
        times.append(time.perf_counter() - start)
    return min(times)


def theirs(mechanism: str, n_bids: int) -> float:
    market = importlib.import_module("pymarket").Market()
    rng = random.Random(1)
    for bidder in range(n_bids):
        market.accept_bid(rng.randint(1, 8), rng.randint(1, 60), bidder, bidder % 2 == 0)
    start = time.perf_counter()
    market.run(mechanism)
    return time.perf_counter() - start


def main() -> None:
    print(describe_machine())
    mine = ours(N_BIDS)
    print(f"ours, winners, payments, prices and reasons: {mine * 1e3:.1f} ms for {N_BIDS:,} bids")
    for mechanism in MECHANISMS:
        try:
            seconds = theirs(mechanism, N_BIDS)
        except ModuleNotFoundError as error:
            raise SystemExit(f"{error.name} is not installed; see the first lines of this file") from error
        print(f"pymarket {mechanism}: {seconds * 1e3:.0f} ms, {seconds / mine:.0f} times as long")


if __name__ == "__main__":
    main()
