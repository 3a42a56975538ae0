"""Books like those of the Combinatorial Auction Test Suite, written from its published description.

Leyton-Brown, Pearson, Shoham: Towards a universal test suite for combinatorial auction algorithms (ACM EC 2000), §4,
and for L4 the "decay" distribution it lists among the legacy ones (Sandholm 1999). These are not the suite's own
programs: where the description leaves a number open it is a constant here, and the same seed gives other instances.

Goods become lots of one unit and one hour without reserve; an XOR set of bids becomes one bid with options, so "1,000
bids" are 1,000 options. 1 of the suite's currency is 1,000 ticks. The last set is cut to what is still missing.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from typing import Any

Goods = frozenset[int]
XorSet = dict[Goods, float]
"""What one bidder offers for bundles, of which it wants one."""

TICKS_PER_VALUE = 1_000
MAX_SUBSTITUTES = 5

MAX_GOOD_VALUE = 100.0
DEVIATION = 0.5
ADDITIVITY = 0.2
ADDITIONAL_GOOD = 0.9
JUMP = 0.05
DIAGONAL = 0.2
BUDGET_FACTOR = 1.5
RESALE_FACTOR = 0.5


def cats_book(kind: str, seed: int, *, n_goods: int = 64, n_bids: int = 1_000) -> dict[str, Any]:
    """Generate a book in format 1 of one of `KINDS`; the same for the same arguments on every machine."""
    rng = random.Random(f"{kind} {seed} {n_goods} {n_bids}")
    draw = KINDS[kind](rng, n_goods)
    xor_sets: list[XorSet] = []
    left = n_bids
    while left:
        offers = draw()
        if offers:
            best = sorted(offers.items(), key=lambda offer: (-offer[1], sorted(offer[0])))[:left]
            xor_sets.append(dict(best))
            left -= len(best)
    return _book(xor_sets, n_goods)


def _book(xor_sets: list[XorSet], n_goods: int) -> dict[str, Any]:
    lots = [
        {"id": f"g{good:03}", "seller": "seller", "units": 1, "start": 0, "end": 1, "reserve": 0}
        for good in range(n_goods)
    ]
    bids = [
        {
            "id": f"b{row:05}",
            "bidder": f"bidder{row:05}",
            "sequence": row,
            "options": [_option(goods, value) for goods, value in offers.items()],
        }
        for row, offers in enumerate(xor_sets)
    ]
    return {"format": 1, "rule": "core", "hours": 1, "lots": lots, "bids": bids}


def _option(goods: Goods, value: float) -> dict[str, Any]:
    legs = [
        {"lots": [f"g{good:03}"], "units": 1, "earliest": 0, "latest": 1, "hours": 1}
        for good in sorted(goods)
    ]
    return {"value": max(1, round(value * TICKS_PER_VALUE)), "legs": legs}


def arbitrary(rng: random.Random, n_goods: int) -> Callable[[], XorSet]:
    """Any two goods go together more or less well; bundles are drawn by how well (§4.3).

    By the paper they are also worth more the better they go together. The suite's program counts their goods, as in
    `regions`; so does this, as the published times are of its instances. (By the paper one bundle often takes it all.)
    """
    fit = [[0.0] * n_goods for _ in range(n_goods)]
    for a, b in itertools.combinations(range(n_goods), 2):
        fit[a][b] = fit[b][a] = rng.random()

    def next_good(bundle: list[int], private: list[float]) -> int | None:
        outside = [good for good in range(n_goods) if good not in bundle]
        weights = [private[good] * sum(fit[good][other] for other in bundle) for good in outside]
        return rng.choices(outside, weights)[0] if outside else None

    return _common_value_bidders(rng, n_goods, next_good)


def regions(rng: random.Random, n_goods: int) -> Callable[[], XorSet]:
    """Goods are places on a map; bundles grow to neighbours, and seldom jump (§4.2)."""
    side = math.ceil(math.sqrt(n_goods))
    near: list[set[int]] = [set() for _ in range(n_goods)]
    for good in range(n_goods):
        row, column = divmod(good, side)
        joins = [(row, column + 1), (row + 1, column)]
        joins += [
            corner for corner in ((row + 1, column + 1), (row + 1, column - 1)) if rng.random() < DIAGONAL
        ]
        for r, c in joins:
            if 0 <= c < side and r * side + c < n_goods:
                near[good].add(r * side + c)
                near[r * side + c].add(good)

    def next_good(bundle: list[int], private: list[float]) -> int | None:
        around = sorted(set().union(*(near[good] for good in bundle)).difference(bundle))
        if rng.random() < JUMP or not around:
            around = [good for good in range(n_goods) if good not in bundle]
        return rng.choices(around, [private[good] for good in around])[0] if around else None

    return _common_value_bidders(rng, n_goods, next_good)


def _common_value_bidders(
    rng: random.Random,
    n_goods: int,
    next_good: Callable[[list[int], list[float]], int | None],
) -> Callable[[], XorSet]:
    """Goods have a value common to all, and one to each bidder. A bidder offers for one bundle and its like."""
    common = [rng.uniform(1, MAX_GOOD_VALUE) for _ in range(n_goods)]

    def draw() -> XorSet:
        own = [rng.uniform(-DEVIATION, DEVIATION) * MAX_GOOD_VALUE for _ in range(n_goods)]
        private = [(value / MAX_GOOD_VALUE + DEVIATION) / (2 * DEVIATION) + 1e-9 for value in own]

        def worth(bundle: Goods) -> float:
            return sum(common[good] + own[good] for good in bundle) + len(bundle) ** (1 + ADDITIVITY)

        def grow(start: int, wanted: Callable[[int], bool]) -> Goods:
            bundle = [start]
            while wanted(len(bundle)):
                good = next_good(bundle, private)
                if good is None:
                    break
                bundle.append(good)
            return frozenset(bundle)

        first = grow(rng.choices(range(n_goods), private)[0], lambda _: rng.random() < ADDITIONAL_GOOD)
        value = worth(first)
        if value <= 0:
            return {}
        resale = RESALE_FACTOR * sum(common[good] for good in first)
        likes = {grow(good, lambda size: size < len(first)) for good in sorted(first)} - {first}
        offers = {
            bundle: worth(bundle)
            for bundle in sorted(likes, key=sorted)
            if 0 < worth(bundle) <= BUDGET_FACTOR * value and sum(common[good] for good in bundle) >= resale
        }
        best = sorted(offers.items(), key=lambda offer: (-offer[1], sorted(offer[0])))[:MAX_SUBSTITUTES]
        return {first: value} | dict(best)

    return draw


SHIPPING_COST_FACTOR = 1.5
GOODS_PER_CITY = 2.4


def paths(rng: random.Random, n_goods: int) -> Callable[[], XorSet]:
    """Goods are links between near cities; a bidder wants one of the short ways between two cities (§4.1)."""
    n_cities = round(n_goods / GOODS_PER_CITY)
    place = [(rng.random(), rng.random()) for _ in range(n_cities)]
    by_length = sorted(
        itertools.combinations(range(n_cities), 2), key=lambda pair: math.dist(*(place[c] for c in pair))
    )
    nearest = [next(pair for pair in by_length if city in pair) for city in range(n_cities)]
    links = list(dict.fromkeys([*nearest, *by_length]))[:n_goods]
    joined: list[list[tuple[int, int, float]]] = [[] for _ in range(n_cities)]
    for good, (a, b) in enumerate(links):
        length = math.dist(place[a], place[b])
        joined[a].append((b, good, length))
        joined[b].append((a, good, length))

    def ways(city: int, to: int, budget: float, seen: frozenset[int], used: Goods, length: float) -> XorSet:
        if city == to:
            return {used: budget - length}
        found: XorSet = {}
        for other, good, step in joined[city]:
            ahead = length + step
            if other not in seen and ahead + math.dist(place[other], place[to]) < budget:
                found |= ways(other, to, budget, seen | {other}, used | {good}, ahead)
        return found

    def draw() -> XorSet:
        start, to = rng.sample(range(n_cities), 2)
        budget = math.dist(place[start], place[to]) * rng.uniform(1, SHIPPING_COST_FACTOR)
        found = ways(start, to, budget, frozenset([start]), frozenset(), 0.0)
        best = sorted(found.items(), key=lambda offer: (-offer[1], sorted(offer[0])))[:MAX_SUBSTITUTES]
        return {goods: value * MAX_GOOD_VALUE for goods, value in best}

    return draw


AIRPORTS = ((-87.75, 41.98), (-77.03, 38.85), (-73.78, 40.65), (-73.86, 40.78))
LONGEST_FLIGHT = 10
EARLY, LATE = 1, 2
LATE_WORTH = EARLY_WORTH = 0.75


def matching(rng: random.Random, n_goods: int) -> Callable[[], XorSet]:
    """Goods are slots at four airports; a flight needs one to leave and one to land, near its best times (§4.4)."""
    n_times = n_goods // len(AIRPORTS)
    longest_flight = min(LONGEST_FLIGHT, n_times // 2 + 2)
    longest = max(math.dist(a, b) for a, b in itertools.combinations(AIRPORTS, 2))
    worth = [rng.uniform(1, MAX_GOOD_VALUE) for _ in AIRPORTS]

    def draw() -> XorSet:
        a, b = rng.sample(range(len(AIRPORTS)), 2)
        flight = max(1, round(longest_flight * math.dist(AIRPORTS[a], AIRPORTS[b]) / longest))
        value = (worth[a] + worth[b]) * rng.uniform(1 - DEVIATION, 1 + DEVIATION)
        leave = rng.randrange(n_times - flight)
        offers: XorSet = {}
        for t in range(max(0, leave - EARLY), min(n_times - flight, leave + LATE + 1)):
            for landing in range(t + flight, min(n_times, t + flight + LATE + 1)):
                late = max(0, landing - leave - flight)
                early = max(0, leave - t)
                goods = frozenset([a * n_times + t, b * n_times + landing])
                offers[goods] = value * LATE_WORTH**late * EARLY_WORTH**early
        return offers

    return draw


LONGEST_JOB = 10
ADDITIONAL_DEADLINE = 0.9


def scheduling(rng: random.Random, n_goods: int) -> Callable[[], XorSet]:
    """Goods are times of one machine; a job needs some in a row before a deadline, later ones worth less (§4.5)."""

    def draw() -> XorSet:
        length = rng.randint(1, LONGEST_JOB)
        first = deadline = rng.randint(length, n_goods)
        value = length ** (1 + ADDITIVITY) * rng.uniform(1 - DEVIATION, 1 + DEVIATION)
        offers: XorSet = {}
        before = 0
        while True:
            for end in range(max(before + 1, length), deadline + 1):
                offers[frozenset(range(end - length, end))] = value * first / deadline
            before = deadline
            if before == n_goods or rng.random() >= ADDITIONAL_DEADLINE:
                return offers
            deadline = rng.randint(before + 1, n_goods)

    return draw


DECAY = 0.55


def l4(rng: random.Random, n_goods: int) -> Callable[[], XorSet]:
    """Decay: one more good with probability 0.55 each time; worth up to the number of goods. No XOR."""

    def draw() -> XorSet:
        goods = rng.sample(range(n_goods), n_goods)
        size = 1
        while size < n_goods and rng.random() < DECAY:
            size += 1
        return {frozenset(goods[:size]): rng.uniform(0, size) * MAX_GOOD_VALUE}

    return draw


KINDS: dict[str, Callable[[random.Random, int], Callable[[], XorSet]]] = {
    "matching": matching,
    "paths": paths,
    "L4": l4,
    "scheduling": scheduling,
    "regions": regions,
    "arbitrary": arbitrary,
}
