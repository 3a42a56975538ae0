"""A window's way: scheduled, opened with its lots, frozen, closed, or cancelled; and every move its table forbids."""

from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.db.models import F
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import BiddingLimit
from auctions.models import Bid, Lot, Market, Window
from auctions.operations.bids import place_bid
from auctions.operations.clearing import clear_window
from auctions.operations.windows import (
    cancel_window,
    close_window,
    freeze_window,
    join_lots,
    open_window,
    schedule_windows,
)
from auctions.sweeps import sweep_windows
from auctions.terms import single_lot_terms
from inventory.models import Block, BlockHour
from marketplace.hours import HOUR, ceil_hour
from marketplace.states import IllegalTransition, require_transition
from tests.factories import BlockFactory, LotFactory, MarketFactory, WindowFactory, next_hour
from tests.integration.auctions.conftest import (
    Auction,
    turn_clock_past_close,
    turn_clock_past_freeze,
)

pytestmark = pytest.mark.django_db


class TestTransitions:
    @pytest.mark.parametrize("table", [Window.TRANSITIONS, Bid.TRANSITIONS, Market.TRANSITIONS])
    def test_every_pair_is_allowed_or_refused_as_the_table_says(
        self, table: dict[str, frozenset[str]]
    ) -> None:
        for source in table:
            for target in table:
                if target in table[source]:
                    require_transition(table, source, target)
                else:
                    with pytest.raises(IllegalTransition):
                        require_transition(table, source, target)

    def test_tables_name_every_state(self) -> None:
        assert set(Window.TRANSITIONS) == set(Window.Status)
        assert set(Bid.TRANSITIONS) == set(Bid.Status)
        assert set(Market.TRANSITIONS) == set(Market.Status)

    @pytest.mark.parametrize("status", [Window.Status.CLEARED, Window.Status.CANCELLED])
    def test_a_final_window_cannot_be_cancelled(self, status: str) -> None:
        window = WindowFactory(status=status, cleared_at=datetime.now(UTC), surplus_ticks=0, revenue_ticks=0)

        with pytest.raises(IllegalTransition):
            cancel_window(window_id=window.pk, reason="too late")


class TestScheduleWindows:
    def test_adds_the_present_window_and_the_next_once(self) -> None:
        market = MarketFactory(cadence=timedelta(minutes=15))
        now = datetime(2026, 11, 23, 10, 7, tzinfo=UTC)

        assert schedule_windows(now=now) == 2
        assert schedule_windows(now=now) == 0

        present, following = market.windows.order_by("opens_at")
        assert present.opens_at == datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
        assert present.closes_at == following.opens_at == datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
        assert present.freezes_at == datetime(2026, 11, 23, 10, 13, 30, tzinfo=UTC)
        assert present.delivery_from == datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
        assert present.delivery_to - present.delivery_from == timedelta(hours=24)

    def test_a_freeze_takes_ten_minutes_at_most(self) -> None:
        market = MarketFactory(cadence=timedelta(days=1))

        schedule_windows(now=datetime(2026, 11, 23, 10, 7, tzinfo=UTC))

        window = market.windows.order_by("opens_at").first()
        assert window.closes_at - window.freezes_at == timedelta(minutes=10)

    def test_leaves_paused_markets_alone(self) -> None:
        MarketFactory(status=Market.Status.PAUSED)

        assert schedule_windows(now=datetime.now(UTC)) == 0


class TestOpenWindow:
    def test_offers_idle_hours_within_delivery(self) -> None:
        window = WindowFactory(status=Window.Status.SCHEDULED)
        inside = BlockFactory(starts_at=window.delivery_from, ends_at=window.delivery_from + 2 * HOUR)
        longer = BlockFactory(starts_at=window.delivery_to - HOUR, ends_at=window.delivery_to + 5 * HOUR)
        BlockFactory(starts_at=window.delivery_to, ends_at=window.delivery_to + HOUR)
        BlockFactory(
            starts_at=window.delivery_from,
            ends_at=window.delivery_from + HOUR,
            status=Block.Status.WITHDRAWN,
        )

        assert open_window(window_id=window.pk)

        lots = {lot.block: lot for lot in window.lots.all()}
        assert set(lots) == {inside, longer}
        assert (lots[inside].starts_at, lots[inside].ends_at) == (inside.starts_at, inside.ends_at)
        assert (lots[longer].starts_at, lots[longer].ends_at) == (longer.starts_at, window.delivery_to)

    def test_schedules_its_freeze_and_its_close_in_the_same_transaction(self) -> None:
        window = WindowFactory(status=Window.Status.SCHEDULED)

        open_window(window_id=window.pk)

        jobs = dict(
            ProcrastinateJob.objects.filter(args__window_id=window.pk).values_list(
                "task_name", "scheduled_at"
            )
        )
        assert jobs == {
            "auctions.freeze_window": window.freezes_at,
            "auctions.close_window": window.closes_at,
        }

    def test_is_not_opened_early_or_twice(self) -> None:
        early = WindowFactory(
            status=Window.Status.SCHEDULED, opens_at=datetime.now(UTC) + timedelta(minutes=1)
        )
        due = WindowFactory(status=Window.Status.SCHEDULED)

        assert not open_window(window_id=early.pk)
        assert open_window(window_id=due.pk)
        assert not open_window(window_id=due.pk)

    def test_splits_a_block_around_hours_that_are_sold(self) -> None:
        window = WindowFactory(status=Window.Status.SCHEDULED)
        block = BlockFactory(starts_at=window.delivery_from, ends_at=window.delivery_from + 5 * HOUR)
        BlockHour.objects.filter(block=block, hour=window.delivery_from + 2 * HOUR).update(sold_units=8)

        open_window(window_id=window.pk)

        spans = window.lots.order_by("starts_at").values_list("starts_at", "ends_at")
        assert list(spans) == [
            (window.delivery_from, window.delivery_from + 2 * HOUR),
            (window.delivery_from + 3 * HOUR, window.delivery_from + 5 * HOUR),
        ]

    def test_takes_the_reserve_as_it_will_stand_at_the_freeze(self) -> None:
        window = WindowFactory(status=Window.Status.SCHEDULED)
        starts_at = window.delivery_from
        block = BlockFactory(
            starts_at=starts_at,
            ends_at=starts_at + HOUR,
            reserve_ticks=20_000,
            floor_ticks=10_000,
            decline_hours=1000,
        )

        open_window(window_id=window.pk)

        seconds_left = (starts_at - window.freezes_at).total_seconds()
        expected = 10_000 + int(10_000 * seconds_left / (1000 * 3600))
        assert window.lots.get(block=block).reserve_ticks == pytest.approx(expected, abs=1)


class TestJoinLots:
    def test_a_block_listed_later_joins_and_the_board_is_told(self, auction: Auction) -> None:
        block = BlockFactory(starts_at=ceil_hour(auction.window.delivery_from))

        assert join_lots(window_id=auction.window.pk) == 1
        assert join_lots(window_id=auction.window.pk) == 0

        assert auction.window.lots.filter(block=block).exists()
        auction.window.refresh_from_db()
        assert auction.window.board_revision == 1

    def test_nothing_joins_a_frozen_window(self, auction: Auction) -> None:
        BlockFactory(starts_at=auction.window.delivery_from)
        turn_clock_past_freeze(auction.window)

        assert join_lots(window_id=auction.window.pk) == 0

    def test_an_hour_is_on_offer_in_one_uncleared_window_only(self, auction: Auction) -> None:
        other = WindowFactory(status=Window.Status.SCHEDULED)

        open_window(window_id=other.pk)

        assert not other.lots.filter(block=auction.lot.block).exists()

    def test_the_database_itself_refuses_the_second_offer(self, auction: Auction) -> None:
        with pytest.raises(IntegrityError, match="lot_hour_on_offer_once"), transaction.atomic():
            LotFactory(
                window=WindowFactory(),
                block=auction.lot.block,
                starts_at=auction.lot.starts_at + HOUR,
                ends_at=auction.lot.ends_at,
            )


class TestFreezeWindow:
    def test_writes_down_what_stands_still(self, auction: Auction) -> None:
        BlockHour.objects.filter(block=auction.lot.block, hour=auction.lot.starts_at).update(sold_units=3)
        turn_clock_past_freeze(auction.window)

        assert freeze_window(window_id=auction.window.pk)
        assert not freeze_window(window_id=auction.window.pk)

        auction.lot.refresh_from_db()
        assert auction.lot.capacity_units == [5, 8]
        frozen = BlockHour.objects.filter(block=auction.lot.block).order_by("hour")
        assert [hour.frozen_units for hour in frozen] == [5, 8]

    def test_is_not_due_early(self, auction: Auction) -> None:
        assert not freeze_window(window_id=auction.window.pk)


class TestCloseWindow:
    def test_closes_a_window_whose_freeze_was_missed(self, auction: Auction) -> None:
        turn_clock_past_close(auction.window)

        assert close_window(window_id=auction.window.pk)
        assert not close_window(window_id=auction.window.pk)

        auction.window.refresh_from_db()
        auction.lot.refresh_from_db()
        assert auction.window.status == Window.Status.CLOSED
        assert auction.lot.capacity_units == [8, 8]
        jobs = ProcrastinateJob.objects.filter(args__window_id=auction.window.pk)
        assert jobs.filter(task_name="auctions.clear_window").count() == 1

    def test_is_not_due_early(self, auction: Auction) -> None:
        turn_clock_past_freeze(auction.window)

        assert not close_window(window_id=auction.window.pk)


class TestCancelWindow:
    def test_releases_bids_holds_and_units(self, auction: Auction) -> None:
        bid = place_bid(
            organization=auction.buyer,
            placed_by=None,
            window_id=auction.window.pk,
            terms=single_lot_terms(auction.lot, units=4, price_ticks=20_000),
        )
        turn_clock_past_freeze(auction.window)
        freeze_window(window_id=auction.window.pk)

        cancel_window(window_id=auction.window.pk, reason="power cut at the site")

        bid.refresh_from_db()
        auction.window.refresh_from_db()
        assert bid.status == Bid.Status.RELEASED
        assert auction.window.cancelled_reason == "power cut at the site"
        assert BiddingLimit.objects.get(organization=auction.buyer).held_cents == 0
        assert not BlockHour.objects.filter(frozen_units__gt=0).exists()
        assert not Lot.objects.filter(on_offer=True).exists()


class TestSweep:
    def test_takes_a_late_window_through_every_step(self, auction: Auction) -> None:
        late = WindowFactory(
            market=auction.window.market,
            status=Window.Status.SCHEDULED,
            opens_at=datetime.now(UTC) - timedelta(minutes=50),
            delivery_from=next_hour(),
        )

        sweep_windows(now=datetime.now(UTC))

        late.refresh_from_db()
        assert late.status == Window.Status.CLEARED

    def test_opens_the_next_window_before_it_clears_the_last(self, auction: Auction) -> None:
        """A clearing may take minutes."""
        turn_clock_past_close(auction.window)
        following = WindowFactory(
            market=auction.window.market,
            status=Window.Status.SCHEDULED,
            opens_at=auction.window.closes_at,
            delivery_from=next_hour(),
        )

        sweep_windows(now=datetime.now(UTC))

        trail = list(
            apps.get_model("auctions", "WindowEvent")
            .objects.filter(pgh_label="update")
            .order_by("pgh_id")
            .values_list("pgh_obj_id", "status")
        )
        assert trail.index((following.pk, "open")) < trail.index((auction.window.pk, "cleared"))

    def test_calls_a_window_off_that_comes_to_its_close_after_delivery_began(self, auction: Auction) -> None:
        bid = place_bid(
            organization=auction.buyer,
            placed_by=None,
            window_id=auction.window.pk,
            terms=single_lot_terms(auction.lot, units=4, price_ticks=20_000),
        )
        turn_clock_past_close(auction.window)
        Window.objects.filter(pk=auction.window.pk).update(delivery_from=F("closes_at"))

        sweep_windows(now=datetime.now(UTC))

        auction.window.refresh_from_db()
        bid.refresh_from_db()
        assert (auction.window.status, bid.status) == (Window.Status.CANCELLED, Bid.Status.RELEASED)
        assert BiddingLimit.objects.get(organization=auction.buyer).held_cents == 0

    def test_clears_nothing_once_delivery_began(self, auction: Auction) -> None:
        turn_clock_past_close(auction.window)
        close_window(window_id=auction.window.pk)
        Window.objects.filter(pk=auction.window.pk).update(delivery_from=F("closes_at"))

        assert clear_window(window_id=auction.window.pk)

        auction.window.refresh_from_db()
        assert auction.window.status == Window.Status.CANCELLED
