"""What a losing bid would have had to offer: at that limit it wins, at one tick less it does not."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings

from auctions.engine import NO_PRICE, book_from_document, clear, minimum_to_win

from .exhaustive_packages import ExhaustivePackages
from .package_books import books, bundle_books
from .test_cases import case

Document = dict[str, Any]


def wins_at(book: Document, name: str, limit: int) -> bool:
    changed = copy.deepcopy(book)
    (bid,) = (bid for bid in changed["bids"] if bid["id"] == name)
    option = bid["options"][0]
    option["price" if "price" in option else "value"] = limit
    best = ExhaustivePackages(changed)
    return any(award["bid"] == name for award in best.awards)


def assert_minimums(book: Document) -> None:
    read = book_from_document(book)
    clearing = clear(read)
    for bid in clearing.loser_bid.tolist()[:2]:
        minimum, name = minimum_to_win(read, clearing, bid), str(read.bid_id[bid])
        if minimum == NO_PRICE:
            assert not wins_at(book, name, 10**6)
            continue
        assert wins_at(book, name, minimum)
        assert minimum == 0 or not wins_at(book, name, minimum - 1)


@settings(max_examples=40, deadline=None)
@given(books())
def test_of_bids_of_every_kind(book):
    assert_minimums(book)


@settings(max_examples=40, deadline=None)
@given(bundle_books(max_bids=6))
def test_of_bundles(book):
    assert_minimums(book)


def test_of_a_published_case():
    """L1 bids 40 for A and L2 60 for B: G, who wants both, must offer more than 100."""
    book = book_from_document(case("llg_4_6_9.json")["book"])
    clearing = clear(book)

    assert [minimum_to_win(book, clearing, bid) for bid in clearing.loser_bid.tolist()] == [101]


def test_a_winner_is_refused():
    book = book_from_document(case("llg_4_6_9.json")["book"])
    clearing = clear(book)

    with pytest.raises(ValueError, match="won"):
        minimum_to_win(book, clearing, int(clearing.award_bid[0]))
