"""Book what Stripe pays out of our balance to our bank, when it is paid; and back, when the bank returns it."""

from __future__ import annotations

from marketplace.states import require_transition
from settlements import ledger
from settlements.models import BankPayout, Transaction
from settlements.stripe_facts import Payout

Status = BankPayout.Status
STATUS_OF = {
    "pending": Status.PENDING,
    "in_transit": Status.PENDING,
    "paid": Status.PAID,
    "failed": Status.FAILED,
    "canceled": Status.CANCELLED,
}


class PayoutMismatch(Exception):
    """Stripe tells of a payout that cannot be ours as booked; nothing is booked and a person must look."""


def apply_payout(payout: Payout) -> bool:
    """Take in how a payout stands; assumes a transaction. Return whether anything changed. Raise PayoutMismatch."""
    if payout.currency != "usd" or payout.status not in STATUS_OF:
        raise PayoutMismatch(f"{payout.id} is {payout.status} in {payout.currency}")
    status = STATUS_OF[payout.status]
    row, is_new = BankPayout.objects.select_for_update().get_or_create(
        stripe_id=payout.id,
        defaults={
            "amount_cents": payout.amount_cents,
            "automatic": payout.automatic,
            "arrival_at": payout.arrival_at,
            "balance_transaction_id": payout.balance_transaction_id,
        },
    )
    if row.amount_cents != payout.amount_cents:
        raise PayoutMismatch(f"{payout.id} is {payout.amount_cents} cents, and was {row.amount_cents}")
    if row.status == status:
        return is_new
    was_paid = row.status == Status.PAID
    require_transition(BankPayout.TRANSITIONS, row.status, status)
    row.status, row.message = status, payout.failure_message[:300]
    row.save()
    if status == Status.PAID:
        _post(row, Transaction.Kind.PAYOUT, "paid", row.amount_cents)
    elif was_paid:
        _post(row, Transaction.Kind.REVERSAL, "returned", -row.amount_cents)
    return True


def _post(row: BankPayout, kind: Transaction.Kind, fact: str, cents: int) -> None:
    ledger.post_transaction(
        ledger.Posting(
            kind=kind,
            reference=f"payout:{row.stripe_id}:{fact}",
            description=f"{row.stripe_id} to our bank, {row.balance_transaction_id}",
            stripe_object_id=row.stripe_id,
            cents={ledger.BANK: cents, ledger.STRIPE_AVAILABLE: -cents},
        )
    )
