"""Payments of more winners than all their sets could be tried: the nearest point is found by a search, and held to."""

from __future__ import annotations

import copy
import itertools
import random
from typing import Any

import pytest

from auctions.engine import book_from_document, clear
from auctions.engine.verify import core, examine, verify

from .. import package_books
from .clearings import cleared

Document = dict[str, Any]
SEARCHED = "core: nearest point of many winners computed again over the coalitions that bind"


def many_winners(seed: int, n_lots: int = 14) -> Document:
    """Single lots for one bidder each; pairs and triples that others would take, worth nearly as much together."""
    rng = random.Random(seed)
    names = [f"L{row}" for row in range(n_lots)]

    def bid(row: int, bidder: str, value: int, lots: list[str]) -> Document:
        legs = [{"lots": [lot], "units": 1, "earliest": 0, "latest": 1, "hours": 1} for lot in lots]
        option = {"value": value, "legs": legs}
        return {"id": f"b{row}", "bidder": bidder, "sequence": row, "options": [option]}

    bids = [bid(row, f"w{row}", rng.randint(800, 1_000), [lot]) for row, lot in enumerate(names)]
    for row in range(n_lots, 3 * n_lots):
        lots = [names[(row + step) % n_lots] for step in range(rng.choice([2, 3]))]
        bids.append(bid(row, f"p{row}", rng.randint(600, 790) * len(lots), lots))
    lots = [
        {"id": name, "seller": "s", "units": 1, "start": 0, "end": 1, "reserve": rng.randint(0, 100)}
        for name in names
    ]
    return {"format": 1, "rule": "core", "hours": 1, "lots": lots, "bids": bids}


def moved(clearing: Document, giver: str, taker: str, ticks: int) -> Document:
    """The same total, paid otherwise: everything but nearness to VCG may still hold."""
    changed = copy.deepcopy(clearing)
    bidder_of = {f"b{row}": f"w{row}" for row in range(100)}
    for award in changed["awards"]:
        change = {giver: -ticks, taker: ticks}.get(bidder_of[award["bid"]], 0)
        award["amount"] += change
        for price in changed["prices"]:
            if price["lot"] == award["lot"]:
                price["paid"] += change
    changed["payments"][giver] -= ticks
    changed["payments"][taker] += ticks
    return changed


@pytest.mark.parametrize("seed", range(4))
def test_what_the_engine_clears_holds_and_is_searched(seed: int) -> None:
    book = many_winners(seed)
    clearing = cleared(book)
    assert len(clearing["payments"]) > core.MAX_ENUMERATED

    report = examine(book, clearing)

    assert report.findings == []
    assert SEARCHED in report.coverage


def test_a_payment_that_is_not_nearest_is_found() -> None:
    found = []
    for seed in range(4):
        book = many_winners(seed)
        clearing = cleared(book)
        payers = [who for who, paid in clearing["payments"].items() if paid > clearing["vcg"][who]]
        for giver, taker in itertools.pairwise(payers):
            told = "\n".join(map(str, verify(book, moved(clearing, giver, taker, 3))))
            assert told, (seed, giver, taker)
            found.append(told)
    assert any("nearest to VCG would be" in told for told in found)


@pytest.mark.parametrize("seed", range(25))
def test_finds_what_trying_every_coalition_finds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    book = package_books.bundle_book(random.Random(seed), largest=1_000, n_bidders=8)
    clearing = clear(book_from_document(book)).to_document()
    monkeypatch.setattr(core, "MAX_ENUMERATED", 0)

    assert verify(book, clearing) == []
