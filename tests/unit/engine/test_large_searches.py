"""Searches for a good choice of a large block, from nothing and without a winner: all fits, all is found again."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auctions.engine.package.columns import PLACE, SELECTOR
from auctions.engine.package.found import exact_value
from auctions.engine.package.large.annealing import anneal
from auctions.engine.package.large.chance import exponential, gumbel
from auctions.engine.package.large.choosing import Choosing
from auctions.engine.package.large.compiled import BITS, NOTHING, QUANTILES
from auctions.engine.package.large.places import (
    all_ticks,
    find_places,
    fit,
    unit_prices,
)
from auctions.engine.package.large.recreating import Recreating
from auctions.engine.package.large.refill import refill
from auctions.engine.package.large.relaxation import relax_large
from auctions.engine.package.large.spans import find_spans
from auctions.engine.package.program import Program
from auctions.engine.package.rounding import greedy
from benchmarks.engine.weeks import congested_week

from .large_books import (
    BOOKS,
    N_JOBS,
    largest_program,
    problem_of,
    programs_of,
    random_choice,
    relaxation_of,
    whole_leg,
)


def chosen(program: Program, before: np.ndarray, *, effort: float) -> np.ndarray:
    problem = problem_of(program)
    choosing = Choosing(program, problem, find_spans(program), relaxation_of(program))
    return choosing.from_nothing(problem, before, effort=effort)


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
                "options": [{"price": 5, "legs": [whole_leg("A")]}],
            }
            for row in range(2)
        ]
        legs = [whole_leg("A") | {"units": 4}, whole_leg("B") | {"units": 4}]
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
            assert (fit(places, found) == found).all()

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
