"""Refunds of charges: making one, and looking up what became of it."""

from __future__ import annotations

from typing import Any

from settlements.stripe_facts import OutcomeUnknown, RefundOrder, StripeRefund
from settlements.stripe_gateway.client import client, plain_errors

EXPAND = ["balance_transaction", "failure_balance_transaction"]


def create_refund(order: RefundOrder) -> StripeRefund:
    """Give part of a charge back to what it was paid with. Raise OutcomeUnknown, Refused.

    For a bank transfer Stripe may ask the buyer for bank details, by e-mail.
    Source: https://docs.stripe.com/payments/customer-balance/refunding.
    """
    params: Any = {
        "charge": order.charge_id,
        "amount": order.amount_cents,
        "reason": "duplicate" if order.is_duplicate else "requested_by_customer",
        "metadata": order.metadata,
        "expand": EXPAND,
    }
    if order.instructions_email:
        params["instructions_email"] = order.instructions_email
    with plain_errors():
        made = client().v1.refunds.create(params, {"idempotency_key": order.idempotency_key})
        return _refund(made.to_dict())


def retrieve_refund(refund_id: str) -> StripeRefund:
    """Return a refund as it stands now. Raise OutcomeUnknown, Refused (code resource_missing)."""
    with plain_errors():
        return _refund(client().v1.refunds.retrieve(refund_id, {"expand": EXPAND}).to_dict())


def find_refund(*, charge_id: str, key: str, value: str) -> StripeRefund | None:
    """Return the charge's refund whose metadata has ``key`` = ``value``, if any. Raise OutcomeUnknown, Refused."""
    with plain_errors():
        page = client().v1.refunds.list({"charge": charge_id, "limit": 100})
        for refund in page.auto_paging_iter():
            facts = refund.to_dict()
            if (facts["metadata"] or {}).get(key) == value:
                return retrieve_refund(facts["id"])
    return None


def _refund(facts: dict[str, Any]) -> StripeRefund:
    paid = facts.get("balance_transaction")
    failed = facts.get("failure_balance_transaction")
    if facts["status"] == "succeeded" and not paid:
        raise OutcomeUnknown(f"{facts['id']} succeeded, but what it took from the balance is not known yet")
    return StripeRefund(
        id=facts["id"],
        status=facts["status"] or "",
        amount_cents=facts["amount"],
        currency=facts["currency"],
        charge_id=facts["charge"] or "",
        metadata=facts["metadata"] or {},
        failure_reason=facts.get("failure_reason") or "",
        paid_transaction_id=paid["id"] if paid else "",
        paid_net_cents=paid["net"] if paid else 0,
        failed_transaction_id=failed["id"] if failed else "",
        failed_net_cents=failed["net"] if failed else 0,
    )
