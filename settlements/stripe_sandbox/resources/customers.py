"""Customers. Source: https://docs.stripe.com/api/customers."""

from stripe.params._customer_create_params import CustomerCreateParams
from stripe.params._customer_list_params import CustomerListParams
from stripe.params._customer_payment_method_list_params import CustomerPaymentMethodListParams
from stripe.params._customer_retrieve_params import CustomerRetrieveParams
from stripe.params._customer_update_params import CustomerUpdateParams

from .. import ids
from ..api import Call, Endpoint, merged_metadata, text_or_none
from ..errors import unsupported
from ..rendering import LIST_PARAMS, list_page
from ..store import Object
from . import payment_methods

TEXTS = ("description", "email", "name", "phone")
WRITABLE = frozenset({*TEXTS, "address", "shipping", "metadata", "invoice_settings"})


def create(call: Call) -> Object:
    given = call.params
    customer: Object = {
        "id": ids.new_id("customer"),
        "object": "customer",
        "address": given.get("address") or None,
        "balance": 0,
        "created": call.now_s,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "discount": None,
        "invoice_prefix": ids.random_text(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": merged_metadata({}, given.get("metadata", {})),
        "preferred_locales": [],
        "shipping": given.get("shipping") or None,
        "tax_exempt": "none",
        "test_clock": None,
        **{name: text_or_none(given.get(name)) for name in TEXTS},
    }
    if "invoice_settings" in given:
        raise unsupported("invoice_settings before the customer exists", param="invoice_settings")
    call.store.insert(customer)
    call.emit("customer.created", customer)
    return customer


def retrieve(call: Call) -> Object:
    return call.get("customer", call.path["customer"])


def update(call: Call) -> Object:
    customer = retrieve(call)
    changed: Object = {name: text_or_none(call.params[name]) for name in TEXTS if name in call.params}
    changed |= {name: call.params[name] or None for name in ("address", "shipping") if name in call.params}
    if "metadata" in call.params:
        changed["metadata"] = merged_metadata(customer["metadata"], call.params["metadata"])
    if "invoice_settings" in call.params:
        changed["invoice_settings"] = _invoice_settings(call, customer)
    previous = {name: customer[name] for name, value in changed.items() if customer[name] != value}
    customer |= changed
    call.store.save(customer)
    if previous:
        call.emit("customer.updated", customer, previous=previous)
    return customer


def _invoice_settings(call: Call, customer: Object) -> Object:
    given = call.params["invoice_settings"]
    if set(given) != {"default_payment_method"}:
        raise unsupported("invoice_settings besides default_payment_method", param="invoice_settings")
    param = "invoice_settings[default_payment_method]"
    method_id = text_or_none(given["default_payment_method"])
    if method_id is not None:
        method = call.get("payment_method", method_id, param=param)
        payment_methods.refuse_foreign(method, customer["id"], param=param)
    return customer["invoice_settings"] | {"default_payment_method": method_id}


def list_all(call: Call) -> Object:
    return list_page(call, "customer", url="/v1/customers", equals={"email": call.params.get("email")})


def list_payment_methods(call: Call) -> Object:
    customer = retrieve(call)
    return list_page(
        call,
        "payment_method",
        url=f"/v1/customers/{customer['id']}/payment_methods",
        equals={"customer": customer["id"], "type": call.params.get("type")},
    )


ENDPOINTS = (
    Endpoint("POST", "/v1/customers", CustomerCreateParams, WRITABLE, create),
    Endpoint("GET", "/v1/customers", CustomerListParams, LIST_PARAMS | {"email", "created"}, list_all),
    Endpoint("GET", "/v1/customers/{customer}", CustomerRetrieveParams, frozenset(), retrieve),
    Endpoint("POST", "/v1/customers/{customer}", CustomerUpdateParams, WRITABLE, update),
    Endpoint(
        "GET",
        "/v1/customers/{customer}/payment_methods",
        CustomerPaymentMethodListParams,
        LIST_PARAMS | {"type"},
        list_payment_methods,
    ),
)
