"""What is done about a settlement that is not paid: retries, reminders, deadline; the clock is a parameter."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction

from accounts.models import Membership, StreamEvent
from marketplace.db import database_now
from settlements.models import ChargeAttempt, Dunning, DunningStep, Notice, PaymentMethod, Settlement
from settlements.operations.charging import charge_settlement, pay_settlement
from settlements.operations.dunning import take_step
from settlements.queries.due import due_steps
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.server import SandboxServer
from settlements.sweeps import sweep_dunning
from tests.factories import BuyerFactory, MembershipFactory
from tests.integration.settlements.dunning_steps import (
    DAY,
    HOUR,
    SOFT,
    deadline_of,
    declined,
    due_settlement,
    lose_the_card,
    plan_of,
    run_until,
    send_all,
)
from tests.integration.settlements.steps import (
    AUTHENTICATES_ALWAYS,
    lose_next_answer,
    n_payments,
    put_on_file,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Settlement.Status
Kind = DunningStep.Kind


class TestSchedule:
    def test_a_soft_decline_is_tried_again_by_the_standard_policy(self) -> None:
        settlement = declined()

        assert settlement.status == Status.DECLINED
        assert plan_of(settlement) == [
            (Kind.RETRY, 4 * HOUR),
            (Kind.RETRY, DAY),
            (Kind.RETRY, 2 * DAY),
            (Kind.REMINDER, 3 * DAY - 12 * HOUR),
            (Kind.DEADLINE, 3 * DAY),
        ]

    def test_authentication_is_the_buyers_and_no_retry_helps(self) -> None:
        settlement = declined(AUTHENTICATES_ALWAYS)

        assert settlement.status == Status.ACTION_REQUIRED
        assert {kind for kind, _ in plan_of(settlement)} == {Kind.REMINDER, Kind.DEADLINE}

    def test_the_deadline_is_the_start_of_delivery_if_that_comes_first(self) -> None:
        settlement = declined(starts_in=30 * HOUR)

        assert deadline_of(settlement) == settlement.lines.get().starts_at
        assert max(after for _, after in plan_of(settlement)) < 30 * HOUR

    def test_short_notice_has_a_policy_of_its_own(self) -> None:
        settlement = declined(starts_in=3 * HOUR)

        assert settlement.dunning.policy == "short_notice"
        assert (Kind.RETRY, timedelta(minutes=10)) in plan_of(settlement)

    def test_no_card_is_dunned_from_the_start(self) -> None:
        settlement = due_settlement()

        assert settlement.dunning.reason == Dunning.Reason.NO_CARD
        assert {kind for kind, _ in plan_of(settlement)} == {Kind.REMINDER, Kind.DEADLINE}

    def test_what_is_paid_at_once_is_not_dunned(self) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer)
        settlement = due_settlement(buyer)
        charge_settlement(settlement_id=settlement.pk)

        assert not Dunning.objects.exists()

    def test_a_card_added_later_and_declined_brings_retries(self) -> None:
        buyer = BuyerFactory()
        settlement = due_settlement(buyer)
        before = deadline_of(settlement)
        put_on_file(buyer, SOFT)
        charge_settlement(settlement_id=settlement.pk)

        assert Kind.RETRY in {kind for kind, _ in plan_of(settlement)}
        assert deadline_of(settlement) == before
        assert Dunning.objects.get().reason == Dunning.Reason.DECLINED


class TestRetry:
    def test_asks_the_card_again_and_is_paid(self) -> None:
        settlement = declined()
        put_on_file(settlement.organization)
        PaymentMethod.objects.filter(is_default=True).update(is_default=False)
        PaymentMethod.objects.filter(brand="visa", last4="4242").update(is_default=True)

        assert run_until(settlement.dunning.opened_at + 4 * HOUR) == 1

        settlement.refresh_from_db()
        assert settlement.status == Status.PAID
        assert settlement.attempts.count() == 2
        assert plan_of(settlement) == []
        assert Dunning.objects.get().closed_at is not None
        assert n_payments() == 1
        assert due_steps(database_now() + 30 * DAY) == []

    def test_is_not_used_up_while_a_payment_is_under_way(self) -> None:
        settlement = declined()
        now = settlement.dunning.opened_at + 4 * HOUR
        (step_id,) = due_steps(now)
        Settlement.objects.filter(pk=settlement.pk).update(status=Status.CHARGING)

        assert due_steps(now) == []
        assert not take_step(step_id=step_id, now=now)

        Settlement.objects.filter(pk=settlement.pk).update(status=Status.DECLINED)
        assert due_steps(now) == [step_id]

    def test_each_failure_tells_the_buyer_when_the_next_try_is(self) -> None:
        settlement = declined()
        assert send_all() == ["Your card was declined for $100.00"]

        run_until(settlement.dunning.opened_at + 4 * HOUR)

        assert send_all() == ["Your card was declined for $100.00"] * 2
        retry = settlement.dunning.steps.filter(kind=Kind.RETRY, taken_at=None).order_by("due_at").first()
        assert f"We try the card again on {retry.due_at:%-d %b %Y %H:%M} UTC" in mail.outbox[-1].body
        assert StreamEvent.objects.filter(kind="settlement.declined").count() == 2

    @pytest.mark.parametrize("code", ["LostCard", "StolenCard"])
    def test_a_lost_or_stolen_card_is_never_asked_again(self, code: str) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer)
        settlement = due_settlement(buyer)
        lose_the_card(settlement, code)
        charge_settlement(settlement_id=settlement.pk)
        assert Kind.RETRY not in {kind for kind, _ in plan_of(settlement)}

        run_until(deadline_of(settlement) - timedelta(minutes=1))

        assert settlement.attempts.count() == 1

    def test_a_card_lost_between_two_tries_is_not_asked_a_third_time(self) -> None:
        settlement = declined()
        lose_the_card(settlement)

        for after in (4 * HOUR, DAY, 2 * DAY):
            run_until(settlement.dunning.opened_at + after)

        assert settlement.attempts.count() == 2
        results = settlement.dunning.steps.filter(kind=Kind.RETRY).order_by("due_at")
        assert [step.result for step in results][1:] == [
            "No card that may be asked again: reminded instead"
        ] * 2

    def test_a_standstill_of_days_asks_the_card_once(self) -> None:
        settlement = declined()

        run_until(deadline_of(settlement) - timedelta(minutes=1))

        assert settlement.attempts.count() == 2

    def test_is_taken_once(self) -> None:
        settlement = declined()
        (step_id,) = due_steps(settlement.dunning.opened_at + 4 * HOUR)
        later = settlement.dunning.opened_at + 4 * HOUR

        assert take_step(step_id=step_id, now=later)
        assert not take_step(step_id=step_id, now=later)
        assert settlement.attempts.count() == 2

    def test_is_not_taken_early(self) -> None:
        settlement = declined()
        step = settlement.dunning.steps.filter(kind=Kind.RETRY).order_by("due_at").first()

        assert not take_step(step_id=step.pk, now=step.due_at - timedelta(seconds=1))

    def test_a_lost_answer_is_looked_up_and_not_asked_again(self, stripe_sandbox: SandboxServer) -> None:
        settlement = declined()
        lose_next_answer(stripe_sandbox)
        (step_id,) = due_steps(settlement.dunning.opened_at + 4 * HOUR)

        with pytest.raises(OutcomeUnknown):
            take_step(step_id=step_id, now=settlement.dunning.opened_at + 4 * HOUR)

        assert settlement.attempts.order_by("-number").first().outcome == ChargeAttempt.Outcome.UNKNOWN
        assert not take_step(step_id=step_id, now=settlement.dunning.opened_at + 5 * HOUR)


class TestReminder:
    def test_writes_and_tells_before_the_deadline(self) -> None:
        settlement = declined(AUTHENTICATES_ALWAYS)
        send_all()

        run_until(deadline_of(settlement) - timedelta(minutes=1))

        assert "Still unpaid" in send_all()[-1]
        assert StreamEvent.objects.filter(kind="settlement.reminder").exists()
        assert f"{deadline_of(settlement):%-d %b %Y %H:%M} UTC" in mail.outbox[-1].body

    def test_goes_to_whoever_buys_for_the_organization_alone(self) -> None:
        settlement = declined()
        owner = Membership.objects.get(organization=settlement.organization).user
        MembershipFactory(organization=settlement.organization, role=Membership.Role.VIEWER)
        MembershipFactory(organization=BuyerFactory(), role=Membership.Role.OWNER)

        send_all()

        assert [message.to for message in mail.outbox] == [[owner.email]]

    def test_is_not_sent_for_what_was_paid_meanwhile(self) -> None:
        settlement = declined()
        other = put_on_file(settlement.organization)
        pay_settlement(
            organization_id=settlement.organization_id,
            settlement_id=settlement.pk,
            payment_method_id=other.pk,
        )

        assert send_all() == []
        assert not Notice.objects.filter(ended_at=None).exists()

    def test_one_whose_job_was_lost_is_found_by_the_sweep(self) -> None:
        declined()
        now = database_now()

        assert sweep_dunning(now=now) == 0
        assert sweep_dunning(now=now + timedelta(minutes=6)) == 1


class TestTheDatabaseRefuses:
    def test_a_deadline_after_delivery_starts(self) -> None:
        settlement = declined()

        with pytest.raises(Exception, match="dunning_deadline_not_after_delivery"), transaction.atomic():
            Dunning.objects.filter(pk=settlement.pk).update(
                deadline_at=settlement.dunning.delivery_at + timedelta(seconds=1)
            )
