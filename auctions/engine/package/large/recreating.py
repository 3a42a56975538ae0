"""A choice, improved by taking bids out near an hour of one or two lots and filling what is free anew, in some order.

*Ruin and recreate* (Schrimpf and others 2000; Christiaens and Vanden Berghe 2020): most or all bids near an hour are
taken out; they and the losers that could go there are put in one after the other, each where it fits and is worth most
above the prices of the hours it takes. The order is one of three: by what is offered for what the hours cost, with a
little or with much chance, or by what is offered in all. What comes of it is kept where it is better; where worse,
with a probability :math:`e^{-ticks / heat}`, and the heat falls. All in whole numbers.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Ints
from auctions.engine.package.highs import Floats
from auctions.engine.package.large.chance import exponential, new_state
from auctions.engine.package.large.compiled import Places, recreate_by_chance
from auctions.engine.package.large.places import best_ticks, free_units, with_pieces

MAX_WORK = 8_000_000_000
"""Work is places and hours looked at, PER_BID for every bid looked at, and PER_ROUND."""
PER_BID = 250

STEPS = 1000
"""The heat falls so many times."""

MOST_FOR_PRICE = 10
SCALE = 1 << 10
"""What is offered for a tick of price counts in parts of this."""
OFFER_BITS = 20


class Recreating:
    """What all searches on the same places share.

    price : for a unit at all positions
    """

    def __init__(self, places: Places, price: Floats) -> None:
        until = np.concatenate([[0.0], np.cumsum(price)])
        cost = with_pieces(places, places.units * (until[places.end] - until[places.first]))
        ticks = places.ticks[: places.n_places]
        offer, rate = best_ticks(places), np.zeros(places.n_bids)
        of_place = np.minimum(ticks / np.maximum(cost, 1.0), MOST_FOR_PRICE)
        np.maximum.at(rate, places.bid_of_place(), of_place)
        self.places = places
        self._above = ticks - np.rint(cost).astype(np.int64)
        self._rate = np.rint(rate * SCALE).astype(np.int64) + 1
        self._offer = offer >> max(0, int(offer.max()).bit_length() - OFFER_BITS)
        self._costs = _costs(places)
        self._mean = float(offer.mean())

    def _heats(self, heat: tuple[float, float]) -> Ints:
        return np.maximum(1, np.rint(self._mean * _falling(*heat))).astype(np.int64)

    def run(
        self,
        chosen: Ints,
        *,
        heat: tuple[float, float],
        seed: int,
        effort: float = 1.0,
        free: Ints | None = None,
        closed: NDArray[np.bool_] | None = None,
        focus: Ints | None = None,
    ) -> Ints:
        """Improve a choice of places that fits. int64 (b,)

        heat : at the beginning and the end, of the mean ticks of all bids' best places
        free : int64 (h,) units at all positions, the choice taken off; of the lots' capacities where None
        closed : bool (b,) bids that stay as they are
        focus : positions near which to look; everywhere where None
        """
        return np.asarray(
            recreate_by_chance(
                self.places,
                self._above,
                self._rate,
                self._offer,
                free_units(self.places, chosen) if free is None else free.copy(),
                chosen.copy(),
                self._costs,
                self._heats(heat),
                exponential(),
                int(MAX_WORK * effort),
                np.zeros(self.places.n_bids, dtype=bool) if closed is None else closed,
                np.zeros(0, dtype=np.int64) if focus is None else focus,
                new_state(seed),
            )
        )


@cache
def _falling(hot: float, cold: float) -> Floats:
    return np.array([hot * (cold / hot) ** (step / (STEPS - 1)) for step in range(STEPS)])


def _costs(places: Places) -> Ints:
    """Units of work that looking for a bid's place takes. int64 (b,)"""
    hours = (places.run_end - places.run_first) * np.diff(places.size_of_run)
    of_run = hours + np.diff(places.place_of_size[places.size_of_run])
    costs = PER_BID + np.asarray(np.add.reduceat(of_run, places.run_of_bid[:-1]))
    in_pieces = (places.end - places.first)[places.n_places :]
    np.add.at(costs, places.bid_of_place()[places.place_of_piece], in_pieces)
    return costs
