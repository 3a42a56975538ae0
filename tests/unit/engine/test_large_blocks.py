"""Blocks too large to be searched to the end: rows and bounds hold, results do not depend on the run."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auctions.engine import book_from_document, canonical_json, clear
from auctions.engine.package.bounds import prove_bound
from auctions.engine.package.charged import Charged
from auctions.engine.package.columns import PLACE, SELECTOR
from auctions.engine.package.found import exact_value
from auctions.engine.package.highs import Problem, Relaxation
from auctions.engine.package.large import is_large
from auctions.engine.package.large.annealing import anneal
from auctions.engine.package.large.chance import exponential, gumbel
from auctions.engine.package.large.choosing import Choosing
from auctions.engine.package.large.compiled import BITS, NOTHING, QUANTILES
from auctions.engine.package.large.neighbourhoods import improve
from auctions.engine.package.large.places import (
    Lookup,
    all_ticks,
    find_places,
    fit,
    parts_of,
    spread,
    unit_prices,
)
from auctions.engine.package.large.recreating import Recreating
from auctions.engine.package.large.refill import refill
from auctions.engine.package.large.relaxation import Relaxation as LargeRelaxation
from auctions.engine.package.large.relaxation import relax_large
from auctions.engine.package.large.spans import SpanRow, find_spans, write_rows
from auctions.engine.package.program import Program, blocks, write_program
from auctions.engine.package.rounding import greedy
from auctions.engine.package.search import Search
from auctions.engine.verify import verify
from benchmarks.engine.weeks import congested_week, mixed_book

from .package_books import random_book

N_JOBS = 60
"""The smallest congested week that is a large block."""


def programs_of(document: dict[str, Any]) -> list[Program]:
    book = book_from_document(document)
    return blocks(write_program(book, np.arange(book.n_bids)))


def problem_of(program: Program) -> Problem:
    zero = np.zeros(program.n_columns, dtype=np.int64)
    return Problem(program.ticks, program.matrix, zero, program.upper, program.limit, program.is_equal)


def largest_program(document: dict[str, Any]) -> Program:
    return max(programs_of(document), key=lambda program: program.n_columns)


def small_week(rng: random.Random) -> dict[str, Any]:
    """Few flexible bids on two lots of uneven hours: a choice is soon found, and relaxations are not whole."""
    lots = [
        {
            "id": name,
            "seller": "s",
            "units": 4,
            "unit_step": rng.choice([1, 2]),
            "start": 0,
            "end": 9,
            "reserve": rng.randint(0, 2),
            "capacity": [rng.randint(2, 4) for _ in range(9)],
        }
        for name in "AB"
    ]
    bids = []
    for row in range(rng.randint(3, 9)):
        units, hours = rng.choice([1, 2, 2, 4]), rng.randint(1, 5)
        earliest = rng.randint(0, 9 - hours)
        leg = {
            "lots": rng.choice([["A"], ["B"], ["A", "B"]]),
            "units": units,
            "earliest": earliest,
            "latest": rng.randint(earliest + hours, 9),
            "hours": hours,
            "min_units": rng.choice([units, 1]),
        }
        option = {"price": rng.randint(1, 9), "legs": [leg]}
        bids.append({"id": f"b{row}", "bidder": f"o{row % 5}", "sequence": row, "options": [option]})
    return {"format": 1, "rule": "core", "hours": 9, "lots": lots, "bids": bids}


def any_of_many(rng: random.Random) -> dict[str, Any]:
    """Bids of two legs, each on any of five lots: too many pairs for a column each, and both may be on one lot."""
    document = small_week(rng)
    (lot, _) = document["lots"]
    lots = [lot | {"id": f"L{row}", "unit_step": 1} for row in range(5)]
    bids = []
    for row in range(rng.randint(2, 6)):
        legs = []
        for _ in range(2):
            start = rng.randint(0, 6)
            hours = rng.randint(1, 3)
            legs.append(
                {
                    "lots": [each["id"] for each in lots],
                    "units": rng.choice([1, 2]),
                    "earliest": start,
                    "latest": start + hours,
                    "hours": hours,
                }
            )
        option = {"value": rng.randint(20, 90), "legs": legs}
        bids.append({"id": f"p{row}", "bidder": f"o{row}", "sequence": row, "options": [option]})
    return document | {"lots": lots, "bids": bids}


BOOKS = st.randoms(use_true_random=False).map(
    lambda rng: rng.choice([small_week, small_week, small_week, random_book, any_of_many])(rng)
)


def with_packages(document: dict[str, Any]) -> dict[str, Any]:
    both = {"price": 50, "legs": [_whole_leg("A"), _whole_leg("B")]}
    bids = [*document["bids"], {"id": "both", "bidder": "x", "sequence": 99, "options": [both]}]
    return document | {"bids": bids}


class TestRelaxation:
    @settings(max_examples=60, deadline=None)
    @given(BOOKS)
    def test_no_choice_is_worth_more_than_the_bound(self, document):
        for program in programs_of(document):
            search = Search(program, max_nodes=1000)
            best = search.maximise(program.ticks)
            for all_at_once in (0, 10**9):
                found = relax_large(
                    program, problem_of(program), find_spans(program), all_at_once=all_at_once
                )

                assert found.bound.ticks >= best.value

    @pytest.mark.parametrize("all_at_once", [0, 10**9])
    def test_is_no_further_than_the_plain_relaxation(self, all_at_once):
        program = largest_program(congested_week(30, 2))
        problem = problem_of(program)
        plain = prove_bound(problem, Relaxation(problem).solve().price)

        found = relax_large(program, problem, find_spans(program), all_at_once=all_at_once)

        assert found.bound.ticks <= plain.ticks * 1.0003

    def test_begins_anew_where_the_solver_loses_its_way(self):
        """HiGHS 1.15 does, on this book, from where the round before ended."""
        program = largest_program(mixed_book(700, 1, n_lots=30))

        found = relax_large(program, problem_of(program), find_spans(program))

        assert found.bound.ticks > 0
        assert (found.x >= -1e-6).all()


class TestSpanRows:
    @settings(max_examples=60, deadline=None)
    @given(BOOKS, st.randoms(use_true_random=False))
    def test_hold_for_every_choice(self, document, rng):
        for program in programs_of(document):
            spans = find_spans(program)
            rows = [
                SpanRow(lot, first, end, bid)
                for lot, capacity in enumerate(spans.capacity)
                for first in range(len(capacity))
                for end in range(first + 1, len(capacity) + 1)
                for bid in np.unique(program.bid).tolist()
            ]
            matrix, limit = write_rows(program, spans, rows)
            for _ in range(5):
                assert (matrix @ random_choice(program, rng) <= limit).all()


def random_choice(program: Program, rng: random.Random) -> np.ndarray:
    """Raise columns, in any order, as long as all rows hold."""
    x = np.zeros(program.n_columns, dtype=np.int64)
    order = list(range(program.n_columns)) * 3
    rng.shuffle(order)
    for column in order:
        x[column] += 1
        if not program.is_feasible(x):
            x[column] -= 1
    return x


class TestImprove:
    def test_finds_something_better_that_fits_and_the_same_every_time(self):
        program = largest_program(congested_week(30, 1))
        problem = Search(program, max_nodes=1).problem(program.ticks)
        spans = find_spans(program)
        bound = relax_large(program, problem, spans).bound
        nothing = np.zeros(program.n_columns, dtype=np.int64)

        x = improve(program, problem, spans, bound, nothing)

        assert program.is_feasible(x)
        assert 0.8 * bound.ticks < exact_value(program.ticks, x) <= bound.ticks
        assert (x == improve(program, problem, spans, bound, nothing)).all()


def relaxation_of(program: Program) -> LargeRelaxation:
    return relax_large(program, problem_of(program), find_spans(program))


def chosen(program: Program, before: np.ndarray, *, effort: float) -> np.ndarray:
    problem = problem_of(program)
    choosing = Choosing(program, problem, find_spans(program), relaxation_of(program))
    return choosing.from_nothing(problem, before, effort=effort)


class TestPlaces:
    @settings(max_examples=60, deadline=None)
    @given(BOOKS, st.randoms(use_true_random=False))
    def test_stand_for_what_the_columns_say(self, document, rng):
        for program in programs_of(document):
            problem, spans = problem_of(program), find_spans(program)
            bound = prove_bound(problem, np.zeros(len(program.limit)))  # at no prices every bid is near
            places = find_places(program, problem, spans, bound)
            x = random_choice(program, rng)

            found = Lookup(places, program).chosen_by(x)

            assert (spread(places, found, program.n_columns) == x).all()
            assert all_ticks(places, found) == exact_value(program.ticks, x)
            taken = np.zeros_like(places.capacity)
            for place in found[found != NOTHING].tolist():
                for hours, units in parts_of(places, place):
                    taken[hours] += units
            used = (program.matrix @ x)[places.row]
            assert (taken * places.grain == used * places.row_units).all()
            assert (fit(places, found, places.capacity) == found).all()

    @settings(max_examples=60, deadline=None)
    @given(BOOKS, st.randoms(use_true_random=False))
    def test_what_fits_as_places_fits_as_columns(self, document, rng):
        for program in programs_of(document):
            problem = problem_of(program)
            bound = prove_bound(problem, np.zeros(len(program.limit)))
            places = find_places(program, problem, find_spans(program), bound)
            own = np.split(np.arange(places.n_places), np.flatnonzero(np.diff(places.bid_of_place())) + 1)
            drawn = np.array([rng.choice([NOTHING, *rows.tolist()]) for rows in own])

            found = fit(places, drawn, places.capacity)

            x = spread(places, found, program.n_columns)
            assert program.is_feasible(x)
            assert all_ticks(places, found) == exact_value(program.ticks, x)
            assert len(program.winners(x)) == (found != NOTHING).sum()

    def test_runs_lead_to_every_stretch_that_a_bid_could_take(self):
        program = largest_program(with_packages(small_week(random.Random(1))))
        problem, spans = problem_of(program), find_spans(program)
        places = find_places(program, problem, spans, prove_bound(problem, np.zeros(len(program.limit))))
        lot_at = np.repeat(np.arange(len(places.lot_first)), places.lot_end - places.lot_first)

        for place, bid in enumerate(places.bid_of_place().tolist()):
            runs = slice(places.run_of_bid[bid], places.run_of_bid[bid + 1])
            for hours, _ in parts_of(places, place):
                leads = (places.run_first[runs] <= hours.start) & (places.run_end[runs] >= hours.stop)
                if hours.start < hours.stop:
                    assert (leads & (places.lot_of_run[runs] == lot_at[hours.start])).any()

        assert (places.then != NOTHING).any()

    def test_what_offers_most_for_a_unit_and_hour_fits_first(self):
        document = small_week(random.Random(1))
        lot = document["lots"][0] | {"units": 4, "unit_step": 1, "reserve": 0}
        del lot["capacity"]
        document["lots"] = [lot]
        leg = {"lots": ["A"], "units": 3, "earliest": 0, "latest": 9, "hours": 9}
        document["bids"] = [
            {
                "id": f"b{row}",
                "bidder": f"o{row}",
                "sequence": row,
                "options": [{"price": price, "legs": [leg]}],
            }
            for row, price in enumerate([5, 8])
        ]
        (program,) = programs_of(document)
        spans = find_spans(program)
        bound = prove_bound(problem_of(program), np.zeros(len(program.limit)))
        places = find_places(program, problem_of(program), spans, bound)
        both = np.arange(2)

        fitting = fit(places, both, places.capacity)

        assert fitting.tolist() == [NOTHING, 1]


class TestChoose:
    @settings(max_examples=25, deadline=None)
    @given(BOOKS, st.randoms(use_true_random=False))
    def test_what_it_chooses_fits_and_is_no_worse_than_what_was_there(self, document, rng):
        for program in programs_of(document):
            before = random_choice(program, rng)

            x = chosen(program, before, effort=1.0)

            assert program.is_feasible(x)
            assert exact_value(program.ticks, x) >= exact_value(program.ticks, before)

    def test_finds_more_than_rounding_and_the_same_every_time(self):
        program = largest_program(congested_week(30, 1))
        relaxation = relaxation_of(program)
        rounded = greedy(program, problem_of(program), relaxation.bound.reduced, relaxation.x)
        nothing = np.zeros(program.n_columns, dtype=np.int64)

        x = chosen(program, nothing, effort=0.2)

        assert exact_value(program.ticks, x) > exact_value(program.ticks, rounded)
        assert exact_value(program.ticks, x) > 0.9 * relaxation.bound.ticks
        assert (x == chosen(program, nothing, effort=0.2)).all()

    def test_bids_too_far_off_to_take_part_hold_nothing_back(self):
        program = largest_program(congested_week(N_JOBS, 0))
        problem, spans = problem_of(program), find_spans(program)
        bound = relaxation_of(program).bound
        places = find_places(program, problem, spans, bound)
        far = ~np.isin(program.bid, program.bid[places.column])
        held = refill(
            program, replace(problem, upper=np.where(far, program.upper, 0)), np.zeros_like(program.upper)
        )
        assert held.any()

        x = chosen(program, held, effort=0.05)

        assert (x == chosen(program, np.zeros_like(held), effort=0.05)).all()

    @pytest.mark.parametrize("n_lots", [1, 5])  # all pairs of lots stand as columns, or each leg's lots do
    def test_places_packages_that_are_worth_more_than_what_they_keep_out(self, n_lots):
        lots = [
            {"id": f"{name}{row}", "seller": "s", "units": 2, "start": 0, "end": 9, "reserve": 0}
            for name in "AB"
            for row in range(n_lots)
        ]
        of_kind = {name: [f"{name}{row}" for row in range(n_lots)] for name in "AB"}
        whole = {"units": 2, "earliest": 0, "latest": 9, "hours": 9}
        both = {"value": 900, "legs": [whole | {"lots": of_kind[name]} for name in "AB"]}
        alone = {"price": 20, "legs": [whole | {"lots": of_kind["A"]}]}  # 20 for each of 18 unit-hours
        pairs = [{"id": f"p{row}", "bidder": f"p{row}", "options": [both]} for row in range(n_lots)]
        others = [{"id": f"b{row}", "bidder": f"b{row}", "options": [alone]} for row in range(n_lots)]
        bids = [bid | {"sequence": row} for row, bid in enumerate(pairs + others)]
        (program,) = programs_of({"format": 1, "rule": "core", "hours": 9, "lots": lots, "bids": bids})
        left_out = np.zeros(program.n_columns, dtype=np.int64)

        after = chosen(program, left_out, effort=0.1)

        assert program.is_feasible(after)
        assert program.winners(after).tolist() == list(range(n_lots))

    def test_takes_packages_out_again_that_keep_out_more_than_they_are_worth(self):
        lots = [
            {"id": name, "seller": "s", "units": 5, "unit_step": 1, "start": 0, "end": 9, "reserve": 0}
            for name in "AB"
        ]
        alone = [
            {
                "id": f"b{row}",
                "bidder": f"o{row}",
                "sequence": row,
                "options": [{"price": 5, "legs": [_whole_leg("A")]}],
            }
            for row in range(2)
        ]
        legs = [_whole_leg("A") | {"units": 4}, _whole_leg("B") | {"units": 4}]
        pair = {
            "id": "both",
            "bidder": "x",
            "sequence": 99,
            "options": [{"value": 2 * 5 * 2 * 9 - 1, "legs": legs}],
        }
        (program,) = programs_of(
            {"format": 1, "rule": "core", "hours": 9, "lots": lots, "bids": [*alone, pair]}
        )
        x = (program.bid == 2).astype(np.int64)
        assert program.is_feasible(x)

        after = chosen(program, x, effort=0.1)

        assert program.winners(after).tolist() == [0, 1]

    @pytest.mark.parametrize("table", [gumbel, exponential])
    def test_its_tables_of_chance_do_not_hang_on_how_a_machine_rounds(self, table):
        parts = [(at + 0.5) / QUANTILES for at in range(QUANTILES)]
        exact = [-math.log(part) * (1 << BITS) for part in parts]
        if table is gumbel:
            exact = [-math.log(-math.log(part)) * (1 << BITS) for part in parts]

        assert min(abs(each % 1 - 0.5) for each in exact) > 1e-9
        assert set(table().tolist()) <= {round(each) for each in exact}


@pytest.fixture(scope="module")
def week():
    program = largest_program(congested_week(30, 1))
    problem, spans = problem_of(program), find_spans(program)
    relaxation = relax_large(program, problem, spans)
    places = find_places(program, problem, spans, relaxation.bound)
    return places, unit_prices(places, relaxation.price)


class TestEachSearch:
    """Both on a week that neither can do without moving what it placed first."""

    def test_more_work_finds_more(self, week):
        places, price = week
        recreating = Recreating(places, price)
        nothing = np.full(places.n_bids, NOTHING)
        hot = (0.3, 0.003)

        little = recreating.run(nothing, heat=hot, seed=0, effort=1e-9)
        much = recreating.run(nothing, heat=hot, seed=0, effort=0.02)
        annealed = anneal(places, price, effort=0.02)

        assert 0 < all_ticks(places, little) < all_ticks(places, much)
        assert all_ticks(places, annealed) > all_ticks(places, little)
        for found in (little, much, annealed):
            assert (fit(places, found, places.capacity) == found).all()

    def test_recreating_never_ends_below_where_it_began(self, week):
        places, price = week
        recreating = Recreating(places, price)
        began = anneal(places, price, effort=0.005)

        for seed in range(3):
            found = recreating.run(began, heat=(2.0, 2.0), seed=seed, effort=0.001)

            assert all_ticks(places, found) >= all_ticks(places, began)


@pytest.fixture(scope="module")
def winners():
    """A program, the searches on it, and a choice they made."""
    program = largest_program(congested_week(30, 1))
    problem = problem_of(program)
    choosing = Choosing(program, problem, find_spans(program), relaxation_of(program))
    x = choosing.from_nothing(problem, np.zeros_like(program.upper), effort=0.2)
    return program, choosing, refill(program, problem, x)


class TestWithout:
    """What the others would do without a winner: the price it pays hangs on how well they do."""

    def test_others_do_better_than_filling_what_it_leaves(self, winners):
        program, choosing, x = winners
        filled, found = [], []
        for owner in np.unique(program.owner[x > 0]).tolist():
            own = program.owner == owner
            problem = replace(problem_of(program), upper=np.where(own, 0, program.upper))
            left = np.where(own, 0, x)

            without = choosing.without(problem, left, effort=0.1)

            assert program.is_feasible(without)
            assert not without[own].any()
            assert (without == choosing.without(problem, left, effort=0.1)).all()
            filled.append(exact_value(program.ticks, refill(program, problem, left)))
            found.append(exact_value(program.ticks, refill(program, problem, without)))

        assert sum(found) > sum(filled)

    def test_bids_that_are_closed_and_filled_stay_as_they_are(self, winners):
        program, choosing, x = winners
        kept = program.owner == program.owner[np.flatnonzero(x)[0]]
        problem = replace(problem_of(program), upper=np.where(kept, 0, program.upper))

        without = choosing.without(problem, x, effort=0.01)

        assert (without[kept] == x[kept]).all()
        assert program.is_feasible(without)

    def test_a_bid_filled_as_no_place_is_stays_so(self):
        """Of each leg's ten lots eight are combined: here it holds the other two."""
        whole = {"units": 2, "earliest": 0, "latest": 9, "hours": 9}
        names = {kind: [f"{kind}{row}" for row in range(10)] for kind in "AB"}
        lots = [
            {"id": name, "seller": "s", "units": 2, "start": 0, "end": 9, "reserve": 0}
            for of_kind in names.values()
            for name in of_kind
        ]
        legs = [whole | {"lots": of_kind} for of_kind in names.values()]
        bids = [
            {
                "id": f"p{row}",
                "bidder": f"p{row}",
                "sequence": row,
                "options": [{"value": value, "legs": legs}],
            }
            for row, value in enumerate([1000] + [900] * 11)
        ]
        (program,) = programs_of({"format": 1, "rule": "core", "hours": 9, "lots": lots, "bids": bids})
        choosing = Choosing(program, problem_of(program), find_spans(program), relaxation_of(program))
        known = choosing.places.column
        places = np.flatnonzero(
            (program.bid == 0) & (program.kind == PLACE) & ~np.isin(np.arange(program.n_columns), known)
        )
        assert len(places) == 4
        x = np.zeros(program.n_columns, dtype=np.int64)
        x[np.flatnonzero((program.bid == 0) & (program.kind == SELECTOR))] = 1
        x[places[[0, 2]]] = 1
        assert program.is_feasible(x)
        problem = replace(problem_of(program), upper=np.where(program.bid == 1, 0, program.upper))

        without = choosing.without(problem, x, effort=1.0)

        assert (without[program.bid == 0] == x[program.bid == 0]).all()
        assert len(program.winners(without)) == 9  # the others know eight lots of each kind


def _whole_leg(lot: str) -> dict[str, Any]:
    return {"lots": [lot], "units": 2, "earliest": 0, "latest": 9, "hours": 9}


@pytest.fixture(scope="module")
def document():
    return congested_week(N_JOBS, 0)


@pytest.fixture(scope="module")
def clearing(document):
    return clear(book_from_document(document))


class TestChargedLargeBlock:
    def test_is_searched_though_what_a_bid_adds_hangs_on_others(self, document):
        """So it is asked which group binds what a winner pays, where organizations have several bids."""
        program = largest_program(document)
        owners = np.unique(program.owner).tolist()
        worth = [int(program.ticks[program.owner == owner].max()) for owner in owners]
        charged = Charged(program, owners, worth, max_nodes=1000)

        found = charged.blocking([Fraction(each, 3) for each in worth], [])

        assert is_large(charged.program)
        assert charged.program.n_columns > program.n_columns  # some owners have several bids
        assert charged.program.is_feasible(found.x)
        assert 0 < found.value <= found.bound


class TestLargeBook:
    def test_is_a_large_block(self, document):
        assert any(map(is_large, programs_of(document)))

    def test_says_how_far_from_the_best_it_may_be(self, clearing):
        assert clearing.status == "bounded"
        assert 0 <= clearing.gap < 0.08

    def test_payments_lie_between_reserve_cost_and_value(self, clearing):
        book = clearing.book
        reserve = [
            units * int(book.lot_reserve[book.lot_hour_offset[lot] :][start:end].sum())
            for lot, units, start, end in zip(
                clearing.award_lot,
                clearing.award_units.tolist(),
                clearing.award_start,
                clearing.award_end,
                strict=True,
            )
        ]

        assert (clearing.award_amount >= np.array(reserve)).all()
        assert (clearing.award_amount <= clearing.award_value).all()
        assert (clearing.payment >= clearing.vcg).all()

    def test_the_check_finds_nothing_wrong(self, document, clearing):
        assert verify(document, clearing.to_document()) == []

    def test_every_run_and_every_order_of_rows_gives_the_same_bytes(self, document, clearing):
        rng = random.Random(3)
        shuffled = {name: list(rows) if isinstance(rows, list) else rows for name, rows in document.items()}
        rng.shuffle(shuffled["lots"])
        rng.shuffle(shuffled["bids"])

        again = clear(book_from_document(shuffled))

        assert canonical_json(again.to_document()) == canonical_json(clearing.to_document())
