"""Clearing: what becomes of bids, hours, prices, holds and news, and the three things the database itself refuses."""

import pytest
from django.db import IntegrityError, transaction

from accounts.models import BiddingLimit, Hold, Organization, StreamEvent
from auctions.bridge import indicate_window
from auctions.models import Award, Bid, BidOption, Lot, LotPrice, ProductPrice, Window
from auctions.operations.bids import place_bid
from auctions.operations.clearing import clear_window
from auctions.operations.windows import close_window, freeze_window, open_window
from auctions.terms import single_lot_terms
from inventory.models import Block, BlockHour
from tests.factories import BuyerFactory, LotFactory, WindowFactory
from tests.integration.auctions.conftest import (
    Auction,
    close_and_clear,
    turn_clock_past_close,
    turn_clock_past_freeze,
)

pytestmark = pytest.mark.django_db


def bid(lot: Lot, organization: Organization, *, units: int, price_ticks: int) -> Bid:
    return place_bid(
        organization=organization,
        placed_by=None,
        window_id=lot.window_id,
        terms=single_lot_terms(lot, units=units, price_ticks=price_ticks),
    )


class TestClearWindow:
    def test_winners_pay_the_highest_rejected_offer(self, auction: Auction) -> None:
        winner = bid(auction.lot, auction.buyer, units=6, price_ticks=30_000)
        partial = bid(auction.lot, auction.rival, units=6, price_ticks=20_000)
        third = BuyerFactory()
        loser = bid(auction.lot, third, units=4, price_ticks=15_000)

        window = close_and_clear(auction.window)

        won = Award.objects.get(bid=winner)
        # It displaced the rival's four unfilled units and two of the third's: 4 × $2.00 + 2 × $1.50, for 2 hours.
        assert (won.units, won.amount_ticks) == (6, 2 * (4 * 20_000 + 2 * 15_000))
        part = Award.objects.get(bid=partial)
        assert (part.units, part.amount_ticks) == (2, 2 * 2 * 15_000)
        statuses = dict(Bid.objects.values_list("id", "status"))
        assert statuses == {
            winner.pk: Bid.Status.WON,
            partial.pk: Bid.Status.PART_WON,
            loser.pk: Bid.Status.LOST,
        }
        loser.refresh_from_db()
        assert loser.loss_reason == Bid.LossReason.OUTBID
        assert (
            loser.minimum_to_win_ticks == 20_000
        )  # a tie at the margin is shared: each of the equal bids wins a node
        assert window.revenue_ticks == won.amount_ticks + part.amount_ticks
        assert window.surplus_ticks == 2 * (6 * 20_000 + 2 * 10_000)

    def test_sells_the_hours_and_takes_the_lot_off_offer(self, auction: Auction) -> None:
        bid(auction.lot, auction.buyer, units=5, price_ticks=30_000)

        close_and_clear(auction.window)

        hours = BlockHour.objects.filter(block=auction.lot.block)
        assert [(hour.offered_units, hour.sold_units, hour.frozen_units) for hour in hours] == [(8, 5, 0)] * 2
        auction.lot.refresh_from_db()
        assert not auction.lot.on_offer

    def test_what_is_left_flows_on_to_the_next_window(self, auction: Auction) -> None:
        bid(auction.lot, auction.buyer, units=5, price_ticks=30_000)
        close_and_clear(auction.window)
        following = WindowFactory(market=auction.window.market, status=Window.Status.SCHEDULED)

        open_window(window_id=following.pk)
        turn_clock_past_freeze(following)
        freeze_window(window_id=following.pk)

        assert following.lots.get(block=auction.lot.block).capacity_units == [3, 3]

    def test_keeps_holds_for_what_was_won_and_releases_the_rest(self, auction: Auction) -> None:
        winner = bid(auction.lot, auction.buyer, units=8, price_ticks=30_000)
        bid(auction.lot, auction.rival, units=8, price_ticks=20_000)

        close_and_clear(auction.window)

        assert list(Hold.objects.filter(released_at=None).values_list("reference", "amount_cents")) == [
            (f"bid:{winner.pk}", 8 * 2 * 200)
        ]
        assert BiddingLimit.objects.get(organization=auction.buyer).held_cents == 8 * 2 * 200
        assert BiddingLimit.objects.get(organization=auction.rival).held_cents == 0

    def test_tells_winners_losers_and_the_seller(self, auction: Auction) -> None:
        bid(auction.lot, auction.buyer, units=8, price_ticks=30_000)
        bid(auction.lot, auction.rival, units=8, price_ticks=20_000)

        close_and_clear(auction.window)

        told = set(StreamEvent.objects.exclude(kind="bid.placed").values_list("organization_id", "kind"))
        seller = auction.lot.block.site.organization
        assert told == {
            (auction.buyer.pk, "bid.won"),
            (auction.rival.pk, "bid.lost"),
            (seller.pk, "block.sold"),
        }

    def test_publishes_prices_per_hour_and_product(self, auction: Auction) -> None:
        bid(auction.lot, auction.buyer, units=8, price_ticks=30_000)
        bid(auction.lot, auction.rival, units=8, price_ticks=20_000)
        idle = LotFactory(window=auction.window)

        window = close_and_clear(auction.window)

        sold = LotPrice.objects.filter(lot=auction.lot).values_list(
            "paid_ticks", "marginal_ticks", "sold_units"
        )
        assert list(sold) == [(20_000, 20_000, 8)] * 2
        assert LotPrice.objects.filter(lot=idle, sold_units=0).count() == 2
        product = ProductPrice.objects.get(window=window, resource_type=auction.lot.block.resource_type)
        assert (product.paid_ticks, product.sold_unit_hours, product.offered_unit_hours) == (20_000, 16, 16)
        unsold = ProductPrice.objects.get(window=window, resource_type=idle.block.resource_type)
        assert (unsold.paid_ticks, unsold.sold_unit_hours) == (None, 0)

    def test_a_bid_below_the_reserve_loses_for_that_reason(self, auction: Auction) -> None:
        low = bid(auction.lot, auction.buyer, units=8, price_ticks=9_999)

        close_and_clear(auction.window)

        low.refresh_from_db()
        assert (low.loss_reason, low.minimum_to_win_ticks) == ("below_reserve", 10_000)

    def test_of_a_withdrawn_block_only_the_frozen_units_sell(self, auction: Auction) -> None:
        bid(auction.lot, auction.buyer, units=5, price_ticks=30_000)
        turn_clock_past_freeze(auction.window)
        freeze_window(window_id=auction.window.pk)
        Block.objects.filter(pk=auction.lot.block_id).update(status=Block.Status.WITHDRAWN)

        close_and_clear(auction.window)

        hours = BlockHour.objects.filter(block=auction.lot.block)
        assert [(hour.offered_units, hour.sold_units) for hour in hours] == [(5, 5)] * 2

    def test_clears_once(self, auction: Auction) -> None:
        close_and_clear(auction.window)

        assert not clear_window(window_id=auction.window.pk)

    def test_an_open_window_is_not_cleared(self, auction: Auction) -> None:
        assert not clear_window(window_id=auction.window.pk)

    def test_an_empty_window_clears_to_nothing(self, db: None) -> None:
        window = close_and_clear(WindowFactory())

        assert (window.surplus_ticks, window.revenue_ticks) == (0, 0)

    def test_a_bid_changed_behind_its_seal_holds_the_window_and_charges_nobody(
        self, auction: Auction
    ) -> None:
        placed = bid(auction.lot, auction.buyer, units=4, price_ticks=20_000)
        placed.options.get().legs.update(min_units=4)
        turn_clock_past_close(auction.window)
        close_window(window_id=auction.window.pk)

        assert not clear_window(window_id=auction.window.pk)  # held at the close, before anyone tries

        auction.window.refresh_from_db()
        assert auction.window.status == Window.Status.CLOSED
        assert "not the one its receipt was given for" in auction.window.held_reason
        assert not Award.objects.exists()
        assert Hold.objects.get(released_at=None).amount_cents == placed.hold_cents


class TestWhatTheDatabaseRefuses:
    @pytest.mark.parametrize(
        ("amount_ticks", "constraint"),
        [(40_001, "award_never_above_its_bid"), (19_999, "award_never_below_the_reserve")],
    )
    def test_an_award_outside_reserve_and_bid(
        self, auction: Auction, amount_ticks: int, constraint: str
    ) -> None:
        placed = bid(auction.lot, auction.buyer, units=1, price_ticks=20_000)

        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Award.objects.create(
                window=auction.window,
                organization=auction.buyer,
                bid=placed,
                leg=placed.options.get().legs.get(),
                lot=auction.lot,
                units=1,
                starts_at=auction.lot.starts_at,
                ends_at=auction.lot.ends_at,
                value_ticks=40_000,
                reserve_cost_ticks=20_000,
                amount_ticks=amount_ticks,
            )

    @pytest.mark.parametrize("limit", [{}, {"price_ticks": 1, "value_ticks": 1}, {"price_ticks": -1}])
    def test_an_option_without_exactly_one_limit(self, auction: Auction, limit: dict[str, int]) -> None:
        placed = bid(auction.lot, auction.buyer, units=1, price_ticks=20_000)

        with pytest.raises(IntegrityError, match="bid_option_price_or_value"), transaction.atomic():
            BidOption.objects.create(bid=placed, number=1, **limit)

    @pytest.mark.parametrize("column", ["sold_units", "frozen_units"])
    def test_an_hour_sold_twice(self, auction: Auction, column: str) -> None:
        with pytest.raises(IntegrityError, match="block_hour_never_oversold"), transaction.atomic():
            BlockHour.objects.filter(block=auction.lot.block).update(**{column: 9})


class TestIndicateWindow:
    def test_says_what_winners_would_pay_and_what_gets_in(self, auction: Auction) -> None:
        bid(auction.lot, auction.buyer, units=8, price_ticks=30_000)
        bid(auction.lot, auction.rival, units=8, price_ticks=20_000)
        bid(auction.lot, BuyerFactory(), units=8, price_ticks=15_000)

        (product,) = indicate_window(auction.window.pk)

        assert (product.resource_type_id, product.region) == (
            auction.lot.block.resource_type_id,
            auction.lot.block.site.region,
        )
        assert (product.paid_ticks, product.entry_ticks) == (20_000, 30_000)
        assert (product.offered_units, product.n_lots) == (8, 1)

    def test_without_bids_the_reserve_gets_in_and_nobody_pays(self, auction: Auction) -> None:
        (product,) = indicate_window(auction.window.pk)

        assert (product.paid_ticks, product.entry_ticks) == (None, 10_000)

    def test_beside_few_bidders_only_prices_at_the_reserve_are_told(self, auction: Auction) -> None:
        bid(auction.lot, auction.buyer, units=4, price_ticks=77_777)
        (alone,) = indicate_window(auction.window.pk)
        bid(auction.lot, auction.rival, units=8, price_ticks=20_001)
        (full,) = indicate_window(auction.window.pk)

        assert (alone.paid_ticks, alone.entry_ticks) == (10_000, 10_000)
        assert (full.paid_ticks, full.entry_ticks) == (None, None)

    def test_the_price_of_entry_is_told_to_three_figures(self, auction: Auction) -> None:
        for price_ticks in (77_777, 66_666, 55_555):
            bid(auction.lot, BuyerFactory(), units=8, price_ticks=price_ticks)

        (product,) = indicate_window(auction.window.pk)

        assert product.entry_ticks == 77_800
