"""PaymentIntents: what the API does with them. Source: https://docs.stripe.com/api/payment_intents."""

from stripe.params._payment_intent_cancel_params import PaymentIntentCancelParams
from stripe.params._payment_intent_confirm_params import PaymentIntentConfirmParams
from stripe.params._payment_intent_create_params import PaymentIntentCreateParams
from stripe.params._payment_intent_list_params import PaymentIntentListParams
from stripe.params._payment_intent_retrieve_params import PaymentIntentRetrieveParams
from stripe.params._payment_intent_update_params import PaymentIntentUpdateParams

from .. import ids
from ..api import Call, Endpoint, merged_metadata, text_or_none
from ..errors import StripeError, unsupported
from ..rendering import LIST_PARAMS, list_page
from ..store import Object
from . import bank_transfers, intents, payments

AMOUNT_MIN_CENTS = 50
AMOUNT_MAX_CENTS = 99_999_999
TEXTS = (
    "description",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = CONFIRMABLE
UPDATABLE = CONFIRMABLE
ONLY_WITH_CONFIRM = ("off_session", "return_url", "error_on_requires_action")


def create(call: Call) -> Object:
    given = call.params
    for name in ONLY_WITH_CONFIRM:
        if name in given and not given.get("confirm"):
            raise StripeError(f"You can only pass {name} with confirm=true.", param=name)
    if given.get("capture_method") == "manual":
        raise unsupported("manual capture", param="capture_method")
    if given.get("confirmation_method") == "manual":
        raise unsupported("manual confirmation", param="confirmation_method")
    if "customer" in given:
        call.get("customer", given["customer"], param="customer")
    intent = new(call, given)
    if "payment_method" in given:
        _choose_method(call, intent, given["payment_method"])
    if "payment_method_data" in given:
        intent["payment_method"] = bank_transfers.new_method(call, given["payment_method_data"])["id"]
        intent["payment_method_options"] = bank_transfers.checked_options(
            given.get("payment_method_options", {})
        )
        intent["status"] = "requires_confirmation"
    elif "payment_method_options" in given:
        raise unsupported("payment_method_options of a card", param="payment_method_options")
    call.store.insert(intent)
    call.emit("payment_intent.created", intent)
    if given.get("confirm"):
        _confirm(call, intent)
    return intent


def new(call: Call, given: Object) -> Object:
    """Return an unconfirmed PaymentIntent of create parameters, not yet stored."""
    intent: Object = {
        "id": ids.new_id("payment_intent"),
        "object": "payment_intent",
        "amount": checked_amount(given["amount"]),
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": given.get("capture_method", "automatic_async"),
        "confirmation_method": "automatic",
        "created": call.now_s,
        "currency": _checked_currency(given["currency"]),
        "customer": given.get("customer"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": merged_metadata({}, given.get("metadata", {})),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "processing": None,
        "review": None,
        "setup_future_usage": given.get("setup_future_usage"),
        "shipping": None,
        "source": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        **intents.method_types(given),
        **{name: text_or_none(given.get(name)) for name in TEXTS},
    }
    intent["client_secret"] = ids.client_secret(intent["id"])
    return intent


def checked_amount(amount: int) -> int:
    """Return an amount that a card can be charged; raises for any other."""
    if amount < 1:
        raise StripeError(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount < AMOUNT_MIN_CENTS:
        raise StripeError("Amount must be at least $0.50 usd", code="amount_too_small", param="amount")
    if amount > AMOUNT_MAX_CENTS:
        raise StripeError("Amount must be no more than $999,999.99", code="amount_too_large", param="amount")
    return amount


def _checked_currency(currency: str) -> str:
    if currency.lower() != "usd":
        raise unsupported(f"the currency {currency}: it keeps usd only", param="currency")
    return "usd"


def _choose_method(call: Call, intent: Object, method_id: str) -> None:
    intent["payment_method"] = intents.chosen_method(call, intent, method_id)["id"]
    intent["status"] = "requires_confirmation"


def confirm(call: Call) -> Object:
    intent = retrieve(call)
    if intent["status"] == "succeeded":
        raise _unexpected_state(
            "You cannot confirm this PaymentIntent because it has already succeeded after being "
            "previously confirmed.",
            intent,
        )
    if intent["status"] not in CONFIRMABLE:
        raise _unexpected_state(
            f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}.", intent
        )
    if "payment_method" in call.params:
        _choose_method(call, intent, call.params["payment_method"])
    for name in ("setup_future_usage", "receipt_email"):
        if name in call.params:
            intent[name] = text_or_none(call.params[name])
    _confirm(call, intent)
    return intent


def _confirm(call: Call, intent: Object) -> None:
    if intent["payment_method"] is None:
        raise _unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either "
            "update the PaymentIntent with a payment method and then confirm it again, or confirm it again "
            "directly with a payment method or ConfirmationToken.",
            intent,
        )
    if call.get("payment_method", intent["payment_method"])["type"] == "customer_balance":
        bank_transfers.await_funds(call, intent)
        return
    off_session = call.params.get("off_session", False)
    payments.attempt(
        call,
        intent,
        off_session=off_session is not False,
        return_url=intents.checked_return_url(call, intent),
        refuse_action=call.params.get("error_on_requires_action", False),
    )


def update(call: Call) -> Object:
    intent = retrieve(call)
    given = call.params
    if set(given) - {"metadata", "description", "expand"} and intent["status"] not in UPDATABLE:
        raise _unexpected_state(
            f"This PaymentIntent's parameters could not be updated because it has a status of "
            f"{intent['status']}.",
            intent,
        )
    if "amount" in given:
        intent["amount"] = checked_amount(given["amount"])
    if "metadata" in given:
        intent["metadata"] = merged_metadata(intent["metadata"], given["metadata"])
    intent |= {name: text_or_none(given[name]) for name in TEXTS if name in given}
    if "payment_method" in given:
        _choose_method(call, intent, given["payment_method"])
    call.store.save(intent)
    return intent


def abandon(call: Call, intent: Object) -> None:
    """Cancel the intent of a Checkout Session that ended without it."""
    if intent["status"] in CANCELABLE:
        _cancel(call, intent, "abandoned")


def cancel(call: Call) -> Object:
    intent = retrieve(call)
    if intent["status"] not in CANCELABLE:
        raise _unexpected_state(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a "
            "PaymentIntent with one of the following statuses may be canceled: requires_payment_method, "
            "requires_capture, requires_reauthorization, requires_confirmation, requires_action, processing.",
            intent,
        )
    _cancel(call, intent, call.params.get("cancellation_reason"))
    return intent


def _cancel(call: Call, intent: Object, reason: str | None) -> None:
    bank_transfers.give_back(call, intent)
    intent |= {
        "status": "canceled",
        "canceled_at": call.now_s,
        "cancellation_reason": reason,
        "next_action": None,
    }
    call.store.save(intent)
    call.emit("payment_intent.canceled", intent)


def _unexpected_state(message: str, intent: Object) -> StripeError:
    return StripeError(message, code="payment_intent_unexpected_state", details={"payment_intent": intent})


def retrieve(call: Call) -> Object:
    return call.get("payment_intent", call.path["intent"])


def list_all(call: Call) -> Object:
    equals = {"customer": call.params.get("customer")}
    return list_page(call, "payment_intent", url="/v1/payment_intents", equals=equals)


CREATABLE = frozenset(
    {
        "allowed_payment_method_types",
        "amount",
        "automatic_payment_methods",
        "capture_method",
        "confirm",
        "confirmation_method",
        "currency",
        "customer",
        "description",
        "error_on_requires_action",
        "metadata",
        "off_session",
        "payment_method",
        "payment_method_data",
        "payment_method_options",
        "receipt_email",
        "return_url",
        "setup_future_usage",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_group",
    }
)

ENDPOINTS = (
    Endpoint("POST", "/v1/payment_intents", PaymentIntentCreateParams, CREATABLE, create),
    Endpoint(
        "GET", "/v1/payment_intents", PaymentIntentListParams, LIST_PARAMS | {"created", "customer"}, list_all
    ),
    Endpoint(
        "GET",
        "/v1/payment_intents/{intent}",
        PaymentIntentRetrieveParams,
        frozenset({"client_secret"}),
        retrieve,
    ),
    Endpoint(
        "POST",
        "/v1/payment_intents/{intent}",
        PaymentIntentUpdateParams,
        frozenset({"amount", "metadata", "payment_method", *TEXTS}),
        update,
    ),
    Endpoint(
        "POST",
        "/v1/payment_intents/{intent}/confirm",
        PaymentIntentConfirmParams,
        frozenset(
            {
                "error_on_requires_action",
                "off_session",
                "payment_method",
                "receipt_email",
                "return_url",
                "setup_future_usage",
            }
        ),
        confirm,
    ),
    Endpoint(
        "POST",
        "/v1/payment_intents/{intent}/cancel",
        PaymentIntentCancelParams,
        frozenset({"cancellation_reason"}),
        cancel,
    ),
)
