"""Stripe's balance transactions: what moved our balance, and which of it a payout to our bank holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from settlements.stripe_facts import Balance, BalanceMove, Movement
from settlements.stripe_gateway.client import client, plain_errors


def retrieve_balance() -> Balance:
    """Return our balance as it stands now. Raise OutcomeUnknown, Refused."""
    with plain_errors():
        facts = client().v1.balance.retrieve().to_dict()
    return Balance(available_cents=_in_usd(facts["available"]), pending_cents=_in_usd(facts["pending"]))


def retrieve_balance_move(balance_transaction_id: str) -> BalanceMove:
    """Return a balance transaction as it stands now. Raise OutcomeUnknown, Refused."""
    with plain_errors():
        return balance_move(client().v1.balance_transactions.retrieve(balance_transaction_id).to_dict())


def balance_move(facts: dict[str, Any]) -> BalanceMove:
    """Return what a balance transaction, as Stripe tells it, moved and from when on it counts."""
    return BalanceMove(
        id=facts["id"],
        net_cents=facts["net"],
        is_available=facts["status"] == "available",
        available_at=datetime.fromtimestamp(facts["available_on"], UTC),
    )


def list_movements(*, since: datetime) -> Iterator[Movement]:
    """Yield balance transactions made at or after ``since``, the newest first. Raise OutcomeUnknown, Refused."""
    yield from _list({"created": {"gte": int(since.timestamp())}})


def list_movements_of_payout(payout_id: str) -> Iterator[Movement]:
    """Yield the balance transactions that a payout holds, its own included. Raise OutcomeUnknown, Refused."""
    yield from _list({"payout": payout_id})


def _list(params: dict[str, Any]) -> Iterator[Movement]:
    with plain_errors():
        page = client().v1.balance_transactions.list({"limit": 100, **params})  # type: ignore[arg-type]
        for each in page.auto_paging_iter():
            yield _movement(each.to_dict())


def _movement(facts: dict[str, Any]) -> Movement:
    source = facts.get("source")
    return Movement(
        id=facts["id"],
        type=facts["type"],
        source_id=source["id"] if isinstance(source, dict) else source or "",
        amount_cents=facts["amount"],
        fee_cents=facts["fee"],
        net_cents=facts["net"],
        currency=facts["currency"],
        created_at=datetime.fromtimestamp(facts["created"], UTC),
        available_at=datetime.fromtimestamp(facts["available_on"], UTC),
    )


def _in_usd(amounts: list[dict[str, Any]]) -> int:
    return sum(each["amount"] for each in amounts if each["currency"] == "usd")
