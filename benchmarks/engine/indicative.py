"""Time of the indicative prices of an open window, beside np.sort of as many numbers in the same run.

    python -m benchmarks.engine.indicative
    python -m benchmarks.engine.indicative 100000 --rounds 30 --save

Two windows of so many open bids on 200 lots over a week: one of divisible bids alone, whose prices are exact, and one
half of whose bids are flexible in time and name up to four lots, whose prices are quick estimates. Timed is `indicate`,
from a checked `Book` to prices, units and entry of every lot. `--save` writes docs/benchmarks/indicative.md.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from auctions.engine import Book, book_from_document, indicate
from benchmarks.engine.machine import describe_machine
from benchmarks.engine.vectorised import SEED, random_columns
from benchmarks.engine.weeks import mixed_book

SAVED = Path(__file__).parents[2] / "docs" / "benchmarks" / "indicative.md"
LIMIT_MS = 100
LOTS = 200


def milliseconds(
    works: list[Callable[[], object]], rounds: int
) -> tuple[list[list[float]], list[list[float]]]:
    """Wall and processor times of each work, the works taking turns so that all see the same machine."""
    wall: list[list[float]] = [[] for _ in works]
    processor: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, seen, used in zip(works, wall, processor, strict=True):
            gc.collect()
            start, start_used = time.perf_counter(), time.process_time()
            work()
            seen.append((time.perf_counter() - start) * 1e3)
            used.append((time.process_time() - start_used) * 1e3)
    return wall, processor


def _met(milliseconds: float) -> str:
    return "met" if milliseconds <= LIMIT_MS else "not met"


def main() -> None:
    parser = argparse.ArgumentParser(description="Time indicative prices.")
    parser.add_argument("bids", type=int, nargs="?", default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--save", action="store_true", help=f"write {SAVED.name}")
    options = parser.parse_args()
    numbers = np.random.default_rng(SEED).integers(0, 2**62, options.bids)
    books = {
        "divisible bids (exact)": Book.from_arrays(hours=24, **random_columns(options.bids, LOTS)),
        "half flexible bids (estimate)": book_from_document(mixed_book(options.bids, 0)),
    }
    (sort, *ours), (sort_used, *ours_used) = milliseconds(
        [lambda: np.sort(numbers), *(lambda book=book: indicate(book) for book in books.values())],
        options.rounds,
    )
    lines = [
        f"`python -m benchmarks.engine.indicative {options.bids}`: {describe_machine()}; {options.rounds} rounds.",
        "",
        "| work | median ms | best ms | processor time, median ms | ratio to `np.sort`, medians | estimated lots |",
        "|---|---|---|---|---|---|",
        f"| `np.sort` of {options.bids:,} int64 | {statistics.median(sort):.2f} | {min(sort):.2f} | "
        f"{statistics.median(sort_used):.2f} | 1 | |",
    ]
    for (name, book), times, used in zip(books.items(), ours, ours_used, strict=True):
        estimated = int(indicate(book).is_estimate.sum())
        median = statistics.median(times)
        lines.append(
            f"| {options.bids:,} open {name} on {LOTS} lots | {median:.1f} | {min(times):.1f} | "
            f"{statistics.median(used):.1f} | {median / statistics.median(sort):.1f} | {estimated} of {book.n_lots} |"
        )
    slowest = max(statistics.median(times) for times in ours)
    busiest = max(statistics.median(used) for used in ours_used)
    lines += [
        "",
        f"The limit of {LIMIT_MS} ms is {_met(slowest)} in wall time and {_met(busiest)} in processor time (medians).",
    ]
    print("\n".join(lines))
    if options.save:
        SAVED.write_text("# Indicative prices\n\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
