"""The laws of the market for bids of every kind, on random small books against an exhaustive search."""

from __future__ import annotations

import copy
import json
import random
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings

from auctions.engine import book_from_document, canonical_json, clear

from .books import books as divisible_books
from .exhaustive_packages import ExhaustivePackages
from .package_books import books, bundle_book, bundle_books
from .test_laws import shuffled

Document = dict[str, Any]

NEAR_TIES = 10**9
"""Prices this large leave one tick in a thousand million between choices."""


def cleared(book: Document, **how: Any) -> Document:
    return clear(book_from_document(book), **how).to_document()


def assert_winners(book: Document) -> None:
    best, clearing = ExhaustivePackages(book), cleared(book)

    assert clearing["status"] == "optimal"
    assert clearing["surplus"] == best.surplus
    names = ("bid", "option", "leg", "lot", "start", "units")
    won = [{name: award[name] for name in names} for award in clearing["awards"]]
    assert sorted(won, key=json.dumps) == sorted(
        ({name: award[name] for name in names} for award in best.awards), key=json.dumps
    )


def assert_payments(book: Document, *, accuracy: float = 1e-3) -> None:
    best, clearing = ExhaustivePackages(book), cleared(book)

    assert clearing["vcg"] == best.vcg()
    core = best.core_point()
    assert clearing["payments"].keys() == core.keys()
    for bidder, payment in clearing["payments"].items():
        assert payment == pytest.approx(core[bidder], abs=1 + accuracy)
    for members, least in best.least_owed().items():
        paid = sum(clearing["payments"][bidder] - best.cost[bidder] for bidder in members)
        assert paid > least - len(members)


class TestWinners:
    @settings(max_examples=60, deadline=None)
    @given(books())
    def test_have_the_most_surplus_and_ties_go_by_the_rule(self, book):
        assert_winners(book)

    @settings(max_examples=50, deadline=None)
    @given(bundle_books(largest=3))
    def test_of_bundles_full_of_ties(self, book):
        assert_winners(book)

    @settings(max_examples=50, deadline=None)
    @given(bundle_books(largest=NEAR_TIES))
    def test_are_told_apart_to_the_tick(self, book):
        for bid in book["bids"]:  # all values near multiples of one number: many sums differ by a tick or two
            for option in bid["options"]:
                option["value"] = option["value"] // (NEAR_TIES // 3) * (NEAR_TIES // 3) + option["value"] % 2
        assert_winners(book)


class TestPayments:
    @settings(max_examples=50, deadline=None)
    @given(books())
    def test_are_in_the_core_cheapest_and_nearest_to_vcg(self, book):
        assert_payments(book)

    @settings(max_examples=60, deadline=None)
    @given(bundle_books())
    def test_of_bundles_where_vcg_is_often_outside_the_core(self, book):
        assert_payments(book)

    @settings(max_examples=50, deadline=None)
    @given(bundle_books(largest=NEAR_TIES))
    def test_of_large_values(self, book):
        assert_payments(book, accuracy=NEAR_TIES * 1e-6)

    @settings(max_examples=50, deadline=None)
    @given(bundle_books())
    def test_are_vcg_under_the_rule_of_that_name(self, book):
        clearing = cleared(book | {"rule": "vcg"})

        assert clearing["payments"] == clearing["vcg"] == cleared(book)["vcg"]

    @settings(max_examples=50, deadline=None)
    @given(books() | bundle_books())
    def test_lie_between_reserve_and_value_award_by_award_and_add_up(self, book):
        best, clearing = ExhaustivePackages(book), cleared(book)

        bidder_of = {bid["id"]: bid["bidder"] for bid in book["bids"]}
        paid: dict[str, int] = {}
        value = cost = 0
        for award in clearing["awards"]:
            reserve = award["units"] * best._reserve(
                award["lot"], award["start"], award["end"] - award["start"]
            )
            assert reserve <= award["amount"] <= award["value"]
            bidder = bidder_of[award["bid"]]
            paid[bidder] = paid.get(bidder, 0) + award["amount"]
            value, cost = value + award["value"], cost + reserve
        assert paid == clearing["payments"]
        assert sum(paid.values()) == clearing["revenue"]
        assert value - cost == clearing["surplus"]


class TestPaths:
    @settings(max_examples=60, deadline=None)
    @given(divisible_books(max_lots=4, max_bids=10))
    def test_both_find_the_same(self, book):
        ours, theirs = cleared(book, _packages_only=True), cleared(book)

        for name in ("surplus", "revenue", "payments", "vcg", "status"):
            assert ours[name] == theirs[name]
        assert sorted(ours["awards"], key=json.dumps) == sorted(theirs["awards"], key=json.dumps)

    @settings(max_examples=50, deadline=None)
    @given(bundle_books())
    def test_parts_that_need_no_packages_do_not_tell(self, book):
        ours, theirs = cleared(book, _packages_only=True), cleared(book)

        for name in ("surplus", "payments", "vcg"):
            assert ours[name] == theirs[name]
        assert sorted(ours["awards"], key=json.dumps) == sorted(theirs["awards"], key=json.dumps)


class Backwards(Executor):
    """Runs what it is given only when asked for the first result, the last first."""

    def __init__(self) -> None:
        self._tasks: list[tuple[Future[Any], Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._tasks.append((future, lambda: fn(*args, **kwargs)))
        return future

    def map(self, fn: Any, *iterables: Any, **_: Any) -> Any:
        futures = [self.submit(fn, *row) for row in zip(*iterables, strict=True)]
        while self._tasks:
            future, task = self._tasks.pop()
            future.set_result(task())
        return iter([future.result() for future in futures])


class TestOneResult:
    @settings(max_examples=50, deadline=None)
    @given(books() | bundle_books())
    def test_whatever_the_order_of_rows(self, book):
        other = shuffled(copy.deepcopy(book), random.Random(1))

        assert canonical_json(cleared(book)) == canonical_json(cleared(other))

    @settings(max_examples=30, deadline=None)
    @given(bundle_books())
    def test_whatever_the_executor(self, book):
        expected = canonical_json(cleared(book))

        with ThreadPoolExecutor(3) as threads:
            assert canonical_json(cleared(book, executor=threads)) == expected
        assert canonical_json(cleared(book, executor=Backwards())) == expected

    def test_in_other_processes(self):
        book = bundle_book(random.Random(3))
        with ProcessPoolExecutor(1) as processes:
            assert cleared(book, executor=processes) == cleared(book)
