"""Checkout Sessions that save a card (mode=setup) or take a payment (mode=payment). Source: https://docs.stripe.com/api/checkout/sessions."""

from stripe.params.checkout._session_create_params import SessionCreateParams
from stripe.params.checkout._session_expire_params import SessionExpireParams
from stripe.params.checkout._session_list_params import SessionListParams
from stripe.params.checkout._session_retrieve_params import SessionRetrieveParams

from .. import ids
from ..api import Call, Endpoint, merged_metadata
from ..errors import StripeError, unsupported
from ..rendering import LIST_PARAMS, list_page
from ..store import Object
from . import intents, payment_intents, setup_intents

NO_CUSTOM_TEXT = dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance"))
EXPIRES_AFTER_S = 24 * 60 * 60
EXPIRES_AFTER_MIN_S = 30 * 60


def create(call: Call) -> Object:
    given = call.params
    mode = given.get("mode")
    if mode not in ("setup", "payment"):
        raise unsupported("Checkout Sessions other than mode=setup and mode=payment", param="mode")
    if given.get("ui_mode", "hosted_page") != "hosted_page":
        raise unsupported("Checkout other than the hosted page", param="ui_mode")
    if "success_url" not in given:
        raise StripeError(
            "Missing required param: success_url.", code="parameter_missing", param="success_url"
        )
    if mode == "payment":
        _refuse_but(given, "setup_intent_data", mode)
    else:
        for name in ("line_items", "payment_intent_data"):
            _refuse_but(given, name, mode)
    if mode == "setup" and "currency" not in given and "allowed_payment_method_types" not in given:
        raise StripeError(
            "You must provide currency or allowed_payment_method_types in setup mode.",
            code="parameter_missing",
            param="currency",
        )
    if "customer" in given:
        call.get("customer", given["customer"], param="customer")
    session = _payment_session(call, given) if mode == "payment" else _setup_session(call, given)
    private = {"payment_intent_data": given.get("payment_intent_data", {})}
    call.store.insert(session, private=private)
    return session


def _refuse_but(given: Object, name: str, mode: str) -> None:
    if name in given:
        raise StripeError(f"You can not pass `{name}` in `{mode}` mode.", param=name)


def _payment_session(call: Call, given: Object) -> Object:
    """A session whose PaymentIntent is made when the buyer pays, as at Stripe."""
    total = sum(_line_cents(item) for item in given.get("line_items", []))
    if not total:
        raise StripeError(
            "You must pass line_items in payment mode.", code="parameter_missing", param="line_items"
        )
    if "allowed_payment_method_types" in given:
        intents.method_types(given)
    data = given.get("payment_intent_data", {})
    if set(data) - {"capture_method", "description", "metadata"}:
        raise unsupported(f"payment_intent_data with {', '.join(sorted(data))}", param="payment_intent_data")
    payment_intents.checked_amount(total)
    return _new(call, given) | {
        "amount_subtotal": total,
        "amount_total": total,
        "currency": "usd",
        "mode": "payment",
        "payment_method_collection": "if_required",
        "payment_status": "unpaid",
    }


def _line_cents(item: Object) -> int:
    price = item.get("price_data", {})
    if set(item) != {"price_data", "quantity"} or set(price) != {"currency", "unit_amount", "product_data"}:
        raise unsupported("line_items but price_data with unit_amount and product_data", param="line_items")
    if price["currency"].lower() != "usd":
        raise unsupported(f"the currency {price['currency']}: it keeps usd only", param="line_items")
    if price["unit_amount"] < 0 or item["quantity"] < 1:
        raise StripeError("unit_amount must be at least 0 and quantity at least 1.", param="line_items")
    cents: int = price["unit_amount"] * item["quantity"]
    return cents


def _setup_session(call: Call, given: Object) -> Object:
    setup_data = given.get("setup_intent_data", {})
    if "on_behalf_of" in setup_data:
        raise unsupported("Connect", param="setup_intent_data[on_behalf_of]")
    params = {name: given[name] for name in ("allowed_payment_method_types",) if name in given}
    intent = setup_intents.new(call, customer=given.get("customer"), params=params | setup_data)
    return _new(call, given) | {"setup_intent": intent["id"]}


def _new(call: Call, given: Object) -> Object:
    session_id = ids.new_id("checkout.session")
    return {
        "id": session_id,
        "object": "checkout.session",
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": None,
        "amount_total": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": _url(given, "cancel_url"),
        "client_reference_id": given.get("client_reference_id"),
        "client_secret": None,
        "consent": None,
        "consent_collection": None,
        "created": call.now_s,
        "currency": given.get("currency"),
        "custom_fields": [],
        "custom_text": NO_CUSTOM_TEXT,
        "customer": given.get("customer"),
        "customer_creation": None,
        "customer_details": None,
        "customer_email": given.get("customer_email"),
        "expires_at": _expires_at(call, given),
        "invoice": None,
        "livemode": False,
        "locale": None,
        "metadata": merged_metadata({}, given.get("metadata", {})),
        "mode": "setup",
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "always",
        "payment_method_types": ["card"],
        "payment_status": "no_payment_required",
        "recovered_from": None,
        "setup_intent": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": _url(given, "success_url"),
        "total_details": None,
        "ui_mode": "hosted_page",
        "url": f"{call.base_url}/c/pay/{session_id}",
    }  # fmt: skip


def _url(given: Object, name: str) -> str | None:
    return intents.checked_url(given[name], param=name) if name in given else None


def _expires_at(call: Call, given: Object) -> int:
    expires_at: int = given.get("expires_at", call.now_s + EXPIRES_AFTER_S)
    if not call.now_s + EXPIRES_AFTER_MIN_S <= expires_at <= call.now_s + EXPIRES_AFTER_S:
        raise StripeError(
            "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout "
            "Session creation.",
            param="expires_at",
        )
    return expires_at


def current(call: Call, session_id: str) -> Object:
    """Return a session, expired first if its time is up."""
    session = call.get("checkout.session", session_id)
    if session["status"] == "open" and session["expires_at"] <= call.now_s:
        _expire(call, session)
    return session


def expire_due(call: Call) -> None:
    """Close every page whose time is up."""
    rows = call.store.connection.execute(
        "SELECT id FROM objects WHERE kind = 'checkout.session' AND json_extract(body, '$.status') = 'open' "
        "AND json_extract(body, '$.expires_at') <= ? ORDER BY seq",
        (call.now_s,),
    ).fetchall()
    for row in rows:
        current(call, row["id"])


def retrieve(call: Call) -> Object:
    return current(call, call.path["session"])


def expire(call: Call) -> Object:
    session = current(call, call.path["session"])
    if session["status"] != "open":
        raise StripeError(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has '
            f"a status of {session['status']}."
        )
    _expire(call, session)
    return session


def _expire(call: Call, session: Object) -> None:
    session |= {"status": "expired", "url": None}
    call.store.save(session)
    if session["setup_intent"] is not None:
        intent = call.get("setup_intent", session["setup_intent"])
        if intent["status"] in setup_intents.OPEN_STATUSES:
            setup_intents.cancel_intent(call, intent, "abandoned")
    if session["payment_intent"] is not None:
        payment_intents.abandon(call, call.get("payment_intent", session["payment_intent"]))
    call.emit("checkout.session.expired", session)


def complete(call: Call, session: Object, *, name: str | None) -> None:
    """Close a session whose intent has succeeded."""
    if session["mode"] == "payment":
        session["payment_status"] = "paid"
    session |= {
        "status": "complete",
        "url": None,
        "customer_details": {
            "address": None,
            "email": session["customer_email"],
            "name": name,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": None,
        },
    }
    call.store.save(session)
    call.emit("checkout.session.completed", session)


def intent_to_pay(call: Call, session: Object) -> Object:
    """Return the PaymentIntent of an open session, made with the buyer's first try."""
    if session["payment_intent"] is not None:
        return call.get("payment_intent", session["payment_intent"])
    data = call.store.private(session["id"])["payment_intent_data"]
    intent = payment_intents.new(
        call,
        {
            "allowed_payment_method_types": ["card"],
            "amount": session["amount_total"],
            "currency": session["currency"],
            "customer": session["customer"],
            **data,
        },
    )
    call.store.insert(intent)
    call.emit("payment_intent.created", intent)
    session["payment_intent"] = intent["id"]
    call.store.save(session)
    return intent


def of_payment_intent(call: Call, intent_id: str) -> Object | None:
    """Return the session that a PaymentIntent pays, if one does."""
    found = call.store.select("checkout.session", equals={"payment_intent": intent_id}, created={}, limit=1)
    return found[0] if found else None


def of_setup_intent(call: Call, intent_id: str) -> Object | None:
    """Return the session that created a SetupIntent, if one did."""
    found = call.store.select("checkout.session", equals={"setup_intent": intent_id}, created={}, limit=1)
    return found[0] if found else None


def list_all(call: Call) -> Object:
    equals = {name: call.params.get(name) for name in ("customer", "payment_intent", "status")}
    return list_page(call, "checkout.session", url="/v1/checkout/sessions", equals=equals)


CREATABLE = frozenset(
    {
        "allowed_payment_method_types",
        "cancel_url",
        "client_reference_id",
        "currency",
        "customer",
        "customer_email",
        "expires_at",
        "line_items",
        "metadata",
        "mode",
        "payment_intent_data",
        "setup_intent_data",
        "success_url",
        "ui_mode",
    }
)

ENDPOINTS = (
    Endpoint("POST", "/v1/checkout/sessions", SessionCreateParams, CREATABLE, create),
    Endpoint(
        "GET",
        "/v1/checkout/sessions",
        SessionListParams,
        LIST_PARAMS | {"created", "customer", "payment_intent", "status"},
        list_all,
    ),
    Endpoint("GET", "/v1/checkout/sessions/{session}", SessionRetrieveParams, frozenset(), retrieve),
    Endpoint("POST", "/v1/checkout/sessions/{session}/expire", SessionExpireParams, frozenset(), expire),
)
