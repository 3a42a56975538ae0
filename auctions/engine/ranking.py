"""Rank the bids of every lot, best first: one number per bid, sorted by value."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from auctions.engine.halves import side_by_side
from auctions.engine.lotbids import LotBids
from auctions.engine.ranges import Ints
from auctions.engine.runs import RUN_BIDS, halves_of, runs_of

KeyColumn = NDArray[np.uint64]

KEY_BITS = 64
"""Bits of a key."""

LEAST_TAG_BITS, MOST_TAG_BITS = 4, 20
"""Bits of a bidder's row in a key: fewer are not worth carrying, and more tell no more bidders apart."""

SAMPLE_BIDS = 1_000
"""Bids looked at to find the lot that parts the book in two."""


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
    """The n bids on some lots that meet their reserve, best first within each lot; position p is a place in this order.

    The lots are neighbours in the book: they are rows `first_lot` on, and `bids` has their columns alone.

    keys : what a key says, of the whole book
    key : uint64 (n,) ascending
    first : int64 (L + 1,) position of each lot's best bid
    ahead : int64 (n + 1,) steps of all earlier positions
    """

    bids: LotBids
    first_lot: int
    keys: Keys
    key: KeyColumn
    first: Ints
    ahead: Ints

    @property
    def end(self) -> Ints:
        return self.first[1:]

    def bid(self, position: Ints) -> Ints:
        return self.keys.bid(self.key[position])

    def lot(self, key: KeyColumn) -> Ints:
        """Rows among the lots ranked here."""
        lot = self.keys.lot(key)
        return lot - self.first_lot if self.first_lot else lot

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


@dataclass(frozen=True, eq=False, slots=True)
class Unranked:
    """The bids on a range of lots, in no order; `key` also holds, as the greatest number, those that take no part."""

    keys: Keys
    lots: slice
    key: KeyColumn
    least_rate: Ints

    @property
    def n_bids(self) -> int:
        return len(self.key)

    def rank(self) -> Ranking:
        """Rank them. Works in place, so once only."""
        keys, lots = self.keys, self.lots
        if keys.holds_rate:
            self.key.sort()
            bounds = np.arange(lots.start, lots.stop + 1, dtype=np.uint64) << keys.lot_shift
            first = np.searchsorted(self.key, bounds)
            key = self.key[: first[-1]]
        else:
            key, first = _number_levels(keys, self.least_rate)
        return Ranking(keys.bids.on_lots(lots), lots.start, keys, key, first, _steps_ahead(keys, key))


def unranked(bids: LotBids, threads: Executor | None = None) -> list[Unranked]:
    """The bids of all lots; with threads, in two parts of neighbouring lots with about as many bids, if possible."""
    keys = _keys(bids)
    least_rate = np.where(bids.lot_steps > 0, bids.lot_reserve_rate, keys.top_rate + 1)
    if not keys.holds_rate:
        return [Unranked(keys, slice(0, len(least_rate)), np.empty(0, dtype=np.uint64), least_rate)]
    lots_of_parts = [slice(0, len(least_rate))] if threads is None else _in_two(bids)
    packed = _pack(keys, least_rate, lots_of_parts, threads)
    return [Unranked(keys, lots, key, least_rate) for lots, key in zip(lots_of_parts, packed, strict=True)]


def _keys(bids: LotBids) -> Keys:
    top_rate = int(bids.rate.max(initial=0))
    bid_bits, steps_bits = len(bids.lot).bit_length(), (int(bids.steps.max(initial=1)) - 1).bit_length()
    tag_bits = min((bids.n_organizations - 1).bit_length(), MOST_TAG_BITS)
    free = KEY_BITS - len(bids.lot_steps).bit_length() - top_rate.bit_length() - bid_bits
    holds_steps = free - steps_bits >= min(tag_bits, LEAST_TAG_BITS)
    if holds_steps:
        tag_bits = min(tag_bits, free - steps_bits)
    return Keys(bids, top_rate, free >= 0, bid_bits, tag_bits, steps_bits, holds_steps)


def _in_two(bids: LotBids) -> list[slice]:
    """Two ranges of lots with about as many bids, told by a sample; or one, where one lot has most of them."""
    sample = np.sort(bids.lot[:: max(len(bids.lot) // SAMPLE_BIDS, 1)])
    middle, n_lots = int(sample[len(sample) // 2]) if len(sample) else 0, len(bids.lot_steps)
    return [slice(0, middle), slice(middle, n_lots)] if middle else [slice(0, n_lots)]


def _pack(
    keys: Keys, least_rate: Ints, lots_of_parts: list[slice], threads: Executor | None
) -> list[KeyColumn]:
    """Keys of the bids on the lots of each part, in no order."""
    if len(lots_of_parts) == 1:
        return [_pack_together(keys, least_rate, threads)]
    return _pack_apart(keys, least_rate, lots_of_parts[1].start, threads)


def _pack_together(keys: Keys, least_rate: Ints, threads: Executor | None) -> KeyColumn:
    key = np.empty(len(keys.bids.lot), dtype=np.uint64)

    def pack(runs: list[slice]) -> None:
        for run, packed in _packed_runs(keys, least_rate, runs):
            key[run] = packed

    side_by_side([partial(pack, runs) for runs in halves_of(len(key))], threads)
    return key


def _pack_apart(keys: Keys, least_rate: Ints, second_lot: int, threads: Executor | None) -> list[KeyColumn]:
    """Keys of the bids on the lots before the given one, and of the others.

    Two columns are filled from their middle, downwards with the first half of the bids and upwards with the second, so
    that what both halves write is one piece. Of the columns only what is written takes memory.
    """
    n_bids = len(keys.bids.lot)
    lower_half, upper_half = halves_of(n_bids)
    middle = lower_half[-1].stop
    columns = np.empty((2, n_bids), dtype=np.uint64)
    limit = np.uint64(second_lot << keys.lot_shift)

    def pack(runs: list[slice], *, upwards: bool) -> list[int]:
        """Where each column is filled up to."""
        reached = [middle, middle]
        for _, packed in _packed_runs(keys, least_rate, runs):
            n_low = _low_first(packed, limit)
            for part, key in enumerate((packed[:n_low], packed[n_low:])):
                start = reached[part] if upwards else reached[part] - len(key)
                columns[part, start : start + len(key)] = key
                reached[part] = start + len(key) if upwards else start
        return reached

    works = [partial(pack, lower_half, upwards=False), partial(pack, upper_half, upwards=True)]
    starts, stops = side_by_side(works, threads)
    return [column[start:stop] for column, start, stop in zip(columns, starts, stops, strict=True)]


def _low_first(key: KeyColumn, limit: np.uint64) -> int:
    """Move the keys below the limit to the front, and count them."""
    n_low = int(np.count_nonzero(key < limit))
    if 0 < n_low < len(key):
        key.partition(n_low)
    return n_low


def _packed_runs(keys: Keys, least_rate: Ints, runs: list[slice]) -> Iterator[tuple[slice, KeyColumn]]:
    """The keys of one run after the other, each in the place of the one before."""
    bids, rate_bits, tag_mask = keys.bids, keys.top_rate.bit_length(), (1 << keys.tag_bits) - 1
    longest = min(len(bids.lot), RUN_BIDS)
    scratch = np.empty(longest, dtype=np.int64)
    rows = np.arange(longest) << keys.bid_shift
    rows += (keys.top_rate << keys.level_shift) - keys.holds_steps
    for run in runs:
        lot, rate = bids.lot[run], bids.rate[run]
        packed = np.left_shift(lot, rate_bits, out=scratch[: len(lot)])
        packed -= rate
        packed <<= keys.level_shift
        packed += rows[: len(lot)]
        packed += run.start << keys.bid_shift
        if keys.holds_steps:
            low = bids.bidder[run] & tag_mask
            low <<= keys.steps_bits
            low += bids.steps[run]
            packed += low
        takes_part = np.take(least_rate, lot) <= rate
        takes_part &= bids.fits[run]
        packed |= takes_part - np.int64(1)  # all ones, and so after all others, where it does not take part
        yield run, packed.view(np.uint64)


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
