"""A choice, improved by taking bids out near an hour of one or two lots and filling what is free anew, in some order.

*Ruin and recreate* (Schrimpf and others 2000; Christiaens and Vanden Berghe 2020): most or all bids near an hour are
taken out; they and the losers that could go there are put in one after the other, each where it fits and is worth most
above the prices of the hours it takes. The order is one of three: by what is offered for what the hours cost, with a
little or with much chance, or by what is offered in all. What comes of it is kept where it is better; where worse,
with a probability :math:`e^{-ticks / heat}`, and the heat falls. All in whole numbers.
"""

from __future__ import annotations

import numpy as np

from auctions.engine.book import Ints
from auctions.engine.package.highs import Floats
from auctions.engine.package.large.chance import exponential, new_state
from auctions.engine.package.large.compiled import NOTHING, Places, recreate_by_chance
from auctions.engine.package.large.places import best_ticks, parts_of, with_pieces

MAX_WORK = 8_000_000_000
"""Work is places and hours looked at, PER_BID for every bid looked at, and PER_ROUND."""
PER_BID = 250

STEPS = 1000
"""The heat falls so many times."""

MOST_FOR_PRICE = 10
SCALE = 1 << 10
"""What is offered for a tick of price counts in parts of this."""
OFFER_BITS = 20


def recreate(
    places: Places,
    price: Floats,
    chosen: Ints,
    *,
    heat: tuple[float, float],
    seed: int,
    effort: float = 1.0,
) -> Ints:
    """Improve a choice of places that fits. int64 (b,)

    price : for a unit at all positions
    heat : at the beginning and the end, of the mean ticks of all bids' best places
    """
    until = np.concatenate([[0.0], np.cumsum(price)])
    cost = with_pieces(places, places.units * (until[places.end] - until[places.first]))
    ticks = places.ticks[: places.n_places]
    offer, rate = best_ticks(places), np.zeros(places.n_bids)
    np.maximum.at(rate, places.bid_of_place(), np.minimum(ticks / np.maximum(cost, 1.0), MOST_FOR_PRICE))
    hot, cold = heat
    mean = float(offer.mean())
    heats = [max(1, round(mean * hot * (cold / hot) ** (step / (STEPS - 1)))) for step in range(STEPS)]
    free = places.capacity.copy()
    for place in chosen[chosen != NOTHING].tolist():
        for stretch, units in parts_of(places, place):
            free[stretch] -= units
    return np.asarray(
        recreate_by_chance(
            places,
            ticks - np.rint(cost).astype(np.int64),
            np.rint(rate * SCALE).astype(np.int64) + 1,
            offer >> max(0, int(offer.max()).bit_length() - OFFER_BITS),
            free,
            chosen.copy(),
            _costs(places),
            np.array(heats, dtype=np.int64),
            exponential(),
            int(MAX_WORK * effort),
            new_state(seed),
        )
    )


def _costs(places: Places) -> Ints:
    """Units of work that looking for a bid's place takes. int64 (b,)"""
    hours = (places.run_end - places.run_first) * np.diff(places.size_of_run)
    of_run = hours + np.diff(places.place_of_size[places.size_of_run])
    costs = PER_BID + np.asarray(np.add.reduceat(of_run, places.run_of_bid[:-1]))
    in_pieces = (places.end - places.first)[places.n_places :]
    np.add.at(costs, places.bid_of_place()[places.place_of_piece], in_pieces)
    return costs
