"""What is left goes to bids that fit as they are, and to no bid that would need more columns than the one."""

from __future__ import annotations

import random

import numpy as np

from auctions.engine import book_from_document
from auctions.engine.package.columns import PLACE
from auctions.engine.package.large.refill import refill
from auctions.engine.package.program import write_program

from .large_books import problem_of


def test_a_bid_of_several_legs_on_many_lots_is_left_out():
    names = [f"l{row}" for row in range(6)]
    lots = [{"id": name, "seller": "s", "units": 2, "start": 0, "end": 4, "reserve": 1} for name in names]
    job = {"lots": names, "units": 1, "earliest": 0, "latest": 4, "hours": 4}
    options = [[{"value": 1000, "legs": [job, job]}], [{"value": 500, "legs": [job]}]]
    bids = [
        {"id": f"b{row}", "bidder": f"o{row}", "sequence": row, "options": options[row % 2]}
        for row in range(6)
    ]
    book = book_from_document({"format": 1, "rule": "core", "hours": 4, "lots": lots, "bids": bids})
    program = write_program(book, range(book.n_bids))
    assert (program.kind == PLACE).any()

    zero = np.zeros(program.n_columns, dtype=np.int64)
    filled = refill(program, problem_of(program), zero)

    assert program.is_feasible(filled)
    assert filled.sum() == 3


def test_nothing_that_would_fit_is_left_out():
    rng = random.Random(0)
    lots = [
        {"id": f"l{row}", "seller": "s", "units": 6, "start": 0, "end": 24, "reserve": 1} for row in range(3)
    ]
    bids = []
    for row in range(60):
        hours = rng.randint(2, 12)
        leg = {"lots": rng.sample(["l0", "l1", "l2"], 2), "units": rng.randint(1, 4)}
        leg |= {"earliest": rng.randint(0, 4), "latest": 24, "hours": hours}
        option = {"price": rng.randint(2, 40), "legs": [leg]}
        bids.append({"id": f"b{row}", "bidder": f"o{row}", "sequence": row, "options": [option]})
    book = book_from_document({"format": 1, "rule": "core", "hours": 24, "lots": lots, "bids": bids})
    program = write_program(book, range(book.n_bids))
    zero = np.zeros(program.n_columns, dtype=np.int64)
    begun = zero.copy()
    begun[np.flatnonzero(program.ticks > 0)[7]] = 1

    filled = refill(program, problem_of(program), begun)

    assert program.is_feasible(filled)
    assert (filled >= begun).all()
    assert filled.sum() > begun.sum()
    for column in np.flatnonzero((program.ticks > 0) & (filled == 0)).tolist():
        one_more = filled.copy()
        one_more[column] = 1
        assert not program.is_feasible(one_more)
