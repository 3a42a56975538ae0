"""Which blocks must be priced together, because an organization wins in several of them: see `core`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """winners, bidders : organizations in a block; in_core : whether its VCG point lies in its own core"""

    winners: frozenset[int]
    bidders: frozenset[int]
    in_core: bool


def joint_groups(blocks: Sequence[Standing]) -> list[list[int]]:
    """Group blocks (positions, each in one group at most) that are priced together. Blocks in no group pay VCG."""
    groups: list[list[int]] = []
    for members in _connected(range(len(blocks)), blocks):
        if not all(blocks[at].in_core for at in members):
            groups += _connected(_pruned(members, blocks), blocks)
    return groups


def _connected(members: Iterable[int], blocks: Sequence[Standing]) -> list[list[int]]:
    """Parts that share no winner with each other, by first member."""
    members = list(members)
    parent = {at: at for at in members}

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    first_with: dict[int, int] = {}
    for at in members:
        for winner in blocks[at].winners:
            a, b = root(first_with.setdefault(winner, at)), root(at)
            parent[max(a, b)] = min(a, b)
    parts: dict[int, list[int]] = {}
    for at in members:
        parts.setdefault(root(at), []).append(at)
    return [parts[at] for at in sorted(parts)]


def _pruned(members: list[int], blocks: Sequence[Standing]) -> list[int]:
    """Leave out, as long as there are such, blocks at VCG in which at most one winner of the others wins or bids."""
    n_wins: dict[int, int] = {}
    touching: dict[int, list[int]] = {}
    for at in members:
        for winner in blocks[at].winners:
            n_wins[winner] = n_wins.get(winner, 0) + 1
        for bidder in blocks[at].bidders:
            touching.setdefault(bidder, []).append(at)
    kept, waiting = set(members), list(members)
    while waiting:
        at = waiting.pop()
        block = blocks[at]
        if at not in kept or not block.in_core:
            continue
        if sum(n_wins.get(bidder, 0) > (bidder in block.winners) for bidder in block.bidders) > 1:
            continue
        kept.discard(at)
        for winner in block.winners:
            n_wins[winner] -= 1
            waiting += [other for other in touching[winner] if other in kept]
    return [at for at in members if at in kept]
