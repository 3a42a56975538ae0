"""What a losing bid was told later is checked where no tree of all choices is small enough."""

from __future__ import annotations

import pytest

from auctions.engine import book_from_document, clear, minimum_to_win
from auctions.engine.verify import examine
from auctions.engine.verify.markets import PackageMarket
from benchmarks.engine.cats import cats_book

FAR = 1_000
"""Ticks, of bids of some hundred thousand."""


@pytest.fixture(scope="module")
def told():
    """A book whose bids hang together, its clearing, and a losing bid with what it was told."""
    document = cats_book("regions", 0, n_goods=16, n_bids=60)
    book = book_from_document(document)
    clearing = clear(book)
    bid = int(clearing.loser_bid[0])
    return document, clearing.to_document(), str(book.bid_id[bid]), minimum_to_win(book, clearing, bid)


@pytest.fixture(autouse=True)
def no_tree_is_small(monkeypatch):
    monkeypatch.setattr("auctions.engine.verify.search.MAX_TREE_NODES", 0)


def test_the_right_limit_passes(told):
    document, clearing, bid, limit = told

    assert examine(document, clearing, minimums={bid: limit}).findings == []


@pytest.mark.parametrize(("by", "reason"), [(FAR, "would win as well"), (-FAR, "would not win either")])
def test_another_does_not(told, by, reason):
    document, clearing, bid, limit = told

    (finding,) = examine(document, clearing, minimums={bid: limit + by}).findings

    assert reason in finding.sentence


def test_without_work_left_it_is_said_to_be_unchecked(told, monkeypatch):
    document, clearing, bid, limit = told
    monkeypatch.setattr(PackageMarket, "_adds_something", lambda *_: None)

    report = examine(document, clearing, minimums={bid: limit + FAR})

    assert report.findings == []
    assert (
        "minimums to win where packages are involved: in large components not checked to the end"
        in report.coverage
    )
