"""What tests of transfers do again and again: send one, in many threads, and lose Stripe's answer."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

from django.db import connection, transaction

from settlements import ledger
from settlements.models import Transaction, Transfer
from settlements.operations.transfers import send_transfer
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.server import SandboxServer

PATH = "/v1/transfers"


def now() -> datetime:
    return datetime.now(UTC)


def owe(seller_id: int, cents: int) -> None:
    """Have a seller owe us so much, as after a refund of what it was paid for."""
    with transaction.atomic():
        ledger.post_transaction(
            ledger.Posting(
                kind=Transaction.Kind.REVERSAL,
                reference=f"test:{uuid4()}",
                description="",
                cents={ledger.seller_payable(seller_id): cents, ledger.LOSSES: -cents},
            )
        )


def send(transfer: Transfer) -> Transfer.Status:
    status = send_transfer(transfer_id=transfer.pk, now=now())
    transfer.refresh_from_db()
    return status


def in_threads(n: int, work: Callable[[], object]) -> list[object]:
    start = threading.Barrier(n)

    def run(_: int) -> object:
        try:
            start.wait()
            return work()
        except OutcomeUnknown as unknown:
            return unknown
        finally:
            connection.close()

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(run, range(n)))


def lose_answer(sandbox: SandboxServer, phase: str = "after") -> None:
    sandbox.sandbox.faults.arm_api(ApiFault(kind="error", phase=phase, method="POST", path=PATH))
