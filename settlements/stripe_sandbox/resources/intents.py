"""What SetupIntents and PaymentIntents share: who may pay with what, next actions, return URLs."""

from typing import Any
from urllib.parse import urlsplit

from ..api import Call
from ..errors import StripeError, unsupported
from ..store import Object
from . import payment_methods

RETURN_URL_MISSING = (
    "This {noun} is configured to accept payment methods enabled in your Dashboard. Because some of these "
    "payment methods might redirect your customer off of your page, you must provide a `return_url`. If you "
    "don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` "
    "and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment "
    "Intents."
)
NOUNS = {"payment_intent": "PaymentIntent", "setup_intent": "SetupIntent"}


def checked_url(url: str, *, param: str) -> str:
    """Return an http(s) URL; raises url_invalid for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise StripeError("Not a valid URL", code="url_invalid", param=param)
    return url


def method_types(params: Object) -> dict[str, Any]:
    """Return the fields that say which payment methods an intent takes: cards, named or automatic."""
    automatic = params.get("automatic_payment_methods", {})
    named = params.get("allowed_payment_method_types")
    if named not in (None, ["card"], ["customer_balance"]):
        raise unsupported(
            "payment methods other than card, or customer_balance alone", param="allowed_payment_method_types"
        )
    enabled = automatic.get("enabled", named is None)
    redirects = automatic.get("allow_redirects", "always")
    return {
        "allowed_payment_method_types": named,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": redirects} if enabled else None,
        "payment_method_types": named or ["card"],
    }


def chosen_method(call: Call, intent: Object, method_id: str) -> Object:
    """Return the payment method named for an intent, if its owner and history allow it."""
    method = payment_methods.resolve(call, method_id, param="payment_method")
    payment_methods.refuse_foreign(method, intent["customer"])
    payment_methods.refuse_used_up(call, method)
    return method


def checked_return_url(call: Call, intent: Object) -> str | None:
    """Return the URL to come back to after authentication; it is required with automatic methods."""
    automatic = intent["automatic_payment_methods"]
    url = call.params.get("return_url")
    if url is not None:
        return checked_url(url, param="return_url")
    if automatic is not None and automatic["allow_redirects"] == "always":
        raise StripeError(
            RETURN_URL_MISSING.format(noun=NOUNS[intent["object"]]),
            code="parameter_missing",
            param="return_url",
        )
    return None


def authentication_action(call: Call, intent: Object, return_url: str | None) -> Object:
    """Return the `next_action` that sends the card's holder to the sandbox's authentication page."""
    url = f"{call.base_url}/authenticate/{intent['id']}"
    if return_url is None:
        return {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
        }
    return {
        "type": "redirect_to_url",
        "redirect_to_url": {"url": url, "return_url": return_url},
    }
