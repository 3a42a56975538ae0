"""What a winner displaced: the rejected offers that set its price on a lot, highest first, then the reserve.

On a lot of divisible bids an organization that won Q units pays what the others would have paid for those units without
it: the sum of their Q highest rejected ones, the reserve standing in where there are fewer (see winners.py). This lists
them, with nothing but units and amounts, so that a winner can add its price up by hand. Lots where packages meet have
no such list; their prices answer coalitions over many lots.

Five units at a reserve of 10 for one hour. Ann wants 3 at up to 50 and 2 at 20, Bob 2 at 40, Cid 4 at 30:

>>> from auctions.engine import Book, clear
>>> book = Book.from_arrays(
...     hours=1, lot_id=["K"], lot_seller=["s"], lot_units=[5], lot_start=[0], lot_end=[1], lot_reserve=[10],
...     bid_id=["a1", "a2", "b", "c"], bid_bidder=["Ann", "Ann", "Bob", "Cid"], bid_sequence=[1, 2, 3, 4],
...     option_price=[50, 20, 40, 30], leg_units=[3, 2, 2, 4], leg_min_units=[1, 1, 1, 1], leg_lot=["K"] * 4,
...     leg_earliest=[0] * 4, leg_latest=[1] * 4, leg_hours=[1] * 4)
>>> for one in explain_amounts(clear(book)):
...     print(book.organization_id[one.bidder], one.amount, one.displaced)
Ann 90 (Displaced(units=3, amount=90, is_reserve=False),)
Bob 60 (Displaced(units=2, amount=60, is_reserve=False),)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from auctions.engine.book import Book
from auctions.engine.clearing import Clearing


@dataclass(frozen=True, slots=True)
class Displaced:
    """Rejected units of equal worth, over all hours of the lot. ``amount``: ticks for all of them."""

    units: int
    amount: int
    is_reserve: bool


@dataclass(frozen=True, slots=True)
class LotAmount:
    """What one organization pays for its units of one lot, and the offers that adds up from.

    ``lot`` and ``bidder`` are rows; ``amount`` is ticks, the sum of what it displaced.
    """

    lot: int
    bidder: int
    units: int
    amount: int
    displaced: tuple[Displaced, ...]


@dataclass(frozen=True, slots=True)
class _Offer:
    """Units of a bid that were not filled, and what each is worth to it, ticks over all hours of the lot."""

    bidder: int
    units: int
    worth: Fraction


def explain_amounts(clearing: Clearing) -> list[LotAmount]:
    """Explain the amount of every organization on every lot of divisible bids, by lot, then organization."""
    book = clearing.book
    divisible = _divisible_lots(book)
    won: dict[tuple[int, int], tuple[int, int]] = defaultdict(lambda: (0, 0))
    awards = zip(
        clearing.award_lot.tolist(),
        book.bid_bidder[clearing.award_bid].tolist(),
        clearing.award_units.tolist(),
        clearing.award_amount.tolist(),
        strict=True,
    )
    for lot, bidder, units, amount in awards:
        if divisible[lot]:
            before = won[lot, bidder]
            won[lot, bidder] = before[0] + units, before[1] + amount
    rejected = _rejected_offers(clearing, divisible)
    return [
        LotAmount(lot, bidder, units, amount, tuple(_displaced(book, lot, bidder, units, rejected[lot])))
        for (lot, bidder), (units, amount) in sorted(won.items())
    ]


def _divisible_lots(book: Book) -> np.ndarray:
    """Say of each lot whether all bids on it are for it alone, for all its hours and down to one step. bool (L,)"""
    leg_of_name = np.repeat(np.arange(len(book.leg_units)), np.diff(book.leg_lot_offset))
    option_of_leg = np.repeat(np.arange(len(book.option_limit)), np.diff(book.leg_offset))
    bid_of_leg = np.repeat(np.arange(book.n_bids), np.diff(book.option_offset))[option_of_leg]
    alone = np.diff(book.leg_lot_offset)[leg_of_name] == 1
    alone &= np.diff(book.leg_offset)[option_of_leg[leg_of_name]] == 1
    alone &= np.diff(book.option_offset)[bid_of_leg[leg_of_name]] == 1
    whole = book.leg_hours[leg_of_name] == (book.lot_end - book.lot_start)[book.leg_lot]
    divided = book.leg_min_units[leg_of_name] <= book.lot_unit_step[book.leg_lot]
    divisible = np.ones(book.n_lots, dtype=bool)
    divisible[book.leg_lot[~(alone & whole & divided)]] = False
    return divisible


def _rejected_offers(clearing: Clearing, divisible: np.ndarray) -> dict[int, list[_Offer]]:
    """Return for each divisible lot the unfilled units at or above its reserve, highest first."""
    book = clearing.book
    filled = np.zeros(book.n_bids, dtype=np.int64)
    np.add.at(filled, clearing.award_bid, clearing.award_units)
    sold_on = set(clearing.award_lot.tolist())
    offers: dict[int, list[_Offer]] = defaultdict(list)
    for bid in np.flatnonzero(divisible[_first_lot(book)]).tolist():
        leg = int(book.leg_offset[book.option_offset[bid]])
        lot = int(book.leg_lot[book.leg_lot_offset[leg]])
        if lot not in sold_on or book.lot_seller[lot] == book.bid_bidder[bid]:
            continue
        step = int(book.lot_unit_step[lot])
        units = int(book.leg_units[leg]) // step * step - int(filled[bid])
        worth = _worth_of_unit(book, bid, leg)
        if units > 0 and worth >= _reserve_of_unit(book, lot):
            offers[lot].append(_Offer(int(book.bid_bidder[bid]), units, worth))
    for ranked in offers.values():
        ranked.sort(key=lambda offer: -offer.worth)
    return offers


def _first_lot(book: Book) -> np.ndarray:
    return book.leg_lot[book.leg_lot_offset[book.leg_offset[book.option_offset[:-1]]]]


def _worth_of_unit(book: Book, bid: int, leg: int) -> Fraction:
    option = int(book.option_offset[bid])
    limit = int(book.option_limit[option])
    if book.option_is_priced[option]:
        return Fraction(limit * int(book.leg_hours[leg]))
    return Fraction(limit, int(book.leg_units[leg]))


def _reserve_of_unit(book: Book, lot: int) -> int:
    return int(book.lot_reserve[book.lot_hour_offset[lot] : book.lot_hour_offset[lot + 1]].sum())


def _displaced(book: Book, lot: int, bidder: int, units: int, ranked: list[_Offer]) -> Iterator[Displaced]:
    """Yield what ``units`` of a bidder keep out, offers of equal worth together."""
    level, worth, left = 0, Fraction(0), units
    for offer in ranked:
        if not left:
            break
        if offer.bidder == bidder:
            continue
        if level and offer.worth != worth:
            yield Displaced(level, int(level * worth), is_reserve=False)
            level = 0
        taken = min(left, offer.units)
        level, worth, left = level + taken, offer.worth, left - taken
    if level:
        yield Displaced(level, int(level * worth), is_reserve=False)
    if left:
        yield Displaced(left, left * _reserve_of_unit(book, lot), is_reserve=True)
