from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.models import Block, ResourceType
from inventory.policies import block_errors, effective_reserve_ticks
from inventory.terms import BlockTerms
from marketplace.hours import HOUR
from marketplace.money import MAX_PRICE_TICKS

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
START = datetime(2026, 3, 2, tzinfo=UTC)
EIGHT_GPU_NODES = ResourceType(name="H100", node_units=8)


def declining(reserve: int, floor: int | None, hours: int | None) -> Block:
    return Block(starts_at=START, reserve_ticks=reserve, floor_ticks=floor, decline_hours=hours)


class TestEffectiveReserve:
    @pytest.mark.parametrize(
        ("hours_before", "ticks"),
        [(11, 20_000), (10, 20_000), (9, 19_000), (5, 15_000), (1, 11_000), (0, 10_000), (-1, 10_000)],
    )
    def test_falls_in_a_straight_line_to_the_floor_at_the_start(self, hours_before, ticks):
        assert effective_reserve_ticks(declining(20_000, 10_000, 10), START - hours_before * HOUR) == ticks

    def test_without_a_floor_stays(self):
        assert effective_reserve_ticks(declining(20_000, None, None), START) == 20_000

    def test_rounds_down(self):
        assert effective_reserve_ticks(declining(10, 0, 3), START - 2 * HOUR) == 6

    @given(
        reserve=st.integers(0, MAX_PRICE_TICKS),
        fall=st.integers(0, MAX_PRICE_TICKS),
        hours=st.integers(1, 8784),
        instants=st.tuples(*[st.timedeltas(timedelta(days=-400), timedelta(days=400))] * 2),
    )
    def test_never_rises_and_stays_between_floor_and_reserve(self, reserve, fall, hours, instants):
        floor = max(0, reserve - fall)
        block = declining(reserve, floor, hours)

        earlier, later = (effective_reserve_ticks(block, START + offset) for offset in sorted(instants))

        assert floor <= later <= earlier <= reserve


def terms(**changes: object) -> BlockTerms:
    valid = {
        "site_id": 1,
        "resource_type_id": 1,
        "units": 16,
        "starts_at": START,
        "ends_at": START + 6 * HOUR,
        "reserve_ticks": 20_000,
    }
    return BlockTerms(**{**valid, **changes})


class TestBlockErrors:
    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"reserve_ticks": 0},
            {"reserve_ticks": MAX_PRICE_TICKS},
            {"ends_at": START + 366 * 24 * HOUR},
            {"starts_at": NOW.replace(minute=0) + HOUR},
            {"floor_ticks": 20_000, "decline_hours": 1},
            {"floor_ticks": 0, "decline_hours": 8784},
        ],
    )
    def test_has_none_for_what_may_be_listed(self, changes):
        assert block_errors(terms(**changes), resource_type=EIGHT_GPU_NODES, now=NOW) == []

    @pytest.mark.parametrize(
        ("changes", "field", "code"),
        [
            ({"units": 0}, "units", "too_few"),
            ({"units": -8}, "units", "too_few"),
            ({"units": 12}, "units", "not_whole_nodes"),
            ({"units": 1_000_008}, "units", "too_many"),
            ({"starts_at": START + timedelta(minutes=30)}, "starts_at", "not_whole_hour"),
            ({"ends_at": START + timedelta(minutes=90)}, "ends_at", "not_whole_hour"),
            ({"starts_at": NOW.replace(minute=0)}, "starts_at", "past"),
            ({"ends_at": START}, "ends_at", "before_start"),
            ({"ends_at": START - HOUR}, "ends_at", "before_start"),
            ({"ends_at": START + (366 * 24 + 1) * HOUR}, "ends_at", "too_long"),
            ({"reserve_ticks": -1}, "reserve", "negative"),
            ({"reserve_ticks": MAX_PRICE_TICKS + 1}, "reserve", "too_high"),
            ({"floor_ticks": 20_001, "decline_hours": 4}, "floor", "above_reserve"),
            ({"floor_ticks": -1, "decline_hours": 4}, "floor", "negative"),
            ({"floor_ticks": 1}, "decline_hours", "missing"),
            ({"decline_hours": 4}, "floor", "missing"),
            ({"floor_ticks": 1, "decline_hours": 0}, "decline_hours", "out_of_range"),
            ({"floor_ticks": 1, "decline_hours": 8785}, "decline_hours", "out_of_range"),
        ],
    )
    def test_names_the_field_and_says_why(self, changes, field, code):
        [error] = block_errors(terms(**changes), resource_type=EIGHT_GPU_NODES, now=NOW)

        assert (error.field, error.code) == (field, code)
        assert error.message.endswith(".")

    def test_tells_everything_at_once(self):
        wrong = terms(units=3, ends_at=START - HOUR, reserve_ticks=-5)

        errors = block_errors(wrong, resource_type=EIGHT_GPU_NODES, now=NOW)

        assert [error.field for error in errors] == ["units", "ends_at", "reserve"]
