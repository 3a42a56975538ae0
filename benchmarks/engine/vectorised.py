"""Time and memory of the vectorised path, beside np.sort and plain Python in the same run.

    python -m benchmarks.engine.vectorised            # all sizes, each in a process of its own
    python -m benchmarks.engine.vectorised 1000000 10000

Prints, for each size: np.sort of as many random int64 as there are bids; winners, payments and prices from a `Book`
(building the `Book` and explaining the losers are given apart); plain Python; the ratios; and peak memory.
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

import numpy as np

from auctions.engine import Book, clear
from auctions.engine.lotbids import lot_bids
from auctions.engine.vectorised import LotResult, clear_lots
from benchmarks.engine.plain import Bid, Lot, LotOutcome, clear_plainly

SIZES = ((1_000_000, 10_000), (10_000, 1), (1_000_000, 100_000))
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


def measure(n_bids: int, n_lots: int) -> None:
    columns = random_columns(n_bids, n_lots)
    numbers = np.random.default_rng(SEED).integers(0, 2**62, n_bids)
    start = time.perf_counter()
    book = Book.from_arrays(hours=HOURS, **columns)
    building = time.perf_counter() - start
    lot_bids(book)
    result = clear_lots(lot_bids(book))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (sort, ours, whole), (sort_used, ours_used, _) = seconds_each(
        lambda: np.sort(numbers), lambda: clear_lots(lot_bids(book)), lambda: clear(book)
    )
    plain_seconds, outcome = time_plainly(columns)
    assert_same(columns, result, outcome)
    one_sort, one_pass = statistics.median(sort), statistics.median(ours)
    print(f"{n_bids:,} bids, {n_lots:,} lots: {len(result.bid):,} awards, load {os.getloadavg()[0]:.1f}")
    print(f"  np.sort                          {ms(sort)}")
    print(f"  winners, payments, prices        {ms(ours)}")
    print(f"  the same and why each loser lost {ms(whole)}")
    print(f"  building the Book                {building * 1e3:8.1f} ms")
    print(f"  plain Python, same result        {plain_seconds * 1e3:8.1f} ms")
    print(
        f"  ratio to np.sort {one_pass / one_sort:.1f} (medians), {min(ours) / min(sort):.1f} (best of each)"
    )
    print(
        f"  ratio in processor time {statistics.median(ours_used) / statistics.median(sort_used):.1f} (medians), "
        f"{min(ours_used) / min(sort_used):.1f} (best of each)"
    )
    print(
        f"  plain Python takes {plain_seconds / one_pass:.0f} times as long; {n_bids / one_pass / 1e6:.1f} M bids/s"
    )
    print(f"  peak memory {peak_mb:.0f} MB, columns included")


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
    if len(sys.argv) == 3:
        measure(int(sys.argv[1]), int(sys.argv[2]))
        return
    for n_bids, n_lots in SIZES:
        command = [sys.executable, "-m", "benchmarks.engine.vectorised", str(n_bids), str(n_lots)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
