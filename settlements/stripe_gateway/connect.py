"""Sellers' accounts: opening one, the link to its onboarding page, how it stands."""

from __future__ import annotations

import stripe

from settlements.stripe_facts import ConnectAccount
from settlements.stripe_gateway.client import client, plain_errors


def create_account(*, idempotency_key: str, organization_id: int, email: str) -> ConnectAccount:
    """Create a seller's connected account with the Express dashboard. Raise OutcomeUnknown, Refused.

    Source: https://docs.stripe.com/connect/separate-charges-and-transfers.
    """
    with plain_errors():
        return _account(
            client().v1.accounts.create(
                {
                    "controller": {
                        "stripe_dashboard": {"type": "express"},
                        "fees": {"payer": "application"},
                        "losses": {"payments": "application"},
                        "requirement_collection": "stripe",
                    },
                    "country": "US",
                    "email": email,
                    "capabilities": {"transfers": {"requested": True}},
                    "metadata": {"organization": str(organization_id)},
                },
                {"idempotency_key": idempotency_key},
            )
        )


def create_account_link(*, account_id: str, refresh_url: str, return_url: str) -> str:
    """Return the address of an account's onboarding page, good once and for minutes. Raise OutcomeUnknown, Refused."""
    with plain_errors():
        link = client().v1.account_links.create(
            {
                "account": account_id,
                "type": "account_onboarding",
                "refresh_url": refresh_url,
                "return_url": return_url,
            }
        )
        return link.url


def retrieve_account(account_id: str) -> ConnectAccount:
    """Return a connected account as it stands now. Raise OutcomeUnknown, Refused."""
    with plain_errors():
        return _account(client().v1.accounts.retrieve(account_id))


def _account(account: stripe.Account) -> ConnectAccount:
    facts = account.to_dict()
    requirements = facts.get("requirements") or {}
    return ConnectAccount(
        id=facts["id"],
        organization=facts["metadata"].get("organization", ""),
        details_submitted=facts["details_submitted"],
        payouts_enabled=facts["payouts_enabled"],
        transfers_active=(facts.get("capabilities") or {}).get("transfers") == "active",
        currently_due=list(requirements.get("currently_due") or []),
        disabled_reason=requirements.get("disabled_reason") or "",
    )
