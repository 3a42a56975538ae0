"""A block solved: its winners, and how well the others would do without each of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from auctions.engine.book import Book, Ints
from auctions.engine.package.found import Found, best_of, fits_int64
from auctions.engine.package.large import is_large
from auctions.engine.package.large.refill import refill
from auctions.engine.package.program import Program
from auctions.engine.package.search import Search
from auctions.engine.package.ties import settle_ties
from auctions.engine.package.work import Work


@dataclass(frozen=True, eq=False, slots=True)
class Block:
    """Ticks are above reserve cost throughout.

    best : the winners
    without : by winning organization, the best choice that gives it nothing
    spent : units of work on all of them
    """

    search: Search
    best: Found
    without: dict[int, Found]
    spent: int = 0

    @property
    def program(self) -> Program:
        return self.search.program

    def worth(self) -> dict[int, int]:
        """Ticks that the best choice is worth to each winning organization."""
        return ticks_by_owner(self.program, self.best.x)

    def vcg(self) -> dict[int, int]:
        """What each winning organization owes for the others' sake; never more than its worth, proven or not."""
        return {
            owner: worth - max(self.best.value - self.without[owner].value, 0)
            for owner, worth in self.worth().items()
        }

    def choices(self) -> list[Ints]:
        """Feasible choices met on the way, the winners' first."""
        return [self.best.x, *(found.x for found in self.without.values())]

    @property
    def is_proven(self) -> bool:
        return (
            self.best.is_settled
            and self.best.is_proven
            and all(found.is_proven for found in self.without.values())
        )


def ticks_by_owner(program: Program, x: Ints) -> dict[int, int]:
    """Ticks of each organization that `x` gives something, ascending by row."""
    chosen = np.flatnonzero(x)
    ticks, n = program.ticks[chosen], x[chosen]
    owners, rank = np.unique(program.owner[chosen], return_inverse=True)
    total = np.zeros(len(owners), dtype=np.int64 if fits_int64(ticks, n) else object)
    np.add.at(total, rank, ticks.astype(total.dtype) * n)
    return dict(zip(owners.tolist(), total.tolist(), strict=True))


def find_winners(
    book: Book, program: Program, max_nodes: int, work: Work | None = None, known: Iterable[Ints] = ()
) -> tuple[Search, Found]:
    """Find the best choice, by the tie rule where its value is proven and the block is not large."""
    work = Work() if work is None else work
    search = Search(program, max_nodes=max_nodes)
    found = search.maximise(program.ticks, known=known, learn=True, work=work)
    search.keep(found)
    if is_large(program):
        return search, replace(found, is_settled=False)
    while found.is_proven:
        settled = settle_ties(book, search, found, work)
        if settled.value == found.value:
            return search, settled
        found = settled
    return search, found


def find_without(
    search: Search, best: Found, owner: int, work: Work | None = None, known: Iterable[Ints] = ()
) -> Found:
    """Find the best choice that gives an organization nothing; never less than the winners' without its own.

    Where there is no work for a relaxation, what is left is offered to bids that have nothing.
    """
    program = search.program
    closed = program.owner == owner
    left = np.where(closed, 0, best.x)
    if work is not None and not is_large(program) and not work.is_enough_for_relaxation(program.matrix):
        filled = refill(program, search.problem(program.ticks, closed), left)
        x, value = best_of(program.ticks, [left, *known, filled])
        return Found(x, value, max(value, best.bound))
    return search.maximise(program.ticks, closed=closed, known=[left, *known], work=work)
