"""What bids beyond one lot may say, what is refused and where, and what counts as raising them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from accounts.models import Organization
from auctions.bridge import window_book
from auctions.engine.package.limits import MAX_WAY_HOURS, MAX_WAYS, ways_of_options
from auctions.models import Bid, Lot, Window
from auctions.operations.bids import BidRejected, change_bid, place_bid
from auctions.policies import (
    MAX_LEGS,
    MAX_OPTIONS,
    MAX_SHARE_OF_ORGANIZATION_PPM,
    MAX_SHARE_OF_WINDOW_PPM,
    MAX_UNITS,
    MAX_VALUE_TICKS,
)
from auctions.terms import MAX_LOTS_PER_LEG, BidTerms, LegTerms, LotFilter, OptionTerms, terms_of
from inventory.models import ResourceType
from marketplace.hours import HOUR
from tests.factories import BlockFactory, LotFactory, ResourceTypeFactory
from tests.integration.auctions.conftest import Auction, turn_clock_past_freeze

pytestmark = pytest.mark.django_db

Change = Callable[[LegTerms], LegTerms]


def leg_on(*lots: Lot, units: int = 4, min_units: int = 1, hours: int | None = None) -> LegTerms:
    first = lots[0]
    return LegTerms(
        lot_ids=tuple(lot.pk for lot in lots),
        units=units,
        min_units=min_units,
        earliest_at=first.starts_at,
        latest_at=first.ends_at,
        hours=hours or first.n_hours,
    )


def bid_of(*options: OptionTerms) -> BidTerms:
    return BidTerms(options=options)


def option(*legs: LegTerms, price: int | None = 20_000, value: int | None = None) -> OptionTerms:
    return OptionTerms(legs=legs, price_ticks=None if value is not None else price, value_ticks=value)


def filtered(leg: LegTerms, *types: ResourceType, **more: tuple[str, ...]) -> LegTerms:
    return replace(leg, lot_ids=(), filter=LotFilter(tuple(sorted(one.pk for one in types)), **more))


def place(auction: Auction, terms: BidTerms, organization: Organization | None = None) -> Bid:
    return place_bid(
        organization=organization or auction.buyer, placed_by=None, window_id=auction.window.pk, terms=terms
    )


def refusal_of(auction: Auction, terms: BidTerms) -> tuple[str, str, int | None, int | None]:
    with pytest.raises(BidRejected) as refused:
        place(auction, terms)
    assert not Bid.objects.exists()
    return refused.value.code, refused.value.field, refused.value.option, refused.value.leg


@pytest.fixture
def other(auction: Auction) -> Lot:
    return LotFactory(window=auction.window)


class TestTakes:
    def test_stores_what_it_says_and_holds_its_dearest_option(self, auction: Auction, other: Lot) -> None:
        package = option(leg_on(auction.lot, min_units=4), leg_on(other, min_units=4), value=900_000)
        flexible = option(leg_on(other, auction.lot, units=8, min_units=8, hours=1))
        matching = option(
            filtered(leg_on(auction.lot), auction.lot.block.resource_type, regions=("us-east",))
        )

        bid = place(auction, bid_of(package, flexible, matching))

        assert terms_of(bid) == bid_of(package, flexible, matching)
        assert (bid.max_ticks, bid.hold_cents) == (900_000, 90_00)

    def test_takes_hours_that_are_wider_than_a_lot(self, auction: Auction) -> None:
        leg = replace(
            leg_on(auction.lot),
            earliest_at=auction.window.delivery_from,
            latest_at=auction.window.delivery_to,
        )

        assert place(auction, bid_of(option(leg))).status == Bid.Status.PLACED

    def test_takes_a_filter_that_matches_nothing_yet(self, auction: Auction) -> None:
        assert place(auction, bid_of(option(filtered(leg_on(auction.lot), ResourceTypeFactory()))))


class TestRefuses:
    @pytest.mark.parametrize(
        ("change", "code", "field"),
        [
            (lambda leg: replace(leg, units=0, min_units=0), "too_few_units", "units"),
            (lambda leg: replace(leg, units=MAX_UNITS + 1), "beyond_the_lot", "units"),
            (lambda leg: replace(leg, units=9), "beyond_the_lot", "units"),
            (lambda leg: replace(leg, min_units=5), "min_units_out_of_range", "min_units"),
            (lambda leg: replace(leg, min_units=0), "min_units_out_of_range", "min_units"),
            (lambda leg: replace(leg, hours=0), "hours_out_of_range", "hours"),
            (lambda leg: replace(leg, hours=3), "hours_out_of_range", "hours"),
            (lambda leg: replace(leg, latest_at=leg.earliest_at), "hours_out_of_order", "latest_at"),
            (
                lambda leg: replace(leg, earliest_at=leg.earliest_at + HOUR / 2),
                "not_a_whole_hour",
                "earliest_at",
            ),
            (
                lambda leg: replace(leg, earliest_at=leg.earliest_at - 99 * HOUR),
                "outside_the_window",
                "earliest_at",
            ),
            (
                lambda leg: replace(leg, latest_at=leg.latest_at + 99 * HOUR),
                "outside_the_window",
                "latest_at",
            ),
            (
                lambda leg: replace(leg, latest_at=leg.latest_at + HOUR, hours=3),
                "beyond_the_lot",
                "hours",
            ),
            (lambda leg: replace(leg, lot_ids=()), "lots_or_filter", "lots"),
            (lambda leg: replace(leg, lot_ids=leg.lot_ids * 2), "named_twice", "lots"),
            (lambda leg: replace(leg, lot_ids=tuple(range(1, MAX_LOTS_PER_LEG + 2))), "too_many", "lots"),
            (lambda leg: replace(leg, lot_ids=(leg.lot_ids[0], 2**40)), "unknown_lot", "lots"),
            (lambda leg: replace(leg, lot_ids=(), filter=LotFilter(())), "required", "types"),
            (lambda leg: replace(leg, lot_ids=(), filter=LotFilter((2**40,))), "unknown_type", "types"),
        ],
    )
    def test_a_leg_that_cannot_stand(self, auction: Auction, change: Change, code: str, field: str) -> None:
        good = option(leg_on(auction.lot))
        bad = option(leg_on(auction.lot), change(leg_on(auction.lot)))

        assert refusal_of(auction, bid_of(good, bad)) == (code, field, 1, 1)

    @pytest.mark.parametrize(
        ("limit", "code", "field"),
        [
            ({"price": 0}, "below_tick", "price"),
            ({"price": 100_000_001}, "price_too_high", "price"),
            ({"value": 0}, "below_tick", "value"),
            ({"value": MAX_VALUE_TICKS + 1}, "value_too_high", "value"),
            ({"price": None}, "price_or_value", "price"),
        ],
    )
    def test_a_limit_that_cannot_stand(
        self, auction: Auction, limit: dict[str, int | None], code: str, field: str
    ) -> None:
        bad = option(leg_on(auction.lot), **limit)

        assert refusal_of(auction, bid_of(option(leg_on(auction.lot)), bad)) == (code, field, 1, None)

    def test_legs_that_belong_together_but_bend(self, auction: Auction, other: Lot) -> None:
        fixed = leg_on(auction.lot, min_units=4)

        for bent, code in (
            (leg_on(other, min_units=1), "all_or_nothing"),
            (leg_on(other, min_units=4, hours=1), "fixed_hours"),
        ):
            assert refusal_of(auction, bid_of(option(fixed, bent)))[::3] == (code, 1)

    def test_too_many_of_anything(self, auction: Auction) -> None:
        leg = leg_on(auction.lot, min_units=4)

        assert refusal_of(auction, bid_of(*[option(leg)] * (MAX_OPTIONS + 1)))[:2] == ("too_many", "options")
        assert refusal_of(auction, bid_of(option(*[leg] * (MAX_LEGS + 1))))[:2] == ("too_many", "legs")

    @pytest.mark.parametrize("terms", [BidTerms(options=()), BidTerms(options=(OptionTerms(legs=()),))])
    def test_nothing(self, auction: Auction, terms: BidTerms) -> None:
        assert refusal_of(auction, terms)[:2] == ("empty", "options")

    def test_part_of_a_node_of_any_lot_named(self, auction: Auction) -> None:
        in_nodes = LotFactory(window=auction.window, block=BlockFactory(unit_step=8))

        assert refusal_of(auction, bid_of(option(leg_on(auction.lot, in_nodes))))[:2] == (
            "not_whole_nodes",
            "units",
        )

    def test_more_than_any_of_the_lots_offers(self, auction: Auction, other: Lot) -> None:
        assert refusal_of(auction, bid_of(option(leg_on(auction.lot, other, units=9))))[:2] == (
            "beyond_the_lot",
            "units",
        )

    def test_an_own_lot_among_others(self, auction: Auction, other: Lot) -> None:
        seller = other.block.site.organization

        with pytest.raises(BidRejected) as refused:
            place(auction, bid_of(option(leg_on(auction.lot, other))), organization=seller)

        assert (refused.value.code, refused.value.field) == ("own_lot", "lots")

    def test_gpus_beside_model_throughput(self, auction: Auction) -> None:
        model = LotFactory(
            window=auction.window,
            block=BlockFactory(resource_type=ResourceTypeFactory(kind=ResourceType.Kind.MODEL)),
        )
        gpu_leg, model_leg = leg_on(auction.lot, min_units=4), leg_on(model, min_units=4)

        assert refusal_of(auction, bid_of(option(leg_on(auction.lot, model))))[:2] == ("mixed_kinds", "lots")
        assert refusal_of(auction, bid_of(option(gpu_leg, model_leg)))[:2] == ("mixed_kinds", "price")
        assert place(auction, bid_of(option(gpu_leg, model_leg, value=500_000)))


class TestRaising:
    """From the freeze on: the same shape, no less in anything, more in something."""

    def change(self, auction: Auction, before: BidTerms, after: BidTerms) -> Bid:
        bid = place(auction, before)
        turn_clock_past_freeze(auction.window)
        return change_bid(organization=auction.buyer, changed_by=None, bid_id=bid.pk, terms=after)

    def refused(self, auction: Auction, before: BidTerms, after: BidTerms) -> str:
        with pytest.raises(BidRejected) as refused:
            self.change(auction, before, after)
        assert refused.value.code in ("window_frozen", "unchanged")
        return refused.value.field

    def test_one_option_may_rise(self, auction: Auction, other: Lot) -> None:
        first, second = option(leg_on(auction.lot)), option(leg_on(other), value=200_000)

        changed = self.change(
            auction, bid_of(first, second), bid_of(first, replace(second, value_ticks=300_000))
        )

        assert changed.max_ticks == 300_000

    def test_the_least_may_fall_and_not_rise(self, auction: Auction) -> None:
        whole, any_part = option(leg_on(auction.lot, min_units=4)), option(leg_on(auction.lot))

        assert self.change(auction, bid_of(whole), bid_of(any_part))
        assert self.refused_now(auction, bid_of(whole)) == "min_units"

    def refused_now(self, auction: Auction, after: BidTerms) -> str:
        with pytest.raises(BidRejected) as refused:
            change_bid(organization=auction.buyer, changed_by=None, bid_id=Bid.objects.get().pk, terms=after)
        return refused.value.field

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            (lambda one: replace(one, price_ticks=19_999), "price"),
            (lambda one: replace(one, price_ticks=None, value_ticks=900_000), "price"),
            (lambda one: replace(one, legs=(replace(one.legs[0], units=3),)), "units"),
            (lambda one: replace(one, legs=(replace(one.legs[0], hours=1),)), "hours"),
            (lambda one: one, "price"),
        ],
    )
    def test_nothing_may_fall_or_move(self, auction: Auction, change: Callable, field: str) -> None:
        before = option(leg_on(auction.lot))

        assert self.refused(auction, bid_of(before), bid_of(change(before))) == field

    def test_options_stay_as_many(self, auction: Auction) -> None:
        one = option(leg_on(auction.lot))

        assert self.refused(auction, bid_of(one, one), bid_of(one)) == "options"

    def test_a_value_does_not_thin_out(self, auction: Auction) -> None:
        before = option(leg_on(auction.lot), value=500_000)
        after = option(leg_on(auction.lot, units=8), value=500_000)

        assert self.refused(auction, bid_of(before), bid_of(after)) == "units"


class TestShareOfTheEngine:
    """What one bid, and all of a window together, may ask of the engine: it writes every way to fill a bid out."""

    def test_a_plain_bid_takes_none_and_a_flexible_one_its_ways(self, auction: Auction, other: Lot) -> None:
        plain = place(auction, bid_of(option(leg_on(auction.lot))))
        both = place(auction, bid_of(option(leg_on(auction.lot, other, hours=1))), auction.rival)

        assert plain.share_ppm == 0
        starts, least_and_more = auction.lot.n_hours, 2
        assert both.share_ppm == 2 * starts * least_and_more * 1_000_000 // MAX_WAYS

    @pytest.mark.parametrize("value", [400_000, 7_919, 12_345_678])
    @pytest.mark.parametrize("min_units", [1, 3, 8])
    @pytest.mark.parametrize("units", [8, 6])
    def test_counts_as_the_engine_does(
        self, auction: Auction, other: Lot, value: int, min_units: int, units: int
    ) -> None:
        sized = leg_on(auction.lot, other, units=units, min_units=min(min_units, units), hours=1)
        together = (leg_on(auction.lot, other, units=4, min_units=4), leg_on(other, units=4, min_units=4))
        for options in (
            [option(sized, value=value), option(sized, price=value)],
            [option(sized, value=value), option(*together, value=value)],
        ):
            bid = place(auction, bid_of(*options))
            ways, hours = ways_of_options(window_book(auction.window).book)
            shares = zip(ways[-2:].tolist(), hours[-2:].tolist(), strict=True)
            assert bid.share_ppm == sum(
                max(int(n) * 1_000_000 // MAX_WAYS, int(h) * 1_000_000 // MAX_WAY_HOURS) for n, h in shares
            )

    def test_a_value_for_any_part_takes_a_way_for_each_size(self, auction: Auction) -> None:
        """One bid of twenty such options had 4.8 million ways, more than the engine takes of a whole window."""
        window = auction.window
        start = window.delivery_from
        LotFactory.create_batch(
            4,
            window=window,
            block__units=1_000,
            block__starts_at=start,
            block__ends_at=start + 24 * HOUR,
            block__resource_type=auction.lot.block.resource_type,
        )
        anywhere = replace(
            filtered(leg_on(auction.lot, units=997), auction.lot.block.resource_type),
            earliest_at=start,
            latest_at=start + 24 * HOUR,
            hours=1,
        )

        assert refusal_of(auction, bid_of(*[option(anywhere, value=7_919)] * 20))[:2] == (
            "too_many_ways",
            "hours",
        )

    def test_a_plain_bid_counts_by_its_hours_where_they_are_many(self, auction: Auction) -> None:
        """Where packages meet, it is written out with them: forty thousand of them had held a window."""
        auction.window.delivery_to = auction.window.delivery_from + 800 * HOUR
        auction.window.save()
        start = auction.window.delivery_from
        week, month = (
            LotFactory(window=auction.window, block__starts_at=start, block__ends_at=start + hours * HOUR)
            for hours in (168, 720)
        )

        assert place(auction, bid_of(option(leg_on(week)))).share_ppm == 0
        assert place(auction, bid_of(option(leg_on(month)))).share_ppm == (
            2 * 720 * 1_000_000 // MAX_WAY_HOURS
        )

    def test_refuses_one_with_more_ways_than_a_bid_may_have(self, auction: Auction) -> None:
        Window.objects.filter(pk=auction.window.pk).update(
            delivery_to=auction.window.delivery_from + 50_000 * HOUR
        )
        anywhere = replace(
            filtered(leg_on(auction.lot), auction.lot.block.resource_type),
            latest_at=auction.lot.starts_at + 40_000 * HOUR,
            hours=24,
        )

        assert refusal_of(auction, bid_of(option(anywhere))) == ("too_many_ways", "hours", 0, 0)

    def test_leaves_room_for_other_organizations(self, auction: Auction, other: Lot) -> None:
        first = place(auction, bid_of(option(leg_on(auction.lot, other))))
        Bid.objects.filter(pk=first.pk).update(share_ppm=MAX_SHARE_OF_ORGANIZATION_PPM)

        with pytest.raises(BidRejected) as refused:
            place(auction, bid_of(option(leg_on(auction.lot, other, hours=1))))
        assert (refused.value.code, refused.value.field) == ("organization_full_of_ways", "hours")
        assert "one organization's may" in refused.value.message
        assert place(auction, bid_of(option(leg_on(auction.lot)))).share_ppm == 0
        assert place(auction, bid_of(option(leg_on(auction.lot, other, hours=1))), auction.rival).share_ppm
        smaller = change_bid(
            organization=auction.buyer,
            changed_by=None,
            bid_id=first.pk,
            terms=bid_of(option(leg_on(auction.lot, other, hours=1))),
        )
        assert smaller.share_ppm < MAX_SHARE_OF_ORGANIZATION_PPM

    def test_refuses_one_that_the_window_has_no_room_for_and_takes_plain_ones_still(
        self, auction: Auction, other: Lot
    ) -> None:
        full = place(auction, bid_of(option(leg_on(auction.lot, other))), auction.rival)
        Bid.objects.filter(pk=full.pk).update(share_ppm=MAX_SHARE_OF_WINDOW_PPM)

        with pytest.raises(BidRejected) as refused:
            place(auction, bid_of(option(leg_on(auction.lot, other, hours=1))))
        assert (refused.value.code, refused.value.field) == ("window_full_of_ways", "hours")
        assert place(auction, bid_of(option(leg_on(auction.lot)))).share_ppm == 0
        smaller = change_bid(
            organization=auction.rival,
            changed_by=None,
            bid_id=full.pk,
            terms=bid_of(option(leg_on(auction.lot, other, hours=1))),
        )
        assert smaller.share_ppm < MAX_SHARE_OF_WINDOW_PPM
