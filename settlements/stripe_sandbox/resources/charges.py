"""Charges: one per attempt to take money. Source: https://docs.stripe.com/api/charges."""

from stripe.params._charge_list_params import ChargeListParams
from stripe.params._charge_retrieve_params import ChargeRetrieveParams

from .. import ids
from ..api import Call, Endpoint
from ..cards import Decline, DisputeFate
from ..rendering import LIST_PARAMS, list_page
from ..store import Object
from . import balance, disputes, payment_methods

APPROVED = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 20,
    "seller_message": "Payment complete.",
    "type": "authorized",
}
ASYNC_CAPTURE = "automatic_async"


def succeed(call: Call, intent: Object, method: Object) -> Object:
    """Take the money of an intent.

    With asynchronous capture (Stripe's default) the balance transaction follows a moment later,
    with a charge.updated event.
    """
    charge = _new(call, intent, method, outcome=APPROVED)
    charge |= {"status": "succeeded", "paid": True, "captured": True, "amount_captured": intent["amount"]}
    call.store.insert(charge)
    by_card = method["type"] == "card"
    fate = payment_methods.test_card(call, method).dispute_fate if by_card else None
    if intent["capture_method"] == ASYNC_CAPTURE:
        call.deferred.append(lambda: _settle(call, charge["id"]))
    else:
        _book(call, charge)
    if fate is not None:
        call.deferred.append(lambda: _dispute(call, charge["id"], fate))
    call.emit("charge.succeeded", charge)
    return charge


def _dispute(call: Call, charge_id: str, fate: DisputeFate) -> None:
    """The holder disputes it a moment later."""
    disputes.open_for(call, call.get("charge", charge_id), fate)


def _book(call: Call, charge: Object) -> None:
    charge["balance_transaction"] = balance.record_charge(call, charge)["id"]
    call.store.save(charge)


def _settle(call: Call, charge_id: str) -> None:
    charge = call.get("charge", charge_id)
    _book(call, charge)
    call.emit("charge.updated", charge, previous={"balance_transaction": None})


def fail(call: Call, intent: Object, method: Object, decline: Decline) -> Object:
    """Record an attempt that the card's bank refused."""
    outcome = APPROVED | {
        "network_status": "declined_by_network",
        "reason": decline.decline_code,
        "seller_message": f"The bank returned the decline code `{decline.decline_code}`.",
        "type": "issuer_declined",
    }
    charge = _new(call, intent, method, outcome=outcome)
    charge |= {"status": "failed", "failure_code": decline.code, "failure_message": decline.message}
    call.store.insert(charge)
    call.emit("charge.failed", charge)
    return charge


def _new(call: Call, intent: Object, method: Object, *, outcome: Object) -> Object:
    return {
        "id": ids.new_id("charge"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": intent["statement_descriptor"] or "SANDBOX",
        "captured": False,
        "created": call.now_s,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "on_behalf_of": None,
        "outcome": outcome,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _method_details(method),
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "transfer_data": None,
        "transfer_group": intent["transfer_group"],
    }


def _method_details(method: Object) -> Object:
    if method["type"] == "customer_balance":
        return {"customer_balance": {}, "type": "customer_balance"}
    card = method["card"]
    shown = {name: card[name] for name in ("brand", "country", "exp_month", "exp_year", "fingerprint")}
    shown |= {name: card[name] for name in ("funding", "last4", "wallet")}
    shown |= {"network": card["brand"], "three_d_secure": None, "checks": card["checks"]}
    return {"card": shown, "type": "card"}


def retrieve(call: Call) -> Object:
    return call.get("charge", call.path["charge"])


def list_all(call: Call) -> Object:
    equals = {name: call.params.get(name) for name in ("customer", "payment_intent", "transfer_group")}
    return list_page(call, "charge", url="/v1/charges", equals=equals)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/charges",
        ChargeListParams,
        LIST_PARAMS | {"created", "customer", "payment_intent", "transfer_group"},
        list_all,
    ),
    Endpoint("GET", "/v1/charges/{charge}", ChargeRetrieveParams, frozenset(), retrieve),
)
