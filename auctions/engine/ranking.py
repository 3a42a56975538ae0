"""Rank the bids of every lot, best first: one number per bid, sorted by value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auctions.engine.lotbids import LotBids
from auctions.engine.ranges import Ints
from auctions.engine.runs import RUN_BIDS, runs_of

KeyColumn = NDArray[np.uint64]

KEY_BITS = 64
"""Bits of a key."""

LEAST_TAG_BITS, MOST_TAG_BITS = 4, 20
"""Bits of a bidder's row in a key: fewer are not worth carrying, and more tell no more bidders apart."""


@dataclass(frozen=True, eq=False, slots=True)
class Keys:
    """What the bits of a bid's key say, high to low: level, bid row, and where there is room, tag and steps less one.

    A level is a lot and how far the rate is below `top_rate`; or only a number, where these do not fit. The tag is the
    bidder's row, or its low bits. All that a key says need not be read, at random, from the bid's row.
    """

    bids: LotBids
    top_rate: int
    holds_rate: bool
    bid_bits: int
    tag_bits: int
    steps_bits: int
    holds_steps: bool

    @property
    def bid_shift(self) -> int:
        return self.tag_bits + self.steps_bits if self.holds_steps else 0

    @property
    def level_shift(self) -> int:
        return self.bid_bits + self.bid_shift

    @property
    def lot_shift(self) -> int:
        return self.level_shift + self.top_rate.bit_length()

    @property
    def tells_bidders(self) -> bool:
        return self.holds_steps and self.bids.n_organizations <= 1 << self.tag_bits

    def bid(self, key: KeyColumn) -> Ints:
        return _bits(key, self.bid_shift, self.bid_bits)

    def lot(self, key: KeyColumn) -> Ints:
        return (key >> self.lot_shift).view(np.int64) if self.holds_rate else self.bids.lot[self.bid(key)]

    def rate(self, key: KeyColumn) -> Ints:
        if not self.holds_rate:
            return self.bids.rate[self.bid(key)]
        below_top = _bits(key, self.level_shift, self.top_rate.bit_length())
        return np.subtract(self.top_rate, below_top, out=below_top)

    def bidder(self, key: KeyColumn) -> Ints:
        return self.tag(key) if self.tells_bidders else self.bids.bidder[self.bid(key)]

    def tag(self, key: KeyColumn) -> Ints:
        if self.holds_steps:
            return _bits(key, self.steps_bits, self.tag_bits)
        return self.bids.bidder[self.bid(key)] & (1 << self.tag_bits) - 1

    def steps(self, key: KeyColumn) -> Ints:
        if not self.holds_steps:
            return self.bids.steps[self.bid(key)].astype(np.int64)
        steps = _bits(key, 0, self.steps_bits)
        steps += 1
        return steps


def _bits(key: KeyColumn, shift: int, bits: int) -> Ints:
    numbers = np.right_shift(key, shift).view(np.int64)
    numbers &= (1 << bits) - 1
    return numbers


@dataclass(frozen=True, eq=False, slots=True)
class Ranking:
    """The n bids that meet their reserve, best first within each lot; position p is a place in this order.

    keys : what a key says
    key : uint64 (n,) ascending
    first : int64 (L + 1,) position of each lot's best bid
    ahead : int64 (n + 1,) steps of all earlier positions
    """

    bids: LotBids
    keys: Keys
    key: KeyColumn
    first: Ints
    ahead: Ints

    @property
    def end(self) -> Ints:
        return self.first[1:]

    def bid(self, position: Ints) -> Ints:
        return self.keys.bid(self.key[position])

    def rate(self, position: Ints) -> Ints:
        return self.keys.rate(self.key[position])

    def steps(self, position: Ints) -> Ints:
        return self.ahead[position + 1] - self.ahead[position]

    def level_around(self, position: Ints) -> tuple[Ints, Ints]:
        """First position of each one's level, and the one past its last. Few levels hold more than one bid."""
        shift, last = self.keys.level_shift, len(self.key) - 1
        level = self.key[position] >> shift
        first, end = position.copy(), position + 1
        tied = np.flatnonzero(self.key[np.maximum(position - 1, 0)] >> shift == level)
        first[tied] = np.searchsorted(self.key, level[tied] << shift)
        tied = np.flatnonzero(self.key[np.minimum(position + 1, last)] >> shift == level)
        end[tied] = np.searchsorted(self.key, level[tied] + 1 << shift)
        return first, end


def rank(bids: LotBids) -> Ranking:
    top_rate = int(bids.rate.max(initial=0))
    bid_bits, steps_bits = len(bids.lot).bit_length(), (int(bids.steps.max(initial=1)) - 1).bit_length()
    tag_bits = min((bids.n_organizations - 1).bit_length(), MOST_TAG_BITS)
    free = KEY_BITS - len(bids.lot_steps).bit_length() - top_rate.bit_length() - bid_bits
    holds_steps = free - steps_bits >= min(tag_bits, LEAST_TAG_BITS)
    if holds_steps:
        tag_bits = min(tag_bits, free - steps_bits)
    keys = Keys(bids, top_rate, free >= 0, bid_bits, tag_bits, steps_bits, holds_steps)
    least_rate = np.where(bids.lot_steps > 0, bids.lot_reserve_rate, top_rate + 1)
    key, first = _pack(keys, least_rate) if keys.holds_rate else _number_levels(keys, least_rate)
    return Ranking(bids, keys, key, first, _steps_ahead(keys, key))


def _pack(keys: Keys, least_rate: Ints) -> tuple[KeyColumn, Ints]:
    """Sorted keys of the bids that take part, and where each lot begins among them."""
    bids, n_bids = keys.bids, len(keys.bids.lot)
    rate_bits, tag_mask = keys.top_rate.bit_length(), (1 << keys.tag_bits) - 1
    key = np.empty(n_bids, dtype=np.uint64)
    row = np.arange(min(n_bids, RUN_BIDS)) << keys.bid_shift
    row += (keys.top_rate << keys.level_shift) - keys.holds_steps
    for run in runs_of(n_bids):
        lot, rate = bids.lot[run], bids.rate[run]
        packed = np.left_shift(lot, rate_bits, out=key[run].view(np.int64))
        packed -= rate
        packed <<= keys.level_shift
        packed += row[: len(lot)]
        row += RUN_BIDS << keys.bid_shift
        if keys.holds_steps:
            low = bids.bidder[run] & tag_mask
            low <<= keys.steps_bits
            low += bids.steps[run]
            packed += low
        takes_part = np.take(least_rate, lot) <= rate
        takes_part &= bids.fits[run]
        packed |= takes_part - np.int64(1)  # all ones, and so after all others, where it does not take part
    key.sort()
    first = np.searchsorted(key, np.arange(len(least_rate) + 1, dtype=np.uint64) << keys.lot_shift)
    return key[: first[-1]], first


def _number_levels(keys: Keys, least_rate: Ints) -> tuple[KeyColumn, Ints]:
    """The same where lot and rate do not fit into a key: levels are numbered. Slower, and rare."""
    bids = keys.bids
    bid = np.flatnonzero(bids.fits & (bids.rate >= least_rate[bids.lot]))
    bid = bid[np.lexsort((bid, -bids.rate[bid], bids.lot[bid]))]
    lot, rate = bids.lot[bid], bids.rate[bid]
    level = np.cumsum((np.diff(lot, prepend=0) != 0) | (np.diff(rate, prepend=0) != 0))
    key = (level << keys.level_shift | bid).view(np.uint64)
    return key, np.searchsorted(lot, np.arange(len(least_rate) + 1))


def _steps_ahead(keys: Keys, key: KeyColumn) -> Ints:
    ahead = np.empty(len(key) + 1, dtype=np.int64)
    ahead[0] = 0
    for run in runs_of(len(key)):
        steps = keys.steps(key[run])
        steps[0] += ahead[run.start]
        np.cumsum(steps, out=ahead[run.start + 1 : run.stop + 1])
    return ahead
