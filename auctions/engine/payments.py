"""What each winner pays: the values that its steps displace. `vectorised` has the mathematics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from auctions.engine.ranges import Ints, concatenate_ranges, running_total
from auctions.engine.ranking import Ranking
from auctions.engine.runs import lot_runs, runs_of
from auctions.engine.winners import Winners

PACKED_BITS = 63
"""Bits of an int64 that columns may be packed into, the sign left free."""

TABLE_BITS = 20
"""Bits of the numbers that lots and tags are folded into, to find bidders with several bids on a lot."""

DEPTHS_PER_WINNER = 1
"""Displaced values are tabled, depth by depth, up to so many entries per winner, and searched for beyond."""

SLOT_BIDS = 1 << 15
"""Bids that write into the slots at a time: what they reach of the slots stays in or near the second-level cache."""

NEAR = 8
"""Bids to look at one by one before a search."""

Displaced = Callable[[Ints, Ints], Ints]
"""(lots, depths) -> ticks of the `depth` highest rejected steps of each lot, topped up at its reserve."""


def pay(ranking: Ranking, winners: Winners) -> None:
    """Fill in the amount of each winner.

    Most have no other bid on the lot, and pay for as many rejected steps as they win. The others, and those filled in
    part, are taken by bidder, since their own rejected steps set no price for them.
    """
    groups = _Groups(ranking, winners)
    n_lots = len(winners.count)
    deepest = np.zeros(n_lots, dtype=np.int64)
    sold = np.flatnonzero(winners.count)
    if len(sold):
        deepest[sold] = np.maximum.reduceat(winners.steps, winners.first[sold])
    np.maximum.at(deepest, groups.lot, groups.depth)
    if deepest.sum() <= DEPTHS_PER_WINNER * len(winners.bid):
        table, start = _table(ranking, winners, deepest)
        for lots in lot_runs(winners.first):
            run = slice(winners.first[lots.start], winners.first[lots.stop])
            entry = np.repeat(start[lots], winners.count[lots])
            entry += winners.steps[run]
            winners.amount[run] = table[entry]
        payment = table[start[groups.lot] + groups.depth]
    else:
        displaced = _search(ranking, winners)
        winners.amount[:] = displaced(np.repeat(np.arange(n_lots), winners.count), winners.steps)
        payment = displaced(groups.lot, groups.depth)
    winners.amount[groups.place] = groups.split(payment)


class _Groups:
    """Winning bidders with several bids on a lot, or one filled in part. G groups with W winning bids in all.

    lot, depth : int64 (G,) how deep into the rejected steps of the lot the bidder reaches
    place : int64 (W,) rows of the winners, by group
    """

    def __init__(self, ranking: Ranking, winners: Winners) -> None:
        position, lot, first = _winning_groups(ranking, winners)
        length = np.diff(first, append=len(position))
        wins = position < (ranking.first[:-1] + winners.count)[lot]
        place = winners.place(ranking, position, lot)
        won = np.zeros(len(position), dtype=np.int64)
        won[wins] = winners.steps[place[wins]]
        own_rejected = ranking.steps(position) - won
        own_ahead = running_total(own_rejected)[:-1]
        own_ahead -= np.repeat(own_ahead[first], length)
        # among equal bids the order does not matter: take the bidder's own as the first
        others_ahead = np.where(
            position < winners.margin_end[lot], 0, ranking.ahead[position] - winners.limit[lot] - own_ahead
        )
        self._total = _sums(won, first)
        in_the_way = own_rejected * (others_ahead < np.repeat(self._total, length))
        self.lot = lot[first]
        self.depth = self._total + _sums(in_the_way, first)
        self._own_value = np.zeros(len(position), dtype=np.int64)
        own = np.flatnonzero(in_the_way)
        self._own_value[own] = in_the_way[own] * ranking.rate(position[own])
        self._own_value = _sums(self._own_value, first) * ranking.bids.lot_scale[self.lot]
        self.place = place[wins]
        self._won = won[wins]
        self._n_winners = _sums(wins.astype(np.int64), first)

    def split(self, displaced: Ints) -> Ints:
        """Amounts of the winners: each group's payment by steps, differences of the running share, rounded down."""
        length, won, total = self._n_winners, self._won, self._total
        payment = displaced - self._own_value
        start = running_total(length)[:-1]
        won_until = np.cumsum(won)
        until = won_until - np.repeat(won_until[start] - won[start], length)
        whole, rest = np.divmod(payment, total)
        share = np.repeat(whole, length) * until
        share += np.repeat(rest, length) * until // np.repeat(total, length)
        amount = np.diff(share, prepend=0)
        amount[start] = share[start]
        return amount


def _sums(numbers: Ints, first: Ints) -> Ints:
    return np.add.reduceat(numbers, first) if len(first) else numbers[:0]


def _winning_groups(ranking: Ranking, winners: Winners) -> tuple[Ints, Ints, Ints]:
    """Positions and lots of the bids of each group, by group, best first, and where each group starts."""
    position = np.concatenate([winners.partial, *_sharing_slots(ranking)])
    key = ranking.key[position]
    once = (np.arange(len(position)) >= len(winners.partial)).astype(np.int64)
    lot, group, position, once = _by_group(ranking.lot(key), ranking.keys.bidder(key), position, once)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    length = np.diff(first, append=len(position))
    kept = _reaches_its_own(ranking, winners, position, lot, first, length)
    kept |= once[first] == 0
    kept &= (
        position[first] < (ranking.first[:-1] + winners.count)[lot[first]]
    )  # it wins if any of the group does
    bids, length = np.repeat(kept, length), length[kept]
    return position[bids], lot[bids], running_total(length)[:-1]


def _reaches_its_own(
    ranking: Ranking, winners: Winners, position: Ints, lot: Ints, first: Ints, length: Ints
) -> NDArray[np.bool_]:
    """Whether the second bid of a group wins too, or is rejected but among the steps that the first displaces."""
    second = position[np.minimum(first + 1, len(position) - 1)]
    lot = lot[first]
    displaced = ranking.ahead[second] - winners.limit[lot] < ranking.steps(position[first])
    reaches: NDArray[np.bool_] = (length > 1) & (displaced | (second < winners.margin_end[lot]))
    return reaches


def _by_group(lot: Ints, bidder: Ints, position: Ints, flag: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Lot, number of the group, position and flag, by lot, bidder and position; of equal positions the lowest flag."""
    bidder_bits = int(bidder.max(initial=0)).bit_length()
    position_bits = int(position.max(initial=0)).bit_length()
    if int(lot.max(initial=0)).bit_length() + bidder_bits + position_bits < PACKED_BITS:
        packed = lot << bidder_bits
        packed |= bidder
        packed <<= position_bits
        packed |= position
        packed <<= 1
        packed |= flag
        packed.sort()
        packed = packed[np.diff(packed >> 1, prepend=-1) > 0]
        group = packed >> position_bits + 1
        return group >> bidder_bits, group, packed >> 1 & (1 << position_bits) - 1, packed & 1
    order = np.lexsort((flag, position, bidder, lot))
    order = order[np.diff(position[order], prepend=-1) != 0]
    lot, bidder = lot[order], bidder[order]
    group = np.cumsum((np.diff(lot, prepend=-1) != 0) | (np.diff(bidder, prepend=-1) != 0))
    return lot, group, position[order], flag[order]


def _sharing_slots(ranking: Ranking) -> list[Ints]:
    """Positions that may be one of several of their bidder on their lot; some of them more than once.

    Every position writes its number into the slot of its lot and tag, and reads it back. Who reads another number
    shares the slot with that one.
    """
    n_bids, tag_bits = np.diff(ranking.first), ranking.keys.tag_bits
    lots_of_runs = lot_runs(ranking.first, SLOT_BIDS)
    most = max(int(ranking.first[lots.stop] - ranking.first[lots.start]) for lots in lots_of_runs)
    places = np.arange(most, dtype=np.min_scalar_type(most))  # short numbers keep the slots in the cache
    most_lots = max(lots.stop - lots.start for lots in lots_of_runs)
    slots = np.empty(min(1 << TABLE_BITS, most_lots << tag_bits), dtype=places.dtype)
    found = []
    for lots in lots_of_runs:
        start = ranking.first[lots.start]
        slot = ranking.keys.tag(ranking.key[start : ranking.first[lots.stop]])
        n_lots = lots.stop - lots.start
        slot += np.repeat(np.arange(n_lots) << tag_bits, n_bids[lots])
        if n_lots << tag_bits > len(slots):
            slot &= len(slots) - 1
        place = places[: len(slot)]
        slots[slot] = place
        other = np.take(slots, slot)
        sharing = np.flatnonzero(other != place)
        found += [sharing + start, other[sharing] + start]
    return found


def _table(ranking: Ranking, winners: Winners, deepest: Ints) -> tuple[Ints, Ints]:
    """Displaced value of every lot at each depth from 0 to `deepest`, and where each lot's begin."""
    bids, ahead, limit = ranking.bids, ranking.ahead, winners.limit
    size = deepest + 1
    start = running_total(size)[:-1]
    reach = np.minimum(limit + deepest, ahead[ranking.end])
    lot = np.flatnonzero(reach > limit)
    limit, reach, begin = limit[lot], reach[lot], winners.whole_end[lot]
    n_bids = _first_with(ahead, reach, begin + 1) - begin
    position = concatenate_ranges(begin, n_bids)
    until = np.minimum(ahead[position + 1], np.repeat(reach, n_bids))
    steps = until - np.maximum(ahead[position], np.repeat(limit, n_bids))
    value = ranking.rate(position) * np.repeat(bids.lot_scale[lot], n_bids)
    table = np.repeat(bids.lot_reserve, size)
    table[concatenate_ranges(start[lot] + 1, reach - limit)] = np.repeat(value, steps)
    table[start] = 0
    np.cumsum(table, out=table)
    table -= np.repeat(table[start], size)
    return table, start


def _first_with(ahead: Ints, reach: Ints, position: Ints) -> Ints:
    """First position, from the given one on, with so many steps ahead. It is near in most lots: look there first."""
    short = np.flatnonzero(ahead[position] < reach)
    for _ in range(NEAR):
        position[short] += 1
        short = short[ahead[position[short]] < reach[short]]
    position[short] = np.searchsorted(ahead, reach[short])
    return position


def _search(ranking: Ranking, winners: Winners) -> Displaced:
    """Look values up among prefix sums over all ranked bids, one search each: for lots with very deep bids."""
    bids, ahead = ranking.bids, ranking.ahead
    rate, value_ahead = np.empty(len(ranking.key), dtype=np.int64), np.zeros_like(ahead)
    for run in runs_of(len(rate)):
        rate[run] = ranking.keys.rate(ranking.key[run])
        value = rate[run] * ranking.keys.steps(ranking.key[run])
        value[0] += value_ahead[run.start]
        np.cumsum(value, out=value_ahead[run.start + 1 : run.stop + 1])

    def value_before(step: Ints) -> Ints:
        """Sum of the rates of all earlier steps."""
        last = np.maximum(np.searchsorted(ahead, step) - 1, 0)
        value = value_ahead[last]
        if len(rate):
            value += (step - ahead[last]) * rate[last]
        return value

    def displaced(lot: Ints, depth: Ints) -> Ints:
        limit = np.minimum(winners.limit, ahead[ranking.end])
        taken = np.minimum(depth, (ahead[ranking.end] - limit)[lot])
        value = value_before(limit[lot] + taken) - value_before(limit)[lot]
        return value * bids.lot_scale[lot] + (depth - taken) * bids.lot_reserve[lot]

    return displaced
