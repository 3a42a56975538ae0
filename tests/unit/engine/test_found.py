"""Ticks of a choice are exact however large they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auctions.engine.package.block import ticks_by_owner
from auctions.engine.package.found import exact_value, fits_int64

from .large_books import largest_program, small_week

TICKS = st.one_of(st.integers(-(2**20), 2**20), st.integers(-(2**53), 2**53))
COLUMNS = st.lists(st.tuples(TICKS, st.sampled_from([0, 1, 1, 64, 2**20])), max_size=20)
PROGRAM = largest_program(small_week(Random(0)))


@given(COLUMNS)
def test_the_value_is_the_sum_in_whole_numbers(columns: list[tuple[int, int]]):
    ticks, x = np.array(columns, dtype=np.int64).reshape(-1, 2).T

    assert exact_value(ticks, x) == sum(each * n for each, n in columns)


def test_sums_that_could_leave_int64_are_told_from_those_that_cannot():
    ticks = np.full(2, 2**31, dtype=np.int64)

    assert fits_int64(ticks, np.full(2, 2**30, dtype=np.int64))
    assert not fits_int64(ticks, np.full(2, 2**31, dtype=np.int64))


@given(st.randoms(use_true_random=False), st.sampled_from([2**20, 2**53]))
def test_what_each_organization_adds_is_its_sum_in_whole_numbers(random: Random, largest: int):
    ticks = np.array([random.randint(-largest, largest) for _ in range(PROGRAM.n_columns)], dtype=np.int64)
    x = np.array([random.choice([0, 1, 2**20]) for _ in range(PROGRAM.n_columns)], dtype=np.int64)
    added: Counter[int] = Counter()
    for owner, each, n in zip(PROGRAM.owner.tolist(), ticks.tolist(), x.tolist(), strict=True):
        if n:
            added[owner] += each * n

    assert list(ticks_by_owner(replace(PROGRAM, ticks=ticks), x).items()) == sorted(added.items())
