"""Places: what columns take, as stretches of lots' hours that searches move about."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from auctions.engine.package.bounds import prove_bound
from auctions.engine.package.found import exact_value
from auctions.engine.package.large.compiled import NOTHING
from auctions.engine.package.large.places import (
    Lookup,
    all_ticks,
    find_places,
    fit,
    parts_of,
    spread,
)
from auctions.engine.package.large.spans import find_spans

from .large_books import (
    BOOKS,
    largest_program,
    problem_of,
    programs_of,
    random_choice,
    small_week,
    with_packages,
)


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
            assert (fit(places, found) == found).all()

    @settings(max_examples=60, deadline=None)
    @given(BOOKS, st.randoms(use_true_random=False))
    def test_what_fits_as_places_fits_as_columns(self, document, rng):
        for program in programs_of(document):
            problem = problem_of(program)
            bound = prove_bound(problem, np.zeros(len(program.limit)))
            places = find_places(program, problem, find_spans(program), bound)
            own = np.split(np.arange(places.n_places), np.flatnonzero(np.diff(places.bid_of_place())) + 1)
            drawn = np.array([rng.choice([NOTHING, *rows.tolist()]) for rows in own])

            found = fit(places, drawn)

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

        fitting = fit(places, both)

        assert fitting.tolist() == [NOTHING, 1]
