"""What a winner displaced adds up to what it pays, whatever the book."""

from typing import Any

from hypothesis import given, settings

from auctions.engine import book_from_document, clear
from auctions.engine.displaced import Displaced, explain_amounts
from tests.unit.engine.books import books


def book_with(
    *bids: tuple[str, int, int], units: int = 8, step: int = 1, reserve: int = 10
) -> dict[str, Any]:
    """One lot for two hours and bids (bidder, units, price), each divisible down to a step."""
    return {
        "format": 1,
        "rule": "core",
        "hours": 2,
        "lots": [
            {
                "id": "L",
                "seller": "s",
                "units": units,
                "unit_step": step,
                "start": 0,
                "end": 2,
                "reserve": reserve,
            }
        ],
        "bids": [
            {
                "id": f"b{row}",
                "bidder": bidder,
                "sequence": row,
                "options": [{"price": price, "legs": [leg(asked, step)]}],
            }
            for row, (bidder, asked, price) in enumerate(bids)
        ],
    }


def leg(units: int, step: int) -> dict[str, Any]:
    return {"lots": ["L"], "units": units, "min_units": step, "earliest": 0, "latest": 2, "hours": 2}


def explained(document: dict[str, Any]) -> dict[str, tuple[int, list[Displaced]]]:
    book = book_from_document(document)
    return {
        book.organization_id[one.bidder]: (one.amount, list(one.displaced))
        for one in explain_amounts(clear(book))
    }


class TestExplainAmounts:
    @settings(max_examples=300)
    @given(books(max_lots=3, max_bids=8))
    def test_what_was_displaced_adds_up_to_what_is_paid(self, document: dict[str, Any]) -> None:
        clearing = clear(book_from_document(document))

        told = explain_amounts(clearing)

        for one in told:
            assert sum(level.units for level in one.displaced) == one.units
            assert sum(level.amount for level in one.displaced) == one.amount
        assert sum(one.amount for one in told) == clearing.revenue

    def test_lists_the_levels_highest_first(self) -> None:
        told = explained(book_with(("A", 6, 30), ("B", 6, 20), ("C", 4, 15)))

        # A keeps four of B's units and two of C's out, B two of C's; each unit for two hours.
        assert told == {
            "A": (4 * 40 + 2 * 30, [Displaced(4, 160, False), Displaced(2, 60, False)]),
            "B": (2 * 30, [Displaced(2, 60, False)]),
        }

    def test_ends_with_the_reserve(self) -> None:
        told = explained(book_with(("A", 8, 30), ("B", 3, 20)))

        assert told == {"A": (3 * 40 + 5 * 20, [Displaced(3, 120, False), Displaced(5, 100, True)])}

    def test_an_own_losing_bid_sets_no_price(self) -> None:
        told = explained(book_with(("A", 8, 30), ("A", 8, 25), ("B", 8, 20)))

        assert told == {"A": (8 * 40, [Displaced(8, 320, False)])}

    def test_a_lot_where_packages_meet_has_none(self) -> None:
        document = book_with(("A", 8, 30), ("B", 8, 20))
        document["bids"][1]["options"][0]["legs"][0]["min_units"] = 8

        assert explained(document) == {}
