"""Nothing searches on and on: work is limited, and what a limit leaves unproven is said to be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from auctions.engine import book_from_document, canonical_json, clear
from auctions.engine.clearing import Clearing
from auctions.engine.package import price, solving
from auctions.engine.package.block import Block, find_winners, find_without, ticks_by_owner
from auctions.engine.package.core import Core
from auctions.engine.package.highs import MAX_NODES
from auctions.engine.package.program import blocks, write_program
from auctions.engine.package.work import PER_RELAXATION, WINDOW_WORK, Work, share_out
from auctions.engine.verify import verify
from benchmarks.engine.cats import cats_book

OVERSHOOT = 5
"""What is under way is finished: the first relaxation, one program's root. So many times a small limit are enough."""


def hard_book() -> dict[str, Any]:
    """Bundles of anything: bounds are far off, so that nothing is proven soon."""
    return cats_book("arbitrary", 1, n_goods=30, n_bids=150)


def limited(monkeypatch: pytest.MonkeyPatch, units: int) -> None:
    for module in (solving, price):
        monkeypatch.setattr(module, "WINDOW_WORK", units)
        monkeypatch.setattr(module, "LEAST_PER_COEFFICIENT", 0)
    monkeypatch.setattr(solving, "LEAST_PER_PIVOT", 0)


def cleared(document: dict[str, Any]) -> Clearing:
    return clear(book_from_document(document))


class TestWindow:
    def test_cut_short_is_bounded_and_holds(self, monkeypatch):
        document = hard_book()
        whole = cleared(document)
        assert whole.status == "optimal"

        for units in (0, 100_000, 1_000_000):
            limited(monkeypatch, units)
            clearing = cleared(document)

            assert clearing.status == "bounded"
            assert clearing.surplus <= whole.surplus <= clearing.surplus / (1 - clearing.gap) + 1
            assert verify(document, clearing.to_document()) == []

    def test_cut_short_is_the_same_whatever_the_order_and_every_time(self, monkeypatch):
        document = hard_book()
        limited(monkeypatch, 1_000_000)
        first = canonical_json(cleared(document).to_document())

        for other in (document, {**document, "bids": document["bids"][::-1], "lots": document["lots"][::-1]}):
            assert canonical_json(cleared(other).to_document()) == first

    @pytest.mark.parametrize("units", [0, 500_000, 5_000_000])
    def test_all_pivots_together_keep_to_what_is_left(self, monkeypatch, units):
        """A book of many winners: what one pivot has at any rate must not add up to more than the window has."""
        book = book_from_document(cats_book("L4", 0, n_goods=40, n_bids=300))
        programs = blocks(write_program(book, range(book.n_bids)))
        limited(monkeypatch, units)
        with ThreadPoolExecutor(2) as threads:
            (block,) = solving.solve_blocks(book, programs, MAX_NODES, threads)

        n_searches = 1 + len(block.without)
        assert n_searches > 10
        assert block.spent <= units + n_searches * OVERSHOOT * PER_RELAXATION * block.program.matrix.nnz


class TestWork:
    def test_searches_stop_where_it_is_spent(self):
        book = book_from_document(hard_book())
        (program,) = blocks(write_program(book, range(book.n_bids)))
        whole = Work()
        search, best = find_winners(book, program, MAX_NODES, whole)
        little = whole.spent // 50
        works = {owner: Work(little) for owner in ticks_by_owner(program, best.x)}
        without = {owner: find_without(search, best, owner, work) for owner, work in works.items()}
        prices = Work(little)
        priced = Core([Block(search, best, without)], MAX_NODES).price(prices)

        assert all(work.spent <= OVERSHOOT * little for work in [*works.values(), prices])
        assert priced.spent == prices.spent

    def test_a_share_is_by_size_and_never_less_than_the_least(self):
        assert share_out(100, [1, 3], [0, 0]) == [25, 75]
        assert share_out(100, [1, 3], [40, 40]) == [40, 120]
        assert share_out(0, [], []) == []

    def test_the_least_of_all_is_no_more_than_a_window(self):
        shares = share_out(0, [10**7, 3 * 10**7], [2_000, 2_000])

        assert shares == [10**7 * 50, 3 * 10**7 * 50]
        assert sum(shares) == WINDOW_WORK


class TestPivots:
    def test_without_work_for_a_relaxation_offer_what_is_left_to_others(self):
        document = cats_book("regions", 0, n_goods=20, n_bids=60)
        book = book_from_document(document)
        (program,) = blocks(write_program(book, range(book.n_bids)))
        search, best = find_winners(book, program, MAX_NODES)

        for owner, ticks in ticks_by_owner(program, best.x).items():
            found = find_without(search, best, owner, Work(10))
            whole = find_without(search, best, owner)

            assert program.is_feasible(found.x)
            assert not found.x[program.owner == owner].any()
            assert best.value - ticks <= found.value <= whole.value <= found.bound
