"""A window with packages, flexible hours and filters, from placing to awards; and its prices while it is open."""

import json
from dataclasses import replace
from random import Random

import pytest
from django.db.models import F

from accounts.models import BiddingLimit, Hold, StreamEvent
from auctions.bridge import indicate_window
from auctions.engine.inclusion import check_bid_in_book, check_proof
from auctions.engine.package import limits
from auctions.matching import count_matches, present_matches
from auctions.models import (
    Award,
    Bid,
    BidLegLot,
    Indication,
    Lot,
    LotPrice,
    ProductPrice,
    Window,
    WindowRecord,
)
from auctions.operations.bids import BidRejected
from auctions.operations.windows import close_window, freeze_window, open_window
from auctions.publisher import publish_once
from auctions.sealing import inclusion_proof, seals_of_closed
from auctions.terms import BidTerms, LegTerms, terms_of
from inventory.models import BlockHour, Region, ResourceType, SellerReliability
from marketplace.hours import HOUR, n_hours
from tests.factories import (
    BlockFactory,
    BuyerFactory,
    LotFactory,
    ResourceTypeFactory,
    SiteFactory,
    WindowFactory,
)
from tests.integration.auctions.conftest import (
    Auction,
    close_and_clear,
    turn_clock_past_close,
    turn_clock_past_freeze,
)
from tests.integration.auctions.pages import bid_on, visit
from tests.integration.auctions.test_expressive_bids import bid_of, filtered, leg_on, option, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(auction: Auction) -> Lot:
    return LotFactory(window=auction.window)


class TestTooManyMatches:
    """Bids with filters count by the lots they match when placed; those that join later must not hold the window."""

    @pytest.fixture
    def crowded(self, auction: Auction, monkeypatch: pytest.MonkeyPatch) -> list[Lot]:
        """Eight lots, cheaper ones later, and room for 16 of the 32 ways of an hour on any of them."""
        monkeypatch.setattr(limits, "MAX_WAYS", 16)
        later = [
            LotFactory(
                window=auction.window,
                block__resource_type=auction.lot.block.resource_type,
                block__reserve_ticks=9_000 - number,
            )
            for number in range(7)
        ]
        return [*reversed(later), auction.lot]

    def test_cuts_filters_until_the_window_can_be_cleared(self, auction: Auction, crowded: list[Lot]) -> None:
        anywhere = filtered(leg_on(auction.lot, hours=1), auction.lot.block.resource_type)
        bid = place(auction, bid_of(option(anywhere)))

        window = close_and_clear(auction.window)

        assert (window.status, window.lots_per_filter) == (
            Window.Status.CLEARED,
            3,
        )  # 200, 100, 50, 25, 12, 6
        kept = BidLegLot.objects.filter(leg__option__bid=bid).order_by("position")
        assert [named.lot for named in kept] == crowded[:3]
        bid.refresh_from_db()
        assert bid.status == Bid.Status.WON
        page = visit(auction.buyer).client
        assert "first 3 of the lots" in page.get(f"/bids/{bid.pk}/").content.decode()
        assert "first 3 lots of those" in page.get(f"/windows/{window.pk}/").content.decode()
        assert page.get(f"/api/v1/bids/{bid.pk}/").json()["lots_per_filter"] == 3
        assert page.get(f"/api/v1/windows/{window.pk}/").json()["lots_per_filter"] == 3

    def test_leaves_bids_that_name_their_lots_alone(self, auction: Auction, crowded: list[Lot]) -> None:
        named = place(auction, bid_of(option(leg_on(*crowded[:4], hours=1))))
        anywhere = filtered(leg_on(auction.lot, hours=1), auction.lot.block.resource_type)
        bid = place(auction, bid_of(option(anywhere)), auction.rival)
        turn_clock_past_close(auction.window)

        assert close_window(window_id=auction.window.pk)

        window = Window.objects.get()
        assert (window.lots_per_filter, window.held_reason) == (1, "")
        page = visit(auction.buyer).client
        assert page.get(f"/api/v1/bids/{named.pk}/").json()["lots_per_filter"] is None
        assert page.get(f"/api/v1/windows/{window.pk}/").json()["lots_per_filter"] == 1
        assert BidLegLot.objects.filter(leg__option__bid=named).count() == 4
        assert [lot.lot for lot in BidLegLot.objects.filter(leg__option__bid=bid)] == crowded[:1]

    def test_leaves_filters_whole_where_there_is_room(self, auction: Auction, crowded: list[Lot]) -> None:
        anywhere = filtered(leg_on(auction.lot, min_units=4), auction.lot.block.resource_type)
        bid = place(auction, bid_of(option(anywhere)))

        window = close_and_clear(auction.window)

        assert window.lots_per_filter is None
        assert BidLegLot.objects.filter(leg__option__bid=bid).count() == 8
        assert "of the lots its filter" not in (
            visit(auction.buyer).client.get(f"/bids/{bid.pk}/").content.decode()
        )


class TestMixedWindow:
    def test_sells_a_package_beside_simple_bids(self, auction: Auction, other: Lot) -> None:
        package = place(
            auction,
            bid_of(
                option(leg_on(auction.lot, units=8, min_units=8), leg_on(other, min_units=4), value=800_000)
            ),
        )
        loser = bid_on(auction.lot, auction.rival, units=8, price_ticks=15_000)
        third = BuyerFactory()
        simple = bid_on(other, third, units=4, price_ticks=12_000)

        window = close_and_clear(auction.window)

        first, second = Award.objects.filter(bid=package).order_by("leg__number")
        assert [(won.lot, won.units, won.n_hours) for won in (first, second)] == [
            (auction.lot, 8, 2),
            (other, 4, 2),
        ]
        # It displaced the rival's eight at $1.50 on its first lot; on the second nobody wanted its four.
        assert first.amount_ticks + second.amount_ticks == 2 * (8 * 15_000 + 4 * 10_000)
        assert Award.objects.get(bid=simple).amount_ticks == 2 * 4 * 10_000
        statuses = dict(Bid.objects.values_list("id", "status"))
        assert statuses == {package.pk: "won", loser.pk: "lost", simple.pk: "won"}
        assert window.revenue_ticks == sum(Award.objects.values_list("amount_ticks", flat=True))
        held = dict(Hold.objects.filter(released_at=None).values_list("reference", "amount_cents"))
        assert held == {f"bid:{package.pk}": 32_00, f"bid:{simple.pk}": 8_00}
        told = list(
            StreamEvent.objects.exclude(kind="bid.placed")
            .order_by("kind", "organization")
            .values_list("organization_id", "kind")
        )
        assert told.count((auction.buyer.pk, "bid.won")) == 2
        assert told.count((auction.rival.pk, "bid.lost")) == 1
        assert told.count((other.block.site.organization_id, "block.sold")) == 2

    def test_sells_single_hours_and_the_rest_flows_on_in_shorter_lots(self, auction: Auction) -> None:
        start = auction.lot.starts_at
        block = BlockFactory(starts_at=start, ends_at=start + 5 * HOUR)
        lot = LotFactory(window=auction.window, block=block)
        middle = replace(
            leg_on(lot, units=8, min_units=8, hours=2),
            earliest_at=start + HOUR,
            latest_at=start + 4 * HOUR,
        )
        early = replace(leg_on(lot, units=8, min_units=8, hours=1), latest_at=start + 2 * HOUR)
        flexible = place(auction, bid_of(option(middle)))
        fixed = place(
            auction,
            bid_of(option(replace(early, earliest_at=start + HOUR), price=50_000)),
            organization=auction.rival,
        )

        close_and_clear(auction.window)

        moved, stayed = Award.objects.get(bid=flexible), Award.objects.get(bid=fixed)
        assert (stayed.starts_at, stayed.ends_at) == (start + HOUR, start + 2 * HOUR)
        assert (moved.starts_at, moved.ends_at) == (start + 2 * HOUR, start + 4 * HOUR)
        sold = BlockHour.objects.filter(block=block).order_by("hour").values_list("sold_units", flat=True)
        assert list(sold) == [0, 8, 8, 8, 0]
        prices = LotPrice.objects.filter(lot=lot).order_by("hour").values_list("sold_units", flat=True)
        assert list(prices) == [0, 8, 8, 8, 0]
        price = ProductPrice.objects.get(resource_type=block.resource_type)
        assert (price.sold_unit_hours, price.offered_unit_hours) == (24, 40)
        following = WindowFactory(
            market=auction.window.market,
            status=Window.Status.SCHEDULED,
            delivery_from=auction.window.delivery_from,
        )
        open_window(window_id=following.pk)
        spans = following.lots.filter(block=block).order_by("starts_at").values_list("starts_at", "ends_at")
        assert list(spans) == [(start, start + HOUR), (start + 4 * HOUR, start + 5 * HOUR)]

    def test_fills_one_option_and_keeps_what_it_owes(self, auction: Auction, other: Lot) -> None:
        either = place(
            auction, bid_of(option(leg_on(auction.lot), price=30_000), option(leg_on(other), price=20_000))
        )

        close_and_clear(auction.window)

        won = Award.objects.get(bid=either)
        assert won.lot == auction.lot
        assert BiddingLimit.objects.get(organization=auction.buyer).held_cents == won.amount_ticks // 100


class TestFilters:
    def test_come_to_the_lots_that_match_at_close_cheapest_first(self, auction: Auction) -> None:
        wanted = auction.lot.block.resource_type
        bid = place(auction, bid_of(option(filtered(leg_on(auction.lot), wanted, regions=("us-east",)))))
        start, end = auction.lot.starts_at, auction.lot.ends_at

        def joins(**facts: object) -> Lot:
            given = {"resource_type": wanted, "starts_at": start, "ends_at": end, **facts}
            return LotFactory(window=auction.window, block=BlockFactory(**given))

        cheaper = joins(reserve_ticks=9_000)
        joins(resource_type=ResourceTypeFactory())
        joins(site=SiteFactory(region=Region.EU_NORTH))
        joins(ends_at=start + HOUR)
        joins(site=SiteFactory(organization=auction.buyer))
        assert not BidLegLot.objects.filter(leg__option__bid=bid).exists()

        close_and_clear(auction.window)

        named = BidLegLot.objects.filter(leg__option__bid=bid).order_by("position")
        assert [row.lot for row in named] == [cheaper, auction.lot]
        assert Award.objects.get(bid=bid).lot == cheaper

    def test_that_match_nothing_leave_their_option_out(self, auction: Auction) -> None:
        nothing = option(filtered(leg_on(auction.lot), ResourceTypeFactory()), price=90_000)
        half = option(
            leg_on(auction.lot, min_units=4),
            filtered(leg_on(auction.lot, min_units=4), ResourceTypeFactory()),
            value=900_000,
        )
        partly = place(auction, bid_of(nothing, half, option(leg_on(auction.lot))))
        wholly = place(auction, bid_of(nothing), organization=auction.rival)
        later = bid_on(auction.lot, BuyerFactory(), units=2, price_ticks=30_000)

        close_and_clear(auction.window)

        wholly.refresh_from_db()
        assert (wholly.status, wholly.loss_reason) == (Bid.Status.LOST, Bid.LossReason.CANNOT_FIT)
        assert BiddingLimit.objects.get(organization=auction.rival).held_cents == 0
        assert StreamEvent.objects.filter(organization=auction.rival, kind="bid.lost").exists()
        assert Award.objects.get(bid=partly).units == 4
        assert Award.objects.get(bid=later).units == 2

    def test_are_sealed_as_said_and_proven_in_the_book_that_resolves_them(self, auction: Auction) -> None:
        nothing = option(filtered(leg_on(auction.lot), ResourceTypeFactory()))
        matching = option(filtered(leg_on(auction.lot), auction.lot.block.resource_type))
        bids = [
            place(auction, bid_of(nothing)),
            place(auction, bid_of(nothing, matching), organization=auction.rival),
            bid_on(auction.lot, BuyerFactory()),
        ]
        close_and_clear(auction.window)

        book = json.loads(WindowRecord.objects.get().book)
        assert [bid["sequence"] for bid in book["bids"]] == [2, 3]
        for bid in bids:
            bid.refresh_from_db()
            proof = inclusion_proof(auction.window, seals_of_closed(auction.window), bid, terms_of(bid))
            check_proof(proof)
            check_bid_in_book(proof, book)


class TestIndication:
    def test_is_an_estimate_where_packages_bear_on_it_and_exact_elsewhere(
        self, auction: Auction, other: Lot
    ) -> None:
        place(auction, bid_of(option(leg_on(auction.lot, units=8, min_units=8, hours=1), price=30_000)))
        bid_on(other, auction.rival, units=8, price_ticks=20_000)

        told = {row.resource_type_id: row for row in indicate_window(auction.window.pk)}

        packaged = told[auction.lot.block.resource_type_id]
        assert (packaged.is_estimate, packaged.paid_ticks) == (True, 10_000)
        plain = told[other.block.resource_type_id]
        assert (plain.is_estimate, plain.paid_ticks) == (False, 10_000)

    def test_follows_a_sellers_reliability_until_the_window_closes(self, auction: Auction) -> None:
        wanted, seller = auction.lot.block.resource_type, auction.lot.block.site.organization
        leg = filtered(leg_on(auction.lot), wanted, min_reliability_bps=9900)
        place(auction, bid_of(option(leg, price=40_000)))
        assert present_matches(auction.window) == {}  # a new seller has no score

        rating = SellerReliability.objects.create(organization=seller, n_deliveries=9, score_bps=9899)
        assert present_matches(auction.window) == {}
        assert count_matches(auction.window, leg, organization_id=auction.buyer.pk) == 0
        SellerReliability.objects.filter(pk=rating.pk).update(score_bps=9900)

        assert list(present_matches(auction.window).values()) == [[auction.lot.pk]]
        assert count_matches(auction.window, leg, organization_id=auction.buyer.pk) == 1
        close_and_clear(auction.window)
        assert Award.objects.get().lot_id == auction.lot.pk

    def test_follows_filters_while_the_window_is_open(self, auction: Auction) -> None:
        wanted = auction.lot.block.resource_type
        leg = leg_on(auction.lot, units=8, min_units=8)
        place(auction, bid_of(option(filtered(leg, wanted), price=40_000)))
        place(auction, bid_of(option(filtered(leg, wanted), price=30_000)), organization=auction.rival)
        place(auction, bid_of(option(filtered(leg, ResourceTypeFactory()))), organization=BuyerFactory())
        place(auction, bid_of(option(filtered(leg, wanted), price=20_000)), organization=BuyerFactory())

        (told,) = indicate_window(auction.window.pk)

        assert (told.is_estimate, told.paid_ticks, told.entry_ticks) == (True, 30_000, 40_100)

    def test_is_labelled_on_the_board(self, auction: Auction, client) -> None:
        place(auction, bid_of(option(leg_on(auction.lot, min_units=4))))

        publish_once()

        assert Indication.objects.get().is_estimate
        for address in ("/", f"/markets/{auction.window.market.slug}/"):
            page = client.get(address).content.decode()
            assert 'title="An estimate' in page
            assert " hidden>est.</abbr>" not in page

    def test_closing_settles_what_the_next_reading_uses(self, auction: Auction) -> None:
        place(auction, bid_of(option(filtered(leg_on(auction.lot), auction.lot.block.resource_type))))
        turn_clock_past_freeze(auction.window)
        assert freeze_window(window_id=auction.window.pk)
        turn_clock_past_close(auction.window)
        assert close_window(window_id=auction.window.pk)

        (told,) = indicate_window(auction.window.pk)

        assert told.paid_ticks == 10_000


class TestWhateverIsTaken:
    """A bid that the policies take and the engine refuses would hold the whole window: there is no such bid."""

    @pytest.mark.parametrize("seed", range(6))
    def test_clears_and_adds_up(self, auction: Auction, seed: int) -> None:
        draw = Random(seed)
        start = auction.lot.starts_at
        types = [auction.lot.block.resource_type, ResourceTypeFactory(), ResourceTypeFactory()]
        for _ in range(5):
            begin = start + draw.randrange(3) * HOUR
            block = BlockFactory(
                resource_type=draw.choice(types),
                unit_step=draw.choice([1, 2, 4]),
                starts_at=begin,
                ends_at=begin + draw.randint(1, 5) * HOUR,
                reserve_ticks=draw.randrange(15_000),
            )
            LotFactory(window=auction.window, block=block)
        lots = list(auction.window.lots.select_related("block").order_by("id"))
        buyers = [BuyerFactory(limit_cents=1_000_000_00) for _ in range(5)]
        n_taken = 0
        for _ in range(80):
            try:
                place(
                    auction, random_bid(draw, auction.window, lots, types), organization=draw.choice(buyers)
                )
            except BidRejected:
                continue
            n_taken += 1
        assert n_taken > 10
        assert any(product.is_estimate for product in indicate_window(auction.window.pk))

        window = close_and_clear(auction.window)

        assert window.revenue_ticks == sum(Award.objects.values_list("amount_ticks", flat=True))
        assert not Bid.objects.filter(status=Bid.Status.PLACED).exists()
        assert not BlockHour.objects.filter(sold_units__gt=F("offered_units")).exists()
        for buyer in buyers:
            owed = sum(
                -(-sum(bid.awards.values_list("amount_ticks", flat=True)) // 100) for bid in buyer.bids.all()
            )
            assert BiddingLimit.objects.get(organization=buyer).held_cents == owed


def random_bid(draw: Random, window: Window, lots: list[Lot], types: list[ResourceType]) -> BidTerms:
    """Any bid there is, now and then one that is refused."""
    options = []
    for _ in range(draw.randint(1, 3)):
        n_legs = draw.choice([1, 1, 2])
        legs = tuple(random_leg(draw, window, lots, types, is_only=n_legs == 1) for _ in range(n_legs))
        limit = (
            {"value": draw.randint(1, 900_000)} if draw.random() < 0.4 else {"price": draw.randint(1, 40_000)}
        )
        options.append(option(*legs, **limit))
    return bid_of(*options)


def random_leg(
    draw: Random, window: Window, lots: list[Lot], types: list[ResourceType], *, is_only: bool
) -> LegTerms:
    lot = draw.choice(lots)
    named = [lot, *draw.sample(lots, draw.randint(0, 1))]
    earliest = lot.starts_at + draw.randrange(lot.n_hours) * HOUR
    room = n_hours(earliest, lot.ends_at)
    units = draw.randint(1, 3) * draw.choice([lot.block.unit_step, 1])
    leg = LegTerms(
        lot_ids=tuple(one.pk for one in dict.fromkeys(named)),
        units=units,
        min_units=draw.choice([1, units, draw.randint(1, units)]) if is_only else units,
        earliest_at=earliest,
        latest_at=lot.ends_at,
        hours=draw.randint(1, room) if is_only else room,
    )
    if draw.random() < 0.3:
        return filtered(leg, *draw.sample(types, draw.randint(1, 2)))
    return leg
