"""Why a bid lost, and the lowest limit with which, all else equal, it would have won something."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Book, Ints
from auctions.engine.clearing import NO_PRICE, REASONS
from auctions.engine.errors import MAX_EXACT
from auctions.engine.lotbids import LotBids
from auctions.engine.vectorised import LotResult


def explain_losers(book: Book, bids: LotBids, result: LotResult) -> tuple[Ints, NDArray[np.int8], Ints]:
    """Rows of the losing bids, their reasons (positions in `REASONS`) and minimum limits (`NO_PRICE` where none)."""
    lost = np.ones(book.n_bids, dtype=bool)
    lost[result.bid] = False
    bid = np.flatnonzero(lost)
    lot = bids.lot[bid]
    reason = np.where(
        bids.rate[bid] < bids.lot_reserve_rate[lot], REASONS.index("below_reserve"), REASONS.index("outbid")
    )
    hopeless = ~bids.fits[bid] | (bids.lot_steps[lot] == 0)
    reason[hopeless] = REASONS.index("cannot_fit")
    minimum = _minimum_limit(book, bids, bid, result.lot_entry[lot], bid < result.lot_entry_before[lot])
    minimum[hopeless] = NO_PRICE
    return bid, reason.astype(np.int8), minimum


def _minimum_limit(book: Book, bids: LotBids, bid: Ints, entry: Ints, equal_wins: NDArray[np.bool_]) -> Ints:
    """Lowest limit worth at least `entry` ticks per step, or more than that where an equal one would lose."""
    step_hours = bids.lot_step_hours[bids.lot[bid]]
    # x > entry is x >= entry + 1 in whole ticks, and ceil((entry + 1) / n) is entry // n + 1
    minimum = np.where(equal_wins, -(-entry // step_hours), entry // step_hours + 1)
    by_value = np.flatnonzero(~book.option_is_priced[bid])
    minimum[by_value] = [
        _minimum_value(*row)
        for row in zip(
            entry[by_value].tolist(),
            equal_wins[by_value].tolist(),
            book.leg_units[bid[by_value]].tolist(),
            book.lot_unit_step[bids.lot[bid[by_value]]].tolist(),
            strict=True,
        )
    ]
    return minimum


def _minimum_value(entry: int, equal_wins: bool, units: int, step: int) -> int:
    """Lowest value of all `units` whose share for one step reaches, or exceeds, `entry`."""
    value = -(-entry * units // step) if equal_wins else entry * units // step + 1
    return value if value <= MAX_EXACT else NO_PRICE
