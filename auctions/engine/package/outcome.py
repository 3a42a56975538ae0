"""Turn chosen columns and payments into awards: what each is worth, and which part of the payment it bears."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

from auctions.engine.book import Book
from auctions.engine.package.block import Block
from auctions.engine.package.price import Excess
from auctions.engine.package.program import Award

Row = tuple[int, int, int, int, int, int, int]
"""bid, leg, lot, start (hour), units, value (ticks), amount (ticks)"""


def awards_of_group(book: Book, blocks: Sequence[Block], share: dict[int, int]) -> list[Row]:
    """Awards of blocks priced together, each with its amount; `share` is what winners pay above VCG.

    The payment is split in order of value per unit-hour, as on the vectorised path; the order decides odd ticks.
    """
    awards = sorted(award for block in blocks for award in block.program.awards(block.best.x))
    cost = [reserve_cost(book, award) for award in awards]
    value = _values(book, blocks, awards, cost)
    due = dict(share)
    for block in blocks:
        for owner, ticks in block.vcg().items():
            due[owner] += ticks
    rows: list[Row] = []
    unit_hours = [units * int(book.leg_hours[leg]) for _, leg, _, _, units in awards]
    owned = _positions(int(book.bid_bidder[award[0]]) for award in awards)
    for owner, ticks in due.items():
        own = sorted(owned[owner], key=lambda row: (-Fraction(value[row], unit_hours[row]), awards[row]))
        payment = ticks + sum(cost[row] for row in own)
        amounts = split_payment(
            payment, [unit_hours[row] for row in own], [cost[row] for row in own], [value[row] for row in own]
        )
        rows += [(*awards[row], value[row], amount) for row, amount in zip(own, amounts, strict=True)]
    return rows


def reserve_cost(book: Book, award: Award) -> int:
    """Ticks of the award's units at the reserve of its hours."""
    _, leg, lot, start, units = award
    first = int(book.lot_hour_offset[lot]) + start - int(book.lot_start[lot])
    return units * int(book.lot_reserve[first : first + int(book.leg_hours[leg])].sum())


def split_payment(payment: int, weight: list[int], least: list[int], most: list[int]) -> list[int]:
    """Split by weight where that keeps every part within its limits, else by the room between them.

    Parts are differences of the running share, rounded down, so they add up.
    """
    parts = _running_shares(payment, weight)
    if all(low <= part <= high for low, part, high in zip(least, parts, most, strict=True)):
        return parts
    room = [high - low for low, high in zip(least, most, strict=True)]
    extra = _running_shares(payment - sum(least), room)
    return [low + more for low, more in zip(least, extra, strict=True)]


def _running_shares(total: int, weight: list[int]) -> list[int]:
    whole = sum(weight)
    if not whole:
        return [0] * len(weight)
    shares, until, given = [], 0, 0
    for each in weight:
        until += each
        shares.append(total * until // whole - given)
        given += shares[-1]
    return shares


def _values(book: Book, blocks: Sequence[Block], awards: list[Award], cost: list[int]) -> list[int]:
    """Ticks each award is worth. An option's legs share its value by unit-hours, but none gets less than it costs."""
    net: dict[int, int] = {}
    for block in blocks:
        program, x = block.program, block.best.x
        for column in np.flatnonzero(x).tolist():
            bid = int(program.bid[column])
            net[bid] = net.get(bid, 0) + int(program.ticks[column]) * int(x[column])
    value = [0] * len(awards)
    of_bid = _positions(award[0] for award in awards)
    for bid, ticks in net.items():
        own = of_bid[bid]
        own_cost = [cost[row] for row in own]
        worth = ticks + sum(own_cost)
        unit_hours = [awards[row][4] * int(book.leg_hours[awards[row][1]]) for row in own]
        parts = _running_shares(worth, unit_hours)
        if any(part < low for part, low in zip(parts, own_cost, strict=True)):
            extra = _running_shares(ticks, unit_hours)
            parts = [low + more for low, more in zip(own_cost, extra, strict=True)]
        for row, part in zip(own, parts, strict=True):
            value[row] = part
    return value


def _positions(keys: Iterable[int]) -> dict[int, list[int]]:
    """Positions of each key, ascending."""
    positions: dict[int, list[int]] = {}
    for at, key in enumerate(keys):
        positions.setdefault(key, []).append(at)
    return positions


def group_rows(
    book: Book, blocks: Sequence[Block], excess: list[Excess], shares: list[dict[int, int]]
) -> list[Row]:
    """Rows of all groups, by bid, then leg."""
    rows: list[Row] = []
    for group, share in zip(excess, shares, strict=True):
        rows += awards_of_group(book, [blocks[at] for at in group.blocks], share)
    return sorted(rows)
