"""Money paid in pays what is owed already: oldest first, whole ones only, and nothing that is being paid otherwise."""

from __future__ import annotations

import pytest

from accounts.models import BiddingLimit, Hold, Organization, StreamEvent
from marketplace.db import database_now
from settlements import ledger
from settlements.models import Dunning, Mismatch, Prepayment, Settlement
from settlements.operations.charging import charge_settlement, pay_settlement
from settlements.queries.mismatches import Stretch, find
from tests.factories import BuyerFactory
from tests.integration.settlements.refund_steps import refund
from tests.integration.settlements.steps import n_payments, put_on_file, run_jobs, settlement_of
from tests.integration.settlements.test_lock_order import gets_by
from tests.integration.settlements.test_prepayments import pay, prepaid, resolve, start

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Settlement.Status
DECLINES = "pm_card_chargeCustomerFail"
AUTHENTICATES_ALWAYS = "pm_card_authenticationRequired"


@pytest.fixture
def buyer() -> Organization:
    return BuyerFactory(limit_cents=10_000_00)


def declined(buyer: Organization, cents: int) -> Settlement:
    return charge_and_fail(settlement_of(cents, buyer=buyer))


def charge_and_fail(settlement: Settlement) -> Settlement:
    charge_settlement(settlement_id=settlement.pk)
    settlement.refresh_from_db()
    assert settlement.status == Status.DECLINED
    return settlement


def pay_in(buyer: Organization, cents: int) -> None:
    prepayment = start(buyer, cents)
    pay(prepayment)
    assert resolve(prepayment) == Prepayment.Status.RECEIVED


def statuses(*settlements: Settlement) -> list[str]:
    return [Settlement.objects.get(pk=settlement.pk).status for settlement in settlements]


def test_pays_a_declined_settlement_and_ends_its_dunning(buyer: Organization) -> None:
    put_on_file(buyer, DECLINES)
    settlement = declined(buyer, 100_00)
    assert BiddingLimit.objects.get(pk=buyer.pk).suspended_reason

    pay_in(buyer, 250_00)

    settlement.refresh_from_db()
    assert (settlement.status, settlement.prepaid_cents) == (Status.PAID, 100_00)
    assert Dunning.objects.get(pk=settlement.pk).closed_at is not None
    assert prepaid(buyer) == 150_00
    assert ledger.balance_cents(ledger.buyer_receivable(buyer.pk)) == 0
    assert not Hold.objects.filter(organization=buyer, released_at=None).exists()
    assert BiddingLimit.objects.get(pk=buyer.pk).suspended_reason == ""
    assert StreamEvent.objects.filter(organization=buyer, kind="settlement.paid").count() == 1
    now = database_now()
    stretch = Stretch(since=settlement.created_at, until=now, now=now)
    assert not find(Mismatch.Kind.RECEIVABLE_DIFFERS, stretch)


def test_pays_the_oldest_first_and_whole_ones_only(buyer: Organization) -> None:
    put_on_file(buyer, DECLINES)
    drawn_up = [settlement_of(cents, buyer=buyer) for cents in (100_00, 200_00, 30_00)]
    first, second, third = (charge_and_fail(settlement) for settlement in drawn_up)

    pay_in(buyer, 150_00)

    assert statuses(first, second, third) == [Status.PAID, Status.DECLINED, Status.PAID]
    assert prepaid(buyer) == 20_00


def test_what_is_due_is_not_charged_to_the_card_any_more(buyer: Organization) -> None:
    put_on_file(buyer)
    settlement = settlement_of(100_00, buyer=buyer)

    pay_in(buyer, 100_00)
    run_jobs()

    assert statuses(settlement) == [Status.PAID]
    assert not settlement.attempts.exists()
    assert n_payments() == 1  # the prepayment


def test_pays_what_was_carried_forward(buyer: Organization) -> None:
    small = settlement_of(49, buyer=buyer)
    assert small.status == Status.CARRIED

    pay_in(buyer, 10_00)

    assert statuses(small) == [Status.PAID]
    assert prepaid(buyer) == 9_51
    assert ledger.balance_cents(ledger.buyer_receivable(buyer.pk)) == 0


def test_pays_what_a_settlement_collects_with_it_or_neither(buyer: Organization) -> None:
    put_on_file(buyer, DECLINES)
    small = settlement_of(49, buyer=buyer)
    collector = declined(buyer, 100_00)
    assert collector.carried_in_cents == 49

    pay_in(buyer, 100_00)
    assert statuses(small, collector) == [Status.CARRIED, Status.DECLINED]

    pay_in(buyer, 1_00)
    assert statuses(small, collector) == [Status.PAID, Status.PAID]
    assert prepaid(buyer) == 51
    assert ledger.balance_cents(ledger.buyer_receivable(buyer.pk)) == 0


def test_leaves_what_is_being_paid(buyer: Organization) -> None:
    card = put_on_file(buyer, AUTHENTICATES_ALWAYS)
    settlement = settlement_of(100_00, buyer=buyer)
    pay_settlement(organization_id=buyer.pk, settlement_id=settlement.pk, payment_method_id=card.pk)

    pay_in(buyer, 250_00)

    assert statuses(settlement) == [Status.ACTION_REQUIRED]
    assert prepaid(buyer) == 250_00


def test_a_refund_of_it_goes_back_to_the_balance(buyer: Organization) -> None:
    put_on_file(buyer, DECLINES)
    settlement = declined(buyer, 100_00)
    pay_in(buyer, 100_00)

    refund(settlement, 40_00)

    assert prepaid(buyer) == 40_00


def test_locks_settlements_before_the_limit(buyer: Organization) -> None:
    put_on_file(buyer, DECLINES)
    settlement = declined(buyer, 100_00)
    prepayment = start(buyer, 100_00)
    pay(prepayment)

    gets_by(lambda: resolve(prepayment), buyer_id=buyer.pk)

    assert statuses(settlement) == [Status.PAID]
