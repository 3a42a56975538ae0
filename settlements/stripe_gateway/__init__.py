"""The only package that speaks to Stripe; without STRIPE_SECRET_KEY it speaks to the local sandbox, over the same HTTP.

Every call either returns plain facts or raises: ``OutcomeUnknown`` when Stripe may or may not have done it (time-out,
lost connection, 5xx, rate limit, a bad key) or has not finished, ``Refused`` when it certainly has not. No call is made
inside a database transaction.

Time-outs: 3 s to connect, STRIPE_READ_TIMEOUT_S (20 s) to answer, because card networks take a while and a cut-off
costs a lookup. STRIPE_MAX_NETWORK_RETRIES (1) with the same idempotency key covers a dropped connection; anything
longer is for the sweep, which waits without holding a worker.
"""

from settlements.stripe_gateway.balance import (
    list_movements,
    list_movements_of_payout,
    retrieve_balance,
    retrieve_balance_move,
)
from settlements.stripe_gateway.cards import (
    create_customer,
    create_setup_session,
    detach_card,
    retrieve_card,
    retrieve_setup_session,
)
from settlements.stripe_gateway.connect import create_account, create_account_link, retrieve_account
from settlements.stripe_gateway.disputes import accept_dispute, retrieve_dispute, submit_evidence
from settlements.stripe_gateway.payments import (
    cancel_payment,
    create_payment,
    find_payment,
    retrieve_payment,
)
from settlements.stripe_gateway.prepayments import (
    create_bank_transfer,
    create_payment_session,
    retrieve_payment_session,
)
from settlements.stripe_gateway.refunds import create_refund, find_refund, retrieve_refund
from settlements.stripe_gateway.reversals import create_reversal, find_reversal
from settlements.stripe_gateway.transfers import (
    create_transfer,
    find_transfer,
    retrieve_payout,
    retrieve_transfer,
)
from settlements.stripe_gateway.webhooks import (
    verified_event,
)

__all__ = [
    "accept_dispute",
    "cancel_payment",
    "create_account",
    "create_account_link",
    "create_bank_transfer",
    "create_customer",
    "create_payment",
    "create_payment_session",
    "create_refund",
    "create_reversal",
    "create_setup_session",
    "create_transfer",
    "detach_card",
    "find_payment",
    "find_refund",
    "find_reversal",
    "find_transfer",
    "list_movements",
    "list_movements_of_payout",
    "retrieve_account",
    "retrieve_balance",
    "retrieve_balance_move",
    "retrieve_card",
    "retrieve_dispute",
    "retrieve_payment",
    "retrieve_payment_session",
    "retrieve_payout",
    "retrieve_refund",
    "retrieve_setup_session",
    "retrieve_transfer",
    "submit_evidence",
    "verified_event",
]
