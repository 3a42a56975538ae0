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

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Book
from auctions.engine.clearing import Clearing
from auctions.engine.displaced import explain_amounts
from auctions.engine.package.block import Block, find_winners, find_without, ticks_by_owner
from auctions.engine.package.blocking import (
    BlockingGroup,
    Fill,
    blocking_group,
    cost_of,
    fills_of,
    hanging_together,
    programs_on,
)
from auctions.engine.package.highs import MAX_NODES
from auctions.engine.package.parts import bids_on, lots_of_packages
from auctions.engine.package.program import Award
from auctions.engine.package.solving import solve_blocks

Bools = NDArray[np.bool_]


class NotExplained(ValueError):
    """The figures found do not add up to those of the clearing."""


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
    cost = cost_of(book, clearing, own)
    amount = int(clearing.award_amount[own].sum())
    vcg = cost + owed
    _require_same(clearing, bidder, vcg, amount, sum(ticks for lot, ticks in told.items() if not lots[lot]))
    group = None
    if amount != vcg:
        group = blocking_group(book, clearing, lots, bidder, max_nodes)
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
    return hanging_together(book, won)


def _blocks_of(
    book: Book, clearing: Clearing, lots: Bools, bidder: int, executor: Executor, max_nodes: int
) -> list[Block]:
    """The blocks on these lots in which the bidder wins, solved as the clearing solved them."""
    if clearing.status != "optimal":  # there what all blocks shared, and which choices they met, decides
        packages = lots_of_packages(book)
        solved = solve_blocks(book, programs_on(book, packages), max_nodes, executor)
        solved += solve_blocks(book, programs_on(book, lots & ~packages), max_nodes, executor)
        within = set(np.flatnonzero(bids_on(book, lots)).tolist())
        return [block for block in solved if bidder in block.without and int(block.program.bid[0]) in within]
    found = []
    for program in programs_on(book, lots):
        if not (program.owner == bidder).any():
            continue
        search, best = find_winners(book, program, max_nodes)
        if bidder in ticks_by_owner(program, best.x):
            found.append(Block(search, best, {bidder: find_without(search, best, bidder)}))
    return found


def _compare(solved: Sequence[Block], bidder: int) -> tuple[tuple[Change, ...], int]:
    """Bids of others that fare otherwise without the bidder, and what they gain by that on balance, ticks."""
    changes = []
    for block in solved:
        now = fills_of(block.program, block.best.x)
        then = fills_of(block.program, block.without[bidder].x)
        of_bidder = set(block.program.bid[block.program.owner == bidder].tolist())
        for bid in sorted((now.keys() | then.keys()) - of_bidder):
            before, after = now.get(bid, Fill(bid, 0, ())), then.get(bid, Fill(bid, 0, ()))
            if before != after:
                changes.append(Change(bid, before.worth, after.worth, before.awards, after.awards))
    changes.sort(key=lambda change: change.bid)
    return tuple(changes), sum(change.after - change.before for change in changes)


def _require_same(clearing: Clearing, bidder: int, vcg: int, amount: int, elsewhere: int) -> None:
    """Raise NotExplained unless the figures, with those of the lots told otherwise, are the clearing's."""
    payment, owed = clearing.payments_of(bidder)
    if vcg + elsewhere != owed or amount + elsewhere != payment:
        raise NotExplained(
            f"{vcg} of {amount} ticks and {elsewhere} elsewhere were explained; the clearing says "
            f"{owed} of {payment}"
        )
