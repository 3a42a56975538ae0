"""Plan a replay: who lists and who bids what in each window. Pure: facts of the traces and a seed in, a plan out.

Supply. Each Helios cluster is a seller that owns a share of the spot cluster's nodes of every model with a name. In a
trace hour it lists the nodes that stood idle in every minute of it: nodes × the least idle share, rounded down.

Demand. The pods of a stretch of days are laid over the trace day by their time of day, and each asks for capacity in
every hour in which it was there, whether or not it got it before. A pod that wanted part of a GPU bids for one GPU
of a one-GPU node; pods that wanted whole GPUs are pooled per buyer and hour into whole nodes of eight.

Prices. A pod's valuation is log-normal around a share of the posted price, drawn once; a pool is worth the mean of its
pods by GPU. A reserve is uniform between two shares. Shares are of the model's anchor, ticks per unit-hour.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np

from simulation.replay.traces import (
    CLUSTERS,
    MILLI_PER_GPU,
    PODS_FILE,
    Pod,
    Pods,
    TraceError,
    read_idle_shares,
    read_nodes,
    read_pods,
)

N_BUYERS = 12
RESERVE_SHARES = (0.25, 0.60)
VALUE_MEDIAN_SHARE = 0.50
VALUE_SIGMA = 0.35
"""Of the logarithm: about two thirds of the valuations lie between 35 % and 71 % of the posted price."""
SECONDS_PER_HOUR = 3_600
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the node file as the catalogue knows it; its anchor is a share of some type's posted price."""

    trace_name: str
    slug: str
    node_units: int
    anchor_slug: str
    anchor_share: Fraction = Fraction(1)


MODELS = (
    Model("A10", "A10-24GB", 1, "L40S-48GB", Fraction(1, 2)),
    Model("A100-SXM4-80GB", "A100-SXM4-80GB", 8, "A100-SXM4-80GB"),
    Model("A800-SXM4-80GB", "A800-SXM4-80GB", 8, "A100-SXM4-80GB"),
    Model("H800", "H800-SXM5-80GB", 8, "H100-SXM5-80GB"),
)
"""A10, A800 and H800 have no posted price in the catalogue: the nearest type that has one stands in for them."""
MODEL_OF_SLUG = {model.slug: model for model in MODELS}


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of the traces takes part. ``share`` is what each seller owns of every model's nodes."""

    n_windows: int = 24
    share: Fraction = Fraction(2, 100)
    demand_from: int = 119
    demand_days: int = 20


@dataclass(frozen=True, slots=True)
class PlannedBlock:
    """Idle units of one model for one hour. ``reserve_share`` is of the model's anchor."""

    cluster: str
    model: Model
    units: int
    reserve_share: float


@dataclass(frozen=True, slots=True)
class PlannedBid:
    """A bid on ``blocks[block]`` of its window. ``value_share`` is of the model's anchor."""

    buyer: int
    block: int
    units: int
    value_share: float


@dataclass(frozen=True, slots=True)
class PlannedWindow:
    """One trace hour. ``n_unmet`` bids found nothing of their kind on offer and are not placed."""

    hour: int
    blocks: tuple[PlannedBlock, ...]
    bids: tuple[PlannedBid, ...]
    n_unmet: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens in every window, and what of the traces was left out."""

    day: date
    seed: int
    scale: Scale
    windows: tuple[PlannedWindow, ...]
    owned_nodes: dict[str, int]
    left_out_nodes: dict[str, int]
    n_pods: int
    n_pods_without_gpu: int


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a buyer wants in one hour before it knows what is on offer."""

    buyer: int
    node_units: int
    units: int
    value_share: float


def read_plan(folder: Path, *, day: date, seed: int, scale: Scale) -> Plan:
    """Read the traces and plan the replay. Raise TraceError."""
    return make_plan(
        nodes=read_nodes(folder),
        idle={cluster: read_idle_shares(folder, cluster, day, scale.n_windows) for cluster in CLUSTERS},
        pods=read_pods(folder),
        day=day,
        seed=seed,
        scale=scale,
    )


def make_plan(
    *,
    nodes: Counter[tuple[str, int]],
    idle: dict[str, list[Fraction]],
    pods: Pods,
    day: date,
    seed: int,
    scale: Scale,
) -> Plan:
    """Plan the replay: the same facts and seed give the same plan. Raise TraceError when no pod takes part."""
    # A stream of dice for each purpose, so that more of one thing does not change another.
    reserves, values, choices = (np.random.default_rng(own) for own in np.random.SeedSequence(seed).spawn(3))
    owned = {
        model.trace_name: int(nodes[model.trace_name, model.node_units] * scale.share) for model in MODELS
    }
    taking_part = _taking_part(pods.asking, scale)
    wishes = _wishes(taking_part, _value_shares(taking_part, values), scale.n_windows)
    windows = []
    for hour in range(scale.n_windows):
        blocks = _blocks(hour, owned, idle, reserves)
        bids = [bid for wish in wishes[hour] if (bid := _bid(wish, blocks, choices)) is not None]
        windows.append(PlannedWindow(hour, blocks, tuple(bids), len(wishes[hour]) - len(bids)))
    known = {(model.trace_name, model.node_units) for model in MODELS}
    return Plan(
        day=day,
        seed=seed,
        scale=scale,
        windows=tuple(windows),
        owned_nodes=owned,
        left_out_nodes={
            f"{name}×{gpus}": n for (name, gpus), n in sorted(nodes.items()) if (name, gpus) not in known
        },
        n_pods=len(taking_part),
        n_pods_without_gpu=pods.n_without_gpu,
    )


def buyer_of(pod: Pod) -> int:
    """Return which of the buyers a pod belongs to, 0 to N_BUYERS − 1: a hash of its name, the same on any machine."""
    return int.from_bytes(hashlib.sha256(pod.name.encode()).digest()[:8], "big") % N_BUYERS


def hours_present(pod: Pod) -> range:
    """Return the hours in which a pod was there, counted from the midnight before it came; at least one."""
    first = pod.created_s % SECONDS_PER_DAY // SECONDS_PER_HOUR
    ended_s = pod.created_s % SECONDS_PER_DAY + pod.deleted_s - pod.created_s
    return range(first, max(first + 1, math.ceil(ended_s / SECONDS_PER_HOUR)))


def _taking_part(pods: Sequence[Pod], scale: Scale) -> list[Pod]:
    days = range(scale.demand_from, scale.demand_from + scale.demand_days)
    found = [pod for pod in pods if pod.created_s // SECONDS_PER_DAY in days]
    if not found:
        last = pods[-1].created_s // SECONDS_PER_DAY if pods else "none"
        raise TraceError(
            f"{PODS_FILE} has no pod that asks for a GPU on days {days[0]} to {days[-1]}; its last is of day {last}."
        )
    return found


def _value_shares(pods: Sequence[Pod], dice: np.random.Generator) -> list[float]:
    return dice.lognormal(math.log(VALUE_MEDIAN_SHARE), VALUE_SIGMA, len(pods)).tolist()


def _blocks(
    hour: int, owned: dict[str, int], idle: dict[str, list[Fraction]], dice: np.random.Generator
) -> tuple[PlannedBlock, ...]:
    return tuple(
        PlannedBlock(cluster, model, n_idle * model.node_units, float(dice.uniform(*RESERVE_SHARES)))
        for cluster, shares in idle.items()
        for model in MODELS
        if (n_idle := int(owned[model.trace_name] * shares[hour]))
    )


def _wishes(pods: Sequence[Pod], value_shares: Sequence[float], n_hours: int) -> list[list[_Wish]]:
    """Return for each hour the wishes of its pods: parts of GPUs in order of arrival, then the pools by buyer."""
    singles: list[list[_Wish]] = [[] for _ in range(n_hours)]
    pools: list[dict[int, list[tuple[int, float]]]] = [defaultdict(list) for _ in range(n_hours)]
    for pod, value_share in zip(pods, value_shares, strict=True):
        buyer = buyer_of(pod)
        for hour in hours_present(pod):
            if hour >= n_hours:
                break
            if pod.gpu_milli < MILLI_PER_GPU:
                singles[hour].append(_Wish(buyer, 1, pod.n_gpus, value_share))
            else:
                pools[hour][buyer].append((pod.n_gpus, value_share))
    return [
        own + [_pooled(buyer, pool) for buyer, pool in sorted(by_buyer.items())]
        for own, by_buyer in zip(singles, pools, strict=True)
    ]


def _pooled(buyer: int, pool: Sequence[tuple[int, float]]) -> _Wish:
    n_gpus = sum(gpus for gpus, _ in pool)
    value_share = sum(gpus * share for gpus, share in pool) / n_gpus
    return _Wish(buyer, 8, -(-n_gpus // 8) * 8, value_share)


def _bid(wish: _Wish, blocks: Sequence[PlannedBlock], dice: np.random.Generator) -> PlannedBid | None:
    """Choose a block of the right kind, larger ones more often; ask for no more than it has."""
    chosen = float(dice.random())
    fitting = [i for i, block in enumerate(blocks) if block.model.node_units == wish.node_units]
    reached = chosen * sum(blocks[i].units for i in fitting)
    for index in fitting:
        reached -= blocks[index].units
        if reached < 0:
            return PlannedBid(wish.buyer, index, min(wish.units, blocks[index].units), wish.value_share)
    return None
