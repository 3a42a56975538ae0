"""Placing, changing and cancelling bids: what is taken, what is refused, and that a refusal changes nothing."""

import pytest

from accounts.models import BiddingLimit, Hold, Organization, StreamEvent
from auctions.models import Bid, Window
from auctions.operations.bids import BidNotFound, cancel_bid, change_bid, place_bid
from auctions.policies import BidRejected
from auctions.terms import BidTerms, single_lot_terms
from tests.factories import BuyerFactory, LotFactory
from tests.integration.auctions.conftest import Auction, turn_clock_past_close, turn_clock_past_freeze
from tests.integration.settlements.steps import prepay

pytestmark = pytest.mark.django_db


def place(auction: Auction, *, units: int = 4, price_ticks: int = 20_000, **fields: object) -> Bid:
    return place_bid(
        **{
            "organization": auction.buyer,
            "placed_by": auction.trader,
            "window_id": auction.window.pk,
            "terms": single_lot_terms(auction.lot, units=units, price_ticks=price_ticks),
            **fields,
        }
    )


def for_a_million(auction: Auction) -> BidTerms:
    """Terms that can be charged $1,000,000.00 at once."""
    lot = LotFactory(window=auction.window, block__units=80)
    return single_lot_terms(lot, units=80, price_ticks=62_500_000)  # for two hours


def held_cents(organization: Organization) -> int:
    return BiddingLimit.objects.get(organization=organization).held_cents


class TestPlaceBid:
    def test_stores_the_terms_as_facts(self, auction: Auction) -> None:
        bid = place(auction, units=4, price_ticks=20_000)

        option = bid.options.get()
        leg = option.legs.get()
        assert (option.price_ticks, option.value_ticks) == (20_000, None)
        assert (leg.units, leg.min_units, leg.hours) == (4, 1, 2)
        assert leg.named_lots.get().lot == auction.lot
        assert bid.max_ticks == 4 * 2 * 20_000

    def test_holds_the_largest_possible_charge(self, auction: Auction) -> None:
        bid = place(auction, units=3, price_ticks=10_001)

        assert bid.hold_cents == 601  # 60,006 ticks, rounded up to the cent
        assert held_cents(auction.buyer) == 601
        assert Hold.objects.get(released_at=None).reference == f"bid:{bid.pk}"

    def test_tells_the_organization(self, auction: Auction) -> None:
        bid = place(auction)

        event = StreamEvent.objects.get(organization=auction.buyer)
        assert (event.sequence, event.kind, event.data["bid"]) == (1, "bid.placed", bid.pk)

    def test_refuses_what_neither_a_card_nor_the_prepaid_balance_can_pay(self, auction: Auction) -> None:
        BiddingLimit.objects.filter(pk=auction.buyer.pk).update(credit_cents=200_000_000)

        with pytest.raises(BidRejected) as refused:
            place(auction, terms=for_a_million(auction))

        assert (refused.value.code, refused.value.field) == ("above_card_maximum", "limit")
        assert "a card pays at most $999,999.99" in str(refused.value)
        assert "by bank transfer" in str(refused.value)
        assert held_cents(auction.buyer) == 0

    def test_what_is_prepaid_need_not_be_paid_by_card(self, auction: Auction) -> None:
        BiddingLimit.objects.filter(pk=auction.buyer.pk).update(credit_cents=200_000_000)
        prepay(auction.buyer, 1)

        assert place(auction, terms=for_a_million(auction)).hold_cents == 100_000_000

    def test_orders_bids_in_time(self, auction: Auction) -> None:
        assert place(auction).sequence < place(auction, organization=auction.rival).sequence

    @pytest.mark.parametrize(
        ("units", "price_ticks", "code", "field"),
        [
            (0, 20_000, "too_few_units", "units"),
            (9, 20_000, "beyond_the_lot", "units"),
            (4, 0, "below_tick", "price"),
            (4, 100_000_001, "price_too_high", "price"),
            (8, 99_000_000, "above_limit", "limit"),
        ],
    )
    def test_refuses_bad_figures_and_names_the_field(
        self, auction: Auction, units: int, price_ticks: int, code: str, field: str
    ) -> None:
        with pytest.raises(BidRejected) as refused:
            place(auction, units=units, price_ticks=price_ticks)

        assert (refused.value.code, refused.value.field) == (code, field)
        assert not Bid.objects.exists()
        assert held_cents(auction.buyer) == 0
        assert not StreamEvent.objects.exists()

    def test_refuses_units_that_are_no_whole_nodes(self, auction: Auction) -> None:
        lot = LotFactory(window=auction.window, block__units=16, block__unit_step=8)

        with pytest.raises(BidRejected) as refused:
            place(auction, terms=single_lot_terms(lot, units=12, price_ticks=20_000))

        assert refused.value.code == "not_whole_nodes"

    def test_refuses_a_lot_of_another_window(self, auction: Auction) -> None:
        with pytest.raises(BidRejected) as refused:
            place(auction, terms=single_lot_terms(LotFactory(), units=1, price_ticks=20_000))

        assert (refused.value.code, refused.value.field) == ("unknown_lot", "lots")

    def test_refuses_an_unknown_window(self, auction: Auction) -> None:
        with pytest.raises(BidRejected) as refused:
            place(auction, window_id=auction.window.pk + 1000)

        assert refused.value.code == "unknown_window"

    def test_refuses_the_sellers_own_bid(self, auction: Auction) -> None:
        seller = auction.lot.block.site.organization

        with pytest.raises(BidRejected) as refused:
            place(auction, organization=seller)

        assert refused.value.code == "own_lot"

    def test_takes_a_bid_while_frozen(self, auction: Auction) -> None:
        turn_clock_past_freeze(auction.window)

        assert place(auction).status == Bid.Status.PLACED

    def test_the_database_clock_refuses_a_late_bid_though_the_row_says_open(self, auction: Auction) -> None:
        turn_clock_past_close(auction.window)
        assert auction.window.status == Window.Status.OPEN

        with pytest.raises(BidRejected) as refused:
            place(auction)

        assert refused.value.code == "window_closed"
        assert not Bid.objects.exists()

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (Window.Status.SCHEDULED, "window_not_open"),
            (Window.Status.CLOSED, "window_closed"),
            (Window.Status.CANCELLED, "window_cancelled"),
        ],
    )
    def test_refuses_outside_the_open_phases(self, auction: Auction, status: str, code: str) -> None:
        Window.objects.filter(pk=auction.window.pk).update(status=status)

        with pytest.raises(BidRejected) as refused:
            place(auction)

        assert (refused.value.code, refused.value.field) == (code, "window")


class TestChangeBid:
    def change(self, auction: Auction, bid: Bid, *, units: int, price_ticks: int) -> Bid:
        return change_bid(
            organization=auction.buyer,
            changed_by=auction.trader,
            bid_id=bid.pk,
            terms=single_lot_terms(auction.lot, units=units, price_ticks=price_ticks),
        )

    def test_replaces_the_terms_and_takes_a_new_place_in_time(self, auction: Auction) -> None:
        bid = place(auction, units=4, price_ticks=20_000)
        rivals = place(auction, organization=auction.rival)

        changed = self.change(auction, bid, units=2, price_ticks=15_000)

        assert changed.sequence > rivals.sequence
        assert changed.options.get().price_ticks == 15_000
        assert held_cents(auction.buyer) == 600
        assert Hold.objects.filter(organization=auction.buyer, released_at=None).count() == 1

    def test_refuses_a_raise_above_what_a_card_can_pay(self, auction: Auction) -> None:
        BiddingLimit.objects.filter(pk=auction.buyer.pk).update(credit_cents=200_000_000)
        bid = place(auction)

        with pytest.raises(BidRejected) as refused:
            change_bid(
                organization=auction.buyer,
                changed_by=auction.trader,
                bid_id=bid.pk,
                terms=for_a_million(auction),
            )

        assert refused.value.code == "above_card_maximum"
        assert held_cents(auction.buyer) == bid.hold_cents

    def test_the_hold_follows_each_raise_and_lowering_to_the_cent(self, auction: Auction) -> None:
        bid = place(auction, units=3, price_ticks=10_001)
        seen = [held_cents(auction.buyer)]
        for units, price_ticks in ((4, 10_001), (4, 20_003), (1, 10_001)):
            bid = self.change(auction, bid, units=units, price_ticks=price_ticks)
            seen.append(held_cents(auction.buyer))

        # two hours each; ticks rounded up to the cent
        assert seen == [601, 801, 1_601, 201]
        assert Hold.objects.filter(released_at=None).count() == 1

    def test_refuses_a_change_above_the_limit_and_keeps_the_bid(self, auction: Auction) -> None:
        bid = place(auction)

        with pytest.raises(BidRejected) as refused:
            self.change(auction, bid, units=8, price_ticks=99_000_000)

        assert refused.value.code == "above_limit"
        bid.refresh_from_db()
        assert bid.options.get().price_ticks == 20_000
        assert held_cents(auction.buyer) == bid.hold_cents

    @pytest.mark.parametrize(
        ("units", "price_ticks", "field"), [(4, 19_999, "price"), (3, 30_000, "units"), (4, 20_000, "price")]
    )
    def test_a_frozen_bid_can_only_rise(
        self, auction: Auction, units: int, price_ticks: int, field: str
    ) -> None:
        bid = place(auction, units=4, price_ticks=20_000)
        turn_clock_past_freeze(auction.window)

        with pytest.raises(BidRejected) as refused:
            self.change(auction, bid, units=units, price_ticks=price_ticks)

        assert refused.value.field == field

    def test_a_frozen_bid_rises(self, auction: Auction) -> None:
        bid = place(auction, units=4, price_ticks=20_000)
        turn_clock_past_freeze(auction.window)

        assert self.change(auction, bid, units=5, price_ticks=20_000).max_ticks == 200_000

    def test_a_frozen_bid_stays_with_its_lot(self, auction: Auction) -> None:
        bid = place(auction, units=4, price_ticks=20_000)
        other = LotFactory(window=auction.window)
        turn_clock_past_freeze(auction.window)

        with pytest.raises(BidRejected) as refused:
            change_bid(
                organization=auction.buyer,
                changed_by=None,
                bid_id=bid.pk,
                terms=single_lot_terms(other, units=4, price_ticks=30_000),
            )

        assert refused.value.field == "lots"

    def test_another_organizations_bid_is_not_there(self, auction: Auction) -> None:
        bid = place(auction)

        with pytest.raises(BidNotFound):
            change_bid(
                organization=auction.rival,
                changed_by=None,
                bid_id=bid.pk,
                terms=single_lot_terms(auction.lot, units=4, price_ticks=30_000),
            )


class TestCancelBid:
    def test_releases_the_hold(self, auction: Auction) -> None:
        bid = place(auction)

        cancelled = cancel_bid(organization=auction.buyer, cancelled_by=auction.trader, bid_id=bid.pk)

        assert cancelled.status == Bid.Status.CANCELLED
        assert held_cents(auction.buyer) == 0
        assert not Hold.objects.filter(released_at=None).exists()

    def test_nothing_is_cancelled_twice(self, auction: Auction) -> None:
        bid = place(auction)
        cancel_bid(organization=auction.buyer, cancelled_by=None, bid_id=bid.pk)

        with pytest.raises(BidRejected) as refused:
            cancel_bid(organization=auction.buyer, cancelled_by=None, bid_id=bid.pk)

        assert refused.value.code == "bid_not_in_book"

    def test_refused_from_the_freeze_on(self, auction: Auction) -> None:
        bid = place(auction)
        turn_clock_past_freeze(auction.window)

        with pytest.raises(BidRejected) as refused:
            cancel_bid(organization=auction.buyer, cancelled_by=None, bid_id=bid.pk)

        assert refused.value.code == "window_frozen"
        bid.refresh_from_db()
        assert bid.status == Bid.Status.PLACED

    def test_another_organizations_bid_is_not_there(self, auction: Auction) -> None:
        bid = place(auction)

        with pytest.raises(BidNotFound):
            cancel_bid(organization=BuyerFactory(), cancelled_by=None, bid_id=bid.pk)
