"""The engine as a library: books from arrays, larger books against plain Python, indicative prices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from auctions.engine import NO_PRICE, Book, BookNotSupported, BookRefused, book_from_document, clear, indicate
from auctions.engine.lotbids import lot_bids
from auctions.engine.vectorised import clear_lots
from benchmarks.engine.vectorised import HOURS, assert_same, random_columns, time_plainly

from .books import books
from .test_laws import wins_at


def crowded(n_bids: int, n_lots: int, prices: int, bidders: int, seed: int = 1) -> dict[str, np.ndarray]:
    """The benchmark's book with few distinct prices and few bidders: many ties, many bids of one bidder on a lot."""
    columns = random_columns(n_bids, n_lots)
    rng = np.random.default_rng(seed)
    columns["option_price"] = 15_000 + rng.integers(0, prices, n_bids)
    columns["bid_bidder"] = 1_000 + rng.integers(0, bidders, n_bids)
    return columns


class TestAgainstPlainPython:
    @pytest.mark.parametrize(
        ("n_bids", "n_lots", "prices", "bidders"),
        [
            (3_000, 1, 40, 3),
            (3_000, 40, 3, 5),
            (40_000, 900, 20_000, 50),
            (70_000, 1, 500, 20),
            (100, 2_000, 5, 3),
        ],
    )
    def test_same_awards_amounts_and_prices(self, n_bids, n_lots, prices, bidders):
        columns = crowded(n_bids, n_lots, prices, bidders)

        result = clear_lots(lot_bids(Book.from_arrays(hours=HOURS, **columns)))

        assert_same(columns, result, time_plainly(columns)[1])

    @pytest.mark.parametrize("bits", [0, 34, 37, 40, 43])
    @pytest.mark.parametrize("packed_bits", [0, 63])
    def test_same_however_much_fits_into_one_number(self, monkeypatch, bits, packed_bits):
        monkeypatch.setattr("auctions.engine.ranking.KEY_BITS", bits)
        monkeypatch.setattr("auctions.engine.payments.PACKED_BITS", packed_bits)
        columns = crowded(3_000, 40, 30, 20)

        result = clear_lots(lot_bids(Book.from_arrays(hours=HOURS, **columns)))

        assert_same(columns, result, time_plainly(columns)[1])

    def test_deep_lots_of_large_bids(self):
        columns = crowded(500, 2, 100, 20)
        columns["leg_units"] = columns["leg_units"] * 10_000
        columns["lot_units"] = columns["lot_units"] * 10_000

        result = clear_lots(lot_bids(Book.from_arrays(hours=HOURS, **columns)))

        assert_same(columns, result, time_plainly(columns)[1])

    def test_many_bidders_in_few_slots(self, monkeypatch):
        monkeypatch.setattr("auctions.engine.payments.TABLE_BITS", 4)
        columns = crowded(3_000, 40, 30, 20)

        result = clear_lots(lot_bids(Book.from_arrays(hours=HOURS, **columns)))

        assert_same(columns, result, time_plainly(columns)[1])

    def test_unit_steps_and_sizes_near_their_limit(self):
        columns = crowded(60, 3, 100, 20)
        columns["lot_unit_step"] = np.array([1, 3, 2**30 + 7])
        columns["leg_min_units"] = columns["lot_unit_step"][columns["leg_lot"]]
        columns["leg_units"] = np.full(60, 2**31 - 1)
        columns["lot_units"] = np.array([2**31 - 1, 2**31 - 2, 2**31 - 1])
        columns["option_price"] = 1 + np.arange(60) % 7
        columns["lot_reserve"] = np.array([1, 2, 3])
        columns["lot_end"][:] = columns["leg_latest"][:] = columns["leg_hours"][:] = HOURS

        result = clear_lots(lot_bids(Book.from_arrays(hours=HOURS, **columns)))

        assert_same(columns, result, time_plainly(columns)[1])

    @pytest.mark.parametrize("least", [1, 2, 2**31 - 1])
    def test_one_hour_less_than_the_lot_has_is_part_of_its_hours_whatever_the_minimum(self, least):
        columns = random_columns(100, 2)
        columns["leg_units"] = columns["leg_min_units"] = np.full(100, least)
        columns["option_price"] = np.ones(100, dtype=np.int64)
        columns["leg_hours"][99] = HOURS - 1
        columns["lot_unit_step"][:] = 2**31 - 1

        with pytest.raises(BookNotSupported, match=r"^bids\[99\].*takes only part of the hours"):
            lot_bids(Book.from_arrays(hours=HOURS, **columns))


class TestToDocument:
    @pytest.mark.parametrize("sequence", [1, 2])
    def test_rows_go_by_sequence_then_id_as_text(self, sequence):
        columns = crowded(300, 20, 5, 6)
        columns["bid_sequence"] = np.arange(300) // sequence

        document = clear(Book.from_arrays(hours=HOURS, **columns)).to_document()

        for rows in (document["awards"], document["losers"]):
            order = [(int(row["bid"]) // sequence, row["bid"]) for row in rows]
            assert order == sorted(order)


class TestFromArrays:
    def test_order_of_rows_changes_nothing(self):
        columns = crowded(500, 20, 5, 6)
        shuffled = dict(columns)
        rng = np.random.default_rng(3)
        lots, bids = rng.permutation(20), rng.permutation(500)
        for name in columns:
            shuffled[name] = columns[name][lots if name.startswith("lot_") else bids]

        ours, theirs = (clear(Book.from_arrays(hours=HOURS, **each)) for each in (columns, shuffled))

        assert ours.to_json() == theirs.to_json()

    def test_rows_of_every_kind_follow_their_bid(self):
        book = Book.from_arrays(
            hours=4,
            lot_id=[20, 10],
            lot_seller=[7, 8],
            lot_units=[4, 2],
            lot_start=[0, 0],
            lot_end=[4, 2],
            lot_reserve=[1, 1, 2, 2, 5, 6],
            bid_id=[101, 100],
            bid_bidder=[9, 9],
            bid_sequence=[2, 1],
            option_offset=[0, 2, 3],
            option_price=[5, -1, 6],
            option_value=[-1, 900, -1],
            leg_offset=[0, 1, 3, 4],
            leg_units=[1, 2, 1, 4],
            leg_earliest=[0, 0, 0, 0],
            leg_latest=[4, 4, 2, 4],
            leg_hours=[4, 4, 2, 4],
            leg_lot_offset=[0, 1, 2, 3, 4],
            leg_lot=[20, 20, 10, 20],
        )

        assert book.bid_id.tolist() == [100, 101]
        assert book.option_limit.tolist() == [6, 5, 900]
        assert book.option_is_priced.tolist() == [True, True, False]
        assert book.lot_id[book.leg_lot].tolist() == [20, 20, 20, 10]
        assert book.lot_reserve.tolist() == [5, 6, 1, 1, 2, 2]
        assert clear(book).award_bid.tolist() == [1, 1]

    @pytest.mark.parametrize(
        ("name", "wrong", "path"),
        [
            ("bid_id", 0, "bids"),
            ("lot_id", 1, "lots"),
            ("leg_lot", 99, "bids[1].options[0].legs[0].lots[0]"),
            ("option_price", -5, "bids[1].options[0].value"),
            ("option_price", 2**53, "bids[1].options[0].price"),
            ("leg_units", 0, "bids[1].options[0].legs[0].units"),
            ("leg_min_units", 10**6, "bids[1].options[0].legs[0].min_units"),
            ("lot_units", 2**31, "lots[1].units"),
            ("lot_reserve", 2**53, "lots[1].reserve"),
        ],
    )
    def test_refusals_name_the_place_as_json_would(self, name, wrong, path):
        columns = random_columns(3, 2)
        columns["lot_id"] = np.array([1, 2])
        columns["leg_lot"] = np.array([1, 2, 1])
        columns["leg_units"] = columns["leg_min_units"] = np.array([8, 8, 8])
        columns[name] = columns[name].copy()
        columns[name][1] = wrong
        if name == "option_price" and wrong < 0:
            columns["option_value"] = np.full(3, -1)

        with pytest.raises(BookRefused) as refusal:
            Book.from_arrays(hours=HOURS, **columns)

        assert refusal.value.path == path

    def test_an_empty_book_clears_to_nothing(self):
        document = {"format": 1, "rule": "core", "hours": 1, "lots": [], "bids": []}

        clearing = clear(book_from_document(document))

        assert clearing.to_document()["awards"] == clearing.to_document()["prices"] == []


class TestIndicate:
    @given(books())
    def test_the_entry_price_wins_a_step_and_one_tick_less_does_not(self, book):
        indication = indicate(book_from_document(book))

        newcomer = {"id": "new", "bidder": "new", "sequence": 99}
        for row, lot in enumerate(sorted(book["lots"], key=lambda lot: lot["id"])):
            leg = {
                "lots": [lot["id"]],
                "units": lot["unit_step"],
                "earliest": lot["start"],
                "latest": lot["end"],
                "hours": lot["end"] - lot["start"],
            }
            with_newcomer = book | {
                "bids": [*book["bids"], newcomer | {"options": [{"price": 0, "legs": [leg]}]}]
            }
            entry = int(indication.entry[row])
            if entry == NO_PRICE:
                assert not wins_at(with_newcomer, "new", 1_000)
            else:
                assert wins_at(with_newcomer, "new", entry)
                assert entry == 0 or not wins_at(with_newcomer, "new", entry - 1)

    @given(books(max_lots=4, max_bids=12))
    def test_prices_are_those_of_a_clearing_now(self, book):
        parsed = book_from_document(book)

        indication, clearing = indicate(parsed), clear(parsed)

        first_hour = parsed.lot_hour_offset[:-1]
        assert indication.paid.tolist() == clearing.price_paid[first_hour].tolist()
        assert indication.marginal.tolist() == clearing.price_marginal[first_hour].tolist()
        assert indication.sold.tolist() == clearing.price_sold[first_hour].tolist()
