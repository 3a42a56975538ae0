"""Indicative prices of books with packages: estimated where packages bear on them, marked so, and quickly."""

from typing import Any

import numpy as np
from hypothesis import given

from auctions.engine import NO_PRICE, Book, book_from_document, indicate
from auctions.engine.estimate import MAX_TRIES, estimate
from tests.unit.engine.books import books


def lot(name: str, **facts: Any) -> dict[str, Any]:
    return {"id": name, "seller": "s", "units": 8, "start": 0, "end": 4, "reserve": 10, **facts}


def leg(*lots: str, units: int = 8, hours: int = 4, **facts: Any) -> dict[str, Any]:
    return {"lots": [*lots], "units": units, "earliest": 0, "latest": 4, "hours": hours, **facts}


def read(lots: list[dict[str, Any]], *options_of_bids: list[dict[str, Any]]) -> Book:
    bids = [
        {"id": f"b{n}", "bidder": f"o{n}", "sequence": n, "options": options}
        for n, options in enumerate(options_of_bids, start=1)
    ]
    return book_from_document({"format": 1, "rule": "core", "hours": 4, "lots": lots, "bids": bids})


def priced(price: int, *legs: dict[str, Any]) -> dict[str, Any]:
    return {"price": price, "legs": [*legs]}


class TestIndicate:
    def test_marks_lots_that_hang_together_with_a_package_and_no_others(self) -> None:
        divisible = priced(20, leg("C", min_units=1))
        book = read([lot("A"), lot("B"), lot("C")], [priced(30, leg("A", "B"))], [divisible])

        told = indicate(book)

        assert told.is_estimate.tolist() == [True, True, False]
        assert told.sold_unit_hours.tolist() == [32, 0, 32]

    def test_prices_a_full_lot_at_the_best_offer_it_turned_away(self) -> None:
        book = read([lot("A")], [priced(30, leg("A"))], [priced(25, leg("A"))], [priced(12, leg("A"))])

        told = indicate(book)

        assert (told.paid.tolist(), told.entry.tolist()) == ([25], [31])

    def test_prices_a_lot_with_room_at_its_reserve(self) -> None:
        told = indicate(read([lot("A")], [priced(30, leg("A", units=4))]))

        assert (told.paid.tolist(), told.entry.tolist(), told.sold.tolist()) == ([10], [10], [4])

    def test_fills_flexible_hours_beside_each_other(self) -> None:
        half = [priced(20, leg("A", hours=2))]

        assert indicate(read([lot("A")], half, half)).sold_unit_hours.tolist() == [32]

    def test_fills_all_legs_or_none_and_one_option(self) -> None:
        both = priced(20, leg("A"), leg("B"))
        taken = [priced(40, leg("B"))]
        book = read([lot("A"), lot("B")], taken, [both, priced(15, leg("A", units=2))])

        assert indicate(book).sold_unit_hours.tolist() == [8, 32]

    def test_sells_nothing_below_the_reserve_or_to_the_seller(self) -> None:
        book = read([lot("A", seller="o1")], [priced(90, leg("A"))], [priced(9, leg("A"))])

        assert indicate(book).sold_unit_hours.tolist() == [0]

    def test_knows_a_lot_without_anything_on_offer(self) -> None:
        told = indicate(read([lot("A", capacity=[0, 0, 0, 0])], [priced(30, leg("A"))]))

        assert told.entry.tolist() == [NO_PRICE]


class TestEstimate:
    @given(books(max_lots=4, max_bids=12))
    def test_sells_no_more_than_there_is_and_never_below_the_reserve(self, book: dict[str, Any]) -> None:
        parsed = book_from_document(book)

        told = estimate(parsed)

        capacity = np.add.reduceat(parsed.lot_capacity, parsed.lot_hour_offset[:-1])
        assert (told.sold_unit_hours <= capacity).all()
        assert (told.paid >= 0).all()

    def test_bounds_its_work_by_lots_tried(self) -> None:
        names = [f"L{n:03}" for n in range(200)]
        crowd = [[priced(20, leg(*names, units=16))]] * (MAX_TRIES // 200 + 50)

        told = estimate(read([lot(name) for name in names], *crowd))

        assert told.sold_unit_hours.sum() == 0
