"""How likely a price is to win, told from what lots like it came to.

Of ``n`` comparable lots, a price beats or meets the marginal price of ``n_won``. The band is Wilson's score interval
for that share (Wilson 1927, as in Brown, Cai & DasGupta 2001), at 90 % confidence: wide where the sample is small.

>>> band(38, 46)
(71, 90)
>>> band(0, 3), band(3, 3)
((0, 48), (52, 100))
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z_90_PERCENT = 1.6449
FEWEST = 8
"""With fewer comparable lots there is nothing to tell."""


@dataclass(frozen=True, slots=True)
class PastLot:
    """What a lot came to, ticks per unit-hour: at the margin in its dearest hour; paid on average, None if unsold."""

    marginal_ticks: int
    paid_ticks: int | None


@dataclass(frozen=True, slots=True)
class Odds:
    """``low`` to ``high`` per cent; ``likely_ticks``: the median paid per unit-hour where the price would have won."""

    n: int
    n_won: int
    low: int
    high: int
    likely_ticks: int | None

    @property
    def is_enough(self) -> bool:
        return self.n >= FEWEST


def odds_of(price_ticks: int, past: Sequence[PastLot]) -> Odds:
    """Tell how a price would have fared on ``past`` lots; of what was paid there, no more counts than the price."""
    won = [lot for lot in past if price_ticks >= lot.marginal_ticks]
    paid = sorted(min(lot.paid_ticks, price_ticks) for lot in won if lot.paid_ticks is not None)
    low, high = band(len(won), len(past)) if past else (0, 100)
    return Odds(len(past), len(won), low, high, paid[(len(paid) - 1) // 2] if paid else None)


def band(n_won: int, n: int) -> tuple[int, int]:
    """Return Wilson's interval in whole per cent, rounded outwards."""
    share, z2 = n_won / n, Z_90_PERCENT**2
    middle = share + z2 / (2 * n)
    spread = Z_90_PERCENT * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low, high = ((middle + sign * spread) / (1 + z2 / n) for sign in (-1, 1))
    return max(0, math.floor(100 * low + 1e-9)), min(100, math.ceil(100 * high - 1e-9))
