"""Chance in whole numbers, the same on every machine, for searches by it."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from auctions.engine.book import Ints
from auctions.engine.package.large.compiled import BITS, QUANTILES, SOME


def new_state(seed: int) -> Ints:
    """Of `draw`; any seed will do."""
    mixed = (seed + 1) * 0x9E3779B97F4A7C15 % (1 << 63)
    return np.array([mixed | 1], dtype=np.int64)


@cache
def exponential() -> Ints:
    """Quantiles of the exponential distribution. int64 (QUANTILES,)"""
    return np.array(
        [round(-math.log((at + 0.5) / QUANTILES) * (1 << BITS)) for at in range(QUANTILES)], dtype=np.int64
    )


def gumbel() -> Ints:
    """Draws from the Gumbel distribution. int64 (SOME,)"""
    table = [round(-math.log(-math.log((at + 0.5) / QUANTILES)) * (1 << BITS)) for at in range(QUANTILES)]
    return np.array(table, dtype=np.int64)[np.random.PCG64(0).random_raw(SOME) >> np.uint64(52)]
