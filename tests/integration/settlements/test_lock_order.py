"""Blocks, limits, balances, feeds: whatever decides about money locks them in this order, and none waits in a ring.

Each test does what a clearing, a bid or a drawing up does meanwhile: it holds what comes first, and then goes on to
what comes after.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction

from accounts.holds import lock_limit
from accounts.stream import Happening, append_events
from inventory.models import Block
from settlements import ledger
from settlements.models import DunningStep, PrepaidReturn, Prepayment, Refund, Settlement
from settlements.operations.dunning import take_step
from settlements.operations.prepaid_returns import ReturnDraft, apply_return, lock_return, return_prepaid
from settlements.stripe_facts import StripeRefund
from settlements.sweeps import sweep_deliveries
from tests.factories import BuyerFactory, UserFactory
from tests.integration.settlements.deliveries import decide, delivery_of, give, report
from tests.integration.settlements.dunning_steps import due_settlement
from tests.integration.settlements.refund_steps import refund
from tests.integration.settlements.steps import prepay, settlement_of
from tests.integration.settlements.test_leases import lease_of
from tests.integration.settlements.test_webhooks import closing_connection, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)


def prepaid_settlement() -> Settlement:
    """A settlement of a line that the prepaid balance paid."""
    buyer = BuyerFactory()
    prepay(buyer, 100_00)
    return settlement_of(100_00, buyer=buyer)


def gets_by(work: Callable[[], object], *, buyer_id: int, seller_id: int | None = None) -> None:
    """Do ``work`` while another holds the buyer's limit and then locks what is locked after it: both come through."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            lock_limit(buyer_id)
            done = pool.submit(closing_connection, work)
            wait_until_blocked(1)
            if seller_id is not None:
                ledger.lock_sides(buyer_id=buyer_id, seller_id=seller_id)
            sides = [buyer_id] if seller_id is None else [buyer_id, seller_id]
            append_events(Happening(side, "bid.placed", {}) for side in sides)
        done.result(timeout=30)


def take_deadline(settlement: Settlement) -> Callable[[], object]:
    deadline = DunningStep.objects.get(dunning=settlement.pk, kind=DunningStep.Kind.DEADLINE)
    return lambda: take_step(step_id=deadline.pk, now=deadline.due_at)


def test_a_default() -> None:
    settlement = due_settlement()
    seller_id = settlement.lines.get().seller_id

    gets_by(take_deadline(settlement), buyer_id=settlement.organization_id, seller_id=seller_id)

    settlement.refresh_from_db()
    assert settlement.status == Settlement.Status.DEFAULTED


def test_a_default_while_a_window_of_the_same_block_clears() -> None:
    buyer = BuyerFactory()
    prepay(buyer, 40_00)
    settlement = due_settlement(buyer)
    block_id = settlement.lines.get().award.lot.block_id

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Block.objects.select_for_update(no_key=True).get(pk=block_id)
            done = pool.submit(closing_connection, take_deadline(settlement))
            wait_until_blocked(1)
            lock_limit(buyer.pk)
        done.result(timeout=30)

    settlement.refresh_from_db()
    assert settlement.status == Settlement.Status.DEFAULTED


def test_the_default_of_a_lease() -> None:
    buyer = BuyerFactory()
    lease_of(buyer)
    settlement = Settlement.objects.get()

    gets_by(take_deadline(settlement), buyer_id=buyer.pk, seller_id=settlement.lines.get().seller_id)

    settlement.refresh_from_db()
    assert settlement.status == Settlement.Status.DEFAULTED


def test_a_refund_that_calls_a_delivery_off() -> None:
    settlement = prepaid_settlement()
    delivery = delivery_of(settlement)

    gets_by(
        lambda: refund(settlement, 100_00), buyer_id=settlement.organization_id, seller_id=delivery.seller_id
    )

    delivery.refresh_from_db()
    assert delivery.status == delivery.Status.CANCELLED


def test_an_outage_that_is_upheld() -> None:
    delivery = delivery_of(prepaid_settlement())
    sweep_deliveries(now=delivery.starts_at - timedelta(hours=1))
    give(delivery, at=delivery.starts_at - timedelta(minutes=10))
    sweep_deliveries(now=delivery.starts_at)
    outage = report(delivery)

    gets_by(lambda: decide(outage, 30), buyer_id=delivery.buyer_id, seller_id=delivery.seller_id)

    assert Refund.objects.get().status == Refund.Status.SUCCEEDED


def test_a_return_that_comes_back() -> None:
    buyer = BuyerFactory()
    prepay(buyer, 100_00)
    Prepayment.objects.create(
        organization=buyer,
        method=Prepayment.Method.CARD,
        amount_cents=100_00,
        remaining_cents=0,
        status=Prepayment.Status.RECEIVED,
        received_at="2026-01-01T00:00Z",
        form_key=uuid4(),
        started_by=UserFactory(),
        stripe_charge_id="ch_1",
    )
    (own,) = return_prepaid(draft=ReturnDraft(buyer.pk, 100_00, uuid4()), by=UserFactory())
    failed = StripeRefund(
        id="re_1",
        status="failed",
        amount_cents=100_00,
        currency="usd",
        charge_id="ch_1",
        metadata={"prepaid_return": str(own.pk)},
        failure_reason="declined",
        paid_transaction_id="",
        paid_net_cents=0,
        failed_transaction_id="",
        failed_net_cents=0,
    )

    def hear() -> None:
        with transaction.atomic():
            apply_return(lock_return(own.pk), failed)

    gets_by(hear, buyer_id=buyer.pk)

    own.refresh_from_db()
    assert own.status == PrepaidReturn.Status.FAILED
