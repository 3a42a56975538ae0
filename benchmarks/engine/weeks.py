"""Books of the market's own kind: congested weeks of flexible jobs, made up or after traces, and large mixed books."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

from simulation.replay.traces import read_nodes, read_pods

HOURS = 168
TYPES = ("H100", "H200", "B200")
NODE_UNITS = 8
RESERVES = {"H100": 12_000, "H200": 17_000, "B200": 26_000}
"""Ticks per unit-hour."""


def congested_week(n_jobs: int, seed: int, *, as_one: bool = False, times: int = 1) -> dict[str, Any]:
    """Jobs of 1 to 8 nodes for 4 to 48 hours within a window, on one type or two; about three times what is on offer.

    What there is of a type comes in lots of 8 nodes of a seller each, or all `as_one` lot, so many `times` as large.
    The jobs are the same.
    """
    rng = random.Random(f"week {n_jobs} {seed}")
    n_lots = max(1, n_jobs // 150)
    units = 64
    if as_one:
        units, n_lots = units * n_lots * times, 1
    lots = [
        _lot(f"{kind}-{row}", f"seller{row}", units, 0, HOURS, RESERVES[kind])
        for kind in TYPES
        for row in range(n_lots)
    ]
    bids = [_job(rng, row, [lot["id"] for lot in lots]) for row in range(n_jobs)]
    return _book(lots, bids)


def _job(rng: random.Random, row: int, lots: list[str]) -> dict[str, Any]:
    kinds = rng.sample(TYPES, rng.choice([1, 1, 2]))
    nodes, hours = rng.choice([1, 1, 2, 2, 4, 8]), rng.randint(4, 48)
    earliest = rng.randint(0, HOURS - hours)
    latest = min(HOURS, earliest + hours + rng.randint(0, 72))
    leg = {
        "lots": [lot for lot in lots if lot.split("-")[0] in kinds],
        "units": nodes * NODE_UNITS,
        "earliest": earliest,
        "latest": latest,
        "hours": hours,
    }
    if nodes > 1 and rng.random() < 0.25:
        leg["min_units"] = NODE_UNITS
    price = round(min(RESERVES[kind] for kind in kinds) * rng.lognormvariate(0.5, 0.4))
    return _bid(row, f"buyer{rng.randrange(120)}", {"price": price, "legs": [leg]})


def packaged_week(n_jobs: int, n_packages: int, seed: int) -> dict[str, Any]:
    """Flexible jobs as in `congested_week`, and packages: two types at once for 4 to 30 hours, each on one of two lots.

    What there is of a type comes in four lots of 4 nodes.
    """
    rng = random.Random(f"packages {n_jobs} {n_packages} {seed}")
    lots = [
        _lot(f"{kind}-{row}", f"seller{row}", 4 * NODE_UNITS, 0, HOURS, RESERVES[kind])
        for kind in TYPES
        for row in range(4)
    ]
    bids = [_job(rng, row, [lot["id"] for lot in lots]) for row in range(n_jobs)]
    bids += [_package(rng, row, lots) for row in range(n_jobs, n_jobs + n_packages)]
    return _book(lots, bids)


def _package(rng: random.Random, row: int, lots: list[dict[str, Any]]) -> dict[str, Any]:
    hours = rng.randint(4, 30)
    earliest = rng.randint(0, HOURS - hours)
    legs = []
    for kind, nodes in zip(rng.sample(TYPES, 2), (rng.choice([1, 2, 4]), rng.choice([1, 2])), strict=True):
        named = rng.sample([lot["id"] for lot in lots if lot["id"].startswith(kind)], 2)
        leg = {"lots": sorted(named), "units": nodes * NODE_UNITS, "hours": hours}
        legs.append(leg | {"earliest": earliest, "latest": earliest + hours})
    cost = sum(leg["units"] * hours * RESERVES[leg["lots"][0].split("-")[0]] for leg in legs)
    option = {"value": round(cost * rng.lognormvariate(0.5, 0.4)), "legs": legs}
    return _bid(row, f"buyer{rng.randrange(120)}", option)


TRACES = Path(__file__).parents[3] / "shared" / "data"
"""Public traces; see docs/replay.md. They are not part of the project."""
TRACED_RESERVES = {"A10": 4_000, "A100-SXM4-80GB": 10_000, "H800": 17_000}
HOURS_PER_TRACED_HOUR = 24
"""Half of the pods run for less than nine minutes; at this scale for less than four hours."""
LONGEST = 72
SELLERS = 2


def traced_week(n_jobs: int, seed: int, folder: Path = TRACES) -> dict[str, Any]:
    """Jobs of the sizes and, stretched, the durations of real pods, for half as much as they want, in whole real nodes.

    A pod that asked for part of a GPU wants one. Models are offered and wanted in the ratio of the GPUs that the real
    cluster has of them; who sells a model shares its nodes with others evenly, and lists its own as one lot.
    """
    rng = random.Random(f"traced week {n_jobs} {seed}")
    nodes = {model: (size, n) for (model, size), n in read_nodes(folder).items() if model in TRACED_RESERVES}
    models = sorted(nodes)
    gpus = [nodes[model][0] * nodes[model][1] for model in models]
    asked: list[tuple[list[str], int, int]] = []
    for pod in rng.choices(read_pods(folder).asking, k=n_jobs):
        hours = (pod.deleted_s - pod.created_s) * HOURS_PER_TRACED_HOUR / 3600
        kinds = sorted({rng.choices(models, gpus)[0] for _ in range(rng.choice([1, 1, 2]))})
        asked.append((kinds, pod.n_gpus, min(LONGEST, max(1, round(hours)))))
    offered = sum(units * hours for _, units, hours in asked) / 2 / HOURS
    lots = []
    for model, n_gpus in zip(models, gpus, strict=True):
        size, _ = nodes[model]
        n_nodes = max(1, round(offered * n_gpus / sum(gpus) / size))
        shares = Counter(row % SELLERS for row in range(n_nodes))
        for seller, n in sorted(shares.items()):
            lot = _lot(f"{model}/{seller}", f"seller{seller}", n * size, 0, HOURS, TRACED_RESERVES[model])
            lots.append(lot | {"unit_step": 1})
    bids = []
    for row, (kinds, units, hours) in enumerate(asked):
        earliest = rng.randint(0, HOURS - hours)
        leg = {
            "lots": [lot["id"] for lot in lots if lot["id"].split("/")[0] in kinds],
            "units": units,
            "earliest": earliest,
            "latest": min(HOURS, earliest + hours + rng.randint(0, 72)),
            "hours": hours,
        }
        price = round(min(TRACED_RESERVES[kind] for kind in kinds) * rng.lognormvariate(0.5, 0.4))
        bids.append(_bid(row, f"buyer{rng.randrange(120)}", {"price": price, "legs": [leg]}))
    return _book(lots, bids)


def mixed_book(n_bids: int, seed: int, *, n_lots: int = 200) -> dict[str, Any]:
    """Half the bids take whole lots' hours in any number of nodes, half a flexible start on one of up to four lots."""
    rng = random.Random(f"mixed {n_bids} {n_lots} {seed}")
    lots = []
    for row in range(n_lots):
        start = 24 * rng.randrange(5)
        end = rng.randrange(start + 24, HOURS + 1, 24)
        reserve = RESERVES[rng.choice(TYPES)]
        lots.append(_lot(f"L{row:03}", f"seller{row % 40}", rng.choice([32, 64, 128]), start, end, reserve))
    bids = [
        _flexible(rng, row, lots) if row % 2 else _divisible(rng, row, rng.choice(lots))
        for row in range(n_bids)
    ]
    return _book(lots, bids)


def _flexible(rng: random.Random, row: int, lots: list[dict[str, Any]]) -> dict[str, Any]:
    home = rng.choice(lots)
    hours = rng.randint(2, min(24, home["end"] - home["start"]))
    earliest = rng.randint(home["start"], home["end"] - hours)
    others = [lot for lot in lots if lot["start"] <= earliest and lot["end"] >= earliest + hours]
    named = {home["id"], *(lot["id"] for lot in rng.sample(others, min(len(others), rng.randrange(4))))}
    leg = {
        "lots": sorted(named),
        "units": NODE_UNITS * rng.choice([1, 1, 2, 4]),
        "earliest": earliest,
        "latest": min(HOURS, earliest + hours + rng.randint(1, 24)),
        "hours": hours,
    }
    price = round(home["reserve"] * rng.lognormvariate(0.2, 0.4))
    return _bid(row, f"buyer{rng.randrange(1000)}", {"price": price, "legs": [leg]})


def _divisible(rng: random.Random, row: int, lot: dict[str, Any]) -> dict[str, Any]:
    leg = {
        "lots": [lot["id"]],
        "units": NODE_UNITS * rng.randint(1, 4),
        "min_units": NODE_UNITS,
        "earliest": lot["start"],
        "latest": lot["end"],
        "hours": lot["end"] - lot["start"],
    }
    price = round(lot["reserve"] * rng.lognormvariate(0.2, 0.4))
    return _bid(row, f"buyer{rng.randrange(1000)}", {"price": price, "legs": [leg]})


def _lot(name: str, seller: str, units: int, start: int, end: int, reserve: int) -> dict[str, Any]:
    return {
        "id": name,
        "seller": seller,
        "units": units,
        "unit_step": NODE_UNITS,
        "start": start,
        "end": end,
        "reserve": reserve,
    }


def _bid(row: int, bidder: str, option: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"b{row:05}", "bidder": bidder, "sequence": row, "options": [option]}


def _book(lots: list[dict[str, Any]], bids: list[dict[str, Any]]) -> dict[str, Any]:
    return {"format": 1, "rule": "core", "hours": HOURS, "lots": lots, "bids": bids}
