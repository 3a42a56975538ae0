"""Defaults: what is undone when a deadline passes unpaid, and what is paid in time or comes too late."""

from __future__ import annotations

import pytest
from django.db import transaction

from accounts.models import BiddingLimit, Hold, StreamEvent
from auctions.models import Award
from inventory.models import BlockHour
from marketplace.db import database_now
from settlements import ledger
from settlements.models import (
    ChargeAttempt,
    Default,
    Delivery,
    DunningStep,
    Notice,
    PaymentMethod,
    Settlement,
    Transaction,
)
from settlements.operations.charging import (
    PaymentStart,
    charge_settlement,
    continue_payment,
    pay_settlement,
)
from settlements.operations.events import handle_event, store_event
from settlements.queries.due import due_steps, uncharged_settlements
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import BuyerFactory
from tests.integration.settlements.dunning_steps import (
    DAY,
    HOUR,
    deadline_of,
    declined,
    due_settlement,
    run_until,
    send_all,
)
from tests.integration.settlements.steps import (
    AUTHENTICATES_ALWAYS,
    authenticate,
    lose_next_answer,
    n_payments,
    put_on_file,
    settlement_of,
    stripe_client,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Settlement.Status
Kind = DunningStep.Kind


def pay(settlement: Settlement, *, by: PaymentMethod) -> PaymentStart:
    return pay_settlement(
        organization_id=settlement.organization_id, settlement_id=settlement.pk, payment_method_id=by.pk
    )


class TestDefault:
    def test_undoes_everything_and_cuts_the_limit(self) -> None:
        settlement = declined()
        buyer = settlement.organization
        award = Award.objects.get()

        run_until(deadline_of(settlement))

        settlement.refresh_from_db()
        award.refresh_from_db()
        assert settlement.status == Status.DEFAULTED
        assert all(balance == 0 for balance in ledger.balances_cents().values())
        assert Transaction.objects.filter(reference=f"settlement:{settlement.pk}:default").exists()
        assert award.cancelled_from == award.starts_at
        assert set(BlockHour.objects.values_list("sold_units", flat=True)) == {0}
        assert not Hold.objects.filter(released_at=None).exists()
        default = Default.objects.get()
        assert (default.limit_before_cents, default.limit_after_cents) == (100_000_00, 50_000_00)
        limit = BiddingLimit.objects.get(pk=buyer.pk)
        assert (limit.limit_cents, limit.held_cents, limit.suspended_reason) == (50_000_00, 0, "")
        assert Delivery.objects.get().status == Delivery.Status.CANCELLED
        assert StreamEvent.objects.filter(organization=buyer, kind="settlement.defaulted").exists()
        seller = award.lot.block.site.organization
        assert StreamEvent.objects.filter(organization=seller, kind="block.returned").exists()
        assert "Not paid: your award is cancelled" in send_all()

    def test_a_second_default_leaves_no_limit(self) -> None:
        first = declined()
        run_until(deadline_of(first))
        second = due_settlement(first.organization)
        charge_settlement(settlement_id=second.pk)

        run_until(deadline_of(second))

        assert BiddingLimit.objects.get(pk=first.organization_id).limit_cents == 0

    def test_happens_without_any_card_too(self) -> None:
        settlement = due_settlement()

        run_until(deadline_of(settlement))

        settlement.refresh_from_db()
        assert settlement.status == Status.DEFAULTED

    def test_happens_when_the_card_went_before_it_was_charged(self) -> None:
        buyer = BuyerFactory()
        card = put_on_file(buyer)
        settlement = due_settlement(buyer)
        PaymentMethod.objects.filter(pk=card.pk).update(removed_at=database_now(), is_default=False)
        Settlement.objects.filter(pk=settlement.pk).update(created_at=database_now() - HOUR)
        assert uncharged_settlements() == [settlement.pk]

        assert charge_settlement(settlement_id=settlement.pk) == Status.DUE
        assert charge_settlement(settlement_id=settlement.pk) == Status.DUE

        assert uncharged_settlements() == []
        assert Notice.objects.filter(settlement=settlement, kind=Notice.Kind.NO_CARD).count() == 1
        run_until(deadline_of(settlement))
        settlement.refresh_from_db()
        assert settlement.status == Status.DEFAULTED

    def test_gives_up_the_payment_that_waits_for_the_buyer(self) -> None:
        settlement = declined(AUTHENTICATES_ALWAYS)
        start = pay(settlement, by=PaymentMethod.objects.get(organization=settlement.organization))

        run_until(deadline_of(settlement))

        settlement.refresh_from_db()
        assert settlement.status == Status.DEFAULTED
        assert settlement.attempts.order_by("-number").first().outcome == ChargeAttempt.Outcome.CANCELLED
        assert n_payments("canceled") == 1
        assert start.authentication_url
        assert n_payments() == 0

    def test_a_buyer_who_confirmed_just_in_time_has_paid(self) -> None:
        settlement = declined(AUTHENTICATES_ALWAYS)
        start = pay(settlement, by=PaymentMethod.objects.get(organization=settlement.organization))
        authenticate(start.authentication_url)  # and no webhook has come yet

        run_until(deadline_of(settlement))

        settlement.refresh_from_db()
        assert settlement.status == Status.PAID
        assert not Default.objects.exists()

    def test_waits_while_a_payments_outcome_is_not_known(self, stripe_sandbox: SandboxServer) -> None:
        settlement = declined()
        other = put_on_file(settlement.organization)
        lose_next_answer(stripe_sandbox)
        with pytest.raises(OutcomeUnknown):
            pay(settlement, by=other)
        end = deadline_of(settlement)

        assert due_steps(end + DAY)  # retries and reminders, whose time it is
        run_until(end + DAY)

        settlement.refresh_from_db()
        assert settlement.status == Status.CHARGING
        assert settlement.dunning.steps.filter(kind=Kind.DEADLINE, taken_at=None).exists()
        assert due_steps(end + DAY) == []

    def test_money_that_comes_after_it_is_kept_for_the_buyer(self) -> None:
        settlement = declined()
        run_until(deadline_of(settlement))
        attempt = settlement.attempts.order_by("-number").first()
        client = stripe_client()
        client.v1.payment_intents.confirm(
            attempt.stripe_payment_intent_id,
            {"payment_method": put_on_file(settlement.organization).stripe_id, "off_session": True},
        )
        (event,) = client.v1.events.list({"type": "payment_intent.succeeded"}).data
        store_event(event.to_dict())
        for event_id in settlement_events():
            handle_event(event_id=event_id)
            handle_event(event_id=event_id)

        settlement.refresh_from_db()
        assert settlement.status == Status.DEFAULTED
        assert ledger.balance_cents(ledger.buyer_prepaid(settlement.organization_id)) == -10_000
        assert ledger.balance_cents(ledger.buyer_receivable(settlement.organization_id)) == 0
        assert "A payment came after the deadline: $100.00" in send_all()

    def test_paying_after_it_is_refused(self) -> None:
        settlement = declined()
        run_until(deadline_of(settlement))

        end = continue_payment(organization_id=settlement.organization_id, settlement_id=settlement.pk)
        assert end.status == Status.DEFAULTED
        assert charge_settlement(settlement_id=settlement.pk) == Status.DEFAULTED
        assert n_payments() == 0


def settlement_events() -> list[int]:
    from settlements.models import StripeEvent

    return list(StripeEvent.objects.values_list("id", flat=True))


class TestTheDatabaseRefuses:
    def test_a_second_default_of_one_award(self) -> None:
        settlement = settlement_of(1000)
        award = Award.objects.get(settlement_lines__settlement=settlement)

        with pytest.raises(Exception, match="award_cancelled_from"), transaction.atomic():
            Award.objects.filter(pk=award.pk).update(cancelled_at=database_now())
