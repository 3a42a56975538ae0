"""A process killed with -9 while it pays a seller: the seller is paid once, and the books say so in the end."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from settlements import ledger
from settlements.models import Transfer
from settlements.operations.transfers import resolve_transfer
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.server import SandboxServer
from tests.integration.settlements.payout_steps import n_transfers, transfer_ready

pytestmark = pytest.mark.django_db(transaction=True)
Status = Transfer.Status
SEND = (
    "import django; django.setup()\n"
    "from datetime import UTC, datetime\n"
    "from settlements.operations.transfers import send_transfer\n"
    "send_transfer(transfer_id={pk}, now=datetime.now(UTC))\n"
)


class TestKilledWhileSending:
    @pytest.mark.parametrize(("phase", "n_made"), [("before", 0), ("after", 1)])
    def test_pays_once(
        self, stripe_sandbox: SandboxServer, running_database_url: str, phase: str, n_made: int
    ) -> None:
        transfer = transfer_ready()
        faults = stripe_sandbox.sandbox.faults
        faults.arm_api(ApiFault(kind="timeout", phase=phase, method="POST", path="/v1/transfers"))
        worker = subprocess.Popen(
            [sys.executable, "-c", SEND.format(pk=transfer.pk)],
            env=os.environ
            | {"DATABASE_URL": running_database_url, "STRIPE_SANDBOX_URL": stripe_sandbox.base_url},
        )
        assert faults.wait_until_held(1, timeout_s=30)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        transfer.refresh_from_db()
        assert (transfer.status, n_transfers()) == (Status.SENDING, n_made)

        faults.release()
        resolve_until_known(transfer)

        transfer.refresh_from_db()
        assert transfer.status == Status.PAID
        assert n_transfers() == 1
        assert ledger.balance_cents(ledger.seller_payable(transfer.seller_id)) == 0


def resolve_until_known(transfer: Transfer) -> None:
    """Ask again while the killed call still holds its key: Stripe says 409 as long as it runs."""
    for _ in range(100):
        try:
            resolve_transfer(transfer_id=transfer.pk, now=datetime.now(UTC))
        except OutcomeUnknown:
            continue
        return
    pytest.fail("the outcome never became known")
