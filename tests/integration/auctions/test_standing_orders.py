"""Standing orders: what they bid, that they never pass budget or goal, and what each state allows."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import BiddingLimit, Membership, StreamEvent, User
from auctions import sweeps
from auctions.models import Award, Bid, Lot, StandingOrder, Window
from auctions.operations.bids import BidRejected, cancel_bid, change_bid
from auctions.operations.standing import (
    OrderNotFound,
    OrderRejected,
    bid_for_order,
    cancel_order,
    change_order,
    pause_order,
    resume_order,
    start_order,
)
from auctions.operations.windows import cancel_window
from auctions.queries.standing import history_of_order, tally_of
from auctions.sweeps import sweep_standing_orders
from auctions.terms import LotFilter, single_lot_terms, terms_of
from marketplace.db import database_now
from marketplace.hours import HOUR
from tests.factories import BlockFactory, BuyerFactory, LotFactory, ResourceTypeFactory, WindowFactory
from tests.integration.auctions.conftest import (
    Auction,
    close_and_clear,
    turn_clock_past_freeze,
)
from tests.integration.auctions.orders import asked_for, open_bid, shapes, start, step
from tests.integration.auctions.pages import bid_on, visit

pytestmark = pytest.mark.django_db
Status = StandingOrder.Status


def next_window(lot: Lot, **block: object) -> Lot:
    """Open the market's next window with a lot of the same type; its hours follow those of ``lot``."""
    window = WindowFactory(market=lot.window.market, opens_at=database_now() - timedelta(minutes=4))
    block = {
        "resource_type": lot.block.resource_type,
        "starts_at": lot.starts_at,
        "ends_at": lot.ends_at,
        **block,
    }
    return LotFactory(window=window, block=BlockFactory(**block))


class TestWhatItBids:
    def test_shapes_of_the_same_work_within_goal_and_budget(self, auction: Auction) -> None:
        order = start(auction)

        tally = step(order)

        bid = open_bid(order)
        assert shapes(bid) == [(8, 2), (8, 1)]
        assert (tally.open_unit_hours, tally.open_ticks, tally.n_open) == (16, 16 * 20_000, 1)
        assert bid.placed_by == auction.trader
        assert {option.price_ticks for option in bid.options.all()} == {20_000}
        assert all(leg.filter is not None for option in terms_of(bid).options for leg in option.legs)

    def test_asks_for_no_more_than_is_left_of_the_goal(self, auction: Auction) -> None:
        order = start(auction, goal_unit_hours=5)
        step(order)
        assert shapes(open_bid(order)) == [(5, 1), (2, 2)]

    def test_asks_for_no_more_than_the_budget_pays_for(self, auction: Auction) -> None:
        order = start(auction, budget_cents=13_99)

        tally = step(order)

        assert shapes(open_bid(order)) == [(3, 2), (6, 1)]
        assert tally.open_ticks == 6 * 20_000

    def test_rounds_less_than_a_node_up_to_one(self, auction: Auction) -> None:
        node = ResourceTypeFactory(node_units=8)
        lot = LotFactory(window=auction.window, block__resource_type=node, block__unit_step=8)
        order = start_order(
            organization=auction.buyer,
            created_by=None,
            terms=asked_for(lot, goal_unit_hours=3),
        )

        step(order)

        assert shapes(open_bid(order)) == [(8, 1)]

    def test_leaves_hours_after_the_deadline_alone(self, auction: Auction) -> None:
        order = start(auction, deadline_at=auction.lot.starts_at + HOUR)
        step(order)
        bid = open_bid(order)
        assert shapes(bid) == [(8, 1)]
        assert terms_of(bid).options[0].legs[0].latest_at == auction.lot.starts_at + HOUR

    def test_bids_once_per_window_however_often_it_is_looked_at(self, auction: Auction) -> None:
        order = start(auction)
        step(order)
        step(order)
        sweep_standing_orders(now=database_now())
        assert Bid.objects.count() == 1

    def test_bids_in_every_open_window_for_what_is_left(self, auction: Auction) -> None:
        other = LotFactory(block__resource_type=auction.lot.block.resource_type)
        order = start(auction, goal_unit_hours=20, budget_cents=200_00)

        tally = step(order)

        assert {bid.window for bid in order.bids.all()} == {auction.window, other.window}
        assert tally.open_unit_hours == 20

    def test_bids_in_its_own_market_alone(self, auction: Auction) -> None:
        LotFactory(block__resource_type=auction.lot.block.resource_type)
        order = start(auction, market_id=auction.window.market_id)
        step(order)
        assert [bid.window for bid in order.bids.all()] == [auction.window]

    def test_never_bids_on_its_own_lots(self, auction: Auction) -> None:
        order = start_order(
            organization=auction.lot.block.site.organization, created_by=None, terms=asked_for(auction.lot)
        )
        step(order)
        assert not order.bids.exists()
        assert order.told == "Nothing on offer in this window matches."

    def test_takes_the_regions_fabrics_and_reliability_it_asked_for(self, auction: Auction) -> None:
        type_id = auction.lot.block.resource_type_id
        for wanted in (
            LotFilter((type_id,), regions=("eu-west",)),
            LotFilter((type_id,), fabrics=("roce",)),
            LotFilter((type_id,), min_reliability_bps=9000),
        ):
            order = start(auction, wanted=wanted)
            step(order)
            assert not order.bids.exists()

    def test_says_nothing_of_windows_that_deliver_too_late(self, auction: Auction) -> None:
        Window.objects.update(delivery_from=auction.window.delivery_to - HOUR)
        order = start(auction, deadline_at=auction.lot.starts_at + 4 * HOUR)
        step(order)
        assert not order.bids.exists()
        assert order.told == ""

    def test_does_not_bid_in_the_freeze(self, auction: Auction) -> None:
        order = start(auction)
        turn_clock_past_freeze(auction.window)
        step(order)
        assert not order.bids.exists()


class TestWork:
    def test_goes_on_until_it_has_all_it_wants(self, auction: Auction) -> None:
        order = start(auction, goal_unit_hours=20)
        step(order)
        close_and_clear(auction.window)
        later = next_window(auction.lot)

        tally = step(order)

        assert (tally.won_unit_hours, tally.spent_ticks) == (16, 16 * 10_000)
        assert shapes(open_bid(order)) == [(2, 2), (4, 1)]
        close_and_clear(later.window)
        tally = step(order)
        assert (order.status, tally.won_unit_hours) == (Status.FULFILLED, 20)
        assert order.ended_at is not None
        assert StreamEvent.objects.filter(kind="standing_order.fulfilled").count() == 1

    def test_bids_again_in_the_next_window_after_a_loss(self, auction: Auction) -> None:
        order = start(auction, goal_unit_hours=16)
        step(order)
        bid_on(auction.lot, auction.rival, units=8, price_ticks=90_000)
        close_and_clear(auction.window)
        later = next_window(auction.lot)

        step(order)

        assert open_bid(order).window == later.window
        assert order.bids.get(window=auction.window).status == Bid.Status.LOST

    def test_bids_again_after_a_window_was_cancelled(self, auction: Auction) -> None:
        order = start(auction)
        step(order)
        cancel_window(window_id=auction.window.pk, reason="A test")
        later = next_window(auction.lot)
        step(order)
        assert open_bid(order).window == later.window

    def test_what_it_saved_buys_more(self, auction: Auction) -> None:
        order = start(auction, goal_unit_hours=30, budget_cents=32_00)
        step(order)
        assert shapes(open_bid(order))[0] == (8, 2)
        close_and_clear(auction.window)
        next_window(auction.lot)

        tally = step(order)

        assert tally.spent_ticks == 16 * 10_000
        assert tally.open_unit_hours == 8

    def test_ends_when_its_budget_is_used(self, auction: Auction) -> None:
        order = start(auction, budget_cents=17_00)
        step(order)
        bid_on(auction.lot, auction.rival, units=8, price_ticks=20_000)
        close_and_clear(auction.window)

        tally = step(order)

        assert order.status == Status.EXHAUSTED
        assert tally.left_cents(order) < 2_00

    def test_a_larger_budget_takes_it_up_again(self, auction: Auction) -> None:
        order = start(auction, budget_cents=17_00)
        step(order)
        bid_on(auction.lot, auction.rival, units=8, price_ticks=20_000)
        close_and_clear(auction.window)
        step(order)
        with pytest.raises(OrderRejected):
            resume_order(organization=auction.buyer, order_id=order.pk)

        change_order(
            organization=auction.buyer, order_id=order.pk, terms=asked_for(auction.lot, budget_cents=40_00)
        )

        later = next_window(auction.lot)
        step(order)
        assert order.status == Status.ACTIVE
        assert open_bid(order).window == later.window

    def test_ends_at_its_deadline_and_not_while_a_bid_is_open(self, auction: Auction) -> None:
        order = start(auction)
        step(order)
        StandingOrder.objects.update(deadline_at=database_now() - HOUR)
        step(order)
        assert order.status == Status.ACTIVE
        cancel_window(window_id=auction.window.pk, reason="A test")
        step(order)
        assert order.status == Status.EXPIRED
        assert not bid_for_order(order_id=order.pk)

    def test_is_swept_when_a_window_clears_and_not_between(self, auction: Auction) -> None:
        order = start(auction, goal_unit_hours=16)
        assert sweep_standing_orders(now=database_now()) == 1
        before = StandingOrder.objects.get().looked_at
        Window.objects.update(opens_at=database_now() - timedelta(minutes=5))
        assert sweep_standing_orders(now=database_now()) == 0
        assert StandingOrder.objects.get().looked_at == before
        close_and_clear(auction.window)
        assert sweep_standing_orders(now=database_now()) == 1
        order.refresh_from_db()
        assert order.status == Status.FULFILLED

    def test_one_that_fails_goes_behind_the_others(
        self, auction: Auction, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(sweeps, "ORDERS_AT_ONCE", 1)
        broken, sound = start(auction), start(auction)
        StandingOrder.objects.filter(pk=broken.pk).update(resource_types=[2**31 - 1])

        assert sweep_standing_orders(now=database_now()) == 0
        assert f"standing order {broken.pk} could not be looked at" in caplog.text
        assert sweep_standing_orders(now=database_now()) == 1

        assert open_bid(sound).status == Bid.Status.PLACED

    def test_a_worker_is_told_at_once(self, auction: Auction) -> None:
        order = start(auction)
        job = ProcrastinateJob.objects.get(task_name="auctions.bid_for_order")
        assert job.args == {"order_id": order.pk}


class TestAbandoned:
    """An order bids in the name of who started it: once that person may not, it pauses, as the person's keys stop."""

    @pytest.mark.parametrize("how", ["removed", "made a viewer", "switched off"])
    def test_pauses_takes_its_bids_back_and_tells_the_organization(self, auction: Auction, how: str) -> None:
        order = start(auction)
        step(order)
        bid = open_bid(order)
        own = Membership.objects.filter(user=auction.trader)
        if how == "removed":
            own.delete()
        elif how == "made a viewer":
            own.update(role=Membership.Role.VIEWER)
        else:
            User.objects.filter(pk=auction.trader.pk).update(is_active=False)

        step(order)

        bid.refresh_from_db()
        assert (order.status, bid.status) == (Status.PAUSED, Bid.Status.CANCELLED)
        assert order.told == f"{auction.trader} may no longer bid for {auction.buyer}."
        kinds = StreamEvent.objects.filter(organization=auction.buyer).order_by("sequence")
        assert [event.kind for event in kinds][-2:] == ["standing_order.paused", "standing_order.abandoned"]
        assert kinds.last().data["message"] == order.told

    def test_bids_on_for_who_resumes_it(self, auction: Auction) -> None:
        order = start(auction)
        Membership.objects.filter(user=auction.trader).delete()
        step(order)
        colleague = visit(auction.buyer)
        page = reverse("auctions:order_detail", args=[order.pk])
        assert "Resume it to have it bid in your name" in colleague.client.get(page).content.decode()

        colleague.client.post(reverse("auctions:order_resume", args=[order.pk]))
        step(order)

        assert (order.status, order.told, order.created_by) == (Status.ACTIVE, "", colleague.user)
        assert open_bid(order).placed_by == colleague.user


class TestLimit:
    def test_refused_for_lack_of_limit_is_told_and_tried_again(self, auction: Auction) -> None:
        BiddingLimit.objects.filter(organization=auction.buyer).update(credit_cents=10_00)
        order = start(auction)

        step(order)

        assert not order.bids.exists()
        assert "more than your bidding limit allows" in order.told
        steps = history_of_order(order, limit=10)
        assert [line.title for line in steps] == ["Started", "Did not bid"]
        BiddingLimit.objects.filter(organization=auction.buyer).update(credit_cents=100_00)
        StandingOrder.objects.update(looked_at=database_now() - timedelta(minutes=1))
        assert sweep_standing_orders(now=database_now()) == 1
        order.refresh_from_db()
        assert order.told == ""
        assert BiddingLimit.objects.get(organization=auction.buyer).held_cents == 32_00

    def test_a_suspended_limit_is_told(self, auction: Auction) -> None:
        BiddingLimit.objects.filter(organization=auction.buyer).update(suspended_reason="Not paid.")
        order = start(auction)
        step(order)
        assert order.told == "Not paid."


class TestBudget:
    """The database itself refuses what passes a budget, whoever writes it."""

    def test_a_bid_cannot_be_raised_past_it(self, auction: Auction) -> None:
        order = start(auction, budget_cents=32_00)
        step(order)
        with pytest.raises(IntegrityError, match="would use"), transaction.atomic():
            Bid.objects.update(max_ticks=32_00 * 100 + 1)

    def test_a_further_bid_cannot_pass_it(self, auction: Auction) -> None:
        order = start(auction, budget_cents=32_00)
        step(order)
        other = bid_on(LotFactory(), auction.buyer, units=1, price_ticks=10_000)
        with pytest.raises(IntegrityError, match="would use"), transaction.atomic():
            Bid.objects.filter(pk=other.pk).update(standing_order=order)

    def test_counts_what_was_won(self, auction: Auction) -> None:
        order = start(auction, budget_cents=32_00)
        step(order)
        close_and_clear(auction.window)
        spent = sum(Award.objects.values_list("amount_ticks", flat=True))
        other = bid_on(LotFactory(), auction.buyer, units=1, price_ticks=10_000)
        Bid.objects.filter(pk=other.pk).update(standing_order=order)
        with pytest.raises(IntegrityError, match="would use"), transaction.atomic():
            Bid.objects.filter(pk=other.pk).update(max_ticks=32_00 * 100 - spent + 1)

    def test_cannot_be_lowered_past_what_is_used(self, auction: Auction) -> None:
        order = start(auction)
        step(order)
        with pytest.raises(IntegrityError, match="would use"), transaction.atomic():
            StandingOrder.objects.update(budget_cents=31_99)

    def test_one_open_bid_per_window(self, auction: Auction) -> None:
        order = start(auction)
        step(order)
        other = bid_on(auction.lot, auction.buyer, units=1, price_ticks=10_000)
        with (
            pytest.raises(IntegrityError, match="standing_order_one_open_bid_per_window"),
            transaction.atomic(),
        ):
            Bid.objects.filter(pk=other.pk).update(standing_order=order)


class TestItsBids:
    def test_are_changed_and_cancelled_through_the_order_alone(self, auction: Auction) -> None:
        order = start(auction)
        step(order)
        bid = open_bid(order)
        with pytest.raises(BidRejected, match=f"standing order {order.pk}"):
            cancel_bid(organization=auction.buyer, cancelled_by=None, bid_id=bid.pk)
        with pytest.raises(BidRejected, match=f"standing order {order.pk}"):
            change_bid(
                organization=auction.buyer,
                changed_by=None,
                bid_id=bid.pk,
                terms=single_lot_terms(auction.lot, units=8, price_ticks=90_000),
            )


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
