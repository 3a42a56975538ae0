"""What tests of reconciling do again and again: pay, move Stripe's balance, and look for mismatches."""

from datetime import datetime, timedelta

from django.db import connection, transaction

from marketplace.db import database_now
from settlements import stripe_gateway as gateway
from settlements.models import BalanceMovement, BankPayout, ChargeAttempt, Mismatch, Settlement
from settlements.operations.bank_payouts import apply_payout
from settlements.operations.charging import charge_settlement
from settlements.operations.reconciliation import look_for_mismatches, take_in
from settlements.stripe_facts import Movement
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import BuyerFactory
from tests.integration.settlements.steps import put_on_file, settlement_of, stripe_client
from tests.integration.stripe_sandbox.steps import control


def paid(cents: int = 10_000) -> Settlement:
    """A settlement that was drawn up, charged and booked through the real flow."""
    buyer = BuyerFactory()
    put_on_file(buyer)
    settlement = settlement_of(cents, buyer=buyer)
    charge_settlement(settlement_id=settlement.pk)
    settlement.refresh_from_db()
    assert settlement.status == Settlement.Status.PAID
    return settlement


def movement(
    *, source: str = "", net: int = 1000, fee: int = 0, at: datetime | None = None, currency: str = "usd"
) -> str:
    at = at or database_now() - timedelta(hours=2)
    stripe_id = f"txn_{BalanceMovement.objects.count()}_{source}"
    available_at = at + timedelta(days=2)
    take_in([Movement(stripe_id, "charge", source, net + fee, fee, net, currency, at, available_at)])
    return stripe_id


def later() -> datetime:
    """When bookings and tellings of just now should long have met."""
    return database_now() + timedelta(hours=3)


def found() -> set[tuple[str, str]]:
    look_for_mismatches(now=later())
    rows = Mismatch.objects.filter(status=Mismatch.Status.OPEN)
    return {(mismatch.kind, mismatch.subject) for mismatch in rows}


def overrule(sql: str, *params: object) -> None:
    """Change what the database guards, as only an accident could."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, params)


def bank_payout(sandbox: SandboxServer) -> BankPayout:
    """Have Stripe's daily payout made of all that is available, and hear of it."""
    control(sandbox, "clock", {"seconds": 3 * 86_400})
    control(sandbox, "payouts")
    (payout,) = stripe_client().v1.payouts.list().data
    told = gateway.retrieve_payout(payout.id)
    with transaction.atomic():
        apply_payout(told)
    return BankPayout.objects.get(stripe_id=payout.id)


def charge_of(settlement: Settlement) -> str:
    return ChargeAttempt.objects.get(settlement=settlement, outcome="succeeded").stripe_charge_id
