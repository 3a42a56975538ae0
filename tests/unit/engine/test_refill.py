"""What is left goes to bids that fit as they are, and to no bid that would need more columns than the one."""

from __future__ import annotations

import numpy as np

from auctions.engine import book_from_document
from auctions.engine.package.columns import PLACE
from auctions.engine.package.highs import Problem
from auctions.engine.package.large.refill import refill
from auctions.engine.package.program import write_program


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
    problem = Problem(program.ticks, program.matrix, zero, program.upper, program.limit, program.is_equal)
    filled = refill(program, problem, zero)

    assert program.is_feasible(filled)
    assert filled.sum() == 3
