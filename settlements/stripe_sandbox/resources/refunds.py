"""Refunds. Source: https://docs.stripe.com/api/refunds and https://docs.stripe.com/refunds.

The money leaves the balance when the refund is made; Stripe's fee on the charge is not returned. With the test cards
for asynchronous refunds the outcome changes a minute later by the sandbox's clock, or when told to.
"""

from stripe.params._refund_cancel_params import RefundCancelParams
from stripe.params._refund_create_params import RefundCreateParams
from stripe.params._refund_list_params import RefundListParams
from stripe.params._refund_retrieve_params import RefundRetrieveParams
from stripe.params._refund_update_params import RefundUpdateParams

from .. import ids
from ..api import Call, Endpoint, merged_metadata
from ..cards import RefundFate
from ..errors import StripeError
from ..rendering import LIST_PARAMS, list_page
from ..store import Object
from . import balance, payment_methods

SETTLES_AFTER_S = 60
FAILURE_REASON = "expired_or_canceled_card"


def create(call: Call) -> Object:
    charge = _charge(call, call.params)
    by_card = charge["payment_method_details"]["type"] == "card"
    if not by_card:
        _require_address(call, charge)
    amount = _checked_amount(charge, call.params.get("amount"))
    refund = _new(call, charge, amount)
    paid = balance.record(
        call,
        balance.Booking(
            type="refund" if by_card else "payment_refund",
            reporting_category="refund",
            source=refund["id"],
            amount=-amount,
            available_on=call.now_s,
            description=f"REFUND FOR CHARGE ({charge['description']})",
        ),
    )
    refund["balance_transaction"] = paid["id"]
    fate = _fate(call, charge) if by_card else RefundFate.PENDING
    refund["status"] = "pending" if fate is RefundFate.PENDING else "succeeded"
    if refund["status"] == "pending":
        refund["pending_reason"] = "processing"
    later = None if fate is RefundFate.SUCCEEDS else call.now_s + SETTLES_AFTER_S
    call.store.insert(refund, private={"fate": fate.value, "settles_at": later})
    call.emit("refund.created", refund)
    _count(call, charge, amount)
    return refund


def _fate(call: Call, charge: Object) -> RefundFate:
    return payment_methods.test_card(call, call.get("payment_method", charge["payment_method"])).refund_fate


def _require_address(call: Call, charge: Object) -> None:
    """Stripe may have to ask the sender of a bank transfer for its account."""
    customer = call.get("customer", charge["customer"])
    if not (customer["email"] or call.params.get("instructions_email")):
        raise StripeError(
            "The customer has no email address: pass instructions_email, so that bank details can be asked for.",
            param="instructions_email",
        )


def _destination(charge: Object) -> Object:
    if charge["payment_method_details"]["type"] != "card":
        return {
            "type": "us_bank_transfer",
            "us_bank_transfer": {"reference": None, "reference_status": "pending"},
        }
    return {"card": {"reference": None, "reference_status": "pending", "type": "refund"}, "type": "card"}


def _charge(call: Call, given: Object) -> Object:
    if ("charge" in given) == ("payment_intent" in given):
        if "charge" in given:
            raise StripeError(
                "Received both charge and payment_intent parameters. Please pass in only one.", param="charge"
            )
        raise StripeError(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    if "charge" in given:
        charge = call.get("charge", given["charge"], param="charge")
    else:
        intent = call.get("payment_intent", given["payment_intent"], param="payment_intent")
        if intent["status"] != "succeeded":
            raise StripeError(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                param="payment_intent",
            )
        charge = call.get("charge", intent["latest_charge"])
    _require_refundable(call, charge)
    return charge


def _require_refundable(call: Call, charge: Object) -> None:
    if charge["status"] != "succeeded":
        raise StripeError(
            f"Charge {charge['id']} is not a successful charge and cannot be refunded.", param="charge"
        )
    if charge["refunded"]:
        raise StripeError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    disputed = call.store.select("dispute", equals={"charge": charge["id"]}, created={}, limit=100)
    if not all(dispute["is_charge_refundable"] for dispute in disputed):
        raise StripeError(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )


def _checked_amount(charge: Object, amount: int | None) -> int:
    left = charge["amount_captured"] - charge["amount_refunded"]
    if amount is None:
        return left
    if amount < 1:
        raise StripeError(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount > left:
        what = "unrefunded amount on charge" if charge["amount_refunded"] else "charge amount"
        raise StripeError(
            f"Refund amount ({_dollars(amount)}) is greater than {what} ({_dollars(left)})", param="amount"
        )
    return amount


def _dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02d}"


def _new(call: Call, charge: Object, amount: int) -> Object:
    return {
        "id": ids.new_id("refund"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": call.now_s,
        "currency": charge["currency"],
        "description": None,
        "destination_details": _destination(charge),
        "failure_balance_transaction": None,
        "failure_reason": None,
        "metadata": merged_metadata({}, call.params.get("metadata", {})),
        "next_action": None,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "pending_reason": None,
        "reason": call.params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending",
        "transfer_reversal": None,
    }


def _count(call: Call, charge: Object, amount: int) -> None:
    """Count a refund's cents (negative: one that failed) on its charge."""
    previous = {name: charge[name] for name in ("amount_refunded", "refunded")}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    call.store.save(charge)
    call.emit("charge.refunded" if amount > 0 else "charge.updated", charge, previous=previous)


def settle_due(call: Call) -> None:
    """Let every asynchronous refund whose time has come end as its card says."""
    rows = call.store.connection.execute(
        "SELECT id FROM objects WHERE kind = 'refund' AND json_extract(private, '$.settles_at') <= ? ORDER BY seq",
        (call.now_s,),
    ).fetchall()
    for row in rows:
        settle(call, call.get("refund", row["id"]))


def settle(call: Call, refund: Object) -> Object:
    """End an asynchronous refund as its card says: success, or failure after it looked like success."""
    private = call.store.private(refund["id"])
    if private["settles_at"] is None:
        return refund
    call.store.set_private(refund["id"], private | {"settles_at": None})
    if private["fate"] == RefundFate.FAILS.value:
        return fail(call, refund)
    refund |= {"status": "succeeded", "pending_reason": None}
    call.store.save(refund)
    call.emit("refund.updated", refund, previous={"status": "pending"})
    return refund


def fail(call: Call, refund: Object, *, reason: str = FAILURE_REASON, status: str = "failed") -> Object:
    """Have a refund come back: its money returns to the balance."""
    if refund["status"] in ("failed", "canceled"):
        return refund
    previous = {"status": refund["status"], "failure_reason": None, "failure_balance_transaction": None}
    returned = balance.record(
        call,
        balance.Booking(
            type="refund_failure",
            source=refund["id"],
            amount=refund["amount"],
            available_on=call.now_s,
            description="REFUND FAILURE",
        ),
    )
    refund |= {
        "status": status,
        "failure_reason": reason if status == "failed" else None,
        "failure_balance_transaction": returned["id"],
        "pending_reason": None,
    }
    call.store.save(refund)
    call.emit("refund.failed" if status == "failed" else "refund.updated", refund, previous=previous)
    _count(call, call.get("charge", refund["charge"]), -refund["amount"])
    return refund


def cancel(call: Call) -> Object:
    refund = call.get("refund", call.path["refund"])
    raise StripeError(
        f"Refund {refund['id']} cannot be canceled: only refunds that require action can be.", param="refund"
    )


def retrieve(call: Call) -> Object:
    return call.get("refund", call.path["refund"])


def update(call: Call) -> Object:
    refund = call.get("refund", call.path["refund"])
    if "metadata" in call.params:
        refund["metadata"] = merged_metadata(refund["metadata"], call.params["metadata"])
        call.store.save(refund)
        call.emit("refund.updated", refund)
    return refund


def list_all(call: Call) -> Object:
    equals = {name: call.params.get(name) for name in ("charge", "payment_intent")}
    return list_page(call, "refund", url="/v1/refunds", equals=equals)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/refunds",
        RefundCreateParams,
        frozenset({"amount", "charge", "instructions_email", "payment_intent", "metadata", "reason"}),
        create,
    ),
    Endpoint(
        "GET",
        "/v1/refunds",
        RefundListParams,
        LIST_PARAMS | {"charge", "created", "payment_intent"},
        list_all,
    ),
    Endpoint("GET", "/v1/refunds/{refund}", RefundRetrieveParams, frozenset(), retrieve),
    Endpoint("POST", "/v1/refunds/{refund}", RefundUpdateParams, frozenset({"metadata"}), update),
    Endpoint("POST", "/v1/refunds/{refund}/cancel", RefundCancelParams, frozenset(), cancel),
)
