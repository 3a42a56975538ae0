"""What everyone pays above VCG in a list of solved blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from auctions.engine.package.block import Block
from auctions.engine.package.core import Core, Priced
from auctions.engine.package.groups import Standing, joint_groups
from auctions.engine.package.work import LEAST_PER_COEFFICIENT, WINDOW_WORK, Work, share_out


@dataclass(frozen=True, eq=False, slots=True)
class Excess:
    """What winners of some blocks pay above VCG. blocks: positions; ticks: by organization row"""

    blocks: list[int]
    ticks: dict[int, Fraction]
    is_proven: bool


def core_excess(
    blocks: Sequence[Block],
    elsewhere: Callable[[], Sequence[Standing]],
    max_nodes: int,
    executor: Executor,
) -> tuple[list[Excess], list[int]]:
    """Price the blocks in the core; also positions in `elsewhere` that cannot be left out of it.

    `elsewhere` tells of the lots of the vectorised path, whose VCG points are in their own cores.
    """
    left = max(WINDOW_WORK - sum(block.spent for block in blocks), 0)
    alone = _price_all([[block] for block in blocks], left, max_nodes, executor)
    jointly: list[list[int]] = []
    if any(any(priced.excess.values()) for priced in alone):
        standings = [_standing(block, priced) for block, priced in zip(blocks, alone, strict=True)]
        groups = joint_groups([*standings, *elsewhere()])
        needed = sorted(at - len(blocks) for group in groups for at in group if at >= len(blocks))
        if needed:
            return [], needed
        jointly = [group for group in groups if len(group) > 1]
    left = max(left - sum(priced.spent for priced in alone), 0)
    together = _price_all([[blocks[at] for at in group] for group in jointly], left, max_nodes, executor)
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


def _price_all(groups: list[list[Block]], units: int, max_nodes: int, executor: Executor) -> list[Priced]:
    """Price groups of blocks side by side, within units of work shared out by their size."""
    coefficients = [sum(block.program.matrix.nnz for block in group) for group in groups]
    allotted = share_out(units, coefficients, [LEAST_PER_COEFFICIENT] * len(groups))
    return list(executor.map(partial(_price, max_nodes), zip(groups, allotted, strict=True)))


def _price(max_nodes: int, task: tuple[list[Block], int]) -> Priced:
    blocks, units = task
    if len({owner for block in blocks for owner in block.worth()}) < 2:
        return Priced(dict.fromkeys(blocks[0].worth(), Fraction(0)), True, 0)
    return Core(blocks, max_nodes).price(Work(units))


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
