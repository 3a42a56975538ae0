"""The books that benchmarks generate: the size they say, valid, the same every time."""

from __future__ import annotations

import pytest

from auctions.engine import book_from_document
from benchmarks.engine.cats import KINDS, cats_book
from benchmarks.engine.naive import clear_plainly
from benchmarks.engine.weeks import congested_week, mixed_book, packaged_week, traced_week
from tests.trace_files import write_traces

from .verify.clearings import case_book


@pytest.mark.parametrize("kind", sorted(KINDS))
class TestCats:
    def test_has_the_goods_and_bids_asked_for(self, kind):
        book = book_from_document(cats_book(kind, 1, n_goods=32, n_bids=100))

        assert book.n_lots == 32
        assert len(book.option_limit) == 100

    def test_depends_on_the_seed_alone(self, kind):
        one, again, other = (cats_book(kind, seed, n_goods=32, n_bids=60) for seed in (1, 1, 2))

        assert one == again
        assert one != other


@pytest.mark.parametrize(
    ("book", "n_bids"),
    [
        (congested_week(200, 1), 200),
        (congested_week(600, 1), 600),
        (packaged_week(30, 40, 1), 70),
        (mixed_book(500, 1), 500),
    ],
)
def test_weeks_and_mixed_books_are_valid(book, n_bids):
    assert book_from_document(book).n_bids == n_bids


def test_a_week_after_traces_offers_half_of_what_pods_want_in_whole_nodes(tmp_path):
    folder = write_traces(tmp_path)
    with (folder / "alibaba_2026_spot_gpu_nodes.csv").open("a") as nodes:
        nodes.write("H800,8\r\n")

    document = traced_week(200, 1, folder)

    assert document == traced_week(200, 1, folder)
    assert book_from_document(document).n_bids == 200
    assert {lot["id"].split("/")[0] for lot in document["lots"]} == {"A10", "A100-SXM4-80GB", "H800"}
    legs = [bid["options"][0]["legs"][0] for bid in document["bids"]]
    assert {leg["units"] for leg in legs} == {1, 4}
    offered = 168 * sum(lot["units"] for lot in document["lots"])
    assert 1.5 < sum(leg["units"] * leg["hours"] for leg in legs) / offered < 2.5


def test_the_plain_way_finds_the_best_choice():
    result = clear_plainly(case_book("llg_4_6_9.json"), seconds_per_solve=10)

    assert (result.surplus, result.solves, result.gap) == (100, 3, 0)
