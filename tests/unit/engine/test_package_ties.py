"""A tie search cut short says so; what it claims to have settled is what the rule prefers."""

from __future__ import annotations

import numpy as np
import pytest

from auctions.engine import book_from_document
from auctions.engine.package.block import Block
from auctions.engine.package.program import blocks, write_program
from auctions.engine.package.search import Search
from auctions.engine.package.ties import settle_ties
from benchmarks.engine.cats import cats_book

COARSE = {"L4": 50_000, "regions": 100_000, "scheduling": 1_000}
"""Values rounded down to this many ticks, and counted in it: many choices are then worth the same."""


def full_of_ties(kind, seed):
    """A checked book, its one block's search, and a best choice before the tie rule."""
    document = cats_book(kind, seed, n_goods=25, n_bids=150)
    for bid in document["bids"]:
        for option in bid["options"]:
            option["value"] = max(1, option["value"] // COARSE[kind])
    book = book_from_document(document)
    (program,) = blocks(write_program(book, range(book.n_bids)))
    search = Search(program, max_nodes=1_000)
    found = search.maximise(program.ticks, learn=True)
    search.keep(found)
    return book, search, found


class TestSettleTies:
    @pytest.mark.parametrize("kind", COARSE)
    @pytest.mark.parametrize("seed", range(4))
    def test_claims_to_have_settled_only_what_it_has(self, kind, seed):
        book, search, found = full_of_ties(kind, seed)
        settled = settle_ties(book, search, found)
        assert settled.is_settled

        for nodes in (0, 1):
            search.max_nodes = nodes
            cut_short = settle_ties(book, search, found)

            assert cut_short.value == settled.value
            assert not cut_short.is_settled or np.array_equal(cut_short.x, settled.x)

    def test_cut_short_leaves_the_block_unproven(self):
        book, search, found = full_of_ties("L4", 0)
        search.max_nodes = 0
        cut_short = settle_ties(book, search, found)

        assert cut_short.is_proven
        assert not cut_short.is_settled
        assert not Block(search, cut_short, {}).is_proven
