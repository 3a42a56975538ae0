"""SetupIntents: saving a card for later. Source: https://docs.stripe.com/api/setup_intents."""

from stripe.params._setup_intent_cancel_params import SetupIntentCancelParams
from stripe.params._setup_intent_confirm_params import SetupIntentConfirmParams
from stripe.params._setup_intent_create_params import SetupIntentCreateParams
from stripe.params._setup_intent_list_params import SetupIntentListParams
from stripe.params._setup_intent_retrieve_params import SetupIntentRetrieveParams

from .. import ids
from ..api import Call, Endpoint, merged_metadata, text_or_none
from ..cards import Decline
from ..errors import CardError, StripeError
from ..rendering import LIST_PARAMS, list_page
from ..store import Object
from . import intents, payment_methods

OPEN_STATUSES = ("requires_payment_method", "requires_confirmation", "requires_action")
AUTHENTICATION_FAILED = (
    "The latest attempt to set up the payment method has failed because authentication failed."
)


def create(call: Call) -> Object:
    given = call.params
    if "customer" in given:
        call.get("customer", given["customer"], param="customer")
    intent = new(call, customer=given.get("customer"), params=given)
    if given.get("confirm"):
        return _confirm(call, intent)
    if "return_url" in given:
        raise StripeError("You can only pass return_url with confirm=true.", param="return_url")
    return intent


def new(call: Call, *, customer: str | None, params: Object) -> Object:
    """Create an unconfirmed SetupIntent from create parameters (or a Checkout Session's)."""
    intent: Object = {
        "id": ids.new_id("setup_intent"),
        "object": "setup_intent",
        "application": None,
        "cancellation_reason": None,
        "created": call.now_s,
        "customer": customer,
        "description": text_or_none(params.get("description")),
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": merged_metadata({}, params.get("metadata", {})),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": params.get("usage", "off_session"),
        **intents.method_types(params),
    }
    intent["client_secret"] = ids.client_secret(intent["id"])
    if "payment_method" in params:
        intent["payment_method"] = intents.chosen_method(call, intent, params["payment_method"])["id"]
        intent["status"] = "requires_confirmation"
    call.store.insert(intent)
    call.emit("setup_intent.created", intent)
    return intent


def confirm(call: Call) -> Object:
    intent = retrieve(call)
    if intent["status"] not in OPEN_STATUSES:
        raise _unexpected_state("confirm", intent)
    if "payment_method" in call.params:
        intent["payment_method"] = intents.chosen_method(call, intent, call.params["payment_method"])["id"]
    return _confirm(call, intent)


def _confirm(call: Call, intent: Object) -> Object:
    if intent["payment_method"] is None:
        raise StripeError(
            "You cannot confirm this SetupIntent because it's missing a payment method. You can either "
            "update the SetupIntent with a payment method and then confirm it again, or confirm it again "
            "directly with a payment method or ConfirmationToken.",
            code="setup_intent_unexpected_state",
            details={"setup_intent": intent},
        )
    return_url = intents.checked_return_url(call, intent)
    method = call.get("payment_method", intent["payment_method"])
    attempt(call, intent, method, return_url=return_url)
    return intent


def attempt(call: Call, intent: Object, method: Object, *, return_url: str | None) -> None:
    """Try to save the method: succeeds, waits for authentication, or raises CardError."""
    card = payment_methods.test_card(call, method)
    intent["payment_method"] = method["id"]
    if card.declines_setup and card.decline is not None:
        raise _fail(call, intent, method, card.decline)
    if card.setup_needs_authentication:
        intent["status"] = "requires_action"
        intent["next_action"] = intents.authentication_action(call, intent, return_url)
        call.store.save(intent)
        call.emit("setup_intent.requires_action", intent)
        return
    succeed(call, intent)


def succeed(call: Call, intent: Object) -> None:
    """Finish an intent whose card said yes: attach the card to the intent's customer."""
    method = call.get("payment_method", intent["payment_method"])
    if intent["customer"] is not None:
        payment_methods.attach_to(call, method, intent["customer"])
    if intent["usage"] == "off_session":
        payment_methods.remember(call, method, set_up=True)
    intent |= {"status": "succeeded", "next_action": None, "last_setup_error": None}
    call.store.save(intent)
    call.emit("setup_intent.succeeded", intent)


def _fail(call: Call, intent: Object, method: Object, decline: Decline) -> CardError:
    error = payment_methods.declined(decline, details={"payment_method": method})
    _record_failure(call, intent, dict(error.body))
    error.body["setup_intent"] = intent
    return error


def fail_authentication(call: Call, intent: Object) -> None:
    """Take the holder's failed authentication: the intent needs a payment method again."""
    method = call.get("payment_method", intent["payment_method"])
    _record_failure(
        call,
        intent,
        {
            "code": "setup_intent_authentication_failure",
            "message": AUTHENTICATION_FAILED,
            "payment_method": method,
            "type": "invalid_request_error",
        },
    )


def _record_failure(call: Call, intent: Object, error: Object) -> None:
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_setup_error": error,
    }
    call.store.save(intent)
    call.emit("setup_intent.setup_failed", intent)


def cancel(call: Call) -> Object:
    intent = retrieve(call)
    if intent["status"] not in OPEN_STATUSES:
        raise _unexpected_state("cancel", intent)
    cancel_intent(call, intent, call.params.get("cancellation_reason"))
    return intent


def cancel_intent(call: Call, intent: Object, reason: str | None) -> None:
    intent |= {"status": "canceled", "cancellation_reason": reason, "next_action": None}
    call.store.save(intent)
    call.emit("setup_intent.canceled", intent)


def _unexpected_state(verb: str, intent: Object) -> StripeError:
    return StripeError(
        f"You cannot {verb} this SetupIntent because it has a status of {intent['status']}.",
        code="setup_intent_unexpected_state",
        details={"setup_intent": intent},
    )


def retrieve(call: Call) -> Object:
    return call.get("setup_intent", call.path["intent"])


def list_all(call: Call) -> Object:
    equals = {name: call.params.get(name) for name in ("customer", "payment_method")}
    return list_page(call, "setup_intent", url="/v1/setup_intents", equals=equals)


CREATABLE = frozenset(
    {
        "allowed_payment_method_types",
        "automatic_payment_methods",
        "confirm",
        "customer",
        "description",
        "metadata",
        "payment_method",
        "return_url",
        "usage",
    }
)

ENDPOINTS = (
    Endpoint("POST", "/v1/setup_intents", SetupIntentCreateParams, CREATABLE, create),
    Endpoint(
        "GET",
        "/v1/setup_intents",
        SetupIntentListParams,
        LIST_PARAMS | {"customer", "payment_method", "created"},
        list_all,
    ),
    Endpoint(
        "GET",
        "/v1/setup_intents/{intent}",
        SetupIntentRetrieveParams,
        frozenset({"client_secret"}),
        retrieve,
    ),
    Endpoint(
        "POST",
        "/v1/setup_intents/{intent}/confirm",
        SetupIntentConfirmParams,
        frozenset({"payment_method", "return_url"}),
        confirm,
    ),
    Endpoint(
        "POST",
        "/v1/setup_intents/{intent}/cancel",
        SetupIntentCancelParams,
        frozenset({"cancellation_reason"}),
        cancel,
    ),
)
