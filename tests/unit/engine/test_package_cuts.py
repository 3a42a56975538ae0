"""Rows added to a relaxation cut no choice off and branching finds the best, on programs small enough to list."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.sparse import csc_array

from auctions.engine import book_from_document
from auctions.engine.package.branch import branch
from auctions.engine.package.conflicts import Conflicts
from auctions.engine.package.cuts import Rows, broken_rows, with_rows
from auctions.engine.package.found import exact_value
from auctions.engine.package.highs import Problem, Relaxation
from auctions.engine.package.program import Program, blocks, write_program
from auctions.engine.package.search import Search
from auctions.engine.package.work import Work

from .package_books import books, bundle_books

MOST_CHOICES = 5_000


def programs(book: dict[str, Any]) -> list[Program]:
    checked = book_from_document(book)
    parts = blocks(write_program(checked, range(checked.n_bids)))
    return [part for part in parts if np.prod(part.upper + 1.0) <= MOST_CHOICES]


def choices(program: Program) -> list[np.ndarray]:
    every = itertools.product(*(range(most + 1) for most in program.upper.tolist()))
    return [x for x in map(np.array, every) if program.is_feasible(x)]


def problem_of(program: Program) -> Problem:
    return Search(program, max_nodes=100).problem(program.ticks)


class TestBrokenRows:
    @settings(max_examples=100, deadline=None)
    @given(books() | bundle_books())
    def test_hold_for_every_choice_and_not_for_the_relaxation(self, book):
        for program in programs(book):
            problem = problem_of(program)
            relaxation = Relaxation(problem)
            for _ in range(5):
                relaxed = relaxation.solve()
                rows = broken_rows(Conflicts(problem_of(program)), problem, relaxation, relaxed)
                assert (rows.matrix @ relaxed.x > rows.limit).all()
                for x in choices(program):
                    assert (rows.matrix @ x <= rows.limit).all()
                if not len(rows):
                    break
                relaxation.add(rows.matrix, rows.limit)
                problem = with_rows(problem, rows)

    def test_close_a_triangle_of_bids_that_share_goods_pairwise(self):
        matrix = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]])
        problem = _packing(matrix, ticks=[2, 2, 2])
        relaxation = Relaxation(problem)
        relaxed = relaxation.solve()

        rows = broken_rows(Conflicts(problem), problem, relaxation, relaxed)
        relaxation.add(rows.matrix, rows.limit)

        assert relaxed.total == pytest.approx(3)
        assert relaxation.solve().total == pytest.approx(2)

    def test_close_a_ring_of_five_that_holds_no_triangle(self):
        matrix = np.array([np.roll([1, 1, 0, 0, 0], by) for by in range(5)])
        problem = _packing(matrix, ticks=[2] * 5)
        relaxation = Relaxation(problem)
        relaxed = relaxation.solve()

        rows = broken_rows(Conflicts(problem), problem, relaxation, relaxed)
        relaxation.add(rows.matrix, rows.limit)

        assert relaxed.total == pytest.approx(5)
        assert relaxation.solve().total == pytest.approx(4)


class TestConflicts:
    def test_say_nothing_of_columns_that_may_be_chosen_twice(self):
        problem = _packing(np.array([[2, 3]]), ticks=[1, 1], limit=4, upper=[2, 1])

        conflicts = Conflicts(problem)

        assert not conflicts.of(0).any()
        assert not conflicts.of(1).any()


class TestBranch:
    @settings(max_examples=100, deadline=None)
    @given(books() | bundle_books() | bundle_books(largest=10**9))
    def test_finds_what_is_worth_most_and_nothing_where_nothing_is_worth_more(self, book):
        for program in programs(book):
            best = max(exact_value(program.ticks, x) for x in choices(program))
            for to_beat in (0, best // 2, best - 1, best):
                found = branch(
                    problem_of(program),
                    Rows.none(program.n_columns),
                    to_beat,
                    is_feasible=program.is_feasible,
                    max_nodes=10_000,
                    work=Work(),
                )

                assert found.is_proven
                assert all(program.is_feasible(x) for x in found.met)
                values = [exact_value(program.ticks, x) for x in found.met]
                assert values == sorted(set(values))
                assert values[-1:] == ([best] if to_beat < best else [])

    @settings(max_examples=50, deadline=None)
    @given(bundle_books())
    def test_claims_nothing_it_had_no_branches_left_to_prove(self, book):
        for program in programs(book):
            best = max(exact_value(program.ticks, x) for x in choices(program))
            found = branch(
                problem_of(program),
                Rows.none(program.n_columns),
                0,
                is_feasible=program.is_feasible,
                max_nodes=1,
                work=Work(),
            )

            value = max([0, *(exact_value(program.ticks, x) for x in found.met)])
            assert value <= best
            assert not found.is_proven or value == best


def _packing(
    matrix: np.ndarray, *, ticks: list[int], limit: int = 1, upper: list[int] | None = None
) -> Problem:
    n_rows, n_columns = matrix.shape
    return Problem(
        cost=np.array(ticks),
        matrix=csc_array(matrix),
        lower=np.zeros(n_columns, dtype=np.int64),
        upper=np.array(upper or [1] * n_columns),
        limit=np.full(n_rows, limit),
        is_equal=np.zeros(n_rows, dtype=bool),
    )
