"""What people do with a standing order: start it, pause and resume it, change it, cancel it."""

from uuid import uuid4

import pytest
from django.apps import apps

from accounts.models import BiddingLimit
from auctions.models import Bid, StandingOrder
from auctions.operations.standing import (
    OrderNotFound,
    OrderRejected,
    cancel_order,
    change_order,
    pause_order,
    resume_order,
    start_order,
)
from auctions.queries.standing import history_of_order, tally_of
from auctions.terms import LotFilter
from marketplace.hours import HOUR
from tests.factories import BuyerFactory, ResourceTypeFactory
from tests.integration.auctions.conftest import Auction, close_and_clear, turn_clock_past_freeze
from tests.integration.auctions.orders import asked_for, open_bid, start, step

pytestmark = pytest.mark.django_db
Status = StandingOrder.Status


class TestStops:
    @pytest.mark.parametrize(
        ("stop", "status"), [(pause_order, Status.PAUSED), (cancel_order, Status.CANCELLED)]
    )
    def test_takes_open_bids_back(self, auction: Auction, stop, status: str) -> None:
        order = start(auction)
        step(order)

        outcome = stop(organization=auction.buyer, order_id=order.pk)

        assert (outcome.order.status, outcome.kept) == (status, [])
        assert order.bids.get().status == Bid.Status.CANCELLED
        assert BiddingLimit.objects.get(organization=auction.buyer).held_cents == 0
        step(order)
        assert order.bids.count() == 1

    @pytest.mark.parametrize("stop", [pause_order, cancel_order])
    def test_tells_of_bids_in_frozen_windows(self, auction: Auction, stop) -> None:
        order = start(auction)
        step(order)
        turn_clock_past_freeze(auction.window)

        outcome = stop(organization=auction.buyer, order_id=order.pk)

        assert outcome.kept == [open_bid(order)]

    def test_a_paused_order_can_still_be_fulfilled_by_a_frozen_bid(self, auction: Auction) -> None:
        order = start(auction, goal_unit_hours=16)
        step(order)
        turn_clock_past_freeze(auction.window)
        pause_order(organization=auction.buyer, order_id=order.pk)
        close_and_clear(auction.window)
        step(order)
        assert order.status == Status.FULFILLED

    def test_resumes_and_bids_again_in_the_same_window(self, auction: Auction) -> None:
        order = start(auction)
        step(order)
        pause_order(organization=auction.buyer, order_id=order.pk)
        resume_order(organization=auction.buyer, order_id=order.pk)
        resume_order(organization=auction.buyer, order_id=order.pk)

        step(order)

        assert open_bid(order).window == auction.window
        assert [line.title for line in history_of_order(order, limit=10)] == [
            "Started",
            "Paused",
            "Bidding again",
        ]

    def test_twice_is_once(self, auction: Auction) -> None:
        order = start(auction)
        for _ in range(2):
            pause_order(organization=auction.buyer, order_id=order.pk)
        cancel_order(organization=auction.buyer, order_id=order.pk)
        with pytest.raises(OrderRejected, match="over"):
            cancel_order(organization=auction.buyer, order_id=order.pk)

    def test_another_organizations_order_is_unknown(self, auction: Auction) -> None:
        order = start(auction)
        for stop in (pause_order, cancel_order, resume_order):
            with pytest.raises(OrderNotFound):
                stop(organization=auction.rival, order_id=order.pk)


class TestChange:
    def test_replaces_its_open_bid(self, auction: Auction) -> None:
        order = start(auction)
        step(order)

        change_order(
            organization=auction.buyer, order_id=order.pk, terms=asked_for(auction.lot, price_ticks=15_000)
        )
        step(order)

        assert {option.price_ticks for option in open_bid(order).options.all()} == {15_000}
        assert order.bids.count() == 2
        assert order.revision == 2

    def test_of_an_order_changed_meanwhile_is_refused(self, auction: Auction) -> None:
        order = start(auction)
        change_order(organization=auction.buyer, order_id=order.pk, terms=asked_for(auction.lot), revision=1)
        with pytest.raises(OrderRejected, match="changed meanwhile"):
            change_order(
                organization=auction.buyer, order_id=order.pk, terms=asked_for(auction.lot), revision=1
            )

    @pytest.mark.parametrize(
        ("changes", "field"), [({"budget_cents": 31_99}, "budget"), ({"goal_unit_hours": 15}, "goal")]
    )
    def test_cannot_ask_for_less_than_frozen_bids_may_win(
        self, auction: Auction, changes: dict[str, int], field: str
    ) -> None:
        order = start(auction)
        step(order)
        turn_clock_past_freeze(auction.window)
        with pytest.raises(OrderRejected) as refused:
            change_order(
                organization=auction.buyer, order_id=order.pk, terms=asked_for(auction.lot, **changes)
            )
        assert refused.value.field == field
        assert tally_of(order).open_ticks == 32_00 * 100

    def test_is_in_the_audit_trail(self, auction: Auction) -> None:
        order = start(auction)
        change_order(
            organization=auction.buyer, order_id=order.pk, terms=asked_for(auction.lot, goal_unit_hours=50)
        )
        event = apps.get_model("auctions", "StandingOrderEvent")
        goals = event.objects.filter(pgh_obj_id=order.pk).order_by("pgh_id")
        assert list(goals.values_list("goal_unit_hours", flat=True)) == [40, 50]


class TestStart:
    def test_the_same_submission_starts_one_order(self, auction: Auction) -> None:
        key = uuid4()
        orders = {
            start_order(
                organization=auction.buyer, created_by=None, terms=asked_for(auction.lot), request_key=key
            ).pk
            for _ in range(3)
        }
        assert len(orders) == StandingOrder.objects.count() == 1
        start_order(
            organization=BuyerFactory(), created_by=None, terms=asked_for(auction.lot), request_key=key
        )
        assert StandingOrder.objects.count() == 2

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"wanted": LotFilter(())}, "types"),
            ({"wanted": LotFilter((2**40,))}, "types"),
            ({"goal_unit_hours": 0}, "goal"),
            ({"goal_unit_hours": 10**9 + 1}, "goal"),
            ({"min_hours": 0}, "min_hours"),
            ({"min_hours": 10_000}, "min_hours"),
            ({"price_ticks": 0}, "price"),
            ({"price_ticks": 10**12}, "price"),
            ({"budget_cents": 0}, "budget"),
            ({"budget_cents": 10**15}, "budget"),
            ({"budget_cents": 1_99}, "budget"),
            ({"market_id": 2**40}, "market"),
        ],
    )
    def test_says_which_field_is_wrong(self, auction: Auction, changes: dict, field: str) -> None:
        with pytest.raises(OrderRejected) as refused:
            start(auction, **changes)
        assert refused.value.field == field
        assert not StandingOrder.objects.exists()

    def test_refuses_deadlines_that_cannot_be_met(self, auction: Auction) -> None:
        hour = auction.lot.starts_at
        for deadline, hours in (
            (hour - 5 * HOUR, 1),
            (hour + HOUR / 2, 1),
            (hour + 500 * 24 * HOUR, 1),
            (hour, 20),
        ):
            with pytest.raises(OrderRejected) as refused:
                start(auction, deadline_at=deadline, min_hours=hours)
            assert refused.value.field == "deadline"

    def test_refuses_filters_that_mean_nothing(self, auction: Auction) -> None:
        type_id = auction.lot.block.resource_type_id
        model = ResourceTypeFactory(kind="model")
        for wanted, field in (
            (LotFilter(tuple(sorted((type_id, model.pk)))), "types"),
            (LotFilter((type_id,), regions=("moon",)), "regions"),
            (LotFilter((type_id,), fabrics=("string",)), "fabrics"),
            (LotFilter((type_id,), min_reliability_bps=10_001), "min_reliability_bps"),
        ):
            with pytest.raises(OrderRejected) as refused:
                start(auction, wanted=wanted)
            assert refused.value.field == field
