"""What a standing order bids, as laws over orders and lots of every kind. Nothing here is saved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from auctions.models import Lot, Market
from auctions.operations.windows import _openings, _window
from auctions.standing.outlook import n_windows_in_time, whole_bid
from auctions.standing.planning import MAX_SHAPES, Supply, most_unit_hours, plan_bid
from auctions.standing.terms import OrderTerms, Remaining, price_for_all
from auctions.terms import LotFilter
from inventory.models import Block, ResourceType
from marketplace.hours import HOUR, ceil_hour

START = datetime(2026, 11, 24, 12, tzinfo=UTC)


def lot(number: int, *, first: int, hours: int, nodes: list[int], step: int) -> Lot:
    starts_at = START + first * HOUR
    capacity = [step * nodes[hour % len(nodes)] for hour in range(hours)]
    return Lot(
        pk=number,
        block=Block(unit_step=step, units=step * max(nodes), resource_type=ResourceType(node_units=step)),
        starts_at=starts_at,
        ends_at=starts_at + hours * HOUR,
        reserve_ticks=1,
        capacity_units=capacity,
    )


@st.composite
def supplies(draw: st.DrawFn, min_lots: int = 1) -> Supply:
    lots = [
        lot(
            number,
            first=draw(st.integers(0, 20)),
            hours=draw(st.integers(1, 30)),
            nodes=draw(st.lists(st.integers(0, 40), min_size=1, max_size=4)),
            step=draw(st.sampled_from([1, 2, 8])),
        )
        for number in range(1, draw(st.integers(min_lots, 4)) + 1)
    ]
    latest_at = START + draw(st.integers(1, 50)) * HOUR
    shared = [one for one in lots if min(one.ends_at, latest_at) > one.starts_at]
    return Supply(shared, {one.pk: list(one.capacity_units or []) for one in shared}, START, latest_at)


orders = st.builds(
    OrderTerms,
    wanted=st.just(LotFilter((1,))),
    goal_unit_hours=st.integers(1, 5_000),
    min_hours=st.integers(1, 6),
    price_ticks=st.integers(1, 100_000),
    budget_cents=st.integers(1, 10_000_00),
    deadline_at=st.just(START + timedelta(days=3)),
)


def left(order: OrderTerms) -> Remaining:
    return Remaining(order.goal_unit_hours, order.budget_ticks)


class TestPlan:
    @given(orders, supplies())
    def test_never_costs_more_than_what_is_left(self, order: OrderTerms, supply: Supply) -> None:
        plan = plan_bid(order, left(order), supply)
        assert plan.terms is None or plan.terms.max_ticks <= order.budget_ticks

    @given(orders, supplies())
    def test_passes_the_goal_by_less_than_a_node_for_the_shortest_run(
        self, order: OrderTerms, supply: Supply
    ) -> None:
        plan = plan_bid(order, left(order), supply)
        if plan.terms is not None:
            step = min(one.block.unit_step for one in supply.lots)
            assert plan.unit_hours < order.goal_unit_hours + step * order.min_hours
            if order.goal_unit_hours >= step * order.min_hours:
                assert plan.unit_hours <= order.goal_unit_hours

    @given(orders, supplies())
    def test_asks_for_what_some_lot_can_give(self, order: OrderTerms, supply: Supply) -> None:
        plan = plan_bid(order, left(order), supply)
        assert (plan.terms is None) == bool(plan.why_not)
        if plan.terms is None:
            return
        assert 1 <= len(plan.terms.options) <= MAX_SHAPES
        for option in plan.terms.options:
            (leg,) = option.legs
            assert leg.hours >= order.min_hours
            assert supply.earliest_at <= leg.earliest_at
            assert leg.earliest_at + leg.hours * HOUR <= leg.latest_at <= supply.latest_at
            assert supply.most_units(leg) >= leg.units

    def test_bids_nothing_for_nothing(self) -> None:
        order = OrderTerms(LotFilter((1,)), 10, 1, 10_000, 100_00, START + 5 * HOUR)
        supply = Supply([], {}, START, START + 5 * HOUR)
        assert plan_bid(order, Remaining(0, 100), supply).terms is None
        assert plan_bid(order, left(order), supply).why_not == "Nothing on offer in this window matches."

    def test_of_a_market_that_sells_a_year_takes_a_small_share_of_the_engine(self) -> None:
        lots = [lot(number, first=0, hours=8760, nodes=[4], step=8) for number in range(1, 200)]
        supply = Supply(
            lots, {one.pk: list(one.capacity_units or []) for one in lots}, START, START + 8760 * HOUR
        )
        order = OrderTerms(LotFilter((1,)), 100_000, 1, 10_000, 10_000_000_00, START + 8760 * HOUR)
        plan = plan_bid(order, left(order), supply)
        assert plan.terms is not None
        ways = sum(
            200 * ((leg.latest_at - leg.earliest_at) // HOUR - leg.hours + 1)
            for option in plan.terms.options
            for leg in option.legs
        )
        assert ways <= 60_000


class TestWholeBid:
    @given(orders, supplies())
    def test_wins_all_of_it_within_the_budget_or_is_none(self, order: OrderTerms, supply: Supply) -> None:
        terms = whole_bid(order, left(order), supply)
        if terms is not None:
            assert terms.max_ticks <= order.budget_ticks
            for option in terms.options:
                assert sum(leg.unit_hours for leg in option.legs) >= order.goal_unit_hours
                assert all(leg.units == leg.min_units for leg in option.legs)

    def test_takes_several_lots_together_where_none_has_enough(self) -> None:
        lots = [lot(number, first=0, hours=4, nodes=[2], step=8) for number in (1, 2, 3)]
        supply = Supply(lots, {one.pk: [16] * 4 for one in lots}, START, START + 4 * HOUR)
        order = OrderTerms(LotFilter((1,)), 100, 1, 10_000, 1_000_00, START + 4 * HOUR)
        terms = whole_bid(order, left(order), supply)
        assert terms is not None
        assert [(leg.lot_ids, leg.units) for leg in terms.options[0].legs] == [((1,), 16), ((2,), 16)]
        assert most_unit_hours(terms) == 128


class TestOutlook:
    @given(
        st.sampled_from([(15, 0), (60, 0), (24 * 60, 24 * 60), (7 * 24 * 60, 8 * 24 * 60)]),
        st.integers(0, 60 * 24 * 9),
        st.integers(0, 24 * 20),
        st.integers(1, 5),
    )
    def test_counts_the_windows_that_can_still_deliver(
        self, shape: tuple[int, int], minutes: int, ahead: int, min_hours: int
    ) -> None:
        cadence, lead = shape
        market = Market(
            cadence=timedelta(minutes=cadence),
            lead_from=timedelta(minutes=lead),
            lead_to=timedelta(minutes=lead) + timedelta(days=1),
        )
        now = START + timedelta(minutes=minutes)
        deadline = ceil_hour(now) + ahead * HOUR
        order = OrderTerms(LotFilter((1,)), 1, min_hours, 1, 1, deadline)

        n = 0
        opens_at = _openings(market, now)[0]
        while _window(market, opens_at).delivery_from + min_hours * HOUR <= deadline:
            n += 1
            opens_at += market.cadence

        assert n_windows_in_time(market, order, now) == n


def test_price_for_all_pays_for_the_goal_in_whole_nodes() -> None:
    assert price_for_all(goal_unit_hours=2_000, budget_cents=4_000_00, rounding=8) == 20_000
    assert price_for_all(goal_unit_hours=2_001, budget_cents=4_000_00, rounding=8) == 4_000_00 * 100 // 2_008
