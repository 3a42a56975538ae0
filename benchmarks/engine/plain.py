"""The same rule in plain Python: sorted lists and loops, one lot at a time. The yardstick for the numpy pass."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple


class Bid(NamedTuple):
    row: int
    bidder: int
    price: int
    steps: int


class Lot(NamedTuple):
    seller: int
    steps: int
    reserve: int
    """ticks per unit-hour"""
    step_hours: int
    """unit-hours in one step"""


class LotOutcome(NamedTuple):
    awards: list[tuple[int, int, int]]
    """(bid row, steps, amount in ticks)"""
    sold: int
    marginal: int
    """ticks per unit-hour"""


def clear_plainly(lots: list[Lot], bids_of_lot: list[list[Bid]]) -> list[LotOutcome]:
    return [clear_lot(lot, bids) for lot, bids in zip(lots, bids_of_lot, strict=True)]


def clear_lot(lot: Lot, bids: list[Bid]) -> LotOutcome:
    ranked = sorted(
        (bid for bid in bids if bid.price >= lot.reserve and bid.bidder != lot.seller),
        key=lambda bid: (-bid.price, bid.row),
    )
    won = fill(lot.steps, ranked)
    rejected = [
        (bid.bidder, bid.price, bid.steps - got)
        for bid, got in zip(ranked, won, strict=True)
        if got < bid.steps
    ]
    winnings: dict[int, int] = defaultdict(int)
    for bid, got in zip(ranked, won, strict=True):
        if got:
            winnings[bid.bidder] += got
    payment = {bidder: pay(bidder, total, rejected, lot.reserve) for bidder, total in winnings.items()}
    awards, shared = [], dict.fromkeys(winnings, 0)
    for bid, got in zip(ranked, won, strict=True):
        if got:
            due, total = payment[bid.bidder] * lot.step_hours, winnings[bid.bidder]
            before = shared[bid.bidder]
            shared[bid.bidder] = before + got
            awards.append((bid.row, got, due * (before + got) // total - due * before // total))
    return LotOutcome(awards, sum(won), rejected[0][1] if rejected else lot.reserve)


def fill(left: int, ranked: list[Bid]) -> list[int]:
    """Steps each bid wins: best first; equal bids at the margin one step each, then the rest, earliest first."""
    won = [0] * len(ranked)
    start = 0
    while start < len(ranked) and left:
        end = start
        while end < len(ranked) and ranked[end].price == ranked[start].price:
            end += 1
        level = range(start, end)
        if sum(ranked[place].steps for place in level) <= left:
            for place in level:
                won[place] = ranked[place].steps
                left -= won[place]
        else:
            for place in level[:left]:
                won[place] = 1
            left -= len(level[:left])
            for place in level:
                more = min(left, ranked[place].steps - 1)
                won[place] += more
                left -= more
        start = end
    return won


def pay(bidder: int, total: int, rejected: list[tuple[int, int, int]], reserve: int) -> int:
    """The `total` highest rejected prices of others, topped up at the reserve."""
    due = 0
    for other, price, steps in rejected:
        if total == 0:
            break
        if other != bidder:
            taken = min(total, steps)
            due += price * taken
            total -= taken
    return due + total * reserve
