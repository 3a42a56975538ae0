"""Leases: charged by the month in advance, paid out by the month, ended by a month that nobody pays."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import Hold, Organization
from inventory.models import BlockHour
from marketplace.db import database_now
from settlements import ledger
from settlements.leases import DRAWN_UP_BEFORE
from settlements.models import Delivery, Lease, LeaseMonth, Settlement, SettlementLine
from settlements.operations.charging import charge_settlement
from settlements.operations.draw_up import settle_window
from settlements.operations.lease_months import complete_lease, draw_up_month
from settlements.queries.due import due_months
from settlements.sweeps import sweep_leases
from tests.factories import (
    BlockFactory,
    BuyerFactory,
    LotFactory,
    MembershipFactory,
    UserFactory,
    WindowFactory,
)
from tests.integration.settlements.dunning_steps import deadline_of, run_until
from tests.integration.settlements.steps import jobs_waiting, mark_cleared, n_payments, put_on_file, win

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Settlement.Status
DAY = timedelta(days=1)


@pytest.fixture
def buyer() -> Organization:
    buyer = BuyerFactory()
    put_on_file(buyer)
    return buyer


def lease_of(buyer: Organization, *, cents: int = 100_001, days: int = 75, beside_cents: int = 0) -> Lease:
    """Settle a window in which the buyer won a lot for ``days``, and for an hour or two beside it."""
    starts_at = (database_now() + 20 * DAY).replace(minute=0, second=0, microsecond=0)
    window = WindowFactory()
    lot = LotFactory(window=window, block=BlockFactory(starts_at=starts_at, ends_at=starts_at + days * DAY))
    win(buyer, cents * 100, window=window, lot=lot)
    BlockHour.objects.filter(block=lot.block).update(sold_units=1)
    if beside_cents:
        win(buyer, beside_cents * 100, window=window)
    settle_window(window_id=mark_cleared(window).pk)
    return Lease.objects.get()


def charge_all() -> None:
    for pk in Settlement.objects.filter(status=Status.DUE).order_by("id").values_list("id", flat=True):
        charge_settlement(settlement_id=pk)


def month(lease: Lease, number: int) -> LeaseMonth:
    return lease.months.get(number=number)


def draw_up(lease: Lease, number: int) -> Settlement | None:
    own = month(lease, number)
    return draw_up_month(month_id=own.pk, now=own.starts_at - DRAWN_UP_BEFORE)


def held() -> dict[str, int]:
    return dict(Hold.objects.filter(released_at=None).values_list("reference", "amount_cents"))


class TestDrawingUp:
    def test_charges_the_first_month_at_once_and_holds_the_rest(self, buyer: Organization) -> None:
        lease = lease_of(buyer)

        settlement = Settlement.objects.get()
        first = month(lease, 1)
        assert settlement.lease_month == first
        assert settlement.amount_cents == first.amount_cents
        assert sum(own.amount_cents for own in lease.months.all()) == 100_001
        assert held() == {
            f"settlement:{settlement.pk}": first.amount_cents,
            f"lease:{lease.pk}": 100_001 - first.amount_cents,
        }
        line = SettlementLine.objects.get()
        assert (line.starts_at, line.ends_at) == (first.starts_at, first.ends_at)
        assert Delivery.objects.get().ends_at == first.ends_at
        charge_all()
        assert ledger.balance_cents(ledger.buyer_receivable(buyer.pk)) == 0

    def test_what_else_was_won_in_the_window_is_a_settlement_of_its_own(self, buyer: Organization) -> None:
        lease_of(buyer, beside_cents=500)

        amounts = dict(Settlement.objects.values_list("lease_month__number", "amount_cents"))
        assert amounts[None] == 500
        assert len(amounts) == 2
        charge_all()
        assert n_payments() == 2

    def test_later_months_are_drawn_up_a_week_before_they_start(self, buyer: Organization) -> None:
        lease = lease_of(buyer)
        charge_all()
        second = month(lease, 2)

        assert due_months(second.starts_at - DRAWN_UP_BEFORE - timedelta(seconds=1)) == []
        assert draw_up_month(month_id=second.pk, now=second.starts_at - 8 * DAY) is None
        assert due_months(second.starts_at - DRAWN_UP_BEFORE) == [second.pk]
        assert sweep_leases(now=second.starts_at - DRAWN_UP_BEFORE) == 1

        settlement = Settlement.objects.get(lease_month=second)
        assert ("settlements.charge", settlement.pk) in jobs_waiting()
        assert held()[f"lease:{lease.pk}"] == month(lease, 3).amount_cents

    def test_all_months_together_cost_the_whole_and_are_charged_once_each(self, buyer: Organization) -> None:
        lease = lease_of(buyer)
        charge_all()
        for number in range(2, lease.months.count() + 1):
            assert draw_up(lease, number) is not None
            assert draw_up(lease, number) is None
            charge_all()

        assert sum(Settlement.objects.values_list("amount_cents", flat=True)) == 100_001
        assert set(Settlement.objects.values_list("status", flat=True)) == {Status.PAID}
        assert n_payments() == lease.months.count()
        assert held() == {}
        seller = SettlementLine.objects.first().seller_id
        fees = sum(SettlementLine.objects.values_list("fee_cents", flat=True))
        assert fees == lease.fee_cents
        assert ledger.balance_cents(ledger.seller_reserve(seller)) == -(100_001 - fees)

    def test_not_out_of_order(self, buyer: Organization) -> None:
        lease = lease_of(buyer)
        charge_all()

        assert draw_up(lease, 3) is None

    def test_many_workers_draw_a_month_up_once(self, buyer: Organization) -> None:
        second = month(lease_of(buyer), 2)
        charge_all()
        together = threading.Barrier(6)

        def act() -> bool:
            together.wait()
            try:
                return draw_up_month(month_id=second.pk, now=second.starts_at) is not None
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as pool:
            drawn = [future.result() for future in [pool.submit(act) for _ in range(6)]]

        assert drawn.count(True) == 1
        assert Settlement.objects.count() == 2

    def test_is_completed_when_its_last_hour_has_passed(self, buyer: Organization) -> None:
        lease = lease_of(buyer)
        charge_all()
        for number in range(2, lease.months.count() + 1):
            draw_up(lease, number)
            charge_all()

        assert not complete_lease(lease_id=lease.pk, now=lease.award.ends_at - timedelta(seconds=1))
        assert sweep_leases(now=lease.award.ends_at) == 1
        lease.refresh_from_db()
        assert lease.status == Lease.Status.COMPLETED


class TestDefaultInTheMiddle:
    @pytest.fixture
    def broken(self) -> Lease:
        """A lease whose first month was paid and whose second was not."""
        buyer = BuyerFactory()
        put_on_file(buyer)
        lease = lease_of(buyer)
        charge_all()
        second = draw_up(lease, 2)
        assert second is not None
        buyer.payment_methods.update(is_default=False)
        second.refresh_from_db()
        charge_settlement(settlement_id=second.pk)
        run_until(deadline_of(second))
        lease.refresh_from_db()
        return lease

    def test_ends_the_rest_and_keeps_what_was_paid(self, broken: Lease) -> None:
        second = month(broken, 2)
        assert broken.status == Lease.Status.DEFAULTED
        broken.award.refresh_from_db()
        assert broken.award.cancelled_from == second.starts_at
        hours = BlockHour.objects.filter(block=broken.award.lot.block)
        assert set(hours.filter(hour__lt=second.starts_at).values_list("sold_units", flat=True)) == {1}
        assert set(hours.filter(hour__gte=second.starts_at).values_list("sold_units", flat=True)) == {0}
        statuses = dict(Delivery.objects.values_list("line__settlement__lease_month__number", "status"))
        assert statuses[1] != Delivery.Status.CANCELLED
        assert statuses[2] == Delivery.Status.CANCELLED
        assert Settlement.objects.get(lease_month=month(broken, 1)).status == Status.PAID
        assert held() == {}
        assert ledger.balance_cents(ledger.buyer_receivable(broken.organization_id)) == 0

    def test_no_later_month_is_ever_drawn_up(self, broken: Lease) -> None:
        assert due_months(broken.award.ends_at) == []
        assert draw_up(broken, 3) is None
        assert Settlement.objects.count() == 2

    def test_the_pages_say_so(self, broken: Lease) -> None:
        client = Client()
        client.force_login(MembershipFactory(organization=broken.organization).user)
        finance = Client()
        finance.force_login(UserFactory(is_finance=True))

        own = client.get(reverse("settlements:own_lease_detail", args=[broken.pk])).content.decode()
        other = finance.get(reverse("settlements:lease_detail", args=[broken.pk])).content.decode()

        for page in (own, other):
            assert "Month 3" in page
            assert "Not charged: the lease ended" in page
        assert Client().get(reverse("settlements:own_lease_detail", args=[broken.pk])).status_code == 302
        stranger = Client()
        stranger.force_login(MembershipFactory(organization=BuyerFactory()).user)
        assert stranger.get(reverse("settlements:own_lease_detail", args=[broken.pk])).status_code == 404


class TestStandstill:
    """Nobody worked for weeks: more than one month is due to be drawn up when the first is not even charged."""

    def test_no_month_is_drawn_up_before_those_before_it_are_paid(self, buyer: Organization) -> None:
        lease = lease_of(buyer)

        assert draw_up(lease, 2) is None
        charge_all()
        assert draw_up(lease, 2) is not None

    def test_the_first_month_defaults_and_the_second_was_never_charged(self) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer, "pm_card_chargeCustomerFail")
        lease = lease_of(buyer)
        charge_all()
        settlement = Settlement.objects.get()

        assert draw_up(lease, 2) is None
        run_until(deadline_of(settlement))

        assert Settlement.objects.get().status == Status.DEFAULTED
        lease.refresh_from_db()
        assert lease.status == Lease.Status.DEFAULTED
        assert draw_up(lease, 2) is None

    def test_is_not_completed_while_a_month_is_not_paid(self) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer, "pm_card_chargeCustomerFail")
        lease = lease_of(buyer)
        charge_all()

        assert not complete_lease(lease_id=lease.pk, now=lease.award.ends_at)


class TestTheDatabaseRefuses:
    def test_months_that_do_not_sum_to_the_whole(self, buyer: Organization) -> None:
        lease = lease_of(buyer)

        with pytest.raises(IntegrityError, match="do not sum"), transaction.atomic():
            Lease.objects.filter(pk=lease.pk).update(amount_cents=100_002)

    def test_changing_what_a_month_costs(self, buyer: Organization) -> None:
        lease = lease_of(buyer)

        with pytest.raises(Exception, match="what month 2 of lease"), transaction.atomic():
            lease.months.filter(number=2).update(amount_cents=1)

    def test_charging_a_month_twice(self, buyer: Organization) -> None:
        lease = lease_of(buyer)
        settlement = Settlement.objects.get()

        with pytest.raises(IntegrityError, match="lease_month"), transaction.atomic():
            Settlement.objects.create(
                window=settlement.window,
                organization=buyer,
                lease_month=month(lease, 1),
                amount_ticks=0,
                amount_cents=0,
            )
