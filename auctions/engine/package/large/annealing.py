r"""A good choice from nothing: every bid is placed anew again and again, while the lots' capacities harden.

Capacities may be overstepped at a charge for each unit and hour: at first about what bids offer for one, in the
end many times that. A *sweep* takes all bids in an order of chance. What a bid could add, the others where they are,
is worked out for all its places, and one is drawn: the likelier the more it adds, by :math:`e^{ticks / T}`, and
so more greedily as :math:`T` falls. Several choices are kept side by side, and of these the best replace the worst
every some sweeps. What oversteps in the end is left out, the bids that offer least for a unit and hour first.

Ticks, charges and chance are whole numbers, so no machine's way of adding decides anything. A draw by
:math:`e^{ticks / T}` is the largest of ticks + T g, with `g` from a table of the Gumbel distribution.
"""

from __future__ import annotations

import numpy as np

from auctions.engine.book import Ints
from auctions.engine.package.highs import Floats
from auctions.engine.package.large.chance import gumbel, new_state
from auctions.engine.package.large.compiled import BITS, NOTHING, Places, sweep
from auctions.engine.package.large.places import Amounts, all_ticks, best_ticks, fit, with_pieces

SIDE_BY_SIDE = 8
REPLACED = 2
SWEEPS_BETWEEN = 100
"""So many of the choices are replaced by copies of the best ones, after so many sweeps."""

HOT, COLD = 0.1, 0.006
"""T at the beginning and at the end, of the mean ticks of all bids' best places."""
SOFT, HARD = 1.0, 40.0
"""What the charge is multiplied by at the beginning and at the end."""
OFFERED = 0.1
"""Of the charge for a unit and hour: what bids that could go to the lot offer on average; the rest is the price."""

MAX_SWEEPS = 20_000
FEWEST_SWEEPS = 50
MAX_WORK = 8_000_000_000
"""Work is places and hours looked at, and as much as PER_BID of them for every bid; it limits the sweeps."""
PER_BID = 50


def anneal(places: Places, price: Floats, *, effort: float = 1.0) -> Ints:
    """Choose a place, or NOTHING, for each bid. int64 (b,)

    price : for a unit at all positions
    """
    charge = _charges(places, price)
    hours = (places.run_end - places.run_first) * np.diff(places.size_of_run)
    in_pieces = (places.end - places.first)[places.n_places :]
    n_looked_at = int(hours.sum()) + int(in_pieces.sum()) + len(places.first)
    size = SIDE_BY_SIDE * (n_looked_at + PER_BID * places.n_bids)
    n_sweeps = max(FEWEST_SWEEPS, min(MAX_SWEEPS, int(MAX_WORK * effort) // max(size, 1)))
    choices = _Annealing(places)
    choices.run(n_sweeps, charge)
    fitting = [fit(places, chosen) for chosen in choices.chosen]
    return max(fitting, key=lambda chosen: all_ticks(places, chosen))


class _Annealing:
    """Choices under way, side by side. free : int64 (k, hours); chosen : int64 (k, b)"""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.free = np.repeat(places.capacity[None], SIDE_BY_SIDE, axis=0)
        self.chosen = np.full((SIDE_BY_SIDE, places.n_bids), NOTHING)

    def run(self, n_sweeps: int, charge: Ints) -> None:
        noise, state = gumbel(), new_state(0)
        order = np.arange(self.places.n_bids)
        mean = float(best_ticks(self.places).mean())
        for at in range(n_sweeps):
            part = at / max(n_sweeps - 1, 1)
            heat = max(1, round(mean * HOT * (COLD / HOT) ** part / (1 << BITS)))
            hardness = round(256 * SOFT * (HARD / SOFT) ** part)
            now = charge * hardness >> 8
            for free, chosen in zip(self.free, self.chosen, strict=True):
                sweep(self.places, free, chosen, order, heat, now, noise, state)
            if at % SWEEPS_BETWEEN == SWEEPS_BETWEEN - 1:
                self._replace_worst(now)

    def _replace_worst(self, charge: Ints) -> None:
        ticks = np.append(self.places.ticks, 0)  # the last is NOTHING's
        worth = ticks[self.chosen].sum(axis=1) - (np.maximum(-self.free, 0) * charge).sum(axis=1)
        order = np.argsort(-worth, kind="stable")
        best, worst = order[:REPLACED], order[-REPLACED:]
        self.free[worst] = self.free[best]
        self.chosen[worst] = self.chosen[best]


def _charges(places: Places, price: Floats) -> Ints:
    """For a unit too much at every position: the price, and what the bids that could go to the lot offer on average."""
    n_lots = len(places.lot_first)
    lot = np.searchsorted(places.lot_end, places.first, side="right")
    run = places.run_of_place()
    part = 1 / np.bincount(run, minlength=len(places.run_first))[run]  # each bid counts once
    part = np.append(part, part[places.place_of_piece])
    area = places.units * (places.end - places.first)
    share = area / np.maximum(_of_each(places, with_pieces(places, area)), 1)
    some = area > 0
    worth = _of_each(places, places.ticks) * share
    total = np.bincount(lot[some], weights=(worth * part)[some], minlength=n_lots)
    wanted = np.bincount(lot[some], weights=(area * part)[some], minlength=n_lots)
    offered = np.repeat(total / np.maximum(wanted, 1e-9), places.lot_end - places.lot_first)
    return np.maximum(np.rint(OFFERED * offered + (1 - OFFERED) * price), 1).astype(np.int64)


def _of_each(places: Places, amounts: Amounts) -> Amounts:
    """Amounts of places, for each of them and its pieces. (p + q,)"""
    return np.append(amounts[: places.n_places], amounts[places.place_of_piece])
