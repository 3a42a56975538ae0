r"""Clear all lots of divisible bids in one pass: multi-unit Vickrey, exact, without a loop over lots or bids.

The problem. Lot `l` offers :math:`c_l` steps at a reserve of :math:`r_l` ticks each. Bid `b`, of bidder `i(b)`, wants
up to :math:`q_b` steps of lot `l(b)` and values each at :math:`v_b` ticks. Choose whole numbers :math:`x_b` to

.. math:: \max \sum_b (v_b - r_{l(b)})\, x_b \quad\text{s.t.}\quad \sum_{b: l(b) = l} x_b \le c_l,\; 0 \le x_b \le q_b.

Lots do not meet in any bid, so the best is greedy per lot: highest :math:`v_b \ge r_l` first.

Ties. Among bids of equal :math:`v_b` at the margin every division has the same surplus. An earlier bid winning beats
it losing, so as many of them as there are steps left win one step each, earliest first; then, earliest first, each
takes as many more as it wants and there are.

Payments. Take away all bids of bidder `i`, who won :math:`Q` steps of lot `l`. The others keep what they won and the
:math:`Q` steps go to their highest rejected steps, or stay unsold at the reserve. The value lost to the others, which
is what `i` pays, is the sum of those :math:`Q` values. Steps are substitutes, so this VCG point lies in the core.

Let :math:`L_k` be the rejected steps of the lot ahead of the rejected bid `k` of bidder `i`, and :math:`O_k` those
of them that are `i`'s own. Bid `k` is in the way exactly when :math:`L_k - O_k < Q`; with :math:`S` the sum of steps in
the way, `i` pays the first :math:`Q + S` rejected values of the lot less its own in the way. So prefix sums over the
rejected steps of all lots give every payment. Every rejected value is at most every winning one, so a bidder's payment
for a lot, split over its awards there by steps, keeps each between reserve and value.

Five units of one lot at a reserve of 10 for one hour. Ann wants 3 at up to 50 and 2 at 20, Bob 2 at 40, Cid 4 at 30:

>>> book = Book.from_arrays(
...     hours=1, lot_id=["K"], lot_seller=["s"], lot_units=[5], lot_start=[0], lot_end=[1], lot_reserve=[10],
...     bid_id=["a1", "a2", "b", "c"], bid_bidder=["Ann", "Ann", "Bob", "Cid"], bid_sequence=[1, 2, 3, 4],
...     option_price=[50, 20, 40, 30], leg_units=[3, 2, 2, 4], leg_min_units=[1, 1, 1, 1], leg_lot=["K"] * 4,
...     leg_earliest=[0] * 4, leg_latest=[1] * 4, leg_hours=[1] * 4)
>>> result = clear_lots(lot_bids(book))
>>> result.bid.tolist(), result.steps.tolist()
([0, 2], [3, 2])

Rejected are Cid's four steps at 30 and Ann's two at 20. Ann displaces three of Cid's, Bob two:

>>> result.amount.tolist(), result.lot_marginal.tolist()
([90, 60], [30])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auctions.engine.book import Book, Ints
from auctions.engine.lotbids import LotBids, lot_bids
from auctions.engine.ranges import concatenate_ranges, running_total
from auctions.engine.runs import RUN_BIDS, runs_of

__all__ = ["Book", "LotResult", "clear_lots", "lot_bids"]


PACKED_BITS = 62
"""Bits of an int64 that sorting may pack columns into, sign and a spare one left free."""


@dataclass(frozen=True, eq=False, slots=True)
class LotResult:
    """A awards, lot by lot, best bid first; L lots.

    bid : int64 (A,) rows
    steps : int64 (A,)
    amount : int64 (A,) ticks
    lot_sold : int64 (L,) steps
    lot_revenue : int64 (L,) ticks
    lot_marginal : int64 (L,) ticks per step: the highest rejected value, or the reserve
    lot_entry : int64 (L,) ticks per step that a winner must bid: the lowest winning value where full, else the reserve
    lot_entry_before : int64 (L,) bids of a lower row win at lot_entry itself, those from this row on only above it
    """

    bid: Ints
    steps: Ints
    amount: Ints
    lot_sold: Ints
    lot_revenue: Ints
    lot_marginal: Ints
    lot_entry: Ints
    lot_entry_before: Ints


@dataclass(frozen=True, eq=False, slots=True)
class Ranking:
    """The n bids that meet their reserve, best first within each lot; position p is a place in this order.

    bid, lot, rate, steps : int64 (n,) as in `LotBids`
    bidder : int64 (n,) row of organizations
    level : int64 (n,) ascending, the same for equal lot and rate
    ahead : int64 (n + 1,) steps of all earlier positions
    first : int64 (L + 1,) position of each lot's best bid
    """

    bid: Ints
    lot: Ints
    rate: Ints
    bidder: Ints
    steps: Ints
    level: Ints
    ahead: Ints
    first: Ints


@dataclass(frozen=True, eq=False, slots=True)
class Rejected:
    """Steps the ranked bids wanted and did not get, highest first within each lot.

    steps : int64 (n,)
    ahead : int64 (n + 1,) rejected steps of all earlier positions
    value_ahead : int64 (n + 1,) sum of their rates
    """

    steps: Ints
    ahead: Ints
    value_ahead: Ints


def clear_lots(bids: LotBids) -> LotResult:
    """Find winners, payments and prices of every lot, a run of lots at a time so that the work stays in the cache."""
    order = _order(bids)
    cleared = [_clear_run(bids, order, lots) for lots in _lot_runs(order.first)]
    return LotResult(*(np.concatenate(column) for column in zip(*cleared, strict=True)))


@dataclass(frozen=True, eq=False, slots=True)
class Order:
    """All bids that meet their reserve, best first within each lot.

    packed : int64 (n,) lot, top_rate - rate and bid row side by side; or only the bid row, where they do not fit
    first : int64 (L + 1,) position of each lot's best bid
    """

    packed: Ints
    first: Ints
    bid_bits: int
    rate_bits: int
    top_rate: int


def _order(bids: LotBids) -> Order:
    n_bids, n_lots, top = len(bids.lot), len(bids.lot_steps), int(bids.rate.max(initial=0))
    bid_bits, rate_bits = n_bids.bit_length(), top.bit_length()
    least = np.where(bids.lot_steps > 0, bids.lot_reserve_rate, top + 1)
    if bid_bits + rate_bits + n_lots.bit_length() > PACKED_BITS:
        bid = np.flatnonzero(bids.fits & (bids.rate >= least[bids.lot]))
        bid = bid[np.lexsort((bid, -bids.rate[bid], bids.lot[bid]))]
        return Order(bid, np.searchsorted(bids.lot[bid], np.arange(n_lots + 1)), 0, 0, top)

    # one number per bid, sorted by value: its low bits say which bid it was
    def pack(run: slice) -> Ints:
        lot, rate = bids.lot[run], bids.rate[run]
        key = lot << rate_bits
        key += top - rate
        key <<= bid_bits
        key += np.arange(run.start, run.stop)
        takes_part = rate >= least[lot]
        takes_part &= bids.fits[run]
        return key if takes_part.all() else key[np.flatnonzero(takes_part)]

    packed = np.concatenate([np.empty(0, np.int64), *map(pack, runs_of(n_bids))])
    packed.sort()
    first = np.searchsorted(packed, np.arange(n_lots + 1) << (rate_bits + bid_bits))
    return Order(packed, first, bid_bits, rate_bits, top)


def _lot_runs(first: Ints) -> list[slice]:
    """Runs of lots, each with about `RUN_BIDS` bids or else one lot."""
    n_lots = len(first) - 1
    ends = np.unique(np.searchsorted(first, np.arange(RUN_BIDS, first[-1], RUN_BIDS)))
    starts = [0, *ends[ends < n_lots].tolist()]
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], n_lots], strict=True)]


def _clear_run(every: LotBids, order: Order, lots: slice) -> tuple[NDArray[Any], ...]:
    """The columns of `LotResult` for a run of lots, which are rows 0, 1, … in here."""
    bids = every.of_lots(lots)
    ranking = _rank(bids, order, lots)
    won, n_winners = _fill(bids, ranking)
    rejected = _reject(ranking, won)
    winner = concatenate_ranges(ranking.first[:-1], n_winners)
    steps = won[winner]
    amount = np.zeros_like(won)
    amount[winner] = _rejected_value(bids, ranking, rejected, n_winners, steps)
    _pay_by_bidder(bids, ranking, rejected, won, amount)
    paid = amount[winner]
    winners_before = running_total(n_winners)
    return (
        ranking.bid[winner],
        steps,
        paid,
        np.diff(running_total(steps)[winners_before]),
        np.diff(running_total(paid)[winners_before]),
        _marginal(bids, ranking, rejected),
        *_entry(bids, ranking, n_winners),
    )


def _rank(bids: LotBids, order: Order, lots: slice) -> Ranking:
    first = order.first[lots.start : lots.stop + 1]
    packed = order.packed[first[0] : first[-1]]
    first = first - first[0]
    if order.bid_bits:
        bid = packed & ((1 << order.bid_bits) - 1)
        level = packed >> order.bid_bits
        lot = (level >> order.rate_bits) - lots.start
        rate = order.top_rate - (level & ((1 << order.rate_bits) - 1))
    else:
        bid = packed
        lot, rate = bids.lot[bid] - lots.start, bids.rate[bid]
        level = np.cumsum((np.diff(lot, prepend=0) != 0) | (np.diff(rate, prepend=0) != 0))
    taker = bids.taker[bid]
    steps = taker & ((1 << bids.step_bits) - 1)
    bidder = taker >> bids.step_bits
    return Ranking(bid, lot, rate, bidder, steps, level, running_total(steps), first)


def _fill(bids: LotBids, ranking: Ranking) -> tuple[Ints, Ints]:
    """Steps each ranked bid wins, int64 (n,), and how many bids of each lot win, its best ones, int64 (L,)."""
    first, end = ranking.first[:-1], ranking.first[1:]
    limit = ranking.ahead[first] + bids.lot_steps
    whole_end = np.minimum(np.searchsorted(ranking.ahead[1:], limit, side="right"), end)
    short = np.flatnonzero(whole_end < end)
    level_first, level_end = _level_around(ranking, whole_end[short])
    whole_end[short] = level_first
    won = ranking.steps * _prefixes(whole_end - first, end - whole_end)
    left = limit[short] - ranking.ahead[level_first]
    _share_margin(ranking, won, level_first, level_end - level_first, left)
    whole_end[short] += np.minimum(left, level_end - level_first)
    return won, whole_end - first


def _prefixes(n_true: Ints, n_false: Ints) -> NDArray[np.bool_]:
    """For each pair of counts, so many trues, then so many falses."""
    pattern = np.zeros((len(n_true), 2), dtype=bool)
    pattern[:, 0] = True
    return np.repeat(pattern.ravel(), np.stack([n_true, n_false], axis=1).ravel())


def _level_around(ranking: Ranking, position: Ints) -> tuple[Ints, Ints]:
    level = ranking.level[position]
    return np.searchsorted(ranking.level, level), np.searchsorted(ranking.level, level, side="right")


def _share_margin(ranking: Ranking, won: Ints, first: Ints, length: Ints, left: Ints) -> None:
    """Share `left` steps among equal bids: one each, earliest first, then the rest, earliest first."""
    position = concatenate_ranges(first, length)
    start = running_total(length)[:-1]
    place = np.arange(len(position)) - np.repeat(start, length)
    more = ranking.steps[position] - 1
    more_ahead = running_total(more)
    spare = np.repeat(np.maximum(left - length, 0) + more_ahead[start], length) - more_ahead[:-1]
    won[position] = (place < np.repeat(left, length)) + np.minimum(np.maximum(spare, 0), more)


def _reject(ranking: Ranking, won: Ints) -> Rejected:
    steps = ranking.steps - won
    return Rejected(steps, running_total(steps), running_total(steps * ranking.rate))


def _rejected_value(bids: LotBids, ranking: Ranking, rejected: Rejected, n_depths: Ints, depth: Ints) -> Ints:
    """Ticks of the `depth` highest rejected steps, topped up at the reserve; of each lot, `n_depths` depths."""
    n_lots = len(n_depths)
    asked = np.flatnonzero(n_depths)
    start = running_total(n_depths)
    size = np.zeros(n_lots, dtype=np.int64)
    if len(asked):
        size[asked] = np.maximum.reduceat(depth, start[asked]) + 1
    table_start = running_total(size)
    if table_start[-1] > len(depth):
        return _look_up(bids, ranking, rejected, np.repeat(np.arange(n_lots), n_depths), depth)
    # many winners of a lot ask for the same few depths: look each depth up once
    rows = np.repeat(np.arange(n_lots), size)
    table = _look_up(bids, ranking, rejected, rows, np.arange(len(rows)) - table_start[rows])
    return table[np.repeat(table_start[:-1], n_depths) + depth]


def _look_up(bids: LotBids, ranking: Ranking, rejected: Rejected, lot: Ints, depth: Ints) -> Ints:
    first = ranking.first[lot]
    base = rejected.ahead[first]
    taken = np.minimum(depth, rejected.ahead[ranking.first[lot + 1]] - base)
    target = base + taken
    last = np.maximum(np.searchsorted(rejected.ahead, target) - 1, 0)
    value = rejected.value_ahead[last] - rejected.value_ahead[first]
    if len(ranking.rate):
        value += (target - rejected.ahead[last]) * ranking.rate[last]
    return value * bids.lot_scale[lot] + (depth - taken) * bids.lot_reserve[lot]


def _pay_by_bidder(bids: LotBids, ranking: Ranking, rejected: Rejected, won: Ints, amount: Ints) -> None:
    """Replace amounts where a bidder may have rejected steps of its own on the lot: those set no price for it."""
    position, first = _bids_by_bidder(bids, ranking, partly=(won > 0) & (rejected.steps > 0))
    if not len(position):
        return
    own_won, own_rejected, lot = won[position], rejected.steps[position], ranking.lot[position]
    length = np.diff(first, append=len(position))
    total = np.add.reduceat(own_won, first)
    own_ahead = running_total(own_rejected)[:-1]
    own_ahead -= np.repeat(own_ahead[first], length)
    others_ahead = rejected.ahead[position] - rejected.ahead[ranking.first[lot]] - own_ahead
    in_the_way = own_rejected * (others_ahead < np.repeat(total, length))
    depth = total + np.add.reduceat(in_the_way, first)
    own_value = np.add.reduceat(in_the_way * ranking.rate[position], first) * bids.lot_scale[lot[first]]
    payment = _look_up(bids, ranking, rejected, lot[first], depth) - own_value
    amount[position] = _split(payment, total, own_won, length)


def _bids_by_bidder(bids: LotBids, ranking: Ranking, partly: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Positions by lot and bidder, and where each group starts; of the groups of one only those `partly` filled."""
    n = len(ranking.bid)
    group = ranking.lot * bids.n_organizations
    group += ranking.bidder
    position_bits = n.bit_length()
    if (len(bids.lot_steps) * bids.n_organizations).bit_length() + position_bits <= PACKED_BITS:
        group <<= position_bits
        group |= np.arange(n)
        group.sort()
        order = group & ((1 << position_bits) - 1)
        group >>= position_bits
    else:
        order = np.argsort(group, kind="stable")
        group = group[order]
    same = np.zeros(n + 1, dtype=bool)
    np.equal(group[1:], group[:-1], out=same[1:n])
    grouped = np.flatnonzero(same[1:] | same[:-1] | partly[order])
    return order[grouped], np.flatnonzero(~same[grouped])


def _split(payment: Ints, total: Ints, won: Ints, length: Ints) -> Ints:
    """Split each group's payment over its awards by steps: differences of the running share, rounded down."""
    start = running_total(length)[:-1]
    won_until = np.cumsum(won)
    until = won_until - np.repeat(won_until[start] - won[start], length)
    whole, rest = np.divmod(payment, np.maximum(total, 1))
    share = np.repeat(whole, length) * until + np.repeat(rest, length) * until // np.repeat(
        np.maximum(total, 1), length
    )
    amount = np.diff(share, prepend=0)
    amount[start] = share[start]
    return amount


def _marginal(bids: LotBids, ranking: Ranking, rejected: Rejected) -> Ints:
    marginal = bids.lot_reserve.copy()
    ahead = rejected.ahead[ranking.first]
    lot = np.flatnonzero(np.diff(ahead))
    highest = np.searchsorted(rejected.ahead[1:], ahead[lot], side="right")
    marginal[lot] = ranking.rate[highest] * bids.lot_scale[lot]
    return marginal


def _entry(bids: LotBids, ranking: Ranking, n_winners: Ints) -> tuple[Ints, Ints]:
    """What a further bid must offer per step, and up to which row an equal offer is enough."""
    entry = bids.lot_reserve.copy()
    entry_before = np.full(len(entry), len(bids.lot), dtype=np.int64)
    wanted = np.diff(ranking.ahead[ranking.first])
    full = np.flatnonzero((wanted >= bids.lot_steps) & (n_winners > 0))
    first = ranking.first[full]
    last = first + n_winners[full] - 1
    level_first, level_end = _level_around(ranking, last)
    left = ranking.ahead[first] + bids.lot_steps[full] - ranking.ahead[level_first]
    entry[full] = ranking.rate[last] * bids.lot_scale[full]
    crowded = (
        left <= level_end - level_first
    )  # no more steps than equal bids: the last to win one is displaced
    entry_before[full[crowded]] = ranking.bid[level_first[crowded] + left[crowded] - 1]
    return entry, entry_before
