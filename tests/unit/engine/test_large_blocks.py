"""Blocks too large to be searched to the end: rows and bounds hold, results do not depend on the run."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auctions.engine import book_from_document, canonical_json, clear
from auctions.engine.package.bounds import prove_bound
from auctions.engine.package.found import exact_value
from auctions.engine.package.highs import Problem, Relaxation
from auctions.engine.package.large import is_large
from auctions.engine.package.large.annealing import anneal
from auctions.engine.package.large.neighbourhoods import improve
from auctions.engine.package.large.relaxation import relax_large
from auctions.engine.package.large.spans import SpanRow, find_spans, write_rows
from auctions.engine.package.program import Program, blocks, write_program
from auctions.engine.package.rounding import greedy
from auctions.engine.package.search import Search
from auctions.engine.verify import verify
from benchmarks.engine.weeks import congested_week

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


BOOKS = st.randoms(use_true_random=False).map(
    lambda rng: small_week(rng) if rng.random() < 0.7 else random_book(rng)
)


class TestRelaxation:
    @settings(max_examples=60, deadline=None)
    @given(BOOKS)
    def test_no_choice_is_worth_more_than_the_bound(self, document):
        for program in programs_of(document):
            search = Search(program, max_nodes=1000)
            best = search.maximise(program.ticks)
            for all_at_once in (0, 10**9):
                found = relax_large(
                    program, problem_of(program), find_spans(program), all_at_once=all_at_once
                )

                assert found.bound.ticks >= best.value

    @pytest.mark.parametrize("all_at_once", [0, 10**9])
    def test_is_no_further_than_the_plain_relaxation(self, all_at_once):
        program = largest_program(congested_week(30, 2))
        problem = problem_of(program)
        plain = prove_bound(problem, Relaxation(problem).solve().price)

        found = relax_large(program, problem, find_spans(program), all_at_once=all_at_once)

        assert found.bound.ticks <= plain.ticks * 1.0003


class TestSpanRows:
    @settings(max_examples=60, deadline=None)
    @given(BOOKS, st.randoms(use_true_random=False))
    def test_hold_for_every_choice(self, document, rng):
        for program in programs_of(document):
            spans = find_spans(program)
            rows = [
                SpanRow(lot, first, end, bid)
                for lot, capacity in enumerate(spans.capacity)
                for first in range(len(capacity))
                for end in range(first + 1, len(capacity) + 1)
                for bid in np.unique(program.bid).tolist()
            ]
            matrix, limit = write_rows(program, spans, rows)
            for _ in range(5):
                assert (matrix @ random_choice(program, rng) <= limit).all()


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


class TestImprove:
    def test_finds_something_better_that_fits_and_the_same_every_time(self):
        program = largest_program(congested_week(30, 1))
        problem = Search(program, max_nodes=1).problem(program.ticks)
        spans = find_spans(program)
        bound = relax_large(program, problem, spans).bound
        nothing = np.zeros(program.n_columns, dtype=np.int64)

        x = improve(program, problem, spans, bound, nothing)

        assert program.is_feasible(x)
        assert 0.8 * bound.ticks < exact_value(program.ticks, x) <= bound.ticks
        assert (x == improve(program, problem, spans, bound, nothing)).all()


class TestAnneal:
    @settings(max_examples=15, deadline=None)
    @given(BOOKS, st.randoms(use_true_random=False))
    def test_what_it_chooses_fits_and_is_no_worse_than_what_was_there(self, document, rng):
        for program in programs_of(document):
            problem = problem_of(program)
            prices = np.array([float(rng.randint(0, 3)) for _ in program.limit])
            bound = prove_bound(problem, prices)
            before, spans = random_choice(program, rng), find_spans(program)

            x = anneal(program, problem, spans, bound, before, effort=0)

            assert program.is_feasible(x)
            assert exact_value(program.ticks, x) >= exact_value(program.ticks, before)

    def test_finds_no_worse_than_rounding_and_the_same_every_time(self):
        program = largest_program(congested_week(30, 1))
        problem = problem_of(program)
        spans = find_spans(program)
        relaxation = relax_large(program, problem, spans)
        rounded = greedy(program, problem, relaxation.bound.reduced, relaxation.x)
        nothing = np.zeros(program.n_columns, dtype=np.int64)

        x = anneal(program, problem, spans, relaxation.bound, nothing, effort=0.05)

        assert exact_value(program.ticks, x) >= exact_value(program.ticks, rounded)
        assert exact_value(program.ticks, x) > 0.9 * relaxation.bound.ticks
        assert (x == anneal(program, problem, spans, relaxation.bound, nothing, effort=0.05)).all()

    def test_leaves_bids_it_does_not_know_as_they_are(self):
        document = small_week(random.Random(1))
        both = {"price": 50, "legs": [_whole_leg("A"), _whole_leg("B")]}
        document["bids"].append({"id": "both", "bidder": "x", "sequence": 99, "options": [both]})
        (program,) = programs_of(document)
        x = np.zeros(program.n_columns, dtype=np.int64)
        pair = np.flatnonzero(program.bid == program.bid.max())
        x[pair] = 1
        assert program.is_feasible(x)

        problem = problem_of(program)
        spans = find_spans(program)
        after = anneal(program, problem, spans, relax_large(program, problem, spans).bound, x, effort=0)

        assert (after[pair] == 1).all()
        assert program.is_feasible(after)

    def test_its_table_of_chance_does_not_hang_on_how_a_machine_rounds(self):
        exact = [-math.log(-math.log((at + 0.5) / 4096)) * 256 for at in range(4096)]

        assert min(abs(each % 1 - 0.5) for each in exact) > 1e-9


def _whole_leg(lot: str) -> dict[str, Any]:
    return {"lots": [lot], "units": 2, "earliest": 0, "latest": 9, "hours": 9}


@pytest.fixture(scope="module")
def document():
    return congested_week(N_JOBS, 0)


@pytest.fixture(scope="module")
def clearing(document):
    return clear(book_from_document(document))


class TestLargeBook:
    def test_is_a_large_block(self, document):
        assert any(map(is_large, programs_of(document)))

    def test_says_how_far_from_the_best_it_may_be(self, clearing):
        assert clearing.status == "bounded"
        assert 0 <= clearing.gap < 0.08

    def test_payments_lie_between_reserve_cost_and_value(self, clearing):
        book = clearing.book
        reserve = [
            units * int(book.lot_reserve[book.lot_hour_offset[lot] :][start:end].sum())
            for lot, units, start, end in zip(
                clearing.award_lot,
                clearing.award_units.tolist(),
                clearing.award_start,
                clearing.award_end,
                strict=True,
            )
        ]

        assert (clearing.award_amount >= np.array(reserve)).all()
        assert (clearing.award_amount <= clearing.award_value).all()
        assert (clearing.payment >= clearing.vcg).all()

    def test_the_check_finds_nothing_wrong(self, document, clearing):
        assert verify(document, clearing.to_document()) == []

    def test_every_run_and_every_order_of_rows_gives_the_same_bytes(self, document, clearing):
        rng = random.Random(3)
        shuffled = {name: list(rows) if isinstance(rows, list) else rows for name, rows in document.items()}
        rng.shuffle(shuffled["lots"])
        rng.shuffle(shuffled["bids"])

        again = clear(book_from_document(shuffled))

        assert canonical_json(again.to_document()) == canonical_json(clearing.to_document())
