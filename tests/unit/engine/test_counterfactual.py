"""What a winner of packages is told adds up to what it pays, on random books against an exhaustive search."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from auctions.engine import Book, Clearing, book_from_document, canonical_json, clear
from auctions.engine.displaced import explain_amounts
from auctions.engine.package import large
from auctions.engine.package.counterfactual import NotExplained, PackageAmount, explain_packages
from auctions.engine.reading import clearing_from_json

from .books import books as divisible_books
from .exhaustive_packages import ExhaustivePackages
from .package_books import books, bundle_books
from .test_cases import case

Document = dict[str, Any]


def cleared(document: Document) -> tuple[Book, Clearing]:
    book = book_from_document(document)
    return book, clear(book)


def told(book: Book, clearing: Clearing) -> list[tuple[int, PackageAmount | None]]:
    return [(bidder, explain_packages(book, clearing, bidder)) for bidder in clearing.payment_bidder.tolist()]


def told_elsewhere(clearing: Clearing, bidder: int) -> int:
    """Ticks of the lots that have a list of displaced offers."""
    lists = [one for one in explain_amounts(clearing) if one.bidder == bidder]
    sums = [(one.amount, sum(level.amount for level in one.displaced)) for one in lists]
    return sum(amount for amount, displaced in sums if amount == displaced)


def assert_adds_up(document: Document) -> None:
    book, clearing = cleared(document)
    best = ExhaustivePackages(document)
    for bidder, one in told(book, clearing):
        name = str(book.organization_id[bidder])
        elsewhere = told_elsewhere(clearing, bidder)
        payment, vcg = clearing.payments_of(bidder)
        if one is None:
            assert elsewhere == payment == vcg
            continue
        gained = sum(change.after - change.before for change in one.changes)
        assert one.vcg == one.reserve_cost + gained
        assert one.vcg + elsewhere == vcg == best.vcg()[name]
        assert one.amount + elsewhere == payment
        assert one.is_proven
        assert bidder not in book.bid_bidder[[change.bid for change in one.changes]]
        assert_group(book, best, one)


def assert_group(book: Book, best: ExhaustivePackages, one: PackageAmount) -> None:
    """The group can reach what it is said to, does without the winner, and leaves no room to pay less."""
    assert (one.group is None) == (one.amount == one.vcg)
    if one.group is None:
        return
    members = {str(book.organization_id[book.bid_bidder[fill.bid]]) for fill in one.group.fills}
    assert str(book.organization_id[one.bidder]) not in members
    worth = sum(fill.worth for fill in one.group.fills)
    assert worth - one.group.keeps == one.group.offer
    assert worth <= best.best(frozenset(members))[0]
    assert one.group.binds


@settings(max_examples=80, deadline=None)
@given(books())
def test_of_bids_of_every_kind(document):
    assert_adds_up(document)


@settings(max_examples=120, deadline=None)
@given(bundle_books())
def test_of_bundles_where_groups_often_bind(document):
    assert_adds_up(document)


@given(divisible_books(max_lots=3, max_bids=8))
def test_lots_of_divisible_bids_have_their_lists(document):
    book, clearing = cleared(document)

    assert [one for _, one in told(book, clearing) if one is not None] == []


def test_of_a_published_case():
    """Each local bidder displaced the global one and would have left the other to it."""
    book, clearing = cleared(case("local_local_global.json")["book"])

    for _, one in told(book, clearing):
        assert one is not None
        assert len(one.changes) == 2
        assert one.group is not None
        assert len(one.group.fills) == 1


@settings(max_examples=40, deadline=None)
@given(bundle_books())
def test_of_what_cannot_be_searched_to_the_end(document):
    """Every block counts as too large: what is compared is not proven, and still adds up to what is paid."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large, "LARGE", 1)
        book, clearing = cleared(document)
        for bidder, one in told(book, clearing):
            if one is not None:
                assert one.vcg + told_elsewhere(clearing, bidder) == clearing.payments_of(bidder)[1]
                assert one.vcg == one.reserve_cost + sum(c.after - c.before for c in one.changes)


def test_figures_that_are_not_the_clearings_are_refused():
    book, clearing = cleared(case("local_local_global.json")["book"])

    with pytest.raises(NotExplained, match="the clearing says"):
        explain_packages(book, replace(clearing, vcg=clearing.vcg + 1), int(clearing.payment_bidder[0]))


@settings(max_examples=60, deadline=None)
@given(books() | bundle_books())
def test_a_clearing_read_back_is_the_one_written(document):
    text, (_, clearing) = canonical_json(document).encode(), cleared(document)

    again = clearing_from_json(text, clearing.to_json().encode())

    assert again.to_json() == clearing.to_json()
    assert (again.loser_bid == clearing.loser_bid).all()
    assert (again.payment_bidder == clearing.payment_bidder).all()
