"""Books of the market's own kind: congested weeks of flexible jobs, and large mixed books."""

from __future__ import annotations

import random
from typing import Any

HOURS = 168
TYPES = ("H100", "H200", "B200")
NODE_UNITS = 8
RESERVES = {"H100": 12_000, "H200": 17_000, "B200": 26_000}
"""Ticks per unit-hour."""


def congested_week(n_jobs: int, seed: int, *, as_one: bool = False) -> dict[str, Any]:
    """Jobs of 1 to 8 nodes for 4 to 48 hours within a window, on one type or two; about twice what is on offer.

    What there is of a type comes in lots of 8 nodes of a seller each, or all `as_one` lot; the jobs are the same.
    """
    rng = random.Random(f"week {n_jobs} {seed}")
    n_lots = max(1, n_jobs // 150)
    units = 64
    if as_one:
        units, n_lots = units * n_lots, 1
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
