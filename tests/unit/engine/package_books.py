"""Small random books of bids of every kind: from a seed, for long runs, and as a Hypothesis strategy."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]


def random_book(rng: random.Random, *, largest: int = 8, max_bids: int = 5) -> Document:
    """`largest` bounds prices: small ones make ties, large ones near ties."""
    hours = rng.randint(1, 4)
    lots = [_lot(rng, f"L{row}", hours, largest) for row in range(rng.randint(1, 3))]
    n_bids = rng.randint(1, max_bids)
    sequences = rng.sample(range(n_bids), n_bids)
    bidders = [f"o{row}" for row in range(rng.randint(2, 5))]
    bids = [_bid(rng, f"b{row}", sequences[row], bidders, lots, hours, largest) for row in range(n_bids)]
    return {"format": 1, "rule": "core", "hours": hours, "lots": lots, "bids": bids}


def books(*, largest: int = 8, max_bids: int = 5) -> st.SearchStrategy[Document]:
    return st.randoms(use_true_random=False).map(
        lambda rng: random_book(rng, largest=largest, max_bids=max_bids)
    )


def bundle_book(rng: random.Random, *, largest: int = 8, max_bids: int = 8, n_bidders: int = 8) -> Document:
    """Single units and bundles of them, in one to three separate parts: VCG is often outside the core."""
    lots: list[Document] = []
    bids: list[Document] = []
    for part in range(rng.choice([1, 1, 2, 3])):
        names = [f"P{part}L{row}" for row in range(rng.randint(2, 4))]
        reserve = rng.choice([0, 0, rng.randint(0, largest // 4)])
        units = rng.choice([1, 1, 1, 2])
        lots += [_unit_lot(rng, name, units, reserve) for name in names]
        for _ in range(rng.randint(2, max_bids) if part == 0 else rng.randint(2, 4)):
            row = len(bids)
            bundles = [rng.sample(names, rng.randint(1, len(names))) for _ in range(rng.choice([1, 1, 2]))]
            options = [_bundle_option(rng, bundle, largest) for bundle in bundles]
            bidder = f"o{rng.randint(0, n_bidders)}"
            bids.append({"id": f"b{row}", "bidder": bidder, "sequence": row, "options": options})
    return {"format": 1, "rule": "core", "hours": 1, "lots": lots, "bids": bids}


def bundle_books(*, largest: int = 8, max_bids: int = 8) -> st.SearchStrategy[Document]:
    return st.randoms(use_true_random=False).map(
        lambda rng: bundle_book(rng, largest=largest, max_bids=max_bids, n_bidders=rng.choice([3, 8]))
    )


def _unit_lot(rng: random.Random, name: str, units: int, reserve: int) -> Document:
    seller = rng.choice(["s", "s", "o1"])
    return {"id": name, "seller": seller, "units": units, "start": 0, "end": 1, "reserve": reserve}


def _bundle_option(rng: random.Random, bundle: list[str], largest: int) -> Document:
    legs = [{"lots": [lot], "units": 1, "earliest": 0, "latest": 1, "hours": 1} for lot in bundle]
    return {"value": rng.randint(0, largest * len(bundle)), "legs": legs}


def _lot(rng: random.Random, name: str, hours: int, largest: int) -> Document:
    start = rng.randint(0, hours - 1)
    end = rng.randint(start + 1, hours)
    lot = {
        "id": name,
        "seller": rng.choice(["s0", "s1", "o0"]),
        "units": rng.randint(1, 4),
        "unit_step": rng.choice([1, 1, 1, 2]),
        "start": start,
        "end": end,
        "reserve": rng.randint(0, largest // 2),
    }
    if rng.random() < 0.3:
        lot["reserve"] = [rng.randint(0, largest // 2) for _ in range(end - start)]
    if rng.random() < 0.3:
        lot["capacity"] = [rng.randint(0, 4) for _ in range(end - start)]
    return lot


def _bid(
    rng: random.Random,
    name: str,
    sequence: int,
    bidders: list[str],
    lots: list[Document],
    hours: int,
    largest: int,
) -> Document:
    options = []
    while not options or (len(options) < 3 and rng.random() < 0.3):
        option = _option(rng, lots, hours, largest)
        if option:
            options.append(option)
    return {"id": name, "bidder": rng.choice(bidders), "sequence": sequence, "options": options}


def _option(rng: random.Random, lots: list[Document], hours: int, largest: int) -> Document | None:
    n_legs = rng.choice([1, 1, 2, 2, 3])
    legs = []
    for _ in range(n_legs):
        named = rng.sample(lots, rng.randint(1, len(lots)))
        home = rng.choice(named)
        first, last = home["start"], home["end"]
        if n_legs == 1:
            earliest = rng.randint(0, first)
            latest = rng.randint(last, hours)
            length = rng.randint(1, last - first)
        else:
            earliest = rng.randint(first, last - 1)
            latest = rng.randint(earliest + 1, last)
            length = latest - earliest
        leg = {
            "lots": [lot["id"] for lot in named],
            "units": rng.randint(1, 4),
            "earliest": earliest,
            "latest": latest,
            "hours": length,
        }
        if n_legs == 1 and rng.random() < 0.5:
            leg["min_units"] = rng.randint(1, leg["units"])
        legs.append(leg)
    unit_hours = sum(leg["units"] * leg["hours"] for leg in legs)
    if rng.random() < 0.5:
        return {"price": rng.randint(0, largest), "legs": legs}
    return {"value": rng.randint(0, largest * unit_hours), "legs": legs}


def line_book(
    rng: random.Random, *, largest: int = 8, max_bids: int = 5, hours: int = 5, n_bidders: int | None = None
) -> Document:
    """Jobs that take a lot whole for hours in a row: at some time, on one of some lots, or one of two lengths."""
    lots = []
    for row in range(rng.randint(1, 2)):
        start = rng.randint(0, hours - 2)
        lots.append(_unit_lot(rng, f"L{row}", 1, rng.choice([0, rng.randint(0, largest // 4)])))
        lots[row] |= {"units": rng.choice([1, 4]), "start": start, "end": rng.randint(start + 2, hours)}
    bids = []
    for row in range(rng.randint(2, max_bids)):
        options = [_job(rng, lots, largest) for _ in range(rng.choice([1, 1, 2]))]
        bidder = f"o{row if n_bidders is None else rng.randrange(n_bidders)}"
        bids.append({"id": f"b{row}", "bidder": bidder, "sequence": row, "options": options})
    return {"format": 1, "rule": "core", "hours": hours, "lots": lots, "bids": bids}


def line_books(
    *, largest: int = 8, max_bids: int = 5, hours: int = 5, n_bidders: int | None = None
) -> st.SearchStrategy[Document]:
    return st.randoms(use_true_random=False).map(
        lambda rng: line_book(rng, largest=largest, max_bids=max_bids, hours=hours, n_bidders=n_bidders)
    )


def _job(rng: random.Random, lots: list[Document], largest: int) -> Document:
    lot = rng.choice(lots)
    hours = rng.randint(1, lot["end"] - lot["start"])
    names = [
        each["id"]
        for each in lots
        if each is lot or (each["units"] == lot["units"] and each["end"] - each["start"] >= hours)
    ]
    earliest = rng.randint(0, lot["end"] - hours)
    latest = rng.randint(max(earliest, lot["start"]) + hours, lot["end"])
    leg = {"lots": names, "units": lot["units"], "hours": hours, "earliest": earliest, "latest": latest}
    return {"value": rng.randint(0, largest * hours * lot["units"]), "legs": [leg]}
