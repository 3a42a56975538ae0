"""Standing orders from window to window: when they bid again, when they end, and when they pause by themselves."""

from datetime import timedelta

import pytest
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import Membership, StreamEvent, User
from auctions import sweeps
from auctions.models import Bid, Lot, StandingOrder, Window
from auctions.operations.standing import OrderRejected, bid_for_order, change_order, resume_order
from auctions.operations.windows import cancel_window
from auctions.sweeps import sweep_standing_orders
from marketplace.db import database_now
from marketplace.hours import HOUR
from tests.factories import BlockFactory, LotFactory, WindowFactory
from tests.integration.auctions.conftest import Auction, close_and_clear
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
