"""Divide many numbers by a few divisors, exactly, with a multiplication and a shift in place of each division."""

from __future__ import annotations

import numpy as np

from auctions.engine.ranges import Ints


class Quotients:
    r"""Whole quotients of numbers up to `largest` by the divisor in a given row of `divisors`.

    With :math:`m = \lceil 2^k / d \rceil` the product :math:`u m / 2^k` exceeds :math:`u / d` by less than
    :math:`u / 2^k`. That is at most :math:`1 / d`, too little to reach the next whole number, once
    :math:`2^k \ge u d`. Where such products would not fit an int64, it divides after all.
    """

    def __init__(self, divisors: Ints, largest: int) -> None:
        self._divisors = divisors
        self._shift = (largest * int(divisors.max(initial=1))).bit_length()
        fits = largest * ((1 << self._shift) // int(divisors.min(initial=1)) + 1) < 1 << 63
        self._multipliers = -(-(1 << self._shift) // divisors) if fits else None

    def of(self, numbers: Ints, row: Ints) -> Ints:
        if self._multipliers is None:
            return numbers // self._divisors[row]
        quotients = np.take(self._multipliers, row)
        quotients *= numbers
        quotients >>= self._shift
        return quotients
