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

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np

from auctions.engine.book import Book, Ints
from auctions.engine.halves import side_by_side
from auctions.engine.lotbids import LotBids, lot_bids
from auctions.engine.payments import pay
from auctions.engine.ranking import Ranking, Unranked, unranked
from auctions.engine.winners import Winners, fill, margins

__all__ = ["Book", "LotResult", "clear_lots", "lot_bids"]


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


def clear_lots(bids: LotBids, threads: Executor | None = None) -> LotResult:
    """Find winners, payments and prices of every lot; with threads, of two parts of the lots side by side.

    The winners of both parts meet in one block: those of the first end in the middle of it, where those of the second
    begin. Of the block only what they fill takes memory.
    """
    *earlier, last = unranked(bids, threads)
    middle = sum(part.n_bids for part in earlier)
    block = np.empty((3, len(bids.lot)), dtype=np.int64)
    works = [partial(_clear_part, part, block[:, :middle], at_end=True) for part in earlier]
    works.append(partial(_clear_part, last, block[:, middle:], at_end=False))
    cleared = side_by_side(works, threads)
    first = middle - sum(n_winners for n_winners, _ in cleared[:-1])
    lot_columns = np.concatenate([columns for _, columns in cleared], axis=1)
    return LotResult(*block[:, first : middle + cleared[-1][0]], *lot_columns)


def _clear_part(part: Unranked, room: Ints, *, at_end: bool) -> tuple[int, Ints]:
    """Write the winners into `room` as columns `bid`, `steps` and `amount`; how many, and the columns of the lots."""
    ranking = part.rank()
    ends = margins(ranking)
    n_winners = int(ends.count.sum())
    winners = fill(ranking, ends, room[:, room.shape[1] - n_winners :] if at_end else room[:, :n_winners])
    pay(ranking, winners)
    wanted = np.diff(ranking.ahead[ranking.first])
    sold = np.minimum(wanted, ranking.bids.lot_steps)
    entry = _entry(ranking, winners, wanted)
    return n_winners, np.stack([sold, _revenue(winners), _marginal(ranking, winners), *entry])


def _revenue(winners: Winners) -> Ints:
    revenue = np.zeros(len(winners.count), dtype=np.int64)
    sold = np.flatnonzero(winners.count)
    if len(sold):
        revenue[sold] = np.add.reduceat(winners.amount, winners.first[sold])
    return revenue


def _marginal(ranking: Ranking, winners: Winners) -> Ints:
    marginal = ranking.bids.lot_reserve.copy()
    lot = np.flatnonzero(winners.whole_end < ranking.end)
    marginal[lot] = ranking.rate(winners.whole_end[lot]) * ranking.bids.lot_scale[lot]
    return marginal


def _entry(ranking: Ranking, winners: Winners, wanted: Ints) -> tuple[Ints, Ints]:
    """What a further bid must offer per step, and up to which row an equal offer is enough."""
    bids = ranking.bids
    entry = bids.lot_reserve.copy()
    entry_before = np.full(len(entry), len(bids.lot), dtype=np.int64)
    full = np.flatnonzero((wanted >= bids.lot_steps) & (winners.count > 0))
    last = ranking.first[full] + winners.count[full] - 1
    level_first, level_end = ranking.level_around(last)
    left = winners.limit[full] - ranking.ahead[level_first]
    entry[full] = ranking.rate(last) * bids.lot_scale[full]
    # no more steps than equal bids: the last to win one is displaced
    crowded = left <= level_end - level_first
    entry_before[full[crowded]] = ranking.bid(level_first[crowded] + left[crowded] - 1)
    return entry, entry_before
