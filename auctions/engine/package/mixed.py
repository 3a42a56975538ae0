"""Clear a book that needs packages: the vectorised path for the lots that allow it, the package path for the rest."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import numpy as np

from auctions.engine.book import Book, Ints
from auctions.engine.clearing import NO_PRICE, Clearing
from auctions.engine.lotbids import lot_bids
from auctions.engine.lotclearing import to_clearing
from auctions.engine.package.block import Block
from auctions.engine.package.groups import Standing
from auctions.engine.package.highs import MAX_NODES
from auctions.engine.package.limits import check_size
from auctions.engine.package.losers import reasons, unit_hour_prices
from auctions.engine.package.outcome import Row, group_rows
from auctions.engine.package.parts import Part, bids_on, lots_of_packages, part_of
from auctions.engine.package.price import Excess, core_excess, round_excess, vcg_excess
from auctions.engine.package.program import blocks, write_program
from auctions.engine.package.solving import solve_blocks
from auctions.engine.vectorised import clear_lots


def clear_mixed(book: Book, executor: Executor, *, packages_only: bool = False) -> Clearing:
    """Clear every lot down its path; lots that must be priced together with packages go with them."""
    lots = np.ones(book.n_lots, dtype=bool) if packages_only else lots_of_packages(book)
    solved: list[Block] = []
    met = np.zeros(0, dtype=np.int64)
    new = lots
    while True:
        check_size(book, np.flatnonzero(bids_on(book, lots)))
        program = write_program(book, np.flatnonzero(bids_on(book, new)))
        met = np.union1d(met, program.bid)
        solved += solve_blocks(book, blocks(program), MAX_NODES, executor)
        part = part_of(book, ~lots)
        divisible = _clear_part(part)
        excess, needed = _price(book, solved, part, divisible, executor)
        if not len(needed):
            return _merge(book, part, divisible, solved, excess, met)
        new = np.zeros_like(lots)
        new[part.lots[needed]] = True
        lots = lots | new


def _clear_part(part: Part) -> Clearing:
    bids = lot_bids(part.book)
    return to_clearing(part.book, bids, clear_lots(bids))


def _price(
    book: Book, solved: list[Block], part: Part, divisible: Clearing, executor: Executor
) -> tuple[list[Excess], Ints]:
    """Payments above VCG, or the part's lots without which they cannot be told."""
    if book.rule == "vcg":
        return vcg_excess(solved), np.zeros(0, dtype=np.int64)
    lots = np.unique(divisible.award_lot)

    def standings() -> list[Standing]:
        bidders = _by_lot(lots, part.book.leg_lot, part.book.bid_bidder)
        winners = _by_lot(lots, divisible.award_lot, part.book.bid_bidder[divisible.award_bid])
        return [Standing(won, bid, True) for won, bid in zip(winners, bidders, strict=True)]

    excess, needed = core_excess(solved, standings, MAX_NODES, executor)
    return excess, lots[needed]


def _by_lot(lots: Ints, lot: Ints, organization: Ints) -> list[frozenset[int]]:
    """Organizations on each of the lots (ascending)."""
    order = np.argsort(lot, kind="stable")
    first, end = (np.searchsorted(lot[order], lots, side=side) for side in ("left", "right"))
    rows = organization[order].tolist()
    return [frozenset(rows[a:b]) for a, b in zip(first.tolist(), end.tolist(), strict=True)]


def _merge(
    book: Book,
    part: Part,
    divisible: Clearing,
    solved: list[Block],
    excess: list[Excess],
    met: Ints,
) -> Clearing:
    """Put both paths' awards, payments, prices and losers into one clearing of the whole book."""
    rows = group_rows(book, solved, excess, round_excess(excess))
    columns = np.array(rows, dtype=np.int64).reshape(-1, 7).T
    bid, leg, lot, start, units, value, amount = columns
    option_of_leg = np.repeat(np.arange(len(book.option_limit)), np.diff(book.leg_offset))
    ours = {
        "bid": np.append(bid, part.bids[divisible.award_bid]),
        "option": np.append(option_of_leg[leg], part.options[divisible.award_option]),
        "leg": np.append(leg, part.legs[divisible.award_leg]),
        "lot": np.append(lot, part.lots[divisible.award_lot]),
        "units": np.append(units, divisible.award_units),
        "start": np.append(start, divisible.award_start),
        "end": np.append(start + book.leg_hours[leg], divisible.award_end),
        "value": np.append(value, divisible.award_value),
        "amount": np.append(amount, divisible.award_amount),
    }
    order = np.lexsort((ours["leg"], ours["bid"]))
    awards = {f"award_{name}": column[order] for name, column in ours.items()}
    payment = _by_bidder(book, ours["bid"], ours["amount"])
    above = round_excess(excess)
    vcg = dict(payment)
    for share in above:
        for owner, ticks in share.items():
            vcg[owner] -= ticks
    is_proven = all(block.is_proven for block in solved) and all(each.is_proven for each in excess)
    surplus = sum(block.best.value for block in solved) + divisible.surplus
    return Clearing(
        book=book,
        status="optimal" if is_proven else "bounded",
        gap=None if is_proven else _gap(solved, divisible.surplus),
        surplus=surplus,
        revenue=sum(payment.values()),
        **awards,
        payment_bidder=np.array(list(payment), dtype=np.int64),
        payment=np.array(list(payment.values()), dtype=np.int64),
        vcg=np.array([vcg[owner] for owner in payment], dtype=np.int64),
        **_prices(book, part, divisible, met, rows),
        **_losers(book, part, divisible, met, bid),
    )


def _by_bidder(book: Book, bid: Ints, amount: Ints) -> dict[int, int]:
    """Sum of amounts of each winning organization, ascending by row."""
    payment: dict[int, int] = {}
    for owner, ticks in zip(book.bid_bidder[bid].tolist(), amount.tolist(), strict=True):
        payment[owner] = payment.get(owner, 0) + ticks
    return {owner: payment[owner] for owner in sorted(payment)}


def _gap(solved: list[Block], elsewhere: int) -> float:
    """Proven relative distance of the surplus to the best."""
    bound = sum(block.best.bound for block in solved) + elsewhere
    return sum(block.best.bound - block.best.value for block in solved) / max(bound, 1)


def _prices(book: Book, part: Part, divisible: Clearing, met: Ints, rows: list[Row]) -> dict[str, Any]:
    paid, marginal, sold = unit_hour_prices(book, met, rows)
    for column, theirs in (
        (paid, divisible.price_paid),
        (marginal, divisible.price_marginal),
        (sold, divisible.price_sold),
    ):
        column[part.hours] = theirs
    return {"price_paid": paid, "price_marginal": marginal, "price_sold": sold}


def _losers(book: Book, part: Part, divisible: Clearing, met: Ints, winners: Ints) -> dict[str, Any]:
    """Losers of both paths; what a bid of packages would have had to offer costs a search and is told on demand."""
    lost = np.ones(book.n_bids, dtype=bool)
    lost[winners] = False
    lost[part.bids] = False
    ours = np.flatnonzero(lost)
    bid = np.append(ours, part.bids[divisible.loser_bid])
    order = np.argsort(bid)
    return {
        "loser_bid": bid[order],
        "loser_reason": np.append(reasons(book, met, ours), divisible.loser_reason)[order],
        "loser_minimum": np.append(np.full(len(ours), NO_PRICE), divisible.loser_minimum)[order],
    }
