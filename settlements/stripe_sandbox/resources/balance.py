"""The balance and its transactions. Source: https://docs.stripe.com/api/balance_transactions."""

from stripe.params._balance_retrieve_params import BalanceRetrieveParams
from stripe.params._balance_transaction_list_params import BalanceTransactionListParams
from stripe.params._balance_transaction_retrieve_params import BalanceTransactionRetrieveParams

from .. import ids
from ..api import Call, Endpoint
from ..rendering import LIST_PARAMS, list_page
from ..store import Object

FEE_PER_MILLE = 29
FEE_FIXED_CENTS = 30
AVAILABLE_AFTER_S = 2 * 24 * 60 * 60


def stripe_fee_cents(amount_cents: int) -> int:
    """Return Stripe's fee on a charge: 2.9 % (half a cent rounds up) and 30 cents."""
    return (amount_cents * FEE_PER_MILLE + 500) // 1000 + FEE_FIXED_CENTS


def record_charge(call: Call, charge: Object) -> Object:
    """Book a successful charge and its fee."""
    fee = stripe_fee_cents(charge["amount"])
    transaction: Object = {
        "id": ids.new_id("balance_transaction"),
        "object": "balance_transaction",
        "amount": charge["amount"],
        "available_on": call.now_s + AVAILABLE_AFTER_S,
        "balance_type": "payments",
        "created": call.now_s,
        "currency": charge["currency"],
        "description": charge["description"],
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [
            {
                "amount": fee,
                "application": None,
                "currency": charge["currency"],
                "description": "Stripe processing fees",
                "type": "stripe_fee",
            }
        ],
        "net": charge["amount"] - fee,
        "reporting_category": "charge",
        "source": charge["id"],
        "status": "pending",
        "type": "charge",
    }
    call.store.insert(transaction)
    return transaction


def _as_of_now(call: Call, transaction: Object) -> Object:
    if transaction["available_on"] <= call.now_s:
        transaction["status"] = "available"
    return transaction


def retrieve_transaction(call: Call) -> Object:
    return _as_of_now(call, call.get("balance_transaction", call.path["id"]))


def list_transactions(call: Call) -> Object:
    equals = {name: call.params.get(name) for name in ("currency", "source", "type")}
    page = list_page(call, "balance_transaction", url="/v1/balance_transactions", equals=equals)
    page["data"] = [_as_of_now(call, transaction) for transaction in page["data"]]
    return page


def retrieve(call: Call) -> Object:
    """Return what is available and what is still pending, in USD cents net of fees."""
    row = call.store.connection.execute(
        "SELECT coalesce(sum(json_extract(body, '$.net')) "
        "    FILTER (WHERE json_extract(body, '$.available_on') <= ?), 0) AS available, "
        "  coalesce(sum(json_extract(body, '$.net')) "
        "    FILTER (WHERE json_extract(body, '$.available_on') > ?), 0) AS pending "
        "FROM objects WHERE kind = 'balance_transaction'",
        (call.now_s, call.now_s),
    ).fetchone()
    return {
        "object": "balance",
        "livemode": False,
        "refund_and_dispute_prefunding": None,
        **{name: [_in_usd(row[name])] for name in ("available", "pending")},
    }


def _in_usd(amount_cents: int) -> Object:
    return {"amount": amount_cents, "currency": "usd", "source_types": {"card": amount_cents}}


ENDPOINTS = (
    Endpoint("GET", "/v1/balance", BalanceRetrieveParams, frozenset(), retrieve),
    Endpoint(
        "GET",
        "/v1/balance_transactions",
        BalanceTransactionListParams,
        LIST_PARAMS | {"created", "currency", "source", "type"},
        list_transactions,
    ),
    Endpoint(
        "GET",
        "/v1/balance_transactions/{id}",
        BalanceTransactionRetrieveParams,
        frozenset(),
        retrieve_transaction,
    ),
)
