"""Transfers to sellers, and payouts to our bank."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import stripe

from settlements.stripe_facts import OutcomeUnknown, PaidTransfer, Payout, TransferOrder
from settlements.stripe_gateway.client import client, plain_errors

BALANCE_TRANSACTION = {"expand": ["balance_transaction"]}


def create_transfer(order: TransferOrder) -> PaidTransfer:
    """Transfer to a seller, out of a charge or of the available balance. Raise OutcomeUnknown, Refused.

    ``Refused.code`` is balance_insufficient where funds are lacking, insufficient_capabilities_for_transfer where the
    seller cannot be paid. Source: https://docs.stripe.com/connect/separate-charges-and-transfers.
    """
    params: dict[str, Any] = {
        "amount": order.amount_cents,
        "currency": order.currency,
        "destination": order.account_id,
        "description": order.description,
        "metadata": order.metadata,
        **BALANCE_TRANSACTION,
    }
    if order.source_charge_id:
        params["source_transaction"] = order.source_charge_id
    options: stripe.RequestOptions = {"idempotency_key": order.idempotency_key}
    with plain_errors():
        return _transfer(client().v1.transfers.create(params, options))  # type: ignore[arg-type]


def retrieve_transfer(transfer_id: str) -> PaidTransfer:
    """Return a transfer as it stands now. Raise OutcomeUnknown, Refused."""
    with plain_errors():
        return _transfer(client().v1.transfers.retrieve(transfer_id, BALANCE_TRANSACTION))  # type: ignore[arg-type]


def find_transfer(*, account_id: str, since: datetime, key: str, value: str) -> PaidTransfer | None:
    """Return the transfer to an account, made since then, whose metadata has ``key`` = ``value``, if there is one."""
    with plain_errors():
        page = client().v1.transfers.list(
            {"destination": account_id, "created": {"gte": int(since.timestamp())}, "limit": 100}
        )
        for transfer in page.auto_paging_iter():
            facts = transfer.to_dict()
            if facts["metadata"].get(key) == value:
                return retrieve_transfer(facts["id"])
    return None


def retrieve_payout(payout_id: str) -> Payout:
    """Return a payout of our balance as it stands now. Raise OutcomeUnknown, Refused."""
    with plain_errors():
        facts = client().v1.payouts.retrieve(payout_id).to_dict()
    return Payout(
        id=facts["id"],
        status=facts["status"],
        amount_cents=facts["amount"],
        currency=facts["currency"],
        automatic=facts["automatic"],
        arrival_at=datetime.fromtimestamp(facts["arrival_date"], UTC),
        balance_transaction_id=facts["balance_transaction"] or "",
        failure_message=facts["failure_message"] or "",
    )


def _transfer(transfer: stripe.Transfer) -> PaidTransfer:
    facts = transfer.to_dict()
    booked = facts["balance_transaction"]
    if not isinstance(booked, dict):
        raise OutcomeUnknown(f"{facts['id']} was made, but its balance transaction is not known yet")
    return PaidTransfer(
        id=facts["id"],
        amount_cents=facts["amount"],
        reversed_cents=facts["amount_reversed"],
        currency=facts["currency"],
        account_id=facts["destination"],
        metadata=facts["metadata"],
        balance_transaction_id=booked["id"],
        moved_cents=-booked["net"],
        is_available=booked["status"] == "available",
        available_on=datetime.fromtimestamp(booked["available_on"], UTC),
    )
