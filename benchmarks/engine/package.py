"""Time and memory of the package path beside plain integer programs, on books like CATS, congested weeks, mixed books.

    python -m benchmarks.engine.package                         # a few of every kind
    python -m benchmarks.engine.package matching paths --instances 10
    python -m benchmarks.engine.package week200 --no-plain --save

Every measurement is a process of its own, ours and the plain one of an instance one after the other. Seconds are the
processor's, of all threads: a busy machine changes them little. `--save` writes the figures, with the machine and the
date, to docs/benchmarks/package.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from auctions.engine import BookRefused, Clearing, book_from_document, canonical_json, clear
from benchmarks.engine.cats import KINDS, cats_book
from benchmarks.engine.machine import describe_machine
from benchmarks.engine.naive import clear_plainly
from benchmarks.engine.weeks import congested_week, mixed_book, packaged_week, traced_week

SAVED = Path(__file__).parents[2] / "docs" / "benchmarks" / "package.md"

BOOKS: dict[str, Callable[[int], dict[str, Any]]] = {
    **{kind: lambda seed, kind=kind: cats_book(kind, seed) for kind in KINDS},
    "week200": lambda seed: congested_week(200, seed),
    "week600": lambda seed: congested_week(600, seed),
    "week600one": lambda seed: congested_week(600, seed, as_one=True),
    "week600wide": lambda seed: congested_week(600, seed, as_one=True, times=2),
    "week600traces": lambda seed: traced_week(600, seed),
    "week300packages": lambda seed: packaged_week(100, 200, seed),
    "mixed5000": lambda seed: mixed_book(5_000, seed),
}
"""By kind: a book for every seed."""

CPLEX = {"matching": 2.2, "paths": 5.9, "L4": 4.8, "scheduling": 2.9, "regions": 4.8, "arbitrary": 23.0}
"""Published mean seconds for winners and core prices, CPLEX 20.1 at 3.1 GHz, on the suite's own instances."""

PLAIN_SECONDS_PER_SOLVE = 60.0
LOCAL = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}  # threads that wait for work count as work


def measure_ours(kind: str, seed: int) -> dict[str, Any]:
    """Seconds from a checked `Book` to the clearing, under rule vcg and under rule core, and solves counted."""
    book = book_from_document(BOOKS[kind](seed))
    solves = SolveCounter()
    vcg_seconds, _ = timed(lambda: clear(replace(book, rule="vcg")))
    solves.reset()
    core_seconds, clearing = timed(lambda: clear(book))
    return {
        "vcg_seconds": vcg_seconds,
        "core_seconds": core_seconds,
        "programs": solves.integer,
        "relaxations": solves.relaxed,
        "winners": len(clearing.payment),
        "surplus": clearing.surplus,
        "revenue": clearing.revenue,
        "vcg_revenue": int(clearing.vcg.sum()),
        "status": clearing.status,
        "gap": clearing.gap or 0.0,
        "sha256": hashlib.sha256(canonical_json(clearing.to_document()).encode()).hexdigest(),
        "peak_mb": peak_mb(),
    }


def measure_plain(kind: str, seed: int) -> dict[str, Any]:
    """The plain way on the same book; of weeks and mixed books the winners only, up to the time limit."""
    result = clear_plainly(BOOKS[kind](seed), seconds_per_solve=PLAIN_SECONDS_PER_SOLVE, pivots=kind in KINDS)
    return {
        "winners_seconds": result.winners_seconds,
        "seconds": result.seconds,
        "programs": result.solves,
        "surplus": result.surplus,
        "gap": result.gap,
        "peak_mb": peak_mb(),
    }


class SolveCounter:
    """Counts what HiGHS is asked to solve in this process, by watching `highspy.Highs.run`."""

    def __init__(self) -> None:
        import highspy

        self.reset()
        run = highspy.Highs.run

        def counted(solver: Any) -> Any:
            status = run(solver)
            if solver.getInfo().mip_node_count >= 0:
                self.integer += 1
            else:
                self.relaxed += 1
            return status

        highspy.Highs.run = counted

    def reset(self) -> None:
        self.integer = self.relaxed = 0


def timed(work: Callable[[], Clearing]) -> tuple[float, Clearing]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_own_process(what: str, kind: str, seed: int) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "benchmarks.engine.package",
        f"--measure={what}",
        kind,
        f"--first={seed}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **LOCAL})
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def measure_kind(kind: str, seeds: range, *, plain: bool) -> Iterator[str]:
    """Measure instance by instance; yield a line each, then the means."""
    ours, others = [], []
    for seed in seeds:
        ours.append(in_own_process("ours", kind, seed))
        others.append(in_own_process("plain", kind, seed) if plain else None)
        yield row(f"{kind} {seed}", ours[-1], others[-1])
    if len(seeds) > 1:
        yield row(f"**{kind}, mean**", mean(ours), mean(others) if plain else None)


def mean(results: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str) else statistics.fmean(result[name] for result in results)
        for name, value in results[0].items()
    }


HEADER = (
    "| instance | winners | VCG s | core s | programs | LPs | gap | MB | plain: winners s | with VCG s | programs |"
    " MB | plain ÷ ours | CPLEX s |\n" + "|---" * 14 + "|"
)


def row(name: str, ours: dict[str, Any], plain: dict[str, Any] | None) -> str:
    kind = name.strip("*").split(",")[0].split()[0]
    gap = "0" if ours["status"] == "optimal" else f"{ours['gap']:.2%}"
    cells = [
        name,
        f"{ours['winners']:.0f}",
        *(f"{ours[part]:.2f}" for part in ("vcg_seconds", "core_seconds")),
        *(f"{ours[part]:.0f}" for part in ("programs", "relaxations")),
        gap,
        f"{ours['peak_mb']:.0f}",
    ]
    if plain is None:
        cells += ["–"] * 5
    else:
        whole = kind in KINDS
        unsolved = f" (gap {plain['gap']:.1%})" if plain["gap"] > 1e-4 else ""
        cells += [
            f"{plain['winners_seconds']:.2f}{unsolved}",
            f"{plain['seconds']:.2f}" if whole else "–",
            f"{plain['programs']:.0f}",
            f"{plain['peak_mb']:.0f}",
            f"{plain['seconds'] / ours['core_seconds']:.1f}",
        ]
        assert plain["surplus"] <= ours["surplus"] * (1 + ours["gap"]) * (1 + 1e-9) + 1, name
    return f"| {' | '.join([*cells, str(CPLEX.get(kind, '–'))])} |"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the package path beside plain integer programs.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(BOOKS))
    parser.add_argument("--instances", type=int, default=2, help="of each kind (default 2)")
    parser.add_argument("--first", type=int, default=0, help="seed of the first (default 0)")
    parser.add_argument("--no-plain", action="store_true", help="leave the plain integer programs out")
    parser.add_argument("--save", action="store_true", help=f"write the figures to {SAVED.name}")
    parser.add_argument("--measure", choices=["ours", "plain"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.kinds) - BOOKS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(BOOKS)}")
    return options


def main() -> None:
    options = parse_arguments()
    if options.measure:
        measure = measure_ours if options.measure == "ours" else measure_plain
        try:
            print(json.dumps(measure(options.kinds[0], options.first)))
        except BookRefused as error:
            raise SystemExit(f"this engine does not take {options.kinds[0]}: {error}") from error
        return
    lines = [describe_machine(), "", HEADER]
    print("\n".join(lines), flush=True)
    for kind in options.kinds or BOOKS:
        seeds = range(options.first, options.first + options.instances)
        for line in measure_kind(kind, seeds, plain=not options.no_plain):
            print(line, flush=True)
            lines.append(line)
    if options.save:
        command = "python -m benchmarks.engine.package " + " ".join(sys.argv[1:])
        SAVED.parent.mkdir(exist_ok=True)
        SAVED.write_text(f"# The package path\n\n`{command}`\n\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
