"""The plan of a replay: a pure function of traces and seed that never asks for more than there is."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.replay.plan import N_BUYERS, Plan, Scale, buyer_of, hours_present, read_plan
from simulation.replay.traces import Pod, TraceError
from tests.trace_files import write_traces

DAY = date(2020, 5, 5)
SCALE = Scale(n_windows=2, share=Fraction(1), demand_from=0, demand_days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_traces(tmp_path)


def plan(folder: Path, *, seed: int = 1, scale: Scale = SCALE) -> Plan:
    return read_plan(folder, day=DAY, seed=seed, scale=scale)


class TestPlan:
    def test_same_seed_same_plan(self, folder: Path) -> None:
        assert plan(folder) == plan(folder)

    def test_another_seed_another_plan(self, folder: Path) -> None:
        assert plan(folder).windows != plan(folder, seed=2).windows

    def test_a_seller_lists_the_whole_nodes_that_stood_idle_all_hour(self, folder: Path) -> None:
        first, second = plan(folder).windows

        assert [(block.model.slug, block.units) for block in first.blocks] == [
            ("A10-24GB", 2),
            ("A100-SXM4-80GB", 8),
        ] * 3
        assert [(block.model.slug, block.units) for block in second.blocks] == [
            ("A10-24GB", 4),
            ("A100-SXM4-80GB", 16),
        ] * 3

    def test_half_a_node_is_not_listed(self, folder: Path) -> None:
        quarter = plan(folder, scale=replace(SCALE, share=Fraction(1, 2)))

        assert [(block.model.slug, block.units) for block in quarter.windows[0].blocks] == [
            ("A10-24GB", 1)
        ] * 3

    def test_says_what_is_left_out(self, folder: Path) -> None:
        assert plan(folder).left_out_nodes == {"GPU-series-1×4": 1}
        assert plan(folder).n_pods_without_gpu == 1

    def test_whole_gpus_are_pooled_into_nodes_and_parts_are_not(self, folder: Path) -> None:
        for window in plan(folder).windows:
            for bid in window.bids:
                block = window.blocks[bid.block]
                assert bid.units % block.model.node_units == 0
                assert 0 < bid.units <= block.units

    def test_what_nobody_offers_is_counted_not_bid_for(self, folder: Path) -> None:
        small = plan(folder, scale=replace(SCALE, share=Fraction(1, 2)))

        assert small.windows[0].n_unmet > 0
        assert all(small.windows[0].blocks[bid.block].model.node_units == 1 for bid in small.windows[0].bids)

    def test_days_without_pods_are_an_error(self, folder: Path) -> None:
        with pytest.raises(
            TraceError, match="no pod that asks for a GPU on days 5 to 6; its last is of day 0"
        ):
            plan(folder, scale=replace(SCALE, demand_from=5, demand_days=2))


class TestPods:
    @given(st.integers(0, 10**7), st.integers(0, 10**6))
    def test_a_pod_is_there_from_its_hour_to_the_one_it_ends_in(self, created_s: int, lasts_s: int) -> None:
        hours = hours_present(Pod("pod", 1, 1000, created_s, created_s + lasts_s))

        came_s = created_s % 86_400
        assert hours[0] == came_s // 3600 <= 23
        assert hours[-1] == max(hours[0], -(-(came_s + lasts_s) // 3600) - 1)

    @given(st.text())
    def test_every_pod_has_a_buyer_and_keeps_it(self, name: str) -> None:
        pod = Pod(name, 1, 1000, 0, 1)

        assert 0 <= buyer_of(pod) < N_BUYERS
        assert buyer_of(pod) == buyer_of(replace(pod, n_gpus=8))
