"""Object ids in Stripe's formats."""

import secrets
import string

ALPHABET = string.ascii_letters + string.digits

PREFIXES = {
    "customer": "cus_",
    "payment_method": "pm_",
    "setup_intent": "seti_",
    "payment_intent": "pi_",
    "charge": "ch_",
    "checkout.session": "cs_test_",
    "refund": "re_",
    "dispute": "du_",
    "event": "evt_",
    "balance_transaction": "txn_",
    "account": "acct_",
    "account_link": "alink_",
    "transfer": "tr_",
    "transfer_reversal": "trr_",
    "payout": "po_",
    "payment": "py_",
    "customer_cash_balance_transaction": "ccsbtxn_",
}


def random_text(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_id(kind: str) -> str:
    """Return a fresh id for an object of this kind, e.g. `pi_…` for a payment_intent."""
    return PREFIXES[kind] + random_text(58 if kind == "checkout.session" else 24)


def new_request_id() -> str:
    return "req_" + random_text(14)


def client_secret(object_id: str) -> str:
    return f"{object_id}_secret_{random_text(25)}"
