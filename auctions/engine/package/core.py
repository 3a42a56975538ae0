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
from scipy.sparse import block_diag, coo_array, csc_array, csr_array
from scipy.sparse.csgraph import connected_components

from auctions.engine.book import Ints
from auctions.engine.package.block import Block, ticks_by_owner
from auctions.engine.package.columns import SELECTOR
from auctions.engine.package.nearest import Constraint, nearest_point
from auctions.engine.package.program import Program
from auctions.engine.package.search import Found, Search

CHARGE = 3
"""Kind of the column that charges a coalition what an organization of several bids keeps at present."""

MAX_FINE_BITS = 12
"""Payments are tried in steps of 2**-12 tick; a constraint broken by less is not told apart."""

MAX_ROUNDS = 500


@dataclass(frozen=True, eq=False, slots=True)
class Priced:
    """excess : ticks above VCG by winning organization; is_proven: whether no coalition can block."""

    excess: dict[int, Fraction]
    is_proven: bool


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

    def price(self) -> Priced:
        """Find the point; constraints are generated until none is broken or a search is cut short."""
        charged = _Charged(self)
        for _ in range(MAX_ROUNDS):
            excess = self._nearest()
            known = len(self.least), sum(self.least.values())
            found = charged.blocking(excess)
            self.learn(charged.choice(found))
            if (len(self.least), sum(self.least.values())) == known:
                return Priced(dict(zip(self.winners, excess, strict=True)), found.is_proven)
        return Priced(dict(zip(self.winners, self._nearest(), strict=True)), False)

    def _nearest(self) -> list[Fraction]:
        constraints = [
            Constraint(members, Fraction(least - sum(self.vcg[at] for at in members)))
            for members, least in sorted(self.least.items())
        ]
        most = [worth - vcg for worth, vcg in zip(self.worth, self.vcg, strict=True)]
        return nearest_point(constraints, most)


class _Charged:
    """The program in which winners are worth less by what they keep at present."""

    def __init__(self, core: Core) -> None:
        self.core = core
        program = core.program
        self.several = [
            (at, owner)
            for at, owner in enumerate(core.winners)
            if len(np.unique(program.bid[program.owner == owner])) > 1
        ]
        charged = _with_charges(program, [owner for _, owner in self.several])
        self.search = Search(charged, max_nodes=core.max_nodes)
        bits = int(np.abs(program.ticks * program.upper).sum() + sum(core.worth)).bit_length()
        self.bits = max(0, min(MAX_FINE_BITS, 60 - bits))

    def blocking(self, excess: list[Fraction]) -> Found:
        """Find the coalition that gains most by leaving, or the winners where none gains."""
        core, program = self.core, self.core.program
        keeps = [
            round((worth - vcg - each) * 2**self.bits)
            for worth, vcg, each in zip(core.worth, core.vcg, excess, strict=True)
        ]
        ticks = np.append(program.ticks << self.bits, np.zeros(len(self.several), dtype=np.int64))
        charged = {at for at, _ in self.several}
        for at, owner in enumerate(core.winners):
            if at not in charged:
                own = (program.owner == owner) & (program.kind == SELECTOR)
                ticks[: program.n_columns][own] -= keeps[at]
        for row, (at, _) in enumerate(self.several):
            ticks[program.n_columns + row] = -keeps[at]
        known = [self._with_charges(x) for x in (core.best, *core.choices[-10:])]
        return self.search.maximise(ticks, known=known)

    def choice(self, found: Found) -> Ints:
        return found.x[: self.core.program.n_columns]

    def _with_charges(self, x: Ints) -> Ints:
        owners = set(self.core.program.owner[x > 0].tolist())
        return np.append(x, np.array([int(owner in owners) for _, owner in self.several], dtype=np.int64))


def _with_charges(program: Program, owners: list[int]) -> Program:
    """Add a binary column for each of the owners, without which none of its bids can be filled."""
    if not owners:
        return program
    bid_owner = {int(bid): int(owner) for bid, owner in zip(program.bid, program.owner, strict=True)}
    rows = [
        (row, column)
        for column, owner in enumerate(owners)
        for row in np.flatnonzero(program.bid_row >= 0).tolist()
        if bid_owner[int(program.bid_row[row])] == owner
    ]
    row, column = np.array(rows, dtype=np.int64).T
    charge = coo_array((np.full(len(row), -1), (row, column)), shape=(len(program.limit), len(owners)))
    limit = program.limit.copy()
    limit[row] = 0
    n = len(owners)
    return Program(
        ticks=np.append(program.ticks, np.zeros(n, dtype=np.int64)),
        upper=np.append(program.upper, np.ones(n, dtype=np.int64)),
        bid=np.append(program.bid, np.full(n, -1)),
        kind=np.append(program.kind, np.full(n, CHARGE)),
        owner=np.append(program.owner, owners),
        matrix=_beside(program.matrix, charge),
        limit=limit,
        is_equal=program.is_equal,
        bid_row=program.bid_row,
        source=np.append(program.source, np.full(n, -1)),
        columns=program.columns,
    )


def _beside(left: csc_array, right: coo_array) -> csc_array:
    added = csc_array(right)
    return csc_array(
        (
            np.concatenate([left.data, added.data]),
            np.concatenate([left.indices, added.indices]),
            np.concatenate([left.indptr, left.indptr[-1] + added.indptr[1:]]),
        ),
        shape=(left.shape[0], left.shape[1] + right.shape[1]),
    )


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
    changed = np.flatnonzero(best != other)
    if not len(changed):
        return []
    used = csr_array(program.matrix[:, changed])
    n_rows = used.shape[0]
    entries = coo_array(used)
    owner, owner_row = np.unique(program.owner[changed], return_inverse=True)
    rows = np.concatenate([entries.coords[0], n_rows + owner_row])
    columns = n_rows + len(owner) + np.concatenate([entries.coords[1], np.arange(len(changed))])
    size = n_rows + len(owner) + len(changed)
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    label = label[n_rows + len(owner) :]
    parts = []
    for part in np.unique(label):
        choice = best.copy()
        choice[changed[label == part]] = other[changed[label == part]]
        if program.is_feasible(choice):
            parts.append(choice)
    return parts if len(parts) > 1 else []
