"""The group that binds what winners pay: it could do better with the sellers, were one of them to pay less."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from auctions.engine.book import Book, Ints
from auctions.engine.clearing import Clearing
from auctions.engine.package.block import ticks_by_owner
from auctions.engine.package.charged import Charged
from auctions.engine.package.core import join
from auctions.engine.package.outcome import reserve_cost
from auctions.engine.package.parts import bids_on
from auctions.engine.package.program import Award, Program, blocks, write_program

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Fill:
    """What a bid (row) gets in a choice. worth: ticks above reserve cost; awards: (bid, leg, lot, start, units)"""

    bid: int
    worth: int
    awards: tuple[Award, ...]


@dataclass(frozen=True, slots=True)
class BlockingGroup:
    """Bidders that could do better with the sellers, were the winner to pay less. Ticks above reserve cost.

    fills : what the group would take
    keeps : what those of the group that win keep at present, value less payment
    offer : what the group could pay the sellers together and keep as much: worth of the fills less keeps
    paid : what the winners priced together, `n_winners` of them, pay now: the offer, but for rounding, or more
    """

    fills: tuple[Fill, ...]
    keeps: int
    offer: int
    paid: int
    n_winners: int

    @property
    def binds(self) -> bool:
        """Whether less could not be paid: payments are whole ticks, each less than one off the exact one."""
        return abs(self.paid - self.offer) < self.n_winners


def blocking_group(book: Book, clearing: Clearing, lots: Bools, bidder: int, max_nodes: int) -> BlockingGroup:
    """Find the group without the bidder that could offer the sellers most, beside what its members keep."""
    lots = _priced_together(book, clearing, lots)
    joined = join(programs_on(book, lots))
    priced = np.flatnonzero(lots[clearing.award_lot])
    owner = book.bid_bidder[clearing.award_bid[priced]]
    winners = np.unique(owner).tolist()
    cost = {who: cost_of(book, clearing, _rows(clearing, priced[owner == who])) for who in winners}
    paid = {who: int(clearing.award_amount[priced[owner == who]].sum()) - cost[who] for who in winners}
    worth = {who: int(clearing.award_value[priced[owner == who]].sum()) - cost[who] for who in winners}
    keeps = {who: worth[who] - paid[who] for who in winners}
    own = joined.owner == bidder
    too_much = int(np.abs(joined.ticks[own]) @ joined.upper[own]) + 1
    charges = [Fraction(too_much if who == bidder else keeps[who]) for who in winners]
    charged = Charged(joined, winners, [worth[who] for who in winners], max_nodes)
    x = charged.blocking(charges, []).x[: joined.n_columns]
    fills = fills_of(joined, x)
    inside = set(ticks_by_owner(joined, x)) & set(winners)
    kept = sum(keeps[who] for who in inside)
    return BlockingGroup(
        fills=tuple(fills[bid] for bid in sorted(fills)),
        keeps=kept,
        offer=sum(fill.worth for fill in fills.values()) - kept,
        paid=sum(paid.values()),
        n_winners=len(winners),
    )


def _rows(clearing: Clearing, rows: Ints) -> Bools:
    chosen = np.zeros(len(clearing.award_bid), dtype=bool)
    chosen[rows] = True
    return chosen


def _priced_together(book: Book, clearing: Clearing, lots: Bools) -> Bools:
    """Add, as long as there are such, the lots on which a winner of these lots wins as well."""
    bidder = book.bid_bidder[clearing.award_bid]
    while True:
        winners = bidder[lots[clearing.award_lot]]
        wider = lots.copy()
        wider[clearing.award_lot[np.isin(bidder, winners)]] = True
        wider = hanging_together(book, wider)
        if (wider == lots).all():
            return lots
        lots = wider


def fills_of(program: Program, x: Ints) -> dict[int, Fill]:
    worth: dict[int, int] = {}
    for column in np.flatnonzero(x).tolist():
        bid = int(program.bid[column])
        worth[bid] = worth.get(bid, 0) + int(program.ticks[column]) * int(x[column])
    awards: dict[int, list[Award]] = {}
    for award in program.awards(x):
        awards.setdefault(award[0], []).append(award)
    return {bid: Fill(bid, ticks, tuple(awards.get(bid, ()))) for bid, ticks in worth.items()}


def hanging_together(book: Book, lots: Bools) -> Bools:
    """Add the lots that bids connect with the given ones. bool (L,)"""
    label = _lot_labels(book)
    return np.isin(label, label[lots])


def _lot_labels(book: Book) -> Ints:
    bid_of_option = np.repeat(np.arange(book.n_bids), np.diff(book.option_offset))
    bid_of_leg = np.repeat(bid_of_option, np.diff(book.leg_offset))
    bid = np.repeat(bid_of_leg, np.diff(book.leg_lot_offset))
    size = book.n_bids + book.n_lots
    graph = coo_array(
        (np.ones(len(bid), dtype=np.int8), (bid, book.n_bids + book.leg_lot)), shape=(size, size)
    )
    _, label = connected_components(graph, directed=False)
    return np.asarray(label[book.n_bids :], dtype=np.int64)


def programs_on(book: Book, lots: Bools) -> list[Program]:
    return blocks(write_program(book, np.flatnonzero(bids_on(book, lots))))


def cost_of(book: Book, clearing: Clearing, rows: Bools) -> int:
    """Ticks of some awards at the reserve."""
    columns = (clearing.award_bid, clearing.award_leg, clearing.award_lot, clearing.award_start)
    awards = zip(*(column[rows].tolist() for column in (*columns, clearing.award_units)), strict=True)
    return sum(reserve_cost(book, award) for award in awards)
