"""Time and memory of the vectorised path, beside np.sort and plain Python in the same run.

    python -m benchmarks.engine.vectorised            # all sizes, each in a process of its own
    python -m benchmarks.engine.vectorised 1000000 10000
    python -m benchmarks.engine.vectorised 1000000 10000 --pin    # each thread stays on a processor of its own (Linux)

Prints, for each size: np.sort of as many random int64 as there are bids; winners, payments and prices from a `Book`
(building the `Book` and explaining the losers are given apart) on one thread and, where the engine takes two, on two;
plain Python; the ratios; and peak memory.
"""

from __future__ import annotations

import gc
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

import numpy as np

from auctions.engine import Book, clear
from auctions.engine.halves import threads_for
from auctions.engine.lotbids import lot_bids
from auctions.engine.vectorised import LotResult, clear_lots
from benchmarks.engine.plain import Bid, Lot, LotOutcome, clear_plainly

SIZES = tuple((n_bids, n_lots) for n_bids in (1_000_000, 10_000) for n_lots in (10_000, 1, 100_000))
"""(bids, lots)"""

ROUNDS = 15
HOURS = 24
SEED = 20260101


def random_columns(n_bids: int, n_lots: int) -> dict[str, np.ndarray]:
    """Lots of nodes of 1 to 8 units; about twice as much wanted as offered; 2,000 bidders, a tenth of them sellers."""
    rng = np.random.default_rng(SEED)
    step = rng.choice([1, 4, 8], n_lots)
    lot = rng.integers(0, n_lots, n_bids)
    return {
        "lot_id": np.arange(n_lots),
        "lot_seller": rng.integers(0, 200, n_lots),
        "lot_units": step * rng.integers(1, 2 + int(4.5 * n_bids / n_lots), n_lots),
        "lot_unit_step": step,
        "lot_start": np.zeros(n_lots, dtype=np.int64),
        "lot_end": np.full(n_lots, HOURS),
        "lot_reserve": rng.integers(8_000, 20_000, n_lots),
        "bid_id": np.arange(n_bids),
        "bid_bidder": rng.integers(0, 2_000, n_bids),
        "bid_sequence": np.arange(n_bids),
        "option_price": rng.integers(10_000, 60_000, n_bids),
        "leg_units": rng.integers(1, 9, n_bids) * step[lot],
        "leg_min_units": step[lot],
        "leg_lot": lot,
        "leg_earliest": np.zeros(n_bids, dtype=np.int64),
        "leg_latest": np.full(n_bids, HOURS),
        "leg_hours": np.full(n_bids, HOURS),
    }


def seconds_each(*works: Callable[[], object]) -> tuple[list[list[float]], list[list[float]]]:
    """Wall and processor times of each work over `ROUNDS`, the works taking turns so that all see the same machine."""
    wall: list[list[float]] = [[] for _ in works]
    processor: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, seen, used in zip(works, wall, processor, strict=True):
            gc.collect()
            start, start_used = time.perf_counter(), time.process_time()
            work()
            seen.append(time.perf_counter() - start)
            used.append(time.process_time() - start_used)
    return wall, processor


def measure(n_bids: int, n_lots: int, *, pin: bool) -> None:
    columns = random_columns(n_bids, n_lots)
    numbers = np.random.default_rng(SEED).integers(0, 2**62, n_bids)
    start = time.perf_counter()
    book = Book.from_arrays(hours=HOURS, **columns)
    building = time.perf_counter() - start
    threads = threads_for(n_bids)
    if pin and threads is not None:
        _keep_apart(threads)
    result = clear_lots(lot_bids(book, threads), threads)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    passes = {"one thread": partial(_winners_payments_prices, book, None)}
    if threads is not None:
        passes["two threads"] = partial(_winners_payments_prices, book, threads)
    (sort, *ours, whole), (sort_used, *ours_used, _) = seconds_each(
        lambda: np.sort(numbers), *passes.values(), lambda: clear(book)
    )
    plain_seconds, outcome = time_plainly(columns)
    assert_same(columns, result, outcome)
    print(f"{n_bids:,} bids, {n_lots:,} lots: {len(result.bid):,} awards, load {os.getloadavg()[0]:.1f}")
    print(f"  np.sort                          {ms(sort)}")
    print("  winners, payments, prices")
    for name, wall, used in zip(passes, ours, ours_used, strict=True):
        print(f"    {name:30} {ms(wall)}; processor time {ms(used).strip()}")
        print(
            f"      ratio to np.sort             {ratios(wall, sort)}; processor time {ratios(used, sort_used).strip()}"
        )
    print(f"  the same and why each loser lost {ms(whole)}")
    print(f"  building the Book                {building * 1e3:8.1f} ms")
    print(f"  plain Python, same result        {plain_seconds * 1e3:8.1f} ms")
    one_pass = statistics.median(ours[-1])
    print(
        f"  plain Python takes {plain_seconds / one_pass:.0f} times as long; {n_bids / one_pass / 1e6:.1f} M bids/s"
    )
    print(f"  peak memory {peak_mb:.0f} MB, columns included")


def _winners_payments_prices(book: Book, threads: Executor | None) -> LotResult:
    return clear_lots(lot_bids(book, threads), threads)


def _keep_apart(threads: Executor) -> None:
    """Keep this thread and the other on a processor each: on a busy machine they are often left on the same one."""
    first, second, *_ = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {first})
    threads.submit(os.sched_setaffinity, 0, {second}).result()


def ratios(times: list[float], unit: list[float]) -> str:
    medians, best = statistics.median(times) / statistics.median(unit), min(times) / min(unit)
    return f"{medians:8.1f} (medians), {best:.1f} (best of each)"


def ms(times: list[float]) -> str:
    return f"{statistics.median(times) * 1e3:8.1f} ms median, {min(times) * 1e3:.1f} best"


def time_plainly(columns: dict[str, np.ndarray]) -> tuple[float, list[LotOutcome]]:
    """Plain Python gets its bids as tuples already sorted into their lots; only the clearing is timed."""
    step = columns["lot_unit_step"]
    lots = [
        Lot(*row)
        for row in zip(
            columns["lot_seller"].tolist(),
            (columns["lot_units"] // step).tolist(),
            columns["lot_reserve"].tolist(),
            (step * HOURS).tolist(),
            strict=True,
        )
    ]
    bids_of_lot: list[list[Bid]] = [[] for _ in lots]
    rows = zip(
        columns["leg_lot"].tolist(),
        columns["bid_id"].tolist(),
        columns["bid_bidder"].tolist(),
        columns["option_price"].tolist(),
        (columns["leg_units"] // step[columns["leg_lot"]]).tolist(),
        strict=True,
    )
    for lot, *bid in rows:
        bids_of_lot[lot].append(Bid(*bid))
    start = time.perf_counter()
    outcome = clear_plainly(lots, bids_of_lot)
    return time.perf_counter() - start, outcome


def assert_same(columns: dict[str, np.ndarray], result: LotResult, outcome: list[LotOutcome]) -> None:
    awards = zip(result.bid.tolist(), result.steps.tolist(), result.amount.tolist(), strict=True)
    assert sorted(awards) == sorted(award for lot in outcome for award in lot.awards)
    assert result.lot_sold.tolist() == [lot.sold for lot in outcome]
    step_hours = columns["lot_unit_step"] * HOURS
    assert (result.lot_marginal // step_hours).tolist() == [lot.marginal for lot in outcome]


def main() -> None:
    pin = ["--pin"] if "--pin" in sys.argv else []
    size = [argument for argument in sys.argv[1:] if argument not in pin]
    if size:
        measure(*map(int, size), pin=bool(pin))
        return
    for n_bids, n_lots in SIZES:
        command = [sys.executable, "-m", "benchmarks.engine.vectorised", str(n_bids), str(n_lots), *pin]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
