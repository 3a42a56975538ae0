"""The only package that speaks to Stripe; without STRIPE_SECRET_KEY it speaks to the local sandbox, over the same HTTP.

Every call either returns plain facts or raises: ``OutcomeUnknown`` when Stripe may or may not have done it (time-out,
lost connection, 5xx, rate limit, a bad key) or has not finished, ``Refused`` when it certainly has not. No call is made
inside a database transaction.

Time-outs: 3 s to connect, STRIPE_READ_TIMEOUT_S (20 s) to answer, because card networks take a while and a cut-off
costs a lookup. STRIPE_MAX_NETWORK_RETRIES (1) with the same idempotency key covers a dropped connection; anything
longer is for the sweep, which waits without holding a worker.
"""

from settlements.stripe_gateway.cards import (
    create_customer,
    create_setup_session,
    detach_card,
    retrieve_card,
    retrieve_setup_session,
)
from settlements.stripe_gateway.payments import (
    cancel_payment,
    create_payment,
    find_payment,
    retrieve_payment,
)
from settlements.stripe_gateway.webhooks import (
    verified_event,
)

__all__ = [
    "cancel_payment",
    "create_customer",
    "create_payment",
    "create_setup_session",
    "detach_card",
    "find_payment",
    "retrieve_card",
    "retrieve_payment",
    "retrieve_setup_session",
    "verified_event",
]
