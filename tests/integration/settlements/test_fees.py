"""The fee of a sale is the version in force when its window closed, and no later version touches it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from auctions.models import Market, Window
from settlements.models import FeePolicy
from settlements.operations.draw_up import settle_window
from settlements.operations.fees import FeeRejected, add_fee_policy
from settlements.queries.fees import fee_in_force, preview_of
from tests.factories import BuyerFactory, MarketFactory, UserFactory, WindowFactory
from tests.integration.settlements.steps import mark_cleared, settlement_of, win

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(UTC)


def in_force(bps: int, since: datetime, market: Market | None = None) -> FeePolicy:
    """A version that began in the past: the guard is for everybody, so it is stepped around here."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE settlements_feepolicy DISABLE TRIGGER fee_policy_guard")
        policy = FeePolicy.objects.create(
            bps=bps, valid_from=since, market=market, added_by=UserFactory(), created_at=since - HOUR
        )
        cursor.execute("ALTER TABLE settlements_feepolicy ENABLE TRIGGER fee_policy_guard")
    return policy


def fee_of_a_sale(window: Window) -> tuple[int, int | None, int | None]:
    win(BuyerFactory(), 1_000_000, window=window)
    (settlement,) = settle_window(window_id=mark_cleared(window).pk)
    line = settlement.lines.get()
    return line.fee_cents, line.fee_bps, line.fee_policy_id


class TestInForce:
    def test_the_setting_until_there_is_a_version(self) -> None:
        assert fee_of_a_sale(WindowFactory()) == (500, 500, None)

    def test_the_version_in_force_when_the_window_closed(self) -> None:
        window = WindowFactory()
        before = in_force(300, window.closes_at - HOUR)
        in_force(900, window.closes_at + timedelta(seconds=1))

        assert fee_of_a_sale(window) == (300, 300, before.pk)

    def test_a_version_begins_at_its_very_instant(self) -> None:
        window = WindowFactory()
        policy = in_force(300, window.closes_at)
        assert fee_of_a_sale(window) == (300, 300, policy.pk)

    def test_a_markets_own_goes_before_everybodys(self) -> None:
        market = MarketFactory()
        since = now() - 2 * HOUR
        everybodys, own = in_force(300, since), in_force(100, since - HOUR, market)

        assert fee_in_force(market.pk, now()).policy == own
        assert fee_in_force(MarketFactory().pk, now()).policy == everybodys
        assert fee_in_force(market.pk, since - 3 * HOUR).policy is None

    def test_a_later_version_never_touches_what_was_drawn_up(self) -> None:
        settlement = settlement_of(10_000)
        add_fee_policy(market_id=None, bps=900, valid_from=now() + HOUR, note="", by=UserFactory(), now=now())
        line = settlement.lines.get()
        assert (line.fee_cents, line.fee_bps) == (500, 500)

    def test_preview_says_what_it_would_have_come_to(self) -> None:
        settlement = settlement_of(10_000)
        settlement_of(5_000)

        all_of_them = preview_of(market_id=None, bps=1_000, now=now() + HOUR)
        one = preview_of(market_id=settlement.window.market_id, bps=0, now=now() + HOUR)

        assert (all_of_them.sales_cents, all_of_them.fee_cents, all_of_them.change_cents) == (
            15_000,
            750,
            750,
        )
        assert (one.n_lines, one.sales_cents, one.change_cents) == (1, 10_000, -500)


class TestAdding:
    @pytest.mark.parametrize("bps", [-1, 10_001, 2**40])
    def test_only_shares(self, bps: int) -> None:
        with pytest.raises(FeeRejected) as refused:
            add_fee_policy(
                market_id=None, bps=bps, valid_from=now() + HOUR, note="", by=UserFactory(), now=now()
            )
        assert refused.value.field == "bps"

    def test_only_for_the_future_whatever_clock_is_given(self) -> None:
        for given in (now(), now() - 3 * HOUR):
            with pytest.raises(FeeRejected) as refused:
                add_fee_policy(
                    market_id=None, bps=1, valid_from=now() - HOUR, note="", by=UserFactory(), now=given
                )
            assert refused.value.field == "valid_from"

    def test_the_database_refuses_a_change(self) -> None:
        policy = add_fee_policy(
            market_id=None, bps=1, valid_from=now() + HOUR, note="", by=UserFactory(), now=now()
        )
        for attack in (lambda: FeePolicy.objects.update(bps=2), policy.delete):
            with pytest.raises(IntegrityError, match="only ever added"), transaction.atomic():
                attack()
