r"""Core prices: the bidder-optimal core point nearest to VCG, by constraint generation (Day & Cramton 2012).

Ticks are above reserve cost throughout. Winner `i` of a group of blocks is worth :math:`v_i` in the best choice, whose
surplus is :math:`w(N)`. Payments `p` are in the core when no coalition could do better with the sellers: for every set
`C` of bidders, and :math:`S = W \setminus C` the winners outside it,

.. math:: \sum_{i \in S} p_i \;\ge\; \beta(C) = w(C) + \sum_{i \in S} v_i - w(N).

With :math:`\pi_i = v_i - p_i` what `i` keeps at present, the constraint broken most is found by choosing again with
every winner's worth cut by :math:`\pi_i`: a choice `x` by bidders `C` breaks it when it is worth
:math:`w(x) - \sum_{i \in C} \pi_i > w(N) - \sum_i \pi_i`. Every choice met on the way (the pivots' too) is a free
constraint, and so is every part of a blocking choice that can replace part of the best one by itself.

Blocks and organizations. Coalition values add up over blocks, payments over the blocks where a bidder wins. Where no
organization wins in two blocks, a constraint that mixes blocks is the sum of one in each (a bidder that wins in one and
only bids in another takes nothing from the other's best choice by leaving), so the core is the product of the blocks'
cores, and so are its cheapest face and the point nearest to VCG. An organization that wins in several blocks makes
*one* payment and leaves all of them together: its blocks are one group, priced together. A block `k` whose VCG point is
in its own core is left out again where only one organization `i` that wins in the rest of the group wins or bids in it:
:math:`\beta_k(S) \le \sum_S VCG_{ik}` always, with equality where `S` meets the block in `i` alone, so the mixed
constraints follow from those of the rest, shifted by what `i` owes here. (Were another winner of the rest to bid in
`k`, its leaving would lower what `i` owes there.) If the VCG point of every block is in its core, so is their sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from scipy.sparse import block_diag, csc_array

from auctions.engine.book import Ints
from auctions.engine.package.block import Block, ticks_by_owner
from auctions.engine.package.charged import Charged
from auctions.engine.package.large import is_large
from auctions.engine.package.nearest import Constraint, nearest_point
from auctions.engine.package.program import Program
from auctions.engine.package.work import Work

RECENT = 10
"""Choices met last, from which a search starts."""

MAX_ROUNDS = 500

SEARCHES_TO_COME = 2
"""One search has so small a part of the work that is left."""


@dataclass(frozen=True, eq=False, slots=True)
class Priced:
    """excess : ticks above VCG by winning organization; is_proven: no coalition can block; spent: units of work"""

    excess: dict[int, Fraction]
    is_proven: bool
    spent: int


@dataclass(eq=False, slots=True)
class Core:
    """The core of a group of blocks, as far as its constraints are known."""

    blocks: Sequence[Block]
    max_nodes: int
    winners: list[int] = field(init=False)
    worth: list[int] = field(init=False)
    vcg: list[int] = field(init=False)
    program: Program = field(init=False)
    best: Ints = field(init=False)
    surplus: int = field(init=False)
    least: dict[tuple[int, ...], int] = field(init=False, default_factory=dict)
    choices: list[Ints] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        worth: dict[int, int] = {}
        vcg: dict[int, int] = {}
        for block in self.blocks:
            for owner, ticks in block.worth().items():
                worth[owner] = worth.get(owner, 0) + ticks
            for owner, ticks in block.vcg().items():
                vcg[owner] = vcg.get(owner, 0) + ticks
        self.winners = sorted(worth)
        self.worth = [worth[owner] for owner in self.winners]
        self.vcg = [vcg[owner] for owner in self.winners]
        self.program = join([block.program for block in self.blocks])
        self.best = np.concatenate([block.best.x for block in self.blocks])
        self.surplus = sum(block.best.value for block in self.blocks)
        for at, block in enumerate(self.blocks):
            for choice in block.choices():
                parts = [other.best.x for other in self.blocks]
                parts[at] = choice
                self.learn(np.concatenate(parts))

    def learn(self, choice: Ints) -> None:
        """Take the constraint of a choice's coalition, and of every part of it that can stand by itself."""
        for part in [choice, *exchanges(self.program, self.best, choice)]:
            ticks = ticks_by_owner(self.program, part)
            outside = tuple(at for at, owner in enumerate(self.winners) if owner not in ticks)
            owed = sum(ticks.values()) + sum(self.worth[at] for at in outside) - self.surplus
            owed = min(
                owed, sum(self.worth[at] for at in outside)
            )  # above it only where the best was not proven
            if owed > sum(self.vcg[at] for at in outside) and owed > self.least.get(outside, 0):
                self.least[outside] = owed
                self.choices.append(part)

    def price(self, work: Work) -> Priced:
        """Find the point; constraints are generated until none is broken, or no work is left."""
        if is_large(self.program) or not work.is_enough_for_relaxation(self.program.matrix):
            # priced against the choices met, of which there is one without each winner
            return Priced(dict(zip(self.winners, self._nearest(), strict=True)), False, work.spent)
        rows = self.blocks[0].search.rows if len(self.blocks) == 1 else None
        charged = Charged(self.program, self.winners, self.worth, self.max_nodes, rows)
        searches_to_come = SEARCHES_TO_COME
        for _ in range(MAX_ROUNDS):
            excess = self._nearest()
            known = len(self.least), sum(self.least.values())
            keeps = [w - vcg - e for w, vcg, e in zip(self.worth, self.vcg, excess, strict=True)]
            part = work.part(1, searches_to_come)
            found = charged.blocking(keeps, [self.best, *self.choices[-RECENT:]], part)
            work.take(part)
            for x in (found.x, *found.met):
                self.learn(x[: self.program.n_columns])
            if (len(self.least), sum(self.least.values())) == known:
                if found.is_proven or work.is_spent or searches_to_come == 1:
                    return Priced(dict(zip(self.winners, excess, strict=True)), found.is_proven, work.spent)
                searches_to_come = 1
            if work.is_spent:
                break
        return Priced(dict(zip(self.winners, self._nearest(), strict=True)), False, work.spent)

    def _nearest(self) -> list[Fraction]:
        constraints = [
            Constraint(members, Fraction(least - sum(self.vcg[at] for at in members)))
            for members, least in sorted(self.least.items())
        ]
        most = [worth - vcg for worth, vcg in zip(self.worth, self.vcg, strict=True)]
        return nearest_point(constraints, most)


def join(programs: Sequence[Program]) -> Program:
    """Put blocks beside each other, as one program."""
    if len(programs) == 1:
        return programs[0]

    def all_of(name: str) -> Ints:
        return np.concatenate([getattr(program, name) for program in programs])

    return Program(
        ticks=all_of("ticks"),
        upper=all_of("upper"),
        bid=all_of("bid"),
        kind=all_of("kind"),
        owner=all_of("owner"),
        matrix=csc_array(block_diag([program.matrix for program in programs], format="csc", dtype=np.int64)),
        limit=all_of("limit"),
        is_equal=np.concatenate([program.is_equal for program in programs]),
        bid_row=all_of("bid_row"),
        source=np.full(sum(program.n_columns for program in programs), -1),
        columns=programs[0].columns,
    )


def exchanges(program: Program, best: Ints, other: Ints) -> list[Ints]:
    """Cut the difference of two choices into parts that share no row and no organization; each makes a choice."""
    left = program.limit - program.matrix @ best
    parts = []
    for columns in _apart(program, np.flatnonzero(best != other).tolist()):
        taken = program.matrix[:, columns] @ (other - best)[columns]
        if (taken <= left).all() and not taken[program.is_equal].any():
            choice = best.copy()
            choice[columns] = other[columns]
            parts.append(choice)
    return parts if len(parts) > 1 else []


def _apart(program: Program, columns: Sequence[int]) -> list[list[int]]:
    """Cut columns into parts that share no row and no organization, in the order of their first rows."""
    part_of: dict[int, set[int]] = {}  # by row; by organization, numbered below 0
    for column in columns:
        taken = slice(program.matrix.indptr[column], program.matrix.indptr[column + 1])
        nodes = {-1 - int(program.owner[column]), *program.matrix.indices[taken].tolist()}
        for joined in {id(part_of[node]): part_of[node] for node in nodes if node in part_of}.values():
            nodes |= joined
        part_of |= dict.fromkeys(nodes, nodes)
    columns_of: dict[int, list[int]] = {}
    for column in columns:
        part = part_of[-1 - int(program.owner[column])]
        columns_of.setdefault(min(node for node in part if node >= 0), []).append(column)
    return [columns_of[first] for first in sorted(columns_of)]
