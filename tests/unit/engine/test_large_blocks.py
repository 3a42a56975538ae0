"""Blocks too large to be searched to the end: rows and bounds hold, results do not depend on the run."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auctions.engine import book_from_document, canonical_json, clear
from auctions.engine.package.bounds import prove_bound
from auctions.engine.package.charged import Charged
from auctions.engine.package.found import exact_value
from auctions.engine.package.highs import Relaxation
from auctions.engine.package.large import is_large
from auctions.engine.package.large.neighbourhoods import improve
from auctions.engine.package.large.relaxation import relax_large
from auctions.engine.package.large.spans import SpanRow, find_spans, write_rows
from auctions.engine.package.search import Search
from auctions.engine.verify import verify
from benchmarks.engine.weeks import congested_week, mixed_book

from .large_books import BOOKS, N_JOBS, largest_program, problem_of, programs_of, random_choice


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

    def test_begins_anew_where_the_solver_loses_its_way(self):
        """HiGHS 1.15 does, on this book, from where the round before ended."""
        program = largest_program(mixed_book(700, 1, n_lots=30))

        found = relax_large(program, problem_of(program), find_spans(program))

        assert found.bound.ticks > 0
        assert (found.x >= -1e-6).all()


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


@pytest.fixture(scope="module")
def document():
    return congested_week(N_JOBS, 0)


@pytest.fixture(scope="module")
def clearing(document):
    return clear(book_from_document(document))


class TestChargedLargeBlock:
    def test_is_searched_though_what_a_bid_adds_hangs_on_others(self, document):
        """So it is asked which group binds what a winner pays, where organizations have several bids."""
        program = largest_program(document)
        owners = np.unique(program.owner).tolist()
        worth = [int(program.ticks[program.owner == owner].max()) for owner in owners]
        charged = Charged(program, owners, worth, max_nodes=1000)

        found = charged.blocking([Fraction(each, 3) for each in worth], [])

        assert is_large(charged.program)
        assert charged.program.n_columns > program.n_columns  # some owners have several bids
        assert charged.program.is_feasible(found.x)
        assert 0 < found.value <= found.bound


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
