"""Valid clearings hold; a clearing with anything changed does not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auctions.engine import Book, book_from_document, clear
from auctions.engine.verify import Unreadable, examine, verify

from .. import package_books
from ..books import books
from .clearings import case_book, cleared, cleared_cases, local_local_global
from .mutations import mutations

CASES = cleared_cases() | {"written by hand": local_local_global()}
MARGINALS_TOLD_EITHER_WAY = {"random/r0027.json": ["prices/0/marginal -1", "prices/1/marginal +1"]}
"""Where a divisible lot hangs together with packages, two marginal prices may be right; every other one is checked."""


def is_below_reserve(change: str, clearing: dict) -> bool:
    _, row, what = change.split("/")
    return what.endswith("null") or clearing["losers"][int(row)]["reason"] == "below_reserve"


@pytest.mark.parametrize("name", sorted(CASES))
class TestCases:
    def test_hold(self, name):
        assert verify(*CASES[name]) == []

    def test_do_not_hold_with_anything_changed(self, name):
        book, clearing = CASES[name]

        held = [change for change, wrong in mutations(clearing) if not verify(book, wrong)]

        # among packages a minimum is told on demand: one may be left out, and one of a bid below reserve is not checked
        told = ("minimum_to_win null", "minimum_to_win a number")
        held = [
            change for change in held if not (change.endswith(told) and is_below_reserve(change, clearing))
        ]
        assert held == MARGINALS_TOLD_EITHER_WAY.get(name, [])

    def test_do_not_hold_for_another_book(self, name):
        book, clearing = CASES[name]

        held = []
        for change, other in mutations(book):
            try:
                held += [change] if not verify(other, clearing) else []
            except Unreadable:
                continue
        assert held == []


class TestLaws:
    @given(books())
    def test_what_the_engine_clears_holds(self, book):
        assert verify(book, cleared(book)) == []

    @settings(max_examples=60, deadline=None)
    @given(st.one_of(package_books.books(), package_books.bundle_books(max_bids=5)))
    def test_what_the_engine_clears_with_packages_holds(self, book):
        assert verify(book, cleared(book)) == []

    @given(books(max_lots=3, max_bids=8))
    def test_what_holds_as_json_holds_as_arrays(self, book):
        clearing = clear(book_from_document(book))

        assert verify(clearing.book, clearing) == []

    @settings(max_examples=60)
    @given(books(max_lots=2, max_bids=4), st.data())
    def test_any_change_is_found(self, book, data):
        changes = list(mutations(cleared(book)))

        change, wrong = data.draw(st.sampled_from(changes), label="change")

        assert verify(book, wrong) != [], change


class TestPackages:
    """Changes that add up, so that only the rule tells them from the truth."""

    def findings(self, *changes: tuple) -> str:
        book, clearing = local_local_global()
        for change in changes:
            *path, key, value = change
            place = clearing
            for step in path:
                place = place[step]
            place[key] = value
        return "\n".join(map(str, verify(book, clearing)))

    def paying(self, first: int, second: int) -> str:
        return self.findings(
            ("revenue", first + second),
            ("awards", 0, "amount", first),
            ("awards", 1, "amount", second),
            ("payments", {"L1": first, "L2": second}),
            ("prices", 0, "paid", first),
            ("prices", 1, "paid", second),
        )

    def test_finds_a_blocking_coalition(self):
        assert "but the others and the sellers could do 90 without" in self.paying(30, 50)

    def test_finds_payments_above_the_cheapest_core_point(self):
        assert "the bidder-optimal core total is 90.00" in self.paying(36, 56)

    def test_finds_payments_that_are_not_nearest_to_vcg(self):
        assert "nearest to VCG would be 35.00" in self.paying(32, 58)

    def test_finds_a_wrong_vcg_payment(self):
        assert "the rule gives 30" in self.findings(("vcg", {"L1": 31, "L2": 50}))

    def test_finds_a_better_choice(self):
        book, clearing = local_local_global()
        award = clearing["awards"][1]
        clearing |= {
            "surplus": 60,
            "revenue": 0,
            "awards": [award | {"amount": 0}],
            "payments": {"L2": 0},
            "vcg": {"L2": 0},
            "prices": [
                {"lot": "A", "hour": 0, "paid": 0, "marginal": 0, "sold": 0},
                {"lot": "B", "hour": 0, "paid": 0, "marginal": 45, "sold": 1},
            ],
            "losers": [{"bid": bid, "reason": "outbid", "minimum_to_win": None} for bid in ("L1.0", "G.2")],
        }

        assert [str(finding) for finding in verify(book, clearing)] == [
            "surplus: a choice worth 100 exists where the awards are worth 60"
        ]

    def test_says_how_far_it_looked(self):
        assert examine(*local_local_global()).coverage == [
            "packages: every choice tried, ties included, where the search tree is small",
            "core: every coalition tried in small groups of markets with packages",
        ]


class TestTies:
    def test_finds_the_later_of_two_equal_bids(self):
        book = case_book("vickrey_tie_goes_to_the_earlier.json")
        clearing = cleared(book)
        first, second = (bid["id"] for bid in sorted(book["bids"], key=lambda bid: bid["sequence"])[:2])
        bidder_of = {bid["id"]: bid["bidder"] for bid in book["bids"]}
        (award,) = clearing["awards"]
        assert award["bid"] == first
        award["bid"] = second
        for loser in clearing["losers"]:
            loser["bid"] = first if loser["bid"] == second else loser["bid"]
        for name in ("payments", "vcg"):
            clearing[name] = {bidder_of[second]: clearing[name][bidder_of[first]]}

        assert any("the rule gives" in finding.sentence for finding in verify(book, clearing))


class TestArrays:
    def book(self) -> Book:
        return book_from_document(case_book("krishna_six_units.json"))

    def test_hold(self):
        book = self.book()

        assert verify(book, clear(book)) == []

    def test_finds_the_clearing_of_another_book(self):
        assert [finding.path for finding in verify(self.book(), clear(self.book()))] == ["book"]

    @pytest.mark.parametrize(
        "column",
        [
            *("award_option", "award_leg", "award_units", "award_start", "award_end", "award_value"),
            *("award_amount", "payment", "vcg", "price_paid", "price_marginal", "price_sold"),
            *("loser_reason", "loser_minimum"),
        ],
    )
    def test_finds_a_changed_number(self, column):
        clearing = clear(self.book())
        array = getattr(clearing, column)
        for row in range(len(array)):
            array[row] += 1
            assert verify(clearing.book, clearing) != [], row
            array[row] -= 1
        assert verify(clearing.book, clearing) == []
