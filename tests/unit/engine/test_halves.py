"""Two threads for one pass: the same bytes as on one, the same refusals, and nobody waits for ever."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np
import pytest

from auctions.engine import Book, BookNotSupported, clear, indicate
from auctions.engine.halves import side_by_side
from auctions.engine.lotbids import lot_bids
from auctions.engine.runs import RUN_BIDS
from auctions.engine.vectorised import LotResult, clear_lots
from benchmarks.engine.vectorised import HOURS, assert_same, random_columns, time_plainly

from .test_library import crowded

MANY_BIDS = 2 * RUN_BIDS + 5_000
"""Three runs: one half has two of them."""

SECONDS = 60
"""After which a thread is taken to be stuck."""


@pytest.fixture
def threads():
    with ThreadPoolExecutor(1) as executor:
        yield executor


def clear_in_halves(columns: dict[str, np.ndarray], threads: Executor | None) -> LotResult:
    book = Book.from_arrays(hours=HOURS, **columns)
    return clear_lots(lot_bids(book, threads), threads)


def assert_equal(ours: LotResult, theirs: LotResult) -> None:
    for field in dataclasses.fields(LotResult):
        one, other = getattr(ours, field.name), getattr(theirs, field.name)
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes(), field.name


class TestSameBytes:
    @pytest.mark.parametrize(
        ("n_bids", "n_lots", "prices", "bidders"),
        [
            (MANY_BIDS, 900, 20_000, 50),
            (MANY_BIDS, 2, 500, 200),
            (MANY_BIDS, 1, 500, 20),
            (3_000, 40, 3, 5),
            (100, 2_000, 5, 3),
            (1, 1, 1, 1),
            (0, 1, 1, 1),
        ],
    )
    def test_as_on_one_thread_and_in_plain_python(self, threads, n_bids, n_lots, prices, bidders):
        columns = crowded(n_bids, n_lots, prices, bidders)

        result = clear_in_halves(columns, threads)

        assert_equal(result, clear_in_halves(columns, None))
        assert_same(columns, result, time_plainly(columns)[1])

    @pytest.mark.parametrize("bits", [0, 34, 37, 40, 43])
    def test_however_much_fits_into_one_number(self, monkeypatch, threads, bits):
        monkeypatch.setattr("auctions.engine.ranking.KEY_BITS", bits)
        columns = crowded(3_000, 40, 30, 20)

        assert_equal(clear_in_halves(columns, threads), clear_in_halves(columns, None))

    @pytest.mark.parametrize("busy_lot", [0, 20, 39])
    def test_where_one_lot_has_most_bids(self, threads, busy_lot):
        columns = crowded(MANY_BIDS, 40, 300, 20)
        columns["leg_lot"][: MANY_BIDS * 3 // 4] = busy_lot
        columns["leg_min_units"] = columns["lot_unit_step"][columns["leg_lot"]]
        columns["leg_units"] = columns["leg_min_units"] * 3

        assert_equal(clear_in_halves(columns, threads), clear_in_halves(columns, None))

    @pytest.mark.parametrize("bad_lots", [slice(0, 20), slice(20, 40), slice(0, 40)])
    def test_where_no_bid_on_a_part_meets_the_reserve(self, threads, bad_lots):
        columns = crowded(3_000, 40, 30, 20)
        columns["lot_reserve"][bad_lots] = 10**6

        assert_equal(clear_in_halves(columns, threads), clear_in_halves(columns, None))

    def test_of_a_clearing_and_of_prices_on_our_own_threads_or_given_ones(self, monkeypatch, threads):
        book = Book.from_arrays(hours=HOURS, **crowded(3_000, 40, 30, 20))
        on_one, prices_on_one = clear(book).to_json(), indicate(book)
        monkeypatch.setattr("auctions.engine.halves.SHARED_FROM_BIDS", 0)
        monkeypatch.setattr("os.cpu_count", lambda: 2)

        assert clear(book).to_json() == clear(book, executor=threads).to_json() == on_one
        assert indicate(book).entry.tolist() == prices_on_one.entry.tolist()


class TestRefusals:
    def test_name_the_first_bid_though_the_second_half_is_refused_as_well(self, threads):
        columns = random_columns(MANY_BIDS, 20)
        columns["leg_hours"][[RUN_BIDS - 1, RUN_BIDS, MANY_BIDS - 1]] = HOURS - 1

        with pytest.raises(BookNotSupported, match=rf"^bids\[{RUN_BIDS - 1}\]"):
            clear_in_halves(columns, threads)


class TestSideBySide:
    def test_a_caller_on_the_only_thread_does_all_itself(self, monkeypatch, threads):
        book = Book.from_arrays(hours=HOURS, **crowded(3_000, 40, 30, 20))
        expected = clear(book).to_json()
        monkeypatch.setattr("auctions.engine.halves.SHARED_FROM_BIDS", 0)
        monkeypatch.setattr("os.cpu_count", lambda: 2)

        nested = threads.submit(lambda: clear(book, executor=threads).to_json())

        assert nested.result(timeout=SECONDS) == expected

    def test_does_what_a_busy_thread_has_not_begun(self, threads):
        free = threading.Event()
        threads.submit(free.wait, SECONDS)
        try:
            assert side_by_side([lambda: 1, lambda: 2], threads) == [1, 2]
        finally:
            free.set()

    def test_raises_the_first_error_once_all_works_have_ended(self, threads):
        begun, ended = threading.Event(), threading.Event()

        def fail_first() -> None:
            assert begun.wait(SECONDS)
            raise LookupError("first")

        def fail_second() -> None:
            begun.set()
            ended.set()
            raise ValueError("second")

        with pytest.raises(LookupError, match="first"):
            side_by_side([fail_first, fail_second], threads)
        assert ended.is_set()
