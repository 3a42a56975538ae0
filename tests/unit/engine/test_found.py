"""Ticks of a choice are exact however large they are."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auctions.engine.package.found import exact_value, fits_int64

TICKS = st.one_of(st.integers(-(2**20), 2**20), st.integers(-(2**53), 2**53))
COLUMNS = st.lists(st.tuples(TICKS, st.sampled_from([0, 1, 1, 64, 2**20])), max_size=20)


@given(COLUMNS)
def test_the_value_is_the_sum_in_whole_numbers(columns: list[tuple[int, int]]):
    ticks, x = np.array(columns, dtype=np.int64).reshape(-1, 2).T

    assert exact_value(ticks, x) == sum(each * n for each, n in columns)


def test_sums_that_could_leave_int64_are_told_from_those_that_cannot():
    ticks = np.full(2, 2**31, dtype=np.int64)

    assert fits_int64(ticks, np.full(2, 2**30, dtype=np.int64))
    assert not fits_int64(ticks, np.full(2, 2**31, dtype=np.int64))
