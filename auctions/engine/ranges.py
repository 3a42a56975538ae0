"""Ranges of rows given by offsets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def running_total(numbers: Ints) -> Ints:
    """Sum of all earlier numbers, for each position and one past the end. int64 (n,) -> (n + 1,)"""
    total = np.empty(len(numbers) + 1, dtype=np.int64)
    total[0] = 0
    np.cumsum(numbers, out=total[1:])
    return total


def concatenate_ranges(first: Ints, length: Ints) -> Ints:
    """Rows `first[i] .. first[i] + length[i] - 1` for every `i`, one after the other."""
    before = running_total(length)
    return np.repeat(first - before[:-1], length) + np.arange(before[-1])
