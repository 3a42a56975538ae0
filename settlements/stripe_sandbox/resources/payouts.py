"""Payouts of the platform's balance to its bank. Source: https://docs.stripe.com/api/payouts."""

from stripe.params._payout_cancel_params import PayoutCancelParams
from stripe.params._payout_create_params import PayoutCreateParams
from stripe.params._payout_list_params import PayoutListParams
from stripe.params._payout_retrieve_params import PayoutRetrieveParams
from stripe.params._payout_update_params import PayoutUpdateParams

from .. import ids
from ..api import Call, Endpoint, merged_metadata, text_or_none
from ..errors import StripeError, unsupported
from ..rendering import LIST_PARAMS, list_page
from ..store import Object
from . import balance

BANK_ACCOUNT = "ba_sandbox"
ARRIVES_AFTER_S = 2 * 24 * 60 * 60
NO_TRANSACTIONS = "There is nothing available to pay out."


def create(call: Call) -> Object:
    given = call.params
    if given["currency"] != "usd":
        raise unsupported(f"the currency {given['currency']}", param="currency")
    if given.get("method", "standard") != "standard":
        raise unsupported("instant payouts", param="method")
    if given["amount"] < 1:
        raise StripeError(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    balance.refuse_beyond_available(call, given["amount"], what=" for this payout.")
    return _send(call, given["amount"], automatic=False)


def pay_out_available(call: Call) -> Object:
    """Make Stripe's daily automatic payout now: all that is available and was not paid out before."""
    rows = call.store.connection.execute(
        "SELECT id FROM objects WHERE kind = 'balance_transaction' AND json_extract(body, '$.available_on') <= ? "
        "AND json_extract(body, '$.payout') IS NULL",
        (call.now_s,),
    ).fetchall()
    paid_out = [call.get("balance_transaction", row["id"]) for row in rows]
    amount = sum(transaction["net"] for transaction in paid_out)
    if amount < 1:
        raise StripeError(NO_TRANSACTIONS)
    payout = _send(call, amount, automatic=True)
    for transaction in [*paid_out, call.get("balance_transaction", payout["balance_transaction"])]:
        call.store.save(transaction | {"payout": payout["id"]})
    return payout


def _send(call: Call, amount: int, *, automatic: bool) -> Object:
    given = call.params
    payout: Object = {
        "id": ids.new_id("payout"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": call.now_s + ARRIVES_AFTER_S,
        "automatic": automatic,
        "balance_transaction": None,
        "created": call.now_s,
        "currency": "usd",
        "description": text_or_none(given.get("description")),
        "destination": BANK_ACCOUNT,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": merged_metadata({}, given.get("metadata", {})),
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": text_or_none(given.get("statement_descriptor")),
        "status": "pending",
        "trace_id": None,
        "type": "bank_account",
    }
    payout["balance_transaction"] = _book(call, payout, "payout", -amount)
    call.store.insert(payout)
    call.emit("payout.created", payout)
    return payout


def _book(call: Call, payout: Object, type_: str, amount: int) -> str:
    booking = balance.Booking(
        type=type_,
        source=payout["id"],
        amount=amount,
        available_on=call.now_s,
        description="STRIPE PAYOUT",
        reporting_category="payout" if type_ == "payout" else "payout_reversal",
    )
    return str(balance.record(call, booking)["id"])


def current(call: Call, payout_id: str) -> Object:
    """Return a payout, paid first if its day has come."""
    payout = call.get("payout", payout_id)
    if payout["status"] == "pending" and payout["arrival_date"] <= call.now_s:
        _arrive(call, payout)
    return payout


def arrive_due(call: Call) -> None:
    """Pay every payout whose day has come."""
    rows = call.store.connection.execute(
        "SELECT id FROM objects WHERE kind = 'payout' AND json_extract(body, '$.status') = 'pending' "
        "AND json_extract(body, '$.arrival_date') <= ? ORDER BY seq",
        (call.now_s,),
    ).fetchall()
    for row in rows:
        current(call, row["id"])


def _arrive(call: Call, payout: Object) -> None:
    previous = {"status": payout["status"]}
    payout["status"] = "paid"
    if payout["automatic"]:
        payout["reconciliation_status"] = "completed"
    call.store.save(payout)
    call.emit("payout.paid", payout, previous=previous)
    if payout["automatic"]:
        call.emit("payout.reconciliation_completed", payout)


def fail(call: Call, payout: Object) -> None:
    """Have the bank send a payout back, also one that counted as paid: the money returns to the balance."""
    if payout["status"] not in ("pending", "paid"):
        raise StripeError(f"This payout is {payout['status']}.")
    previous = {"status": payout["status"]}
    payout |= {
        "status": "failed",
        "failure_code": "account_closed",
        "failure_message": "The bank account has been closed.",
        "failure_balance_transaction": _book(call, payout, "payout_failure", payout["amount"]),
    }
    call.store.save(payout)
    call.emit("payout.failed", payout, previous=previous)


def retrieve(call: Call) -> Object:
    return current(call, call.path["payout"])


def update(call: Call) -> Object:
    payout = retrieve(call)
    if "metadata" in call.params:
        before = payout["metadata"]
        payout["metadata"] = merged_metadata(before, call.params["metadata"])
        call.store.save(payout)
        if payout["metadata"] != before:
            call.emit("payout.updated", payout, previous={"metadata": before})
    return payout


def cancel(call: Call) -> Object:
    payout = retrieve(call)
    if payout["status"] != "pending" or payout["automatic"]:
        raise StripeError("Payouts can only be canceled while they are pending, and not automatic ones.")
    payout |= {
        "status": "canceled",
        "failure_balance_transaction": _book(call, payout, "payout_cancel", payout["amount"]),
    }
    call.store.save(payout)
    call.emit("payout.canceled", payout, previous={"status": "pending"})
    return payout


def list_all(call: Call) -> Object:
    arrive_due(call)
    equals = {name: call.params.get(name) for name in ("destination", "status")}
    return list_page(call, "payout", url="/v1/payouts", equals=equals)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/payouts",
        PayoutCreateParams,
        frozenset({"amount", "currency", "description", "metadata", "method", "statement_descriptor"}),
        create,
    ),
    Endpoint(
        "GET",
        "/v1/payouts",
        PayoutListParams,
        LIST_PARAMS | {"created", "destination", "status"},
        list_all,
    ),
    Endpoint("GET", "/v1/payouts/{payout}", PayoutRetrieveParams, frozenset(), retrieve),
    Endpoint("POST", "/v1/payouts/{payout}", PayoutUpdateParams, frozenset({"metadata"}), update),
    Endpoint("POST", "/v1/payouts/{payout}/cancel", PayoutCancelParams, frozenset(), cancel),
)
