"""Searches along a line find what searches of any other kind do, and leave out nothing that a best choice holds."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auctions.engine import book_from_document, clear
from auctions.engine.package import walk as walking
from auctions.engine.package.charged import Charged
from auctions.engine.package.found import exact_value
from auctions.engine.package.line import Line
from auctions.engine.package.program import Program, blocks, write_program
from auctions.engine.package.search import Search
from auctions.engine.package.walk import walk, ways
from auctions.engine.package.work import Work
from benchmarks.engine.cats import cats_book

from .package_books import bundle_book, line_books
from .test_package_laws import NEAR_TIES, assert_payments, assert_winners


def programs(document: dict[str, Any]) -> list[Program]:
    book = book_from_document(document)
    return blocks(write_program(book, range(book.n_bids)))


def choices(line: Line, program: Program) -> list[np.ndarray]:
    """Every choice: for each bid one of its columns or none."""
    found = [np.zeros(program.n_columns, dtype=np.int64)]
    for bid in range(len(line.row)):
        columns = np.flatnonzero(line.bid == bid)
        more = [x + (np.arange(len(x)) == column) for x in found for column in columns]
        found += [x for x in more if program.is_feasible(x)]
    return found


class TestWalk:
    @settings(max_examples=80, deadline=None)
    @given(book=line_books(max_bids=6) | line_books(largest=NEAR_TIES, max_bids=4))
    @pytest.mark.parametrize("priced", [0, 1])
    def test_finds_the_best_from_any_prices(self, priced, book):
        for program in programs(book):
            line = Line.of(program)
            assert line is not None
            price = program.ticks.max() * priced * np.linspace(0, 1, len(line.row))
            every = np.ones(program.n_columns, dtype=bool)
            best = max(exact_value(program.ticks, x) for x in choices(line, program))

            for goal in (1, best, best + 1):
                walked = walk(line, program.ticks, every, price, goal, Work())

                assert walked.is_proven
                assert bool(walked.met) == (best >= goal)
                if walked.met:
                    x = np.isin(np.arange(program.n_columns), walked.met[-1]).astype(np.int64)
                    assert program.is_feasible(x)
                    assert exact_value(program.ticks, x) == best

    @settings(max_examples=80, deadline=None)
    @given(line_books(largest=2, max_bids=6))
    def test_leaves_out_no_column_of_a_best_choice(self, book):
        for program in programs(book):
            line = Line.of(program)
            assert line is not None
            every = np.ones(program.n_columns, dtype=bool)
            each = [(exact_value(program.ticks, x), x) for x in choices(line, program)]
            best = max(value for value, _ in each)

            may = ways(line, program.ticks, every, np.zeros(len(line.row)), best, Work())

            assert not any(x[~may].any() for value, x in each if value == best)

    @pytest.mark.parametrize("seed", range(2))
    def test_does_as_well_as_branching_on_a_long_line(self, seed):
        (program,) = programs(cats_book("scheduling", seed, n_goods=20, n_bids=150))
        search = Search(program, max_nodes=20_000)
        other = Search(program, max_nodes=20_000)
        other.line = None

        walked, branched = search.maximise(program.ticks), other.maximise(program.ticks)

        assert search.line is not None
        assert walked.is_proven
        assert branched.is_proven
        assert walked.value == branched.value

    def test_says_so_where_it_has_too_many_steps_to_look_at(self, monkeypatch):
        (program,) = programs(cats_book("scheduling", 0, n_goods=20, n_bids=150))
        line = Line.of(program)
        assert line is not None
        monkeypatch.setattr(walking, "MAX_STEPS", 200)
        every = np.ones(program.n_columns, dtype=bool)

        walked = walk(line, program.ticks, every, np.zeros(len(line.row)), 1, Work())

        assert not walked.is_proven
        assert Search(program, max_nodes=20_000).maximise(program.ticks).is_proven  # by branches

    def test_is_for_columns_that_take_rows_in_a_row_whole(self):
        rng = random.Random(0)
        found = [program for _ in range(50) for program in programs(bundle_book(rng))]
        lines = [Line.of(program) is not None for program in found]
        assert any(lines)
        assert not all(lines)


class TestCharges:
    """Organizations of several bids, charged once for any of them."""

    @settings(max_examples=100, deadline=None)
    @given(line_books(max_bids=6, n_bidders=3), st.lists(st.integers(0, 40), min_size=9, max_size=9))
    def test_are_paid_once(self, book, numbers):
        for program in programs(book):
            winners = np.unique(program.owner).tolist()
            keeps = [Fraction(each, 2) for each in numbers[:3]][: len(winners)]
            charged = Charged(program, winners, [0] * len(winners), 1000)
            line = Line.of(charged.program)
            assert line is not None
            found = charged.blocking(keeps, [np.zeros(program.n_columns, dtype=np.int64)])
            charges = dict(zip(winners, keeps, strict=True))
            worths = [
                exact_value(program.ticks, x) - sum(charges[owner] for owner in set(program.owner[x > 0]))
                for x in choices(Line.of(program), program)
            ]

            assert found.is_proven
            assert found.value == max(worths) * np.lcm.reduce([each.denominator for each in keeps])

            ticks = charged.program.ticks.copy()
            ticks[line.charge[line.charge >= 0]] = -3
            price = np.array(numbers[: len(line.row)]) / 4
            best = max(
                exact_value(ticks, charged.with_charges(x)) for x in choices(Line.of(program), program)
            )
            walked = walk(line, ticks, np.ones(len(ticks), dtype=bool), price, best, Work())

            assert walked.is_proven
            assert exact_value(ticks, np.isin(np.arange(len(ticks)), walked.met[-1]).astype(np.int64)) == best

    @settings(max_examples=40, deadline=None)
    @given(line_books(max_bids=6, n_bidders=4))
    def test_of_winners_of_several_bids_are_in_the_core(self, book):
        assert_payments(book)


class TestClearing:
    @settings(max_examples=60, deadline=None)
    @given(line_books(largest=3))
    def test_full_of_ties(self, book):
        assert_winners(book)

    @settings(max_examples=60, deadline=None)
    @given(line_books())
    def test_is_in_the_core(self, book):
        assert_payments(book)

    def test_does_not_branch(self, monkeypatch):
        def refuse(*_: Any, **__: Any) -> None:
            raise AssertionError("branched")

        monkeypatch.setattr(Search, "_branch", refuse)
        book = book_from_document(cats_book("scheduling", 1, n_goods=24, n_bids=200))

        assert clear(book).status == "optimal"
