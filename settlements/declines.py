"""Why a card was declined, in people's words. Codes: https://docs.stripe.com/declines/codes."""

AUTHENTICATION_REQUIRED = "authentication_required"
AMOUNT_TOO_LARGE = "amount_too_large"
FALLBACK = "The bank declined the card without a reason. Call the bank, or pay with another card."
CANCELLED = "The payment was cancelled before it was made."

# Fraud-related codes read like a plain decline: Stripe asks that the cardholder is not told which it was.
_REASONS = {
    AUTHENTICATION_REQUIRED: "The bank wants you to confirm this payment yourself.",
    "payment_intent_authentication_failure": "The bank could not confirm that it was you.",
    "insufficient_funds": "The card does not have enough funds.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The card's security code was wrong.",
    "card_velocity_exceeded": "The card's limit for payments or amounts is reached.",
    "withdrawal_count_limit_exceeded": "The card's limit for payments or amounts is reached.",
    "processing_error": "The bank could not process the card just now. Try again in a little while.",
    "try_again_later": "The bank could not process the card just now. Try again in a little while.",
    "issuer_not_available": "The bank could not be reached. Try again in a little while.",
    "currency_not_supported": "The card does not support US dollars.",
    "card_not_supported": "The card does not support this kind of purchase.",
    "transaction_not_allowed": "The card does not allow this kind of purchase.",
    AMOUNT_TOO_LARGE: (
        "The amount is above what a card can be charged at once. Pay in that much by bank transfer, on the limit page: "
        "it pays this settlement."
    ),
    "resource_missing": "The card is no longer on file at Stripe. Add it again, or use another card.",
}

# Asking again cannot help, or the card networks forbid it. Whoever holds the card is not told which it was.
_FINAL = frozenset(
    {
        AUTHENTICATION_REQUIRED,
        "payment_intent_authentication_failure",
        "lost_card",
        "stolen_card",
        "pickup_card",
        "restricted_card",
        "fraudulent",
        "merchant_blacklist",
        "security_violation",
        "invalid_account",
        "expired_card",
        "incorrect_number",
        "invalid_number",
        "invalid_expiry_month",
        "invalid_expiry_year",
        "card_not_supported",
        "currency_not_supported",
        "transaction_not_allowed",
        "revocation_of_authorization",
        "revocation_of_all_authorizations",
        "stop_payment_order",
        "no_action_taken",
        AMOUNT_TOO_LARGE,
        "resource_missing",
    }
)


_BUYERS = frozenset(
    {
        AMOUNT_TOO_LARGE,
        "amount_too_small",
        "payment_method_not_available",
        "payment_method_unexpected_state",
        "resource_missing",
    }
)
"""Requests that Stripe refuses because of the buyer's card or amount. Any other refusal is trouble of our own."""


def is_buyers(code: str, param: str) -> bool:
    """Say whether a request was refused because of the card, which a code or the parameter says, or the amount."""
    return code in _BUYERS or param == "payment_method"


def may_retry(code: str) -> bool:
    """Say whether the same card may be asked again later by itself: not after a decline that is final."""
    return code not in _FINAL


def decline_reason(code: str) -> str:
    """Return what to tell the buyer about a decline code, unknown ones included."""
    return _REASONS.get(code, FALLBACK)
