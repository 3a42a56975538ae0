"""Solve a list of blocks within a window's work: their winners, and how the others would do without each of them.

Work is shared out by the size of the blocks; what some leave goes, once all are done, to those that are not. So what a
search may do depends on the book alone, whatever runs side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from auctions.engine.book import Book, Ints
from auctions.engine.package.block import Block, find_winners, find_without, ticks_by_owner
from auctions.engine.package.found import Found
from auctions.engine.package.large import is_large
from auctions.engine.package.program import Program
from auctions.engine.package.search import Search
from auctions.engine.package.work import (
    LEAST_PER_COEFFICIENT,
    LEAST_PER_PIVOT,
    WINDOW_WORK,
    Work,
    share_out,
)

MAX_IMPROVEMENTS = 1

T = TypeVar("T", bound="_Task")

WORTH_WHILE = 2
"""A search is begun again only with so many times the work it had."""


@dataclass(frozen=True, eq=False, slots=True)
class _Task:
    """A search to be done within some units of work; `known`: what it found when it had less."""

    program: Program
    units: int = 0
    known: Found | None = None

    @property
    def choices(self) -> list[Ints]:
        return [] if self.known is None else [self.known.x]


@dataclass(frozen=True, eq=False, slots=True)
class _WithoutTask(_Task):
    """For the choice without an organization that wins in `best`."""

    search: Search = field(kw_only=True)
    best: Found = field(kw_only=True)
    owner: int = field(kw_only=True)


@dataclass(frozen=True, eq=False, slots=True)
class _Done:
    search: Search
    found: Found
    spent: int


def _find_winners(book: Book, max_nodes: int, task: _Task) -> _Done:
    work = Work(task.units)
    search, found = find_winners(book, task.program, max_nodes, work, task.choices)
    return _Done(search, found, work.spent)


def _find_without(task: _WithoutTask) -> _Done:
    work = Work(task.units)
    found = find_without(task.search, task.best, task.owner, work, task.choices)
    return _Done(task.search, found, work.spent)


def solve_blocks(book: Book, programs: Sequence[Program], max_nodes: int, executor: Executor) -> list[Block]:
    """Find winners of all blocks, then every pivot of all blocks.

    Where the winners were not proven best, a pivot may turn out better than they are; it then takes their place.
    """
    winners = [_Task(program) for program in programs]
    find = partial(_find_winners, book, max_nodes)
    solved = _within(WINDOW_WORK // 2, LEAST_PER_COEFFICIENT, winners, find, executor)
    blocks = _with_pivots(solved, executor)
    for _ in range(MAX_IMPROVEMENTS):
        improved = [
            at
            for at, block in enumerate(blocks)
            if any(found.value > block.best.value for found in block.without.values())
        ]
        if not improved:
            break
        again = _with_pivots([_improved(blocks[at]) for at in improved], executor)
        for at, block in zip(improved, again, strict=True):
            blocks[at] = block
    return blocks


def _improved(block: Block) -> _Done:
    best = max(block.without.values(), key=lambda found: found.value)
    return _Done(block.search, replace(best, bound=max(best.value, block.best.bound)), block.spent)


def _with_pivots(solved: list[_Done], executor: Executor) -> list[Block]:
    """Find the best choices without each winner, with half of the work that is left; the rest is for the prices."""
    tasks = [
        (at, _WithoutTask(each.search.program, search=each.search, best=each.found, owner=owner))
        for at, each in enumerate(solved)
        for owner in ticks_by_owner(each.search.program, each.found.x)
    ]
    left = max(WINDOW_WORK - sum(each.spent for each in solved), 0) // 2
    pivots = _within(left, LEAST_PER_PIVOT, [task for _, task in tasks], _find_without, executor)
    without: list[dict[int, Found]] = [{} for _ in solved]
    spent = [each.spent for each in solved]
    for (at, task), pivot in zip(tasks, pivots, strict=True):
        without[at][task.owner] = pivot.found
        spent[at] += pivot.spent
    return [
        Block(each.search, each.found, found, units)
        for each, found, units in zip(solved, without, spent, strict=True)
    ]


def _within(
    units: int, least: int, tasks: Sequence[T], search: Callable[[T], _Done], executor: Executor
) -> list[_Done]:
    """Do all searches, then those that were cut short again, with the work that the others left."""
    coefficients = [task.program.matrix.nnz for task in tasks]
    is_limited = [is_large(task.program) for task in tasks]  # these have limits of their own
    allotted = share_out(units, coefficients, [0 if limited else least for limited in is_limited])
    done = list(
        executor.map(search, [replace(task, units=n) for task, n in zip(tasks, allotted, strict=True)])
    )
    cut_short = [
        at
        for at, each in enumerate(done)
        if not (each.found.is_proven and each.found.is_settled) and not is_limited[at]
    ]
    left = max(units - sum(each.spent for each in done), 0)
    more = share_out(left, [coefficients[at] for at in cut_short], [0] * len(cut_short))
    again = {at: n for at, n in zip(cut_short, more, strict=True) if n >= WORTH_WHILE * allotted[at]}
    retried = [replace(tasks[at], known=done[at].found, units=n) for at, n in again.items()]
    for at, each in zip(again, executor.map(search, retried), strict=True):
        done[at] = replace(each, spent=each.spent + done[at].spent)
    return done
