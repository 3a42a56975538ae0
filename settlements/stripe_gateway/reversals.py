"""Reversals of transfers: taking back what a seller was paid."""

from __future__ import annotations

from typing import Any

from settlements.stripe_facts import OutcomeUnknown, StripeReversal
from settlements.stripe_gateway.balance import balance_move
from settlements.stripe_gateway.client import client, plain_errors


def create_reversal(
    *, transfer_id: str, amount_cents: int, metadata: dict[str, str], idempotency_key: str
) -> StripeReversal:
    """Take part of a transfer back. Raise OutcomeUnknown, Refused (code balance_insufficient: the seller lacks it)."""
    with plain_errors():
        made = client().v1.transfers.reversals.create(
            transfer_id,
            {"amount": amount_cents, "metadata": metadata, "expand": ["balance_transaction"]},
            {"idempotency_key": idempotency_key},
        )
        return _reversal(made.to_dict())


def find_reversal(*, transfer_id: str, key: str, value: str) -> StripeReversal | None:
    """Return the transfer's reversal whose metadata has ``key`` = ``value``, if any. Raise OutcomeUnknown, Refused."""
    with plain_errors():
        page = client().v1.transfers.reversals.list(
            transfer_id, {"limit": 100, "expand": ["data.balance_transaction"]}
        )
        for reversal in page.auto_paging_iter():
            facts = reversal.to_dict()
            if (facts["metadata"] or {}).get(key) == value:
                return _reversal(facts)
    return None


def _reversal(facts: dict[str, Any]) -> StripeReversal:
    booked = facts["balance_transaction"]
    if not isinstance(booked, dict):
        raise OutcomeUnknown(f"{facts['id']} was made, but its balance transaction is not known yet")
    return StripeReversal(
        id=facts["id"],
        amount_cents=facts["amount"],
        transfer_id=facts["transfer"],
        metadata=facts["metadata"] or {},
        move=balance_move(booked),
    )
