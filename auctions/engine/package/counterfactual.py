r"""What a winner of packages displaced: the best choice without it, who would win more in it, and which group binds.

On lots where packages meet no list of offers, one under the other, makes a price. What does is a second choice, the
best that gives winner `i` nothing. With :math:`s_b` what bid `b` adds above the reserve in the winners' choice and
:math:`s'_b` in that one, `i` owes for the others' sake

.. math:: VCG_i = \text{reserve of what } i \text{ won} + \sum_{b \text{ of others}} (s'_b - s_b) .

Whatever `i` pays above that, it pays because of a group that could do better with the sellers: among the choices that
do without `i`, with every winner charged what it keeps at present, the one worth most.

Two local bidders and one who wants both lots: L1 would pay 40 for A, L2 60 for B, G 90 for both:

>>> from auctions.engine import book_from_document, clear
>>> def bid(name, sequence, value, *lots):
...     legs = [{"lots": [lot], "units": 1, "earliest": 0, "latest": 1, "hours": 1} for lot in lots]
...     return {"id": name, "bidder": name, "sequence": sequence, "options": [{"value": value, "legs": legs}]}
>>> lot = {"seller": "s", "units": 1, "start": 0, "end": 1, "reserve": 0}
>>> book = book_from_document({"format": 1, "rule": "core", "hours": 1, "lots": [lot | {"id": "A"}, lot | {"id": "B"}],
...     "bids": [bid("L1", 1, 40, "A"), bid("L2", 2, 60, "B"), bid("G", 3, 90, "A", "B")]})
>>> told = explain_packages(book, clear(book), int(book.bid_bidder[0]))
>>> [(str(book.bid_id[change.bid]), change.before, change.after) for change in told.changes]
[('L2', 60, 0), ('G', 0, 90)]
>>> told.reserve_cost, told.vcg, told.amount
(0, 30, 35)
>>> told.group.offer, told.group.paid, [str(book.bid_id[fill.bid]) for fill in told.group.fills]
(90, 90, ['G'])
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from auctions.engine.book import Book, Ints
from auctions.engine.clearing import Clearing
from auctions.engine.displaced import explain_amounts
from auctions.engine.package.block import Block, find_winners, find_without, ticks_by_owner
from auctions.engine.package.charged import Charged
from auctions.engine.package.core import join
from auctions.engine.package.highs import MAX_NODES
from auctions.engine.package.outcome import reserve_cost
from auctions.engine.package.parts import bids_on
from auctions.engine.package.price import solve_blocks
from auctions.engine.package.program import Award, Program, blocks, write_program

Bools = NDArray[np.bool_]


class NotExplained(ValueError):
    """The figures found do not add up to those of the clearing."""


@dataclass(frozen=True, slots=True)
class Fill:
    """What a bid (row) gets in a choice. worth: ticks above reserve cost; awards: (bid, leg, lot, start, units)"""

    bid: int
    worth: int
    awards: tuple[Award, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Another organization's bid (row) that would add otherwise without the winner. before, after: ticks above reserve

    now, then : what it gets with the winner there, and without it
    """

    bid: int
    before: int
    after: int
    now: tuple[Award, ...]
    then: tuple[Award, ...]


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


@dataclass(frozen=True, slots=True)
class PackageAmount:
    """What an organization pays where packages meet, and what that adds up from. Ticks.

    ``amount`` is ``vcg`` and what the group adds; ``vcg`` is ``reserve_cost`` and the sum of ``after - before`` over
    the changes. ``is_proven``: nothing is better than the choices compared. ``group`` is None where nothing is added.
    """

    bidder: int
    lots: tuple[int, ...]
    unit_hours: int
    reserve_cost: int
    vcg: int
    amount: int
    changes: tuple[Change, ...]
    group: BlockingGroup | None
    is_proven: bool


def explain_packages(
    book: Book,
    clearing: Clearing,
    bidder: int,
    *,
    executor: Executor | None = None,
    max_nodes: int = MAX_NODES,
) -> PackageAmount | None:
    """Explain what an organization (row) pays on the lots that `explain_amounts` does not tell of; None without any.

    Solves again what it needs of the book, so it costs searches, the same ones the clearing took. Raise `NotExplained`
    where what is found is not what the clearing says.
    """
    told = {
        one.lot: one.amount
        for one in explain_amounts(clearing)
        if one.bidder == bidder and sum(level.amount for level in one.displaced) == one.amount
    }
    lots = _lots_to_explain(book, clearing, bidder, list(told))
    if not lots.any():
        return None
    if executor is None:
        with ThreadPoolExecutor() as threads:
            return explain_packages(book, clearing, bidder, executor=threads, max_nodes=max_nodes)
    own = np.isin(clearing.award_lot, np.flatnonzero(lots))
    own &= book.bid_bidder[clearing.award_bid] == bidder
    solved = _blocks_of(book, clearing, lots, bidder, executor, max_nodes)
    changes, owed = _compare(solved, bidder)
    cost = _reserve_cost(book, clearing, own)
    amount = int(clearing.award_amount[own].sum())
    vcg = cost + owed
    _require_same(clearing, bidder, vcg, amount, sum(ticks for lot, ticks in told.items() if not lots[lot]))
    group = None
    if amount != vcg:
        group = _blocking_group(book, clearing, lots, bidder, executor, max_nodes)
    return PackageAmount(
        bidder=bidder,
        lots=tuple(np.unique(clearing.award_lot[own]).tolist()),
        unit_hours=int(
            (clearing.award_units * (clearing.award_end - clearing.award_start))[own].sum(),
        ),
        reserve_cost=cost,
        vcg=vcg,
        amount=amount,
        changes=changes,
        group=group,
        is_proven=all(block.best.is_proven and block.without[bidder].is_proven for block in solved),
    )


def _lots_to_explain(book: Book, clearing: Clearing, bidder: int, told: list[int]) -> Bools:
    """Lots that hang together with one where the bidder won and no list of displaced offers adds up. bool (L,)"""
    won = np.zeros(book.n_lots, dtype=bool)
    won[clearing.award_lot[book.bid_bidder[clearing.award_bid] == bidder]] = True
    won[told] = False
    return _hanging_together(book, won)


def _hanging_together(book: Book, lots: Bools) -> Bools:
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


def _blocks_of(
    book: Book, clearing: Clearing, lots: Bools, bidder: int, executor: Executor, max_nodes: int
) -> list[Block]:
    """The blocks on these lots in which the bidder wins, solved as the clearing solved them."""
    programs = _programs(book, lots)
    if clearing.status != "optimal":  # there a choice without one winner may have become the winners'
        solved = solve_blocks(book, programs, max_nodes, executor)
        return [block for block in solved if bidder in block.without]
    found = []
    for program in programs:
        if not (program.owner == bidder).any():
            continue
        search, best = find_winners(book, program, max_nodes)
        if bidder in ticks_by_owner(program, best.x):
            found.append(Block(search, best, {bidder: find_without(search, best, bidder)}))
    return found


def _programs(book: Book, lots: Bools) -> list[Program]:
    return blocks(write_program(book, np.flatnonzero(bids_on(book, lots))))


def _compare(solved: Sequence[Block], bidder: int) -> tuple[tuple[Change, ...], int]:
    """Bids of others that fare otherwise without the bidder, and what they gain by that on balance, ticks."""
    changes = []
    for block in solved:
        now = _fills(block.program, block.best.x)
        then = _fills(block.program, block.without[bidder].x)
        of_bidder = set(block.program.bid[block.program.owner == bidder].tolist())
        for bid in sorted((now.keys() | then.keys()) - of_bidder):
            before, after = now.get(bid, Fill(bid, 0, ())), then.get(bid, Fill(bid, 0, ()))
            if before != after:
                changes.append(Change(bid, before.worth, after.worth, before.awards, after.awards))
    changes.sort(key=lambda change: change.bid)
    return tuple(changes), sum(change.after - change.before for change in changes)


def _fills(program: Program, x: Ints) -> dict[int, Fill]:
    worth: dict[int, int] = {}
    for column in np.flatnonzero(x).tolist():
        bid = int(program.bid[column])
        worth[bid] = worth.get(bid, 0) + int(program.ticks[column]) * int(x[column])
    awards: dict[int, list[Award]] = {}
    for award in program.awards(x):
        awards.setdefault(award[0], []).append(award)
    return {bid: Fill(bid, ticks, tuple(awards.get(bid, ()))) for bid, ticks in worth.items()}


def _reserve_cost(book: Book, clearing: Clearing, rows: Bools) -> int:
    """Ticks of some awards at the reserve."""
    columns = (clearing.award_bid, clearing.award_leg, clearing.award_lot, clearing.award_start)
    awards = zip(*(column[rows].tolist() for column in (*columns, clearing.award_units)), strict=True)
    return sum(reserve_cost(book, award) for award in awards)


def _require_same(clearing: Clearing, bidder: int, vcg: int, amount: int, elsewhere: int) -> None:
    """Raise NotExplained unless the figures, with those of the lots told otherwise, are the clearing's."""
    payment, owed = clearing.payments_of(bidder)
    if vcg + elsewhere != owed or amount + elsewhere != payment:
        raise NotExplained(
            f"{vcg} of {amount} ticks and {elsewhere} elsewhere were explained; the clearing says "
            f"{owed} of {payment}"
        )


def _blocking_group(
    book: Book, clearing: Clearing, lots: Bools, bidder: int, executor: Executor, max_nodes: int
) -> BlockingGroup:
    """Find the group without the bidder that could offer the sellers most, beside what its members keep."""
    lots = _priced_together(book, clearing, lots)
    joined = join(_programs(book, lots))
    priced = np.flatnonzero(lots[clearing.award_lot])
    owner = book.bid_bidder[clearing.award_bid[priced]]
    winners = np.unique(owner).tolist()
    cost = {who: _reserve_cost(book, clearing, _rows(clearing, priced[owner == who])) for who in winners}
    paid = {who: int(clearing.award_amount[priced[owner == who]].sum()) - cost[who] for who in winners}
    worth = {who: int(clearing.award_value[priced[owner == who]].sum()) - cost[who] for who in winners}
    keeps = {who: worth[who] - paid[who] for who in winners}
    own = joined.owner == bidder
    too_much = int(np.abs(joined.ticks[own]) @ joined.upper[own]) + 1
    charges = [Fraction(too_much if who == bidder else keeps[who]) for who in winners]
    charged = Charged(joined, winners, [worth[who] for who in winners], max_nodes)
    x = charged.blocking(charges, []).x[: joined.n_columns]
    fills = _fills(joined, x)
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
        wider = _hanging_together(book, wider)
        if (wider == lots).all():
            return lots
        lots = wider
