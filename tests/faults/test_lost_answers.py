"""Between the call to Stripe and its record anything may break: a time-out, a lost connection, 5xx, a killed process.

Whatever happens, the buyer is charged once, and the books say so in the end.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import Hold
from marketplace.db import database_now
from settlements import ledger
from settlements.jobs import CHARGE, HANDLE_EVENT, RESOLVE
from settlements.models import ChargeAttempt, Settlement, StripeEvent
from settlements.operations.cards import PaymentMethodInUse, remove_card
from settlements.operations.charging import charge_settlement, resolve_attempt
from settlements.operations.events import handle_event
from settlements.queries.due import FIRST_LOOKUP_AFTER, unhandled_events, unresolved_attempts
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.server import SandboxServer
from settlements.sweeps import sweep_settlements
from tests.factories import BuyerFactory, WindowFactory
from tests.integration.settlements.steps import (
    jobs_waiting,
    lose_next_answer,
    make_older,
    mark_cleared,
    n_payments,
    put_on_file,
    run_jobs,
    settlement_of,
    stripe_client,
    win,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_jobs_waiting")]
Status = Settlement.Status
Outcome = ChargeAttempt.Outcome
PATH = "/v1/payment_intents"


@pytest.fixture
def no_jobs_waiting(transactional_db: None) -> None:
    """Jobs of an earlier test are gone: procrastinate's tables are not flushed."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


@pytest.fixture
def due(stripe_sandbox: SandboxServer) -> Settlement:
    """A settlement of $100.00 whose buyer has a card that works."""
    buyer = BuyerFactory()
    put_on_file(buyer)
    return settlement_of(10_000, buyer=buyer)


def charge_and_lose_the_answer(settlement: Settlement) -> ChargeAttempt:
    with pytest.raises(OutcomeUnknown):
        charge_settlement(settlement_id=settlement.pk)
    settlement.refresh_from_db()
    assert settlement.status == Status.CHARGING
    return settlement.attempts.get(outcome=Outcome.UNKNOWN)


def assert_charged_once(settlement: Settlement) -> None:
    settlement.refresh_from_db()
    assert settlement.status == Status.PAID
    assert n_payments() == 1
    assert settlement.attempts.get().outcome == Outcome.SUCCEEDED
    assert ledger.balance_cents(ledger.buyer_receivable(settlement.organization_id)) == 0
    assert ledger.balance_cents(ledger.STRIPE_PENDING) == 10_000 - 320
    assert not Hold.objects.filter(released_at=None).exists()


class TestLostAnswers:
    def test_5xx_after_the_charge_is_looked_up(self, due: Settlement, stripe_sandbox: SandboxServer) -> None:
        lose_next_answer(stripe_sandbox)
        attempt = charge_and_lose_the_answer(due)
        assert n_payments() == 1

        resolve_attempt(attempt_id=attempt.pk)

        assert_charged_once(due)

    def test_5xx_before_the_charge_is_asked_again(
        self, due: Settlement, stripe_sandbox: SandboxServer
    ) -> None:
        stripe_sandbox.sandbox.faults.arm_api(ApiFault(kind="error", method="POST", path=PATH))
        attempt = charge_and_lose_the_answer(due)
        assert n_payments() == 0

        resolve_attempt(attempt_id=attempt.pk)

        assert_charged_once(due)

    def test_a_timeout_after_the_charge_is_looked_up(
        self, due: Settlement, stripe_sandbox: SandboxServer, settings: Settings
    ) -> None:
        settings.STRIPE_READ_TIMEOUT_S = 0.2
        stripe_sandbox.sandbox.faults.arm_api(
            ApiFault(kind="timeout", phase="after", method="POST", path=PATH)
        )
        attempt = charge_and_lose_the_answer(due)
        stripe_sandbox.sandbox.faults.release()
        settings.STRIPE_READ_TIMEOUT_S = 20.0

        resolve_attempt(attempt_id=attempt.pk)

        assert_charged_once(due)

    def test_a_timeout_before_the_charge_is_asked_again(
        self, due: Settlement, stripe_sandbox: SandboxServer, settings: Settings
    ) -> None:
        settings.STRIPE_READ_TIMEOUT_S = 0.2
        stripe_sandbox.sandbox.faults.arm_api(ApiFault(kind="timeout", method="POST", path=PATH))
        attempt = charge_and_lose_the_answer(due)
        settings.STRIPE_READ_TIMEOUT_S = 20.0

        resolve_attempt(attempt_id=attempt.pk)

        assert_charged_once(due)

    def test_no_connection_at_all(self, due: Settlement, settings: Settings) -> None:
        address = settings.STRIPE_SANDBOX_URL
        settings.STRIPE_SANDBOX_URL = "http://127.0.0.1:9"
        attempt = charge_and_lose_the_answer(due)
        with pytest.raises(OutcomeUnknown):
            resolve_attempt(attempt_id=attempt.pk)
        settings.STRIPE_SANDBOX_URL = address

        resolve_attempt(attempt_id=attempt.pk)

        assert_charged_once(due)

    def test_a_rate_limit_is_waited_out(self, due: Settlement, stripe_sandbox: SandboxServer) -> None:
        stripe_sandbox.sandbox.faults.arm_api(ApiFault(kind="rate_limit", method="POST", path=PATH))
        attempt = charge_and_lose_the_answer(due)

        resolve_attempt(attempt_id=attempt.pk)

        assert_charged_once(due)

    def test_a_decline_whose_answer_was_lost_is_a_decline(self, stripe_sandbox: SandboxServer) -> None:
        buyer = BuyerFactory()
        put_on_file(buyer, "pm_card_chargeCustomerFail")
        settlement = settlement_of(10_000, buyer=buyer)
        lose_next_answer(stripe_sandbox)
        attempt = charge_and_lose_the_answer(settlement)

        assert resolve_attempt(attempt_id=attempt.pk) == Status.DECLINED

    def test_after_a_day_the_key_is_forgotten_and_the_lookup_is_not(
        self, due: Settlement, stripe_sandbox: SandboxServer
    ) -> None:
        lose_next_answer(stripe_sandbox)
        attempt = charge_and_lose_the_answer(due)
        make_older(attempt, timedelta(days=2))
        with stripe_sandbox.sandbox.store.transaction():
            stripe_sandbox.sandbox.store.connection.execute("DELETE FROM idempotency")

        resolve_attempt(attempt_id=attempt.pk)

        assert_charged_once(due)

    def test_many_resolvers_at_once_charge_once(self, due: Settlement, stripe_sandbox: SandboxServer) -> None:
        stripe_sandbox.sandbox.faults.arm_api(ApiFault(kind="error", method="POST", path=PATH))
        attempt = charge_and_lose_the_answer(due)

        in_threads(6, lambda: resolve_until_known(attempt))

        assert_charged_once(due)

    def test_its_card_stays_until_the_outcome_is_known(
        self, due: Settlement, stripe_sandbox: SandboxServer
    ) -> None:
        lose_next_answer(stripe_sandbox)
        attempt = charge_and_lose_the_answer(due)

        with pytest.raises(PaymentMethodInUse):
            remove_card(organization_id=due.organization_id, payment_method_id=attempt.payment_method_id)


class TestKilledProcess:
    CHARGE = (
        "import django; django.setup()\n"
        "from settlements.operations.charging import charge_settlement\n"
        "charge_settlement(settlement_id={pk})\n"
    )

    @pytest.mark.parametrize(("phase", "n_made"), [("before", 0), ("after", 1)])
    def test_kill_9_during_the_call_charges_once(
        self,
        due: Settlement,
        stripe_sandbox: SandboxServer,
        running_database_url: str,
        phase: str,
        n_made: int,
    ) -> None:
        faults = stripe_sandbox.sandbox.faults
        faults.arm_api(ApiFault(kind="timeout", phase=phase, method="POST", path=PATH))
        worker = subprocess.Popen(
            [sys.executable, "-c", self.CHARGE.format(pk=due.pk)],
            env=os.environ
            | {"DATABASE_URL": running_database_url, "STRIPE_SANDBOX_URL": stripe_sandbox.base_url},
        )
        assert faults.wait_until_held(1, timeout_s=30)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        attempt = due.attempts.get()
        assert attempt.outcome == Outcome.UNKNOWN
        assert n_payments() == n_made

        faults.release()
        resolve_until_known(attempt)

        assert_charged_once(due)


class TestSweep:
    def test_settles_charges_and_resolves_what_jobs_left(
        self, stripe_sandbox: SandboxServer, no_jobs_waiting: None
    ) -> None:
        window, buyer = WindowFactory(), BuyerFactory()
        put_on_file(buyer)
        win(buyer, 1_000_000, window=window)
        mark_cleared(window)

        assert sweep_settlements() == 1
        run_jobs()

        assert_charged_once(Settlement.objects.get(window=window))
        assert sweep_settlements() == 0

    def test_finds_a_due_settlement_whose_job_was_lost(self, due: Settlement) -> None:
        forget_jobs()
        Settlement.objects.filter(pk=due.pk).update(created_at=due.created_at - timedelta(minutes=1))

        assert sweep_settlements() == 1
        assert sweep_settlements() == 0  # its job waits already
        assert jobs_waiting() == [(CHARGE, due.pk)]

    def test_leaves_a_settlement_without_a_card_alone(self) -> None:
        settlement = settlement_of(10_000)
        forget_jobs()
        Settlement.objects.filter(pk=settlement.pk).update(
            created_at=settlement.created_at - timedelta(minutes=1)
        )

        assert sweep_settlements() == 0

    def test_finds_an_attempt_that_nobody_follows(
        self, due: Settlement, stripe_sandbox: SandboxServer
    ) -> None:
        lose_next_answer(stripe_sandbox)
        attempt = charge_and_lose_the_answer(due)
        forget_jobs()
        assert sweep_settlements() == 0

        make_older(attempt, FIRST_LOOKUP_AFTER + timedelta(seconds=1))
        assert sweep_settlements() == 1
        assert jobs_waiting() == [(RESOLVE, attempt.pk)]
        run_jobs()

        assert_charged_once(due)

    def test_asks_less_and_less_often(self, due: Settlement, stripe_sandbox: SandboxServer) -> None:
        lose_next_answer(stripe_sandbox)
        attempt = charge_and_lose_the_answer(due)
        make_older(attempt, 5 * FIRST_LOOKUP_AFTER)

        def is_due(n_calls: int) -> bool:
            ChargeAttempt.objects.filter(pk=attempt.pk).update(n_calls=n_calls)
            return unresolved_attempts() == [attempt.pk]

        assert [is_due(n_calls) for n_calls in (1, 2, 3, 4, 30)] == [True, True, True, False, False]

    def test_finds_an_event_that_nobody_handled(self, stripe_sandbox: SandboxServer) -> None:
        event = StripeEvent.objects.create(
            stripe_id="evt_1", type="customer.created", object_id="cus_1", payload={}
        )
        assert sweep_settlements() == 0

        StripeEvent.objects.update(received_at=event.received_at - timedelta(minutes=1))
        assert sweep_settlements() == 1
        assert jobs_waiting() == [(HANDLE_EVENT, event.pk)]

    def test_one_broken_window_keeps_no_other_waiting(self, caplog: pytest.LogCaptureFixture) -> None:
        broken, sound = WindowFactory(), WindowFactory()
        win(BuyerFactory(), 1_000_000, window=broken)
        win(BuyerFactory(), 1_000_000, window=sound)
        mark_cleared(broken), mark_cleared(sound)
        with connection.cursor() as cursor:  # a limit row is missing: nothing can be held
            cursor.execute(
                "DELETE FROM accounts_stream WHERE organization_id = %s",
                [broken.awards.get().organization_id],
            )

        assert sweep_settlements() == 1

        assert Settlement.objects.get().window == sound
        assert f"window {broken.pk} could not be settled" in caplog.text

    def test_a_batch_of_broken_windows_keeps_no_other_waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("settlements.queries.due.BATCH", 1)
        broken, sound = WindowFactory(), WindowFactory()
        win(BuyerFactory(), 1_000_000, window=broken)
        win(BuyerFactory(), 1_000_000, window=sound)
        mark_cleared(broken), mark_cleared(sound)
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM accounts_stream WHERE organization_id = %s",
                [broken.awards.get().organization_id],
            )

        assert sweep_settlements() == 0
        assert sweep_settlements() == 1
        assert Settlement.objects.get().window == sound

    def test_an_event_that_raises_waits_longer_each_time(
        self, due: Settlement, stripe_sandbox: SandboxServer
    ) -> None:
        charge_settlement(settlement_id=due.pk)
        payment_id = due.attempts.get().stripe_payment_intent_id
        payload = {"data": {"object": {"id": payment_id}}}
        event = StripeEvent.objects.create(
            stripe_id="evt_2", type="payment_intent.succeeded", object_id=payment_id, payload=payload
        )
        StripeEvent.objects.update(received_at=event.received_at - timedelta(minutes=1))
        path = "/v1/payment_intents/{intent}"
        stripe_sandbox.sandbox.faults.arm_api(ApiFault(kind="error", method="GET", path=path, times=2))

        with pytest.raises(OutcomeUnknown):
            handle_event(event_id=event.pk)

        assert unhandled_events() == []
        StripeEvent.objects.update(n_calls=3, called_at=database_now() - timedelta(minutes=3))
        assert unhandled_events() == []
        StripeEvent.objects.update(called_at=database_now() - timedelta(minutes=5))
        assert unhandled_events() == [event.pk]


def resolve_until_known(attempt: ChargeAttempt, n_tries: int = 50) -> None:
    """Resolve again while Stripe says that it is still at it (409)."""
    for _ in range(n_tries):
        try:
            resolve_attempt(attempt_id=attempt.pk)
        except OutcomeUnknown:
            stripe_client().v1.balance.retrieve()  # a round trip in which the other call goes on
        else:
            return
    raise AssertionError("Stripe never came to an end")


def forget_jobs() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def in_threads(n_threads: int, act: Callable[[], None]) -> None:
    together = threading.Barrier(n_threads)

    def run() -> None:
        together.wait()
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(n_threads) as pool:
        for future in [pool.submit(run) for _ in range(n_threads)]:
            future.result()
