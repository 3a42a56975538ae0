"""One book under vcg, core and uniform prices."""

from __future__ import annotations

import json

from hypothesis import given, settings

from auctions.engine import book_from_document
from auctions.engine.__main__ import main
from auctions.engine.study import RULES, study

from . import package_books
from .books import books
from .verify.clearings import case_book


def krishna() -> dict:
    return case_book("krishna_six_units.json")


class TestStudy:
    @given(books(max_lots=3, max_bids=8))
    def test_divisible_lots_bring_at_most_the_uniform_price(self, book):
        """What a winner displaces are rejected bids: on average worth no more than the highest of them."""
        result = study(book_from_document(book))

        vcg, core, uniform = result.payments.T
        assert (vcg == core).all()
        assert (vcg <= uniform).all()
        assert (result.payments >= 0).all()
        assert all(revenue <= result.value for revenue in result.revenue)
        assert result.value - result.reserve_cost == result.surplus

    def test_every_unit_hour_pays_its_hours_highest_losing_bid(self):
        document = krishna()
        result = study(book_from_document(document))
        (lot,) = document["lots"]
        sold = min(lot["units"], sum(bid["options"][0]["legs"][0]["units"] for bid in document["bids"]))
        rejected = sorted((bid["options"][0]["price"] for bid in document["bids"]), reverse=True)[sold]

        assert result.revenue[RULES.index("uniform")] == sold * rejected * (lot["end"] - lot["start"])

    @settings(max_examples=40, deadline=None)
    @given(package_books.books() | package_books.bundle_books())
    def test_packages_bring_no_less_in_the_core_than_under_vcg_and_never_more_than_they_are_worth(self, book):
        result = study(book_from_document(book))

        vcg, core, _ = result.revenue
        assert result.reserve_cost <= vcg <= core <= result.value
        assert (result.payments[:, RULES.index("vcg")] <= result.payments[:, RULES.index("core")]).all()
        assert all(result.reserve_cost <= revenue <= result.value for revenue in result.revenue)
        assert result.value - result.reserve_cost == result.surplus

    def test_says_plainly_where_no_uniform_price_need_exist(self):
        pair = study(book_from_document(case_book("local_local_global.json")))
        alone = study(book_from_document(krishna()))

        assert any(line.startswith("uniform is not defined on 2 of 2 lots") for line in pair.lines())
        assert not any("not defined" in line for line in alone.lines())

    def test_does_not_depend_on_the_rule_of_the_book(self):
        one, other = (study(book_from_document(krishna() | {"rule": rule})) for rule in ("core", "vcg"))

        assert list(one.lines()) == list(other.lines())


class TestCommand:
    def test_prints_a_table(self, tmp_path, capfd):
        path = tmp_path / "book.json"
        path.write_text(json.dumps(krishna()))

        assert main(["study", str(path)]) == 0

        lines = capfd.readouterr().out.splitlines()
        assert lines[0].split() == ["ticks", "vcg", "core", "uniform"]
        assert lines[1].split()[0] == "revenue"
        assert {line.split()[0] for line in lines if line} >= {"surplus", "payments"}

    def test_refuses_what_is_no_book(self, tmp_path, capfd):
        path = tmp_path / "book.json"
        path.write_text("[]")

        assert main(["study", str(path)]) == 2
        assert capfd.readouterr().err.startswith("refused: ")
