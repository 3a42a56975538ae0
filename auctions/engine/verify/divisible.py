"""Lots of divisible bids only, checked against the rule itself: greedy by value, rejected rivals set the price.

For a lot on which every bid takes any number of unit steps over the whole period, the winners are the highest steps
down to the reserve; a bidder that wins Q steps pays what the others would have got out of them, which is the Q highest
rejected steps that are not its own, or the reserve. Steps are substitutes, so these VCG payments are in the core, and
are its bidder-optimal point: no coalition needs to be searched for.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from auctions.engine.verify.claims import Award, Loser
from auctions.engine.verify.findings import Report
from auctions.engine.verify.sheets import Bid, Id, Lot

Number = int | Fraction
LARGEST_LIMIT = 2**53
"""Ticks; a minimum above it is told as none."""


class Step(NamedTuple):
    """A bid as seen from its lot, in the order of filling. `rate`: ticks per unit step over the lot's hours."""

    rate: Number
    rank: int
    bid: Bid
    steps: int


def is_divisible(bid: Bid, lots: dict[Id, Lot]) -> bool:
    """Whether the bid takes any number of steps of one lot, each worth the same whole number of ticks."""
    if len(bid.options) > 1 or len(bid.options[0].legs) > 1 or len(bid.options[0].legs[0].lots) > 1:
        return False
    option, (leg,) = bid.options[0], bid.options[0].legs
    lot = lots.get(leg.lots[0])
    if lot is None:
        return False
    whole = option.priced or option.limit * lot.step % leg.units == 0
    return whole and leg.hours == lot.hours and leg.least <= lot.step


def rate_at(bid: Bid, lot: Lot, limit: int) -> Number:
    """Ticks one step would be worth to the bid if this were its limit."""
    option = bid.options[0]
    if option.priced:
        return limit * lot.step * lot.hours
    share = Fraction(limit * lot.step, option.legs[0].units)
    return share.numerator if share.denominator == 1 else share


class DivisibleLot:
    """One lot and the divisible bids that could win on it, in the order of ties."""

    def __init__(self, lot: Lot, ranked_bids: list[tuple[int, Bid]]) -> None:
        self.lot = lot
        self.steps = min(lot.capacity) // lot.step
        self.reserve = lot.cost(lot.start, lot.end) * lot.step
        rows = [
            Step(rate_at(bid, lot, bid.options[0].limit), rank, bid, bid.options[0].legs[0].units // lot.step)
            for rank, bid in ranked_bids
        ]
        self.order = sorted(rows, key=lambda row: (-row.rate, row.rank))
        self.won = self._fill(self.order)
        self._keys = [(-row.rate, row.rank) for row in self.order]
        self._ahead = [0]
        for row in self.order:
            self._ahead.append(self._ahead[-1] + row.steps)

    def takes(self, bid: Bid) -> bool:
        return is_divisible(bid, {self.lot.id: self.lot})

    def _fill(self, order: list[Step]) -> dict[Id, int]:
        """Steps of each bid. Equal bids at the margin: one step each, the earliest first, then the rest likewise."""
        left, won, at = self.steps, {}, 0
        while at < len(order) and left:
            end = at
            while end < len(order) and order[end].rate == order[at].rate:
                end += 1
            level = order[at:end]
            if sum(row.steps for row in level) <= left:
                won.update({row.bid.id: row.steps for row in level})
                left -= sum(row.steps for row in level)
            else:
                level = level[:left]
                left -= len(level)
                for row in level:
                    more = min(row.steps - 1, left)
                    won[row.bid.id] = 1 + more
                    left -= more
            at = end
        return won

    def surplus(self, without: frozenset[Id] = frozenset()) -> Number:
        """Best surplus without some bidders, ticks."""
        order = [row for row in self.order if row.bid.bidder not in without]
        won = self._fill(order)
        return sum((row.rate - self.reserve) * won.get(row.bid.id, 0) for row in order)

    @cached_property
    def vcg(self) -> dict[Id, Number]:
        """What each winner's presence costs the others, by bidder."""
        rejected = [
            (row.rate, row.steps - self.won.get(row.bid.id, 0), row.bid.bidder)
            for row in self.order
            if row.steps > self.won.get(row.bid.id, 0)
        ]
        total: dict[Id, int] = defaultdict(int)
        for row in self.order:
            if row.bid.id in self.won:
                total[row.bid.bidder] += self.won[row.bid.id]
        return {bidder: self._displaced(bidder, steps, rejected) for bidder, steps in total.items()}

    def _displaced(self, bidder: Id, steps: int, rejected: list[tuple[Number, int, Id]]) -> Number:
        value: Number = 0
        for rate, n, rival in rejected:
            if not steps:
                break
            if rival != bidder:
                taken = min(n, steps)
                value += taken * rate
                steps -= taken
        return value + steps * self.reserve

    def marginal(self) -> Number:
        """Highest rejected value of a step, else the reserve, ticks."""
        return next((row.rate for row in self.order if row.steps > self.won.get(row.bid.id, 0)), self.reserve)

    def would_win(self, rank: int, bid: Bid, limit: int) -> bool:
        """Whether a bid that lost would get a step at this limit, all else equal."""
        rate = rate_at(bid, self.lot, limit)
        if rate < self.reserve:
            return False
        level = bisect.bisect_left(self._keys, (-rate, -1))
        left = self.steps - self._ahead[level]
        earlier = bisect.bisect_left(self._keys, (-rate, rank)) - level
        own = rate_at(bid, self.lot, bid.options[0].limit)
        if own > rate:
            left += min(bid.options[0].legs[0].units // self.lot.step, self._ahead[level])
        return left > earlier


def check_divisible_lot(market: DivisibleLot, awards: list[Award], report: Report) -> None:
    """Compare what each bid won with what the rule gives it."""
    lot, won = market.lot, market.won
    claimed = {award.bid: award for award in awards}
    for row in market.order:
        units = won.get(row.bid.id, 0) * lot.step
        seen = claimed[row.bid.id].units if row.bid.id in claimed else 0
        if seen != units:
            report.find(
                "awards", f"bid {row.bid.id!r} wins {seen} units of lot {lot.id!r}; the rule gives {units}"
            )


def check_divisible_payments(market: DivisibleLot, awards: list[Award], report: Report) -> None:
    """Compare what each bidder pays for the lot, and its split over the bidder's awards there, with the rule."""
    due = market.vcg
    bidder_of = {row.bid.id: row.bid.bidder for row in market.order}
    paid: dict[Id, int] = defaultdict(int)
    units_of: dict[Id, int] = defaultdict(int)
    for award in awards:
        paid[bidder_of[award.bid]] += award.amount
        units_of[bidder_of[award.bid]] += award.units
    for bidder, amount in paid.items():
        if amount != due[bidder]:
            report.find(
                "awards",
                f"bidder {bidder!r} pays {amount} on lot {market.lot.id!r}; the rule says {due[bidder]}",
            )
    for award in awards:
        bidder = bidder_of[award.bid]
        if abs(award.amount * units_of[bidder] - paid[bidder] * award.units) >= units_of[bidder]:
            report.find("awards", f"the amount of bid {award.bid!r} is not its share of what its bidder pays")


def check_divisible_loser(
    market: DivisibleLot, rank: int, bid: Bid, loser: Loser, path: str, report: Report
) -> None:
    """Check that the stated minimum would win and that one tick less would not."""
    below = rate_at(bid, market.lot, bid.options[0].limit) < market.reserve
    reason = "below_reserve" if below else "outbid"
    if loser.reason != reason:
        report.find(f"{path}.reason", f"is {loser.reason}; the bid lost because {reason}")
    if loser.minimum is None:
        if market.would_win(rank, bid, LARGEST_LIMIT):
            report.find(f"{path}.minimum_to_win", "is missing")
    elif not market.would_win(rank, bid, loser.minimum):
        report.find(f"{path}.minimum_to_win", f"a limit of {loser.minimum} would not win either")
    elif loser.minimum and market.would_win(rank, bid, loser.minimum - 1):
        report.find(f"{path}.minimum_to_win", f"a limit of {loser.minimum - 1} would win as well")
