"""What standing orders bid, and that no bid of theirs passes goal, budget or limit."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import BiddingLimit
from auctions.models import Award, Bid, StandingOrder, Window
from auctions.operations.bids import BidRejected, cancel_bid, change_bid
from auctions.operations.standing import start_order
from auctions.queries.standing import history_of_order
from auctions.sweeps import sweep_standing_orders
from auctions.terms import LotFilter, single_lot_terms, terms_of
from marketplace.db import database_now
from marketplace.hours import HOUR
from tests.factories import LotFactory, ResourceTypeFactory
from tests.integration.auctions.conftest import Auction, close_and_clear, turn_clock_past_freeze
from tests.integration.auctions.orders import asked_for, open_bid, shapes, start, step
from tests.integration.auctions.pages import bid_on

pytestmark = pytest.mark.django_db


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
