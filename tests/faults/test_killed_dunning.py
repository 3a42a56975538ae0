"""A worker killed between the steps of dunning: nobody is charged twice, and a default is whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime

import pytest
from django.conf import settings
from django.db import connection, transaction

from accounts.models import BiddingLimit
from auctions.models import Award
from settlements.models import ChargeAttempt, Default, DunningStep, PaymentMethod, Settlement, Transaction
from settlements.operations.charging import pay_settlement
from settlements.operations.dunning import take_step
from settlements.queries.due import due_steps
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.server import SandboxServer
from tests.faults.test_killed_worker import backends, until, waits_for_our_lock
from tests.faults.test_lost_answers import resolve_until_known
from tests.integration.settlements.dunning_steps import HOUR, deadline_of, declined, run_until
from tests.integration.settlements.steps import AUTHENTICATES_ALWAYS, n_payments, put_on_file

pytestmark = pytest.mark.django_db(transaction=True)
Status = Settlement.Status
PATH = "/v1/payment_intents"
TAKE = (
    "import django; django.setup()\n"
    "from datetime import datetime\n"
    "from settlements.operations.dunning import take_step\n"
    "take_step(step_id={step}, now=datetime.fromisoformat({now!r}))\n"
)
Worker = Callable[[int, datetime], "subprocess.Popen[bytes]"]


@pytest.fixture
def worker(stripe_sandbox: SandboxServer, running_database_url: str) -> Iterator[Worker]:
    """Start processes that take a step, and see that none is left."""
    started: list[subprocess.Popen[bytes]] = []

    def start(step_id: int, now: datetime) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", TAKE.format(step=step_id, now=now.isoformat())],
            cwd=settings.BASE_DIR,
            env=os.environ
            | {"DATABASE_URL": running_database_url, "STRIPE_SANDBOX_URL": stripe_sandbox.base_url},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@contextmanager
def limit_locked(settlement: Settlement) -> Iterator[None]:
    """Hold the buyer's limit: a default has then reversed the debt and returned the hours, and wants this row."""
    with transaction.atomic():
        BiddingLimit.objects.select_for_update().get(pk=settlement.organization_id)
        yield


def deadline_step(settlement: Settlement) -> int:
    return DunningStep.objects.get(dunning=settlement.pk, kind="deadline", taken_at=None).pk


class TestKilledDuringARetry:
    @pytest.mark.parametrize(("phase", "n_made"), [("before", 0), ("after", 1)])
    def test_charges_once(
        self, worker: Worker, stripe_sandbox: SandboxServer, phase: str, n_made: int
    ) -> None:
        settlement = declined()
        good = put_on_file(settlement.organization)
        PaymentMethod.objects.exclude(pk=good.pk).update(is_default=False)
        PaymentMethod.objects.filter(pk=good.pk).update(is_default=True)
        now = settlement.dunning.opened_at + 4 * HOUR
        (step_id,) = due_steps(now)
        faults = stripe_sandbox.sandbox.faults
        faults.arm_api(ApiFault(kind="timeout", phase=phase, method="POST", path=PATH))
        process = worker(step_id, now)
        assert faults.wait_until_held(1, timeout_s=30)
        process.send_signal(signal.SIGKILL)
        process.wait()

        attempt = settlement.attempts.order_by("-number").first()
        assert attempt.outcome == ChargeAttempt.Outcome.UNKNOWN
        assert n_payments() == n_made
        assert not take_step(step_id=step_id, now=now)
        faults.release()
        resolve_until_known(attempt)

        settlement.refresh_from_db()
        assert settlement.status == Status.PAID
        assert n_payments() == 1


class TestKilledDuringADefault:
    def test_while_the_waiting_payment_is_cancelled_leaves_it_to_the_next(
        self, worker: Worker, stripe_sandbox: SandboxServer
    ) -> None:
        settlement = declined(AUTHENTICATES_ALWAYS)
        card = PaymentMethod.objects.get(organization=settlement.organization)
        pay_settlement(
            organization_id=settlement.organization_id,
            settlement_id=settlement.pk,
            payment_method_id=card.pk,
        )
        faults = stripe_sandbox.sandbox.faults
        faults.arm_api(
            ApiFault(kind="timeout", phase="after", method="POST", path="/v1/payment_intents/{intent}/cancel")
        )
        process = worker(deadline_step(settlement), deadline_of(settlement))
        assert faults.wait_until_held(1, timeout_s=30)
        process.send_signal(signal.SIGKILL)
        process.wait()
        faults.release()
        settlement.refresh_from_db()
        assert settlement.status == Status.ACTION_REQUIRED

        run_until(deadline_of(settlement))

        settlement.refresh_from_db()
        assert settlement.status == Status.DEFAULTED
        assert n_payments("canceled") == 1

    def test_in_the_middle_of_it_leaves_nothing_half_done(self, worker: Worker) -> None:
        settlement = declined()
        with limit_locked(settlement):
            process = worker(deadline_step(settlement), deadline_of(settlement))
            until(waits_for_our_lock, "the worker is in the middle of the default")
            process.send_signal(signal.SIGKILL)
            process.wait()
        until(lambda: backends() == 0, "the database has noticed")

        settlement.refresh_from_db()
        assert settlement.status == Status.DECLINED
        assert Award.objects.get().cancelled_at is None
        assert not Transaction.objects.filter(kind=Transaction.Kind.DEFAULT).exists()

        run_until(deadline_of(settlement))

        settlement.refresh_from_db()
        assert settlement.status == Status.DEFAULTED
        assert Default.objects.count() == 1

    def test_many_workers_default_once(self, stripe_sandbox: SandboxServer) -> None:
        settlement = declined()
        step_id, now = deadline_step(settlement), deadline_of(settlement)
        together = threading.Barrier(5)

        def act() -> bool:
            together.wait()
            try:
                return take_step(step_id=step_id, now=now)
            finally:
                connection.close()

        with ThreadPoolExecutor(5) as pool:
            taken = [future.result() for future in [pool.submit(act) for _ in range(5)]]

        assert taken.count(True) == 1
        assert Default.objects.count() == 1
        assert BiddingLimit.objects.get(pk=settlement.organization_id).limit_cents == 50_000_00
