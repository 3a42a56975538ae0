"""Books whose blocks are large, or small ones that are searched as large blocks are."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from auctions.engine import book_from_document
from auctions.engine.package.highs import Problem
from auctions.engine.package.large.relaxation import Relaxation as LargeRelaxation
from auctions.engine.package.large.relaxation import relax_large
from auctions.engine.package.large.spans import find_spans
from auctions.engine.package.program import Program, blocks, write_program

from .package_books import random_book

N_JOBS = 60
"""The smallest congested week that is a large block."""


def programs_of(document: dict[str, Any]) -> list[Program]:
    book = book_from_document(document)
    return blocks(write_program(book, np.arange(book.n_bids)))


def problem_of(program: Program) -> Problem:
    zero = np.zeros(program.n_columns, dtype=np.int64)
    return Problem(program.ticks, program.matrix, zero, program.upper, program.limit, program.is_equal)


def largest_program(document: dict[str, Any]) -> Program:
    return max(programs_of(document), key=lambda program: program.n_columns)


def small_week(rng: random.Random) -> dict[str, Any]:
    """Few flexible bids on two lots of uneven hours: a choice is soon found, and relaxations are not whole."""
    lots = [
        {
            "id": name,
            "seller": "s",
            "units": 4,
            "unit_step": rng.choice([1, 2]),
            "start": 0,
            "end": 9,
            "reserve": rng.randint(0, 2),
            "capacity": [rng.randint(2, 4) for _ in range(9)],
        }
        for name in "AB"
    ]
    bids = []
    for row in range(rng.randint(3, 9)):
        units, hours = rng.choice([1, 2, 2, 4]), rng.randint(1, 5)
        earliest = rng.randint(0, 9 - hours)
        leg = {
            "lots": rng.choice([["A"], ["B"], ["A", "B"]]),
            "units": units,
            "earliest": earliest,
            "latest": rng.randint(earliest + hours, 9),
            "hours": hours,
            "min_units": rng.choice([units, 1]),
        }
        option = {"price": rng.randint(1, 9), "legs": [leg]}
        bids.append({"id": f"b{row}", "bidder": f"o{row % 5}", "sequence": row, "options": [option]})
    return {"format": 1, "rule": "core", "hours": 9, "lots": lots, "bids": bids}


def any_of_many(rng: random.Random) -> dict[str, Any]:
    """Bids of two legs, each on any of five lots: too many pairs for a column each, and both may be on one lot."""
    document = small_week(rng)
    (lot, _) = document["lots"]
    lots = [lot | {"id": f"L{row}", "unit_step": 1} for row in range(5)]
    bids = []
    for row in range(rng.randint(2, 6)):
        legs = []
        for _ in range(2):
            start = rng.randint(0, 6)
            hours = rng.randint(1, 3)
            legs.append(
                {
                    "lots": [each["id"] for each in lots],
                    "units": rng.choice([1, 2]),
                    "earliest": start,
                    "latest": start + hours,
                    "hours": hours,
                }
            )
        option = {"value": rng.randint(20, 90), "legs": legs}
        bids.append({"id": f"p{row}", "bidder": f"o{row}", "sequence": row, "options": [option]})
    return document | {"lots": lots, "bids": bids}


BOOKS = st.randoms(use_true_random=False).map(
    lambda rng: rng.choice([small_week, small_week, small_week, random_book, any_of_many])(rng)
)


def with_packages(document: dict[str, Any]) -> dict[str, Any]:
    both = {"price": 50, "legs": [whole_leg("A"), whole_leg("B")]}
    bids = [*document["bids"], {"id": "both", "bidder": "x", "sequence": 99, "options": [both]}]
    return document | {"bids": bids}


def random_choice(program: Program, rng: random.Random) -> np.ndarray:
    """Raise columns, in any order, as long as all rows hold."""
    x = np.zeros(program.n_columns, dtype=np.int64)
    order = list(range(program.n_columns)) * 3
    rng.shuffle(order)
    for column in order:
        x[column] += 1
        if not program.is_feasible(x):
            x[column] -= 1
    return x


def relaxation_of(program: Program) -> LargeRelaxation:
    return relax_large(program, problem_of(program), find_spans(program))


def whole_leg(lot: str) -> dict[str, Any]:
    return {"lots": [lot], "units": 2, "earliest": 0, "latest": 9, "hours": 9}
