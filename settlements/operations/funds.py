"""Money that Stripe holds back for some days: noted when it is booked as pending, booked as available once it is."""

from __future__ import annotations

from django.db import transaction

from marketplace.db import database_now
from settlements import ledger
from settlements import stripe_gateway as gateway
from settlements.models import PendingFunds, Transaction
from settlements.stripe_facts import BalanceMove, Payment


class FundsMismatch(Exception):
    """Stripe tells of another amount than we booked; nothing is booked and a person must look."""


def note_pending(posted: Transaction, payment: Payment) -> PendingFunds:
    """Note when what a payment brought may be used; assumes the transaction that ``posted`` it to STRIPE_PENDING."""
    assert payment.available_at is not None, "a payment that succeeded has a balance transaction"
    return PendingFunds.objects.create(
        stripe_id=payment.balance_transaction_id,
        posted=posted,
        net_cents=payment.received_cents - payment.fee_cents,
        available_at=payment.available_at,
    )


def account_of(move: BalanceMove) -> ledger.AccountKey:
    """Return which of our balances at Stripe a move is on."""
    return ledger.STRIPE_AVAILABLE if move.is_available else ledger.STRIPE_PENDING


def note_pending_move(posted: Transaction, move: BalanceMove) -> None:
    """Note when what a move brought may be used, unless it may already; assumes the transaction of ``posted``."""
    if not move.is_available:
        PendingFunds.objects.create(
            stripe_id=move.id, posted=posted, net_cents=move.net_cents, available_at=move.available_at
        )


def book_available(*, funds_id: int) -> bool:
    """Book pending funds as available if Stripe says they are; return whether they were booked now.

    Where Stripe has put them off, they wait until its new date. Raise FundsMismatch, OutcomeUnknown, Refused.
    """
    stripe_id = PendingFunds.objects.values_list("stripe_id", flat=True).get(pk=funds_id)
    move = gateway.retrieve_balance_move(stripe_id)
    with transaction.atomic(durable=True):
        funds = PendingFunds.objects.select_for_update(no_key=True).get(pk=funds_id)
        if funds.booked_at is not None:
            return False
        if move.net_cents != funds.net_cents:
            raise FundsMismatch(f"{stripe_id} moved {move.net_cents} cents, {funds.net_cents} are booked")
        if not move.is_available:
            funds.available_at = move.available_at
            funds.save(update_fields=["available_at"])
            return False
        funds.booked_at = database_now()
        funds.save(update_fields=["booked_at"])
        if funds.net_cents:
            ledger.post_transaction(
                ledger.Posting(
                    kind=Transaction.Kind.FUNDS_AVAILABLE,
                    reference=f"stripe:{stripe_id}:available",
                    description=f"{stripe_id} became available",
                    cents={
                        ledger.STRIPE_AVAILABLE: funds.net_cents,
                        ledger.STRIPE_PENDING: -funds.net_cents,
                    },
                    stripe_object_id=stripe_id,
                )
            )
        return True
