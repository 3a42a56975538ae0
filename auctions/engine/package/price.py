"""Solve a list of blocks: winners, the choices without each of them, and what everyone pays above reserve cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

from auctions.engine.book import Book
from auctions.engine.package.block import Block, find_winners, find_without
from auctions.engine.package.core import Core, Priced
from auctions.engine.package.groups import Standing, joint_groups
from auctions.engine.package.program import Program
from auctions.engine.package.search import Found, Search

MAX_IMPROVEMENTS = 1


@dataclass(frozen=True, eq=False, slots=True)
class Excess:
    """What winners of some blocks pay above VCG. blocks: positions; ticks: by organization row"""

    blocks: list[int]
    ticks: dict[int, Fraction]
    is_proven: bool


def solve_blocks(book: Book, programs: Sequence[Program], max_nodes: int, executor: Executor) -> list[Block]:
    """Find winners of all blocks, then every pivot of all blocks.

    Where the winners were not proven best, a pivot may turn out better than they are; it then takes their place.
    """
    solved = list(executor.map(partial(find_winners, book, max_nodes=max_nodes), programs))
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


def _improved(block: Block) -> tuple[Search, Found]:
    best = max(block.without.values(), key=lambda found: found.value)
    return block.search, replace(best, bound=max(best.value, block.best.bound))


def _with_pivots(solved: list[tuple[Search, Found]], executor: Executor) -> list[Block]:
    tasks = [
        (at, search, best, owner)
        for at, (search, best) in enumerate(solved)
        for owner in Block(search, best, {}).worth()
    ]
    pivots = list(executor.map(_pivot, tasks))
    without: list[dict[int, Found]] = [{} for _ in solved]
    for (at, _, _, owner), found in zip(tasks, pivots, strict=True):
        without[at][owner] = found
    return [Block(search, best, found) for (search, best), found in zip(solved, without, strict=True)]


def core_excess(
    blocks: Sequence[Block],
    elsewhere: Callable[[], Sequence[Standing]],
    max_nodes: int,
    executor: Executor,
) -> tuple[list[Excess], list[int]]:
    """Price the blocks in the core; also positions in `elsewhere` that cannot be left out of it.

    `elsewhere` tells of the lots of the vectorised path, whose VCG points are in their own cores.
    """
    alone = list(executor.map(partial(_price, max_nodes), [[block] for block in blocks]))
    jointly: list[list[int]] = []
    if any(any(priced.excess.values()) for priced in alone):
        standings = [_standing(block, priced) for block, priced in zip(blocks, alone, strict=True)]
        groups = joint_groups([*standings, *elsewhere()])
        needed = sorted(at - len(blocks) for group in groups for at in group if at >= len(blocks))
        if needed:
            return [], needed
        jointly = [group for group in groups if len(group) > 1]
    together = list(
        executor.map(partial(_price, max_nodes), [[blocks[at] for at in group] for group in jointly])
    )
    grouped = {at for group in jointly for at in group}
    priced = [*zip(jointly, together, strict=True)]
    priced += [([at], each) for at, each in enumerate(alone) if at not in grouped]
    return [Excess(group, each.excess, each.is_proven) for group, each in priced], []


def _standing(block: Block, priced: Priced) -> Standing:
    return Standing(
        winners=frozenset(block.worth()),
        bidders=frozenset(block.program.owner.tolist()),
        in_core=not any(priced.excess.values()),
    )


def vcg_excess(blocks: Sequence[Block]) -> list[Excess]:
    """Nothing above VCG for anybody."""
    return [Excess([at], dict.fromkeys(block.worth(), Fraction(0)), True) for at, block in enumerate(blocks)]


def _pivot(task: tuple[int, Search, Found, int]) -> Found:
    _, search, best, owner = task
    return find_without(search, best, owner)


def _price(max_nodes: int, blocks: list[Block]) -> Priced:
    if len({owner for block in blocks for owner in block.worth()}) < 2:
        return Priced(dict.fromkeys(blocks[0].worth(), Fraction(0)), True)
    return Core(blocks, max_nodes).price()


def round_excess(excess: Iterable[Excess]) -> list[dict[int, int]]:
    """Round to whole ticks: the total up, each winner's sum up or down, the larger fractions first."""
    excess = list(excess)
    total: dict[int, Fraction] = {}
    for part in excess:
        for owner, ticks in part.ticks.items():
            total[owner] = total.get(owner, Fraction(0)) + ticks
    left = -(-sum(total.values(), Fraction(0)) // 1) - sum(ticks // 1 for ticks in total.values())
    by_fraction = sorted(total, key=lambda owner: (-(total[owner] % 1), owner))
    whole = {owner: int(total[owner] // 1) + (rank < left) for rank, owner in enumerate(by_fraction)}
    return _share(excess, whole)


def _share(excess: list[Excess], whole: dict[int, int]) -> list[dict[int, int]]:
    """Split each winner's whole ticks over its groups, each part rounded down or up, the larger fractions up first."""
    shares = [{owner: int(ticks // 1) for owner, ticks in part.ticks.items()} for part in excess]
    fractions: dict[int, list[tuple[Fraction, int]]] = {}
    left = dict(whole)
    for at, part in enumerate(excess):
        for owner, ticks in part.ticks.items():
            fractions.setdefault(owner, []).append((-(ticks % 1), at))
            left[owner] -= shares[at][owner]
    for owner, parts in fractions.items():
        for _, at in sorted(parts)[: left[owner]]:
            shares[at][owner] += 1
    return shares
