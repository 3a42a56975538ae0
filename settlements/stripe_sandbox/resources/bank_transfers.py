"""Cash balances, and PaymentIntents that a bank transfer pays. Source: https://docs.stripe.com/payments/bank-transfers.

A customer's transfers fund its cash balance, which is applied at once to its open PaymentIntents, oldest first; what
is left stays until the next one. Test transfers come by Stripe's own test helper or from the hosted page.
"""

import zlib

from stripe.params._customer_cash_balance_retrieve_params import CustomerCashBalanceRetrieveParams
from stripe.params._customer_cash_balance_transaction_list_params import (
    CustomerCashBalanceTransactionListParams,
)
from stripe.params.test_helpers._customer_fund_cash_balance_params import CustomerFundCashBalanceParams

from .. import ids
from ..api import Call, Endpoint
from ..errors import StripeError, unsupported
from ..rendering import LIST_PARAMS, list_page
from ..store import Object
from . import charges, payment_methods

MAX_OPEN_PER_CUSTOMER = 100
MAX_TRANSFER_CENTS = 99_999_999_999
NO_ADDRESS = {"city": "South San Francisco", "country": "US", "line1": "354 Oyster Point Blvd", "line2": None,
              "postal_code": "94080", "state": "CA"}  # fmt: skip
US_ONLY = {"funding_type": "bank_transfer", "bank_transfer": {"type": "us_bank_transfer"}}


def new_method(call: Call, given: Object) -> Object:
    """Create the payment method of an intent that is paid from the customer's cash balance."""
    if given != {"type": "customer_balance"}:
        raise unsupported("payment_method_data besides type=customer_balance", param="payment_method_data")
    method: Object = {
        "id": ids.new_id("payment_method"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": payment_methods.NO_BILLING_DETAILS,
        "created": call.now_s,
        "customer": None,
        "customer_balance": {},
        "livemode": False,
        "metadata": {},
        "type": "customer_balance",
    }
    call.store.insert(method)
    return method


def checked_options(given: Object) -> Object:
    """Return payment_method_options of a transfer within the US; no other is kept."""
    if given != {"customer_balance": US_ONLY}:
        raise unsupported("payment_method_options but us_bank_transfer", param="payment_method_options")
    return given


def await_funds(call: Call, intent: Object) -> None:
    """Confirm an intent: pay it from what is there, and say where to send the rest."""
    if intent["customer"] is None:
        raise StripeError(
            "You must provide a customer for payments with customer_balance.",
            code="parameter_missing",
            param="customer",
        )
    intent["status"] = "requires_action"
    _instruct(call, intent, intent["amount"])
    call.store.save(intent)
    call.emit("payment_intent.requires_action", intent)
    _reconcile(call, intent["customer"])
    intent |= call.get("payment_intent", intent["id"])


def _instruct(call: Call, intent: Object, remaining: int) -> None:
    intent["next_action"] = {
        "type": "display_bank_transfer_instructions",
        "display_bank_transfer_instructions": {
            "amount_remaining": remaining,
            "currency": "usd",
            "financial_addresses": [
                {
                    "type": "aba",
                    "aba": {
                        "account_holder_address": NO_ADDRESS,
                        "account_holder_name": "Sparegrid (Stripe sandbox)",
                        "account_number": _account_number(intent["customer"]),
                        "account_type": "checking",
                        "bank_address": NO_ADDRESS,
                        "bank_name": "Sandbox Bank",
                        "routing_number": "110000000",
                    },
                    "supported_networks": ["ach", "domestic_wire_us"],
                }
            ],
            "hosted_instructions_url": f"{call.base_url}/bank-transfer/{intent['id']}",
            "reference": intent["id"][-8:].upper(),
            "type": "us_bank_transfer",
        },
    }


def _account_number(customer_id: str) -> str:
    """A customer's virtual bank account: always the same one."""
    return f"11{zlib.crc32(customer_id.encode()):010d}"


def fund(call: Call, customer_id: str, amount: int, reference: str | None) -> Object:
    """Take in a transfer of a customer's and apply it."""
    if not 1 <= amount <= MAX_TRANSFER_CENTS:
        raise StripeError("The amount must be a positive integer.", param="amount")
    moved = _move(
        call,
        customer_id,
        amount,
        "funded",
        {
            "bank_transfer": {
                "reference": reference,
                "type": "us_bank_transfer",
                "us_bank_transfer": {"network": "ach", "sender_name": "Test sender"},
            }
        },
    )
    call.emit("cash_balance.funds_available", balance_of(call, customer_id))
    _reconcile(call, customer_id)
    return moved


def _reconcile(call: Call, customer_id: str) -> None:
    """Apply the cash balance to open intents, oldest first."""
    waiting = call.store.select(
        "payment_intent",
        equals={"customer": customer_id, "status": "requires_action"},
        created={},
        limit=MAX_OPEN_PER_CUSTOMER,
    )
    for intent in reversed(waiting):
        action = intent["next_action"] or {}
        if action.get("type") == "display_bank_transfer_instructions":
            _apply(call, intent, action["display_bank_transfer_instructions"]["amount_remaining"])


def _apply(call: Call, intent: Object, remaining: int) -> None:
    customer_id = intent["customer"]
    cents = min(_cents(call, customer_id), remaining)
    if not cents:
        return
    _move(call, customer_id, -cents, "applied_to_payment", {"payment_intent": intent["id"]})
    if cents < remaining:
        _instruct(call, intent, remaining - cents)
        call.store.save(intent)
        call.emit("payment_intent.partially_funded", intent)
        return
    method = call.get("payment_method", intent["payment_method"])
    charge = charges.succeed(call, intent, method)
    intent |= {
        "status": "succeeded",
        "amount_received": intent["amount"],
        "latest_charge": charge["id"],
        "next_action": None,
    }
    call.store.save(intent)
    call.emit("payment_intent.succeeded", intent)


def give_back(call: Call, intent: Object) -> None:
    """Return what a cancelled intent had of the cash balance; the next open intent may take it."""
    action = intent["next_action"] or {}
    if action.get("type") != "display_bank_transfer_instructions":
        return
    applied = intent["amount"] - action["display_bank_transfer_instructions"]["amount_remaining"]
    if applied:
        _move(call, intent["customer"], applied, "unapplied_from_payment", {"payment_intent": intent["id"]})


def _move(call: Call, customer_id: str, net: int, type_: str, details: Object) -> Object:
    cents = _cents(call, customer_id) + net
    _keep(call, customer_id, cents)
    moved: Object = {
        "id": ids.new_id("customer_cash_balance_transaction"),
        "object": "customer_cash_balance_transaction",
        "created": call.now_s,
        "currency": "usd",
        "customer": customer_id,
        "customer_account": None,
        "ending_balance": cents,
        "livemode": False,
        "net_amount": net,
        "type": type_,
        type_: details,
    }
    call.store.insert(moved)
    call.emit("customer_cash_balance_transaction.created", moved)
    return moved


def _store_id(customer_id: str) -> str:
    """A cash balance has no id at Stripe; the store wants one."""
    return f"cash_balance_of_{customer_id}"


def _cents(call: Call, customer_id: str) -> int:
    found = call.store.find("cash_balance", _store_id(customer_id))
    return 0 if found is None else found["cents"]


def _keep(call: Call, customer_id: str, cents: int) -> None:
    body: Object = {
        "id": _store_id(customer_id),
        "object": "cash_balance",
        "cents": cents,
        "created": call.now_s,
    }
    if call.store.find("cash_balance", body["id"]) is None:
        call.store.insert(body)
    else:
        call.store.save(body)


def balance_of(call: Call, customer_id: str) -> Object:
    """Return a customer's cash balance as Stripe shows it."""
    cents = _cents(call, customer_id)
    return {
        "object": "cash_balance",
        "available": {"usd": cents} if cents else None,
        "customer": customer_id,
        "customer_account": None,
        "livemode": False,
        "settings": {"reconciliation_mode": "automatic", "using_merchant_default": True},
    }


def retrieve(call: Call) -> Object:
    return balance_of(call, call.get("customer", call.path["customer"])["id"])


def list_moves(call: Call) -> Object:
    customer = call.get("customer", call.path["customer"])
    return list_page(
        call,
        "customer_cash_balance_transaction",
        url=f"/v1/customers/{customer['id']}/cash_balance_transactions",
        equals={"customer": customer["id"]},
    )


def fund_by_helper(call: Call) -> Object:
    given = call.params
    if given["currency"].lower() != "usd":
        raise unsupported(f"the currency {given['currency']}: it keeps usd only", param="currency")
    customer = call.get("customer", call.path["customer"])
    return fund(call, customer["id"], given["amount"], given.get("reference"))


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/customers/{customer}/cash_balance",
        CustomerCashBalanceRetrieveParams,
        frozenset(),
        retrieve,
    ),
    Endpoint(
        "GET",
        "/v1/customers/{customer}/cash_balance_transactions",
        CustomerCashBalanceTransactionListParams,
        LIST_PARAMS,
        list_moves,
    ),
    Endpoint(
        "POST",
        "/v1/test_helpers/customers/{customer}/fund_cash_balance",
        CustomerFundCashBalanceParams,
        frozenset({"amount", "currency", "reference"}),
        fund_by_helper,
    ),
)
