"""The balance and its transactions. Source: https://docs.stripe.com/api/balance_transactions."""

from dataclasses import dataclass

from stripe.params._balance_retrieve_params import BalanceRetrieveParams
from stripe.params._balance_transaction_list_params import BalanceTransactionListParams
from stripe.params._balance_transaction_retrieve_params import BalanceTransactionRetrieveParams

from .. import ids
from ..api import Call, Endpoint
from ..errors import StripeError
from ..rendering import LIST_PARAMS, as_of_now, list_page
from ..store import Object

FEE_PER_MILLE = 29
FEE_FIXED_CENTS = 30
TRANSFER_FEE_PER_MILLE = 5
TRANSFER_FEE_MAX_CENTS = 500
AVAILABLE_AFTER_S = 2 * 24 * 60 * 60


def stripe_fee_cents(amount_cents: int) -> int:
    """Return Stripe's fee on a charge: 2.9 % (half a cent rounds up) and 30 cents."""
    return (amount_cents * FEE_PER_MILLE + 500) // 1000 + FEE_FIXED_CENTS


def transfer_fee_cents(amount_cents: int) -> int:
    """Return Stripe's fee on a bank transfer: 0.5 % (half a cent rounds up), at most $5."""
    return min((amount_cents * TRANSFER_FEE_PER_MILLE + 500) // 1000, TRANSFER_FEE_MAX_CENTS)


def record_charge(call: Call, charge: Object) -> Object:
    """Book a successful charge and its fee: a card's is available after two days, a bank transfer's at once."""
    by_transfer = charge["payment_method_details"]["type"] == "customer_balance"
    fee_cents = transfer_fee_cents if by_transfer else stripe_fee_cents
    return record(
        call,
        Booking(
            type="payment" if by_transfer else "charge",
            reporting_category="charge",
            source=charge["id"],
            amount=charge["amount"],
            fee=fee_cents(charge["amount"]),
            available_on=call.now_s + (0 if by_transfer else AVAILABLE_AFTER_S),
            description=charge["description"],
        ),
    )


@dataclass(frozen=True)
class Booking:
    """What moves the balance: cents in (positive) or out, Stripe's fee, and from when on it counts as available."""

    type: str
    source: str
    amount: int
    available_on: int
    fee: int = 0
    description: str | None = None
    reporting_category: str | None = None


def record(call: Call, booking: Booking) -> Object:
    """Write a balance transaction and return it."""
    transaction: Object = {
        "id": ids.new_id("balance_transaction"),
        "object": "balance_transaction",
        "amount": booking.amount,
        "available_on": booking.available_on,
        "balance_type": "payments",
        "created": call.now_s,
        "currency": "usd",
        "description": booking.description,
        "exchange_rate": None,
        "fee": booking.fee,
        "fee_details": _fee_details(booking.fee),
        "net": booking.amount - booking.fee,
        "reporting_category": booking.reporting_category or booking.type,
        "source": booking.source,
        "status": "pending" if booking.available_on > call.now_s else "available",
        "type": booking.type,
    }
    call.store.insert(transaction)
    return transaction


def _fee_details(fee: int) -> list[Object]:
    if not fee:
        return []
    return [
        {
            "amount": fee,
            "application": None,
            "currency": "usd",
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]


def available_cents(call: Call) -> int:
    """Return what can be paid out or transferred now, cents."""
    available, _ = totals_cents(call)
    return available


def refuse_beyond_available(call: Call, amount: int, *, what: str) -> None:
    """Raise Stripe's balance_insufficient when less than ``amount`` cents are available."""
    if amount > available_cents(call):
        raise StripeError(
            f"You have insufficient available funds in your Stripe account{what} "
            "Try adding funds directly to your available balance, or wait until pending funds are available.",
            code="balance_insufficient",
        )


def retrieve_transaction(call: Call) -> Object:
    return as_of_now(call, call.get("balance_transaction", call.path["id"]))


def list_transactions(call: Call) -> Object:
    equals = {name: call.params.get(name) for name in ("currency", "source", "type")}
    if "payout" in call.params:
        payout = call.get("payout", call.params["payout"], param="payout")
        _refuse_manual(payout)
        equals["payout"] = payout["id"]
    page = list_page(call, "balance_transaction", url="/v1/balance_transactions", equals=equals)
    page["data"] = [as_of_now(call, transaction) for transaction in page["data"]]
    return page


def _refuse_manual(payout: Object) -> None:
    if not payout["automatic"]:
        raise StripeError(
            "Balance transaction history can only be filtered on automatic transfers, not manual.",
            param="payout",
        )


def retrieve(call: Call) -> Object:
    """Return what is available and what is still pending, in USD cents net of fees."""
    available, pending = totals_cents(call)
    return {
        "object": "balance",
        "livemode": False,
        "refund_and_dispute_prefunding": None,
        "available": [_in_usd(available)],
        "pending": [_in_usd(pending)],
    }


def totals_cents(call: Call) -> tuple[int, int]:
    row = call.store.connection.execute(
        "SELECT coalesce(sum(json_extract(body, '$.net')) "
        "    FILTER (WHERE json_extract(body, '$.available_on') <= ?), 0) AS available, "
        "  coalesce(sum(json_extract(body, '$.net')) "
        "    FILTER (WHERE json_extract(body, '$.available_on') > ?), 0) AS pending "
        "FROM objects WHERE kind = 'balance_transaction'",
        (call.now_s, call.now_s),
    ).fetchone()
    return row["available"], row["pending"]


def _in_usd(amount_cents: int) -> Object:
    return {"amount": amount_cents, "currency": "usd", "source_types": {"card": amount_cents}}


ENDPOINTS = (
    Endpoint("GET", "/v1/balance", BalanceRetrieveParams, frozenset(), retrieve),
    Endpoint(
        "GET",
        "/v1/balance_transactions",
        BalanceTransactionListParams,
        LIST_PARAMS | {"created", "currency", "payout", "source", "type"},
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
