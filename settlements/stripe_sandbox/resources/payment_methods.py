"""Payment methods: cards only. Source: https://docs.stripe.com/api/payment_methods."""

import datetime as dt
import hashlib

from stripe.params._payment_method_attach_params import PaymentMethodAttachParams
from stripe.params._payment_method_create_params import PaymentMethodCreateParams
from stripe.params._payment_method_detach_params import PaymentMethodDetachParams
from stripe.params._payment_method_list_params import PaymentMethodListParams
from stripe.params._payment_method_retrieve_params import PaymentMethodRetrieveParams

from .. import clock, ids
from ..api import Call, Endpoint, merged_metadata
from ..cards import BY_METHOD_ID, BY_NUMBER, BY_TOKEN, NOT_A_TEST_CARD, Decline, TestCard, passes_luhn
from ..errors import CardError, StripeError, resource_missing, unsupported
from ..rendering import LIST_PARAMS, list_page
from ..store import Object

MAGIC_EXPIRY_YEARS = 3
NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
NO_BILLING_DETAILS = {"address": NO_ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None}


def create(call: Call) -> Object:
    given = call.params
    if given.get("type") != "card" or "card" not in given:
        raise unsupported("payment methods other than type=card with card[…]", param="type")
    card = given["card"]
    if "token" in card:
        test_card = BY_TOKEN.get(card["token"])
        if test_card is None:
            raise resource_missing("token", card["token"], param="card[token]", status=400)
        method = _new(call, test_card, *_magic_expiry())
    else:
        method = from_numbers(
            call, number=card.get("number", ""), month=card.get("exp_month"), year=card.get("exp_year"),
            cvc=card.get("cvc"),
        )  # fmt: skip
    method["metadata"] = merged_metadata({}, given.get("metadata", {}))
    method["billing_details"] = _billing_details(given.get("billing_details", {}))
    call.store.save(method)
    return method


def _billing_details(given: Object) -> Object:
    address = NO_ADDRESS | (given.get("address") or {})
    return NO_BILLING_DETAILS | given | {"address": address}


def from_numbers(call: Call, *, number: str, month: int | None, year: int | None, cvc: str | None) -> Object:
    """Create a card payment method from what is printed on it; raises CardError as Stripe's form does."""
    digits = number.replace(" ", "").replace("-", "")
    if (
        not digits.isdecimal()
        or not digits.isascii()
        or not 12 <= len(digits) <= 19
        or not passes_luhn(digits)
    ):
        raise CardError("Your card number is incorrect.", code="incorrect_number", param="number")
    test_card = BY_NUMBER.get(digits)
    if test_card is None:
        raise declined(NOT_A_TEST_CARD)
    if month is None or not 1 <= month <= 12:
        raise CardError(
            "Your card's expiration month is invalid.", code="invalid_expiry_month", param="exp_month"
        )
    today = dt.datetime.fromtimestamp(clock.now(), dt.UTC)
    if year is None or not today.year <= year <= today.year + 50 or (year, month) < (today.year, today.month):
        raise CardError(
            "Your card's expiration year is invalid.", code="invalid_expiry_year", param="exp_year"
        )
    if cvc is not None and not (cvc.isdecimal() and cvc.isascii() and len(cvc) == test_card.cvc_length):
        raise CardError("Your card's security code is invalid.", code="invalid_cvc", param="cvc")
    return _new(call, test_card, month, year)


def declined(decline: Decline, *, details: Object | None = None) -> CardError:
    return CardError(
        decline.message,
        code=decline.code,
        details={"decline_code": decline.decline_code} | (details or {}),
    )


def _magic_expiry() -> tuple[int, int]:
    today = dt.datetime.fromtimestamp(clock.now(), dt.UTC)
    return today.month, today.year + MAGIC_EXPIRY_YEARS


def _new(call: Call, card: TestCard, month: int, year: int) -> Object:
    method: Object = {
        "id": ids.new_id("payment_method"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": NO_BILLING_DETAILS,
        "card": {
            "brand": card.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "unchecked",
            },
            "country": "US",
            "display_brand": card.brand,
            "exp_month": month,
            "exp_year": year,
            "fingerprint": hashlib.sha256(card.number.encode()).hexdigest()[:16],
            "funding": card.funding,
            "generated_from": None,
            "last4": card.number[-4:],
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": call.now_s,
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }
    call.store.insert(method, private={"number": card.number, "set_up": False, "used_up": False})
    return method


def resolve(call: Call, method_id: str, *, param: str) -> Object:
    """Return a payment method; a test id such as `pm_card_visa` makes a fresh one, as at Stripe."""
    if method_id in BY_METHOD_ID:
        return _new(call, BY_METHOD_ID[method_id], *_magic_expiry())
    return call.get("payment_method", method_id, param=param)


def test_card(call: Call, method: Object) -> TestCard:
    return BY_NUMBER[call.store.private(method["id"])["number"]]


def remember(call: Call, method: Object, **facts: bool) -> None:
    """Note `set_up` (authenticated for off-session use) or `used_up` (cannot be used again)."""
    call.store.set_private(method["id"], call.store.private(method["id"]) | facts)


def refuse_used_up(call: Call, method: Object) -> None:
    if call.store.private(method["id"])["used_up"] and method["customer"] is None:
        raise StripeError(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer "
            "attachment, shared with a connected account without Customer attachment, or was detached from "
            "a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach "
            "it to a Customer first.",
            param="payment_method",
        )


def refuse_foreign(method: Object, customer_id: str | None, *, param: str = "payment_method") -> None:
    """Raise unless the method is free or belongs to this customer."""
    owner = method["customer"]
    if owner is None or owner == customer_id:
        return
    if customer_id is None:
        raise StripeError(
            f"The PaymentMethod you provided ({method['id']}) is attached to a customer, so for security "
            "purposes you must provide the customer in the request.",
            param=param,
        )
    raise StripeError(
        f"The customer does not have a payment method with the ID {method['id']}. The payment method must "
        "be attached to the customer.",
        param=param,
    )


def attach_to(call: Call, method: Object, customer_id: str) -> None:
    """Attach a method to a customer (again: nothing happens) and say so in an event."""
    if method["customer"] == customer_id:
        return
    if method["customer"] is not None:
        raise StripeError("The payment method you provided has already been attached to a customer.")
    refuse_used_up(call, method)
    method["customer"] = customer_id
    call.store.save(method)
    call.emit("payment_method.attached", method)


def attach(call: Call) -> Object:
    if "customer" not in call.params:
        raise StripeError("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = call.get("customer", call.params["customer"], param="customer")
    method = resolve(call, call.path["payment_method"], param="payment_method")
    card = test_card(call, method)
    if card.declines_setup and card.decline is not None:
        raise declined(card.decline)
    attach_to(call, method, customer["id"])
    return method


def detach(call: Call) -> Object:
    method = call.get("payment_method", call.path["payment_method"])
    if method["customer"] is None:
        raise StripeError(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    previous = {"customer": method["customer"]}
    method["customer"] = None
    call.store.save(method)
    remember(call, method, used_up=True)
    call.emit("payment_method.detached", method, previous=previous)
    return method


def retrieve(call: Call) -> Object:
    return call.get("payment_method", call.path["payment_method"])


def list_all(call: Call) -> Object:
    customer = call.params.get("customer")
    if customer is None:
        raise unsupported("listing payment methods without a customer", param="customer")
    call.get("customer", customer, param="customer")
    return list_page(
        call,
        "payment_method",
        url="/v1/payment_methods",
        equals={"customer": customer, "type": call.params.get("type")},
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/payment_methods",
        PaymentMethodCreateParams,
        frozenset({"type", "card", "billing_details", "metadata"}),
        create,
    ),
    Endpoint(
        "GET", "/v1/payment_methods", PaymentMethodListParams, LIST_PARAMS | {"customer", "type"}, list_all
    ),
    Endpoint(
        "GET", "/v1/payment_methods/{payment_method}", PaymentMethodRetrieveParams, frozenset(), retrieve
    ),
    Endpoint(
        "POST",
        "/v1/payment_methods/{payment_method}/attach",
        PaymentMethodAttachParams,
        frozenset({"customer"}),
        attach,
    ),
    Endpoint(
        "POST",
        "/v1/payment_methods/{payment_method}/detach",
        PaymentMethodDetachParams,
        frozenset(),
        detach,
    ),
)
