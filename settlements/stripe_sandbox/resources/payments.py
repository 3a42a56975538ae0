"""What becomes of a confirmed PaymentIntent: paid, refused, or waiting for the card's holder.

Source: https://docs.stripe.com/payments/paymentintents/lifecycle and, for charges made while the
customer is away, https://docs.stripe.com/payments/save-and-reuse#charge-saved-payment-method.
"""

from ..api import Call
from ..cards import AUTHENTICATION_REQUIRED, Decline
from ..errors import CardError
from ..store import Object
from . import charges, intents, payment_methods

AUTHENTICATION_FAILED = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new "
    "PaymentMethod to attempt to fulfill this PaymentIntent again."
)


def attempt(
    call: Call, intent: Object, *, off_session: bool, return_url: str | None, refuse_action: bool
) -> None:
    """Try to pay: the intent succeeds, waits for authentication, or CardError is raised."""
    method = call.get("payment_method", intent["payment_method"])
    card = payment_methods.test_card(call, method)
    set_up = call.store.private(method["id"])["set_up"]
    if card.needs_authentication(off_session=off_session, set_up=set_up):
        if off_session or refuse_action:
            raise refuse(call, intent, method, AUTHENTICATION_REQUIRED)
        intent |= {
            "status": "requires_action",
            "next_action": intents.authentication_action(call, intent, return_url),
        }
        call.store.save(intent)
        call.emit("payment_intent.requires_action", intent)
        return
    take(call, intent)


def take(call: Call, intent: Object) -> None:
    """Charge the intent's card now, authenticated or not; raises CardError when its bank declines."""
    method = call.get("payment_method", intent["payment_method"])
    card = payment_methods.test_card(call, method)
    if card.decline is not None:
        raise refuse(call, intent, method, card.decline)
    charge = charges.succeed(call, intent, method)
    _keep_or_use_up(call, intent, method)
    intent |= {
        "status": "succeeded",
        "amount_received": intent["amount"],
        "latest_charge": charge["id"],
        "next_action": None,
        "last_payment_error": None,
    }
    call.store.save(intent)
    call.emit("payment_intent.succeeded", intent)


def _keep_or_use_up(call: Call, intent: Object, method: Object) -> None:
    if intent["setup_future_usage"] is None or intent["customer"] is None:
        payment_methods.remember(call, method, used_up=True)
        return
    payment_methods.attach_to(call, method, intent["customer"])
    if intent["setup_future_usage"] == "off_session":
        payment_methods.remember(call, method, set_up=True)


def refuse(call: Call, intent: Object, method: Object, decline: Decline) -> CardError:
    """Record a refused attempt and return the error to raise for it."""
    charge = charges.fail(call, intent, method, decline)
    error = payment_methods.declined(decline, details={"charge": charge["id"], "payment_method": method})
    intent["latest_charge"] = charge["id"]
    _need_another_method(call, intent, dict(error.body))
    error.body["payment_intent"] = intent
    return error


def fail_authentication(call: Call, intent: Object) -> None:
    """Take the holder's failed authentication: no charge is made."""
    method = call.get("payment_method", intent["payment_method"])
    error = {
        "code": "payment_intent_authentication_failure",
        "message": AUTHENTICATION_FAILED,
        "payment_method": method,
        "type": "invalid_request_error",
    }
    _need_another_method(call, intent, error)


def _need_another_method(call: Call, intent: Object, error: Object) -> None:
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": error,
    }
    call.store.save(intent)
    call.emit("payment_intent.payment_failed", intent)
