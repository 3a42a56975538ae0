"""What is done about a settlement that is not paid: retries, reminders, deadline, default; the clock is a parameter."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.db import transaction

from accounts.models import BiddingLimit, Hold, Membership, Organization, StreamEvent
from auctions.models import Award
from inventory.models import BlockHour
from marketplace.db import database_now
from settlements import ledger
from settlements.models import (
    ChargeAttempt,
    Default,
    Delivery,
    Dunning,
    DunningStep,
    Notice,
    PaymentMethod,
    Settlement,
    Transaction,
)
from settlements.operations.charging import charge_settlement, continue_payment, pay_settlement
from settlements.operations.draw_up import settle_window
from settlements.operations.dunning import take_step
from settlements.operations.events import handle_event, store_event
from settlements.operations.notices import send_notice
from settlements.queries.due import due_steps, uncharged_settlements
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.server import SandboxServer
from settlements.sweeps import sweep_dunning
from tests.factories import BlockFactory, BuyerFactory, LotFactory, MembershipFactory, WindowFactory
from tests.integration.settlements.steps import (
    AUTHENTICATES_ALWAYS,
    authenticate,
    lose_next_answer,
    mark_cleared,
    n_payments,
    put_on_file,
    settlement_of,
    stripe_client,
    win,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Status = Settlement.Status
Kind = DunningStep.Kind
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

SOFT = "pm_card_chargeCustomerFail"


def due_settlement(
    buyer: Organization | None = None, *, cents: int = 10_000, starts_in: timedelta = 10 * DAY
) -> Settlement:
    """Draw up a settlement for a lot delivered from ``starts_in`` on, in whole hours."""
    starts_at = (database_now() + starts_in).replace(minute=0, second=0, microsecond=0)
    window = WindowFactory()
    lot = LotFactory(window=window, block=BlockFactory(starts_at=starts_at))
    win(buyer or BuyerFactory(), cents * 100, window=window, lot=lot)
    BlockHour.objects.filter(block=lot.block).update(sold_units=1)
    (settlement,) = settle_window(window_id=mark_cleared(window).pk)
    return settlement


def declined(card: str = SOFT, **terms: timedelta) -> Settlement:
    """Have a settlement's first charge fail."""
    buyer = BuyerFactory()
    MembershipFactory(organization=buyer, role=Membership.Role.OWNER)
    put_on_file(buyer, card)
    settlement = due_settlement(buyer, **terms)
    charge_settlement(settlement_id=settlement.pk)
    settlement.refresh_from_db()
    return settlement


def lose_the_card(settlement: Settlement, code: str = "LostCard") -> None:
    """Have the card on file reported lost: Stripe's number for it cannot be saved, only charged."""
    PaymentMethod.objects.filter(organization=settlement.organization).update(
        stripe_id=f"pm_card_visa_chargeDeclined{code}"
    )


def run_until(now: datetime) -> int:
    """Take every step that is due at ``now``, in order."""
    return sum(take_step(step_id=step_id, now=now) for step_id in due_steps(now))


def deadline_of(settlement: Settlement) -> datetime:
    return Dunning.objects.get(pk=settlement.pk).deadline_at


def send_all() -> list[str]:
    """Send every e-mail that waits; return all subjects so far."""
    for notice_id in Notice.objects.filter(ended_at=None).order_by("id").values_list("id", flat=True):
        send_notice(notice_id=notice_id, now=database_now())
    return [message.subject for message in mail.outbox]


def plan_of(settlement: Settlement) -> list[tuple[str, timedelta]]:
    dunning = Dunning.objects.get(pk=settlement.pk)
    steps = dunning.steps.filter(taken_at=None).order_by("due_at", "id")
    return [(step.kind, step.due_at - dunning.opened_at) for step in steps]


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
        card = PaymentMethod.objects.get(organization=settlement.organization)
        start = pay_settlement(
            organization_id=settlement.organization_id,
            settlement_id=settlement.pk,
            payment_method_id=card.pk,
        )

        run_until(deadline_of(settlement))

        settlement.refresh_from_db()
        assert settlement.status == Status.DEFAULTED
        assert settlement.attempts.order_by("-number").first().outcome == ChargeAttempt.Outcome.CANCELLED
        assert n_payments("canceled") == 1
        assert start.authentication_url
        assert n_payments() == 0

    def test_a_buyer_who_confirmed_just_in_time_has_paid(self) -> None:
        settlement = declined(AUTHENTICATES_ALWAYS)
        card = PaymentMethod.objects.get(organization=settlement.organization)
        start = pay_settlement(
            organization_id=settlement.organization_id,
            settlement_id=settlement.pk,
            payment_method_id=card.pk,
        )
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
            pay_settlement(
                organization_id=settlement.organization_id,
                settlement_id=settlement.pk,
                payment_method_id=other.pk,
            )
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
    def test_a_deadline_after_delivery_starts(self) -> None:
        settlement = declined()

        with pytest.raises(Exception, match="dunning_deadline_not_after_delivery"), transaction.atomic():
            Dunning.objects.filter(pk=settlement.pk).update(
                deadline_at=settlement.dunning.delivery_at + timedelta(seconds=1)
            )

    def test_a_second_default_of_one_award(self) -> None:
        settlement = settlement_of(1000)
        award = Award.objects.get(settlement_lines__settlement=settlement)

        with pytest.raises(Exception, match="award_cancelled_from"), transaction.atomic():
            Award.objects.filter(pk=award.pk).update(cancelled_at=database_now())
