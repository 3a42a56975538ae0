"""Disputes: how one stands, and what we say to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from settlements.stripe_facts import StripeDispute
from settlements.stripe_gateway.client import client, plain_errors


def retrieve_dispute(dispute_id: str) -> StripeDispute:
    """Return a dispute as it stands now. Raise OutcomeUnknown, Refused (code resource_missing)."""
    with plain_errors():
        return _dispute(client().v1.disputes.retrieve(dispute_id).to_dict())


def submit_evidence(dispute_id: str, *, evidence: Mapping[str, str], idempotency_key: str) -> StripeDispute:
    """Hand evidence (Stripe's field names and our texts) to the bank, for good. Raise OutcomeUnknown, Refused."""
    params: dict[str, Any] = {"evidence": dict(evidence), "submit": True}
    with plain_errors():
        return _dispute(
            client().v1.disputes.update(dispute_id, params, {"idempotency_key": idempotency_key}).to_dict()  # type: ignore[arg-type]
        )


def accept_dispute(dispute_id: str, *, idempotency_key: str) -> StripeDispute:
    """Accept a dispute as lost. Raise OutcomeUnknown, Refused."""
    with plain_errors():
        return _dispute(
            client().v1.disputes.close(dispute_id, {}, {"idempotency_key": idempotency_key}).to_dict()
        )


def _dispute(facts: dict[str, Any]) -> StripeDispute:
    details = facts["evidence_details"]
    moved = facts["balance_transactions"]
    taken = [each for each in moved if each["amount"] < 0]
    returned = [each for each in moved if each["amount"] > 0]
    return StripeDispute(
        id=facts["id"],
        status=facts["status"],
        amount_cents=facts["amount"],
        currency=facts["currency"],
        charge_id=facts["charge"],
        payment_intent_id=facts.get("payment_intent") or "",
        reason=facts["reason"],
        due_at=datetime.fromtimestamp(details["due_by"], UTC) if details.get("due_by") else None,
        n_submissions=details["submission_count"],
        taken_cents=-sum(each["amount"] for each in taken),
        taken_fee_cents=sum(each["fee"] for each in taken),
        returned_cents=sum(each["amount"] for each in returned),
        returned_fee_cents=-sum(each["fee"] for each in returned),
    )
