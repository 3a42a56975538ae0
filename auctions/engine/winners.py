"""Fill every lot from its best bid down, ties at the margin by the rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auctions.engine.ranges import Ints, concatenate_ranges, running_total
from auctions.engine.ranking import Ranking
from auctions.engine.runs import runs_of


@dataclass(frozen=True, eq=False, slots=True)
class Winners:
    """A winning bids, the best `count` of each of the L lots.

    bid, steps : int64 (A,) row and steps won, lot by lot, best first
    amount : int64 (A,) not filled in yet
    count : int64 (L,)
    first : int64 (L + 1,) where each lot's winners begin
    limit : int64 (L,) `Ranking.ahead` of the first step beyond the lot's last
    whole_end : int64 (L,) position of the first bid whose steps, all equal bids before it filled, are not all there
    margin_end : int64 (L,) position past the bids equal to that one
    partial : int64 (M,) positions of the bids that win some steps but not all, ascending
    """

    bid: Ints
    steps: Ints
    amount: Ints
    count: Ints
    first: Ints
    limit: Ints
    whole_end: Ints
    margin_end: Ints
    partial: Ints

    def place(self, ranking: Ranking, position: Ints, lot: Ints) -> Ints:
        """Row among the winners of the winner at a position."""
        return position + (self.first[:-1] - ranking.first[:-1])[lot]


@dataclass(frozen=True, eq=False, slots=True)
class Margins:
    """Where winning ends in each lot: `count`, `limit`, `whole_end` and `margin_end` as in `Winners`.

    lot : int64 (M,) lots with a bid at the margin
    level_first, level_end : int64 (M,) positions from the first bid equal to it to past the last
    left : int64 (M,) steps for these
    """

    count: Ints
    limit: Ints
    whole_end: Ints
    margin_end: Ints
    lot: Ints
    level_first: Ints
    level_end: Ints
    left: Ints


def margins(ranking: Ranking) -> Margins:
    first, end = ranking.first[:-1], ranking.end
    limit = ranking.ahead[first] + ranking.bids.lot_steps
    whole_end = np.minimum(np.searchsorted(ranking.ahead[1:], limit, side="right"), end)
    lot = np.flatnonzero(whole_end < end)
    level_first, level_end = ranking.level_around(whole_end[lot])
    left = limit[lot] - ranking.ahead[level_first]
    count, margin_end = whole_end - first, end.copy()
    margin_end[lot] = level_end
    count[lot] = level_first - first[lot] + np.minimum(left, level_end - level_first)
    return Margins(count, limit, whole_end, margin_end, lot, level_first, level_end, left)


def fill(ranking: Ranking, margins: Margins, columns: Ints) -> Winners:
    """Choose the winners, and write them into the columns: int64 (3, sum of `margins.count`)."""
    bid, steps, amount = columns
    lot, length = margins.lot, margins.level_end - margins.level_first
    _take_best(ranking, margins.count, bid, steps)
    first = running_total(margins.count)
    at_margin, won = _share_margin(ranking, margins.level_first, length, margins.left)
    place = at_margin + np.repeat((first[:-1] - ranking.first[:-1])[lot], length)
    wins = np.flatnonzero(won)
    steps[place[wins]] = won[wins]
    partial = at_margin[wins[won[wins] < ranking.steps(at_margin[wins])]]
    return Winners(
        bid=bid,
        steps=steps,
        amount=amount,
        count=margins.count,
        first=first,
        limit=margins.limit,
        whole_end=margins.whole_end,
        margin_end=margins.margin_end,
        partial=partial,
    )


def _take_best(ranking: Ranking, count: Ints, bid: Ints, steps: Ints) -> None:
    """Fill in the rows of the best `count` bids of each lot, and all the steps they want."""
    wins = _prefixes(count, np.diff(ranking.first) - count)
    start = 0
    for run in runs_of(len(ranking.key)):
        key = ranking.key[run][wins[run]]
        stop = start + len(key)
        bid[start:stop] = ranking.keys.bid(key)
        steps[start:stop] = ranking.keys.steps(key)
        start = stop


def _prefixes(n_true: Ints, n_false: Ints) -> NDArray[np.bool_]:
    """For each pair of counts, so many trues, then so many falses."""
    pattern = np.zeros((len(n_true), 2), dtype=bool)
    pattern[:, 0] = True
    return np.repeat(pattern.ravel(), np.stack([n_true, n_false], axis=1).ravel())


def _share_margin(ranking: Ranking, first: Ints, length: Ints, left: Ints) -> tuple[Ints, Ints]:
    """Share `left` steps among equal bids: one each, earliest first, then the rest, earliest first.

    Positions of these bids, and the steps of each.
    """
    position = concatenate_ranges(first, length)
    start = running_total(length)[:-1]
    place = np.arange(len(position)) - np.repeat(start, length)
    more = ranking.steps(position) - 1
    more_ahead = running_total(more)
    spare = np.repeat(np.maximum(left - length, 0) + more_ahead[start], length) - more_ahead[:-1]
    won = np.minimum(np.maximum(spare, 0), more)
    won += place < np.repeat(left, length)
    return position, won
