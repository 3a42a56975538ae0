"""Disputes. Source: https://docs.stripe.com/api/disputes, https://docs.stripe.com/disputes/api and, for the evidence
that decides in test mode, https://docs.stripe.com/testing#disputes.

A dispute takes its amount and a fee from the balance at once; won, the amount comes back and the fee does not. An
inquiry takes nothing until it is escalated.
"""

from stripe.params._dispute_close_params import DisputeCloseParams
from stripe.params._dispute_list_params import DisputeListParams
from stripe.params._dispute_retrieve_params import DisputeRetrieveParams
from stripe.params._dispute_update_params import DisputeUpdateParams, DisputeUpdateParamsEvidence

from .. import ids
from ..api import Call, Endpoint, merged_metadata
from ..cards import DisputeFate
from ..errors import StripeError, unsupported
from ..rendering import LIST_PARAMS, list_page
from ..schema import fields_of
from ..store import Object
from . import balance

FEE_CENTS = 15_00
DUE_AFTER_S = 9 * 24 * 60 * 60
WINNING, LOSING, ESCALATING = "winning_evidence", "losing_evidence", "escalate_inquiry_evidence"
OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
NESTED_EVIDENCE = ("appeal", "enhanced_evidence")
FILES = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)
EVIDENCE_MAX_CHARACTERS = 20_000
EVIDENCE_MAX_CHARACTERS_IN_ALL = 150_000
TEXTS = tuple(sorted(set(fields_of(DisputeUpdateParamsEvidence)) - {*NESTED_EVIDENCE, *FILES}))


def open_for(call: Call, charge: Object, fate: DisputeFate) -> Object:
    """Have a charge's holder dispute it."""
    inquiry = fate is DisputeFate.INQUIRY
    dispute = _new(call, charge, fate)
    call.store.insert(dispute)
    charge["disputed"] = True
    call.store.save(charge)
    call.emit("charge.updated", charge, previous={"disputed": False})
    call.emit("charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(call, dispute)
    return dispute


def _new(call: Call, charge: Object, fate: DisputeFate) -> Object:
    inquiry = fate is DisputeFate.INQUIRY
    card = charge["payment_method_details"]["card"]
    return {
        "id": ids.new_id("dispute"),
        "object": "dispute",
        "amount": charge["amount"] - charge["amount_refunded"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": call.now_s,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys((*TEXTS, *FILES)) | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": call.now_s + DUE_AFTER_S,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4" if fate.reason == "fraudulent" else "13.1",
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card["brand"],
                "case_type": "inquiry" if inquiry else "chargeback",
                "network_reason_code": "10.4" if fate.reason == "fraudulent" else "13.1",
            },
            "type": "card",
        },
        "reason": fate.reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


def _withdraw(call: Call, dispute: Object) -> None:
    _move(call, dispute, cents=-dispute["amount"], fee=FEE_CENTS, category="dispute")
    call.emit("charge.dispute.funds_withdrawn", dispute)


def _reinstate(call: Call, dispute: Object) -> None:
    _move(call, dispute, cents=dispute["amount"], fee=0, category="dispute_reversal")
    call.emit("charge.dispute.funds_reinstated", dispute)


def _move(call: Call, dispute: Object, *, cents: int, fee: int, category: str) -> None:
    moved = balance.record(
        call,
        balance.Booking(
            type="adjustment",
            source=dispute["id"],
            amount=cents,
            fee=fee,
            available_on=call.now_s,
            description=f"Chargeback {'withdrawal' if cents < 0 else 'reversal'} for {dispute['charge']}",
            reporting_category=category,
        ),
    )
    dispute["balance_transactions"] = [*dispute["balance_transactions"], moved]
    call.store.save(dispute)


def retrieve(call: Call) -> Object:
    return call.get("dispute", call.path["dispute"])


def list_all(call: Call) -> Object:
    equals = {name: call.params.get(name) for name in ("charge", "payment_intent")}
    return list_page(call, "dispute", url="/v1/disputes", equals=equals)


def update(call: Call) -> Object:
    dispute = call.get("dispute", call.path["dispute"])
    given = call.params
    if "metadata" in given:
        dispute["metadata"] = merged_metadata(dispute["metadata"], given["metadata"])
    evidence = given.get("evidence", {})
    if evidence:
        _require_open(dispute)
        _check_evidence(dispute, evidence)
        dispute["evidence"] |= {name: text or None for name, text in evidence.items()}
        dispute["evidence_details"]["has_evidence"] = True
    call.store.save(dispute)
    # Evidence is sent to the bank at once unless asked only to stage it.
    if evidence and given.get("submit", True):
        _submit(call, dispute)
    else:
        call.emit("charge.dispute.updated", dispute)
    return dispute


def _require_open(dispute: Object) -> None:
    if dispute["evidence_details"]["past_due"]:
        raise StripeError(
            "The deadline for submitting evidence on this dispute has passed.", param="evidence"
        )
    if dispute["status"] not in OPEN:
        raise StripeError("This dispute is already closed.", param="evidence")
    if dispute["status"] in ("under_review", "warning_under_review"):
        raise StripeError(
            "This dispute's evidence has already been submitted and is under review.", param="evidence"
        )


def _check_evidence(dispute: Object, evidence: Object) -> None:
    for name in evidence:
        if name in NESTED_EVIDENCE or name in FILES:
            raise unsupported(f"the evidence {name}: give texts", param=f"evidence[{name}]")
        if len(evidence[name]) > EVIDENCE_MAX_CHARACTERS:
            raise StripeError(
                f"The text of {name} can have up to {EVIDENCE_MAX_CHARACTERS} characters.",
                param=f"evidence[{name}]",
            )
    merged = dispute["evidence"] | evidence
    if sum(len(text) for text in merged.values() if isinstance(text, str)) > EVIDENCE_MAX_CHARACTERS_IN_ALL:
        raise StripeError(
            f"All evidence together can have up to {EVIDENCE_MAX_CHARACTERS_IN_ALL} characters.",
            param="evidence",
        )


def _submit(call: Call, dispute: Object) -> None:
    before = dispute["status"]
    dispute["evidence_details"]["submission_count"] += 1
    is_inquiry = before.startswith("warning")
    dispute["status"] = "warning_under_review" if is_inquiry else "under_review"
    call.store.save(dispute)
    call.emit("charge.dispute.updated", dispute, previous={"status": before})
    words = (dispute["evidence"]["uncategorized_text"] or "").split()
    if WINNING in words:
        win(call, dispute)
    elif LOSING in words:
        lose(call, dispute)
    elif ESCALATING in words and is_inquiry:
        escalate(call, dispute)


def escalate(call: Call, dispute: Object) -> Object:
    """Make a chargeback of an inquiry: the money is taken and evidence asked for anew."""
    _require_in(dispute, ("warning_needs_response", "warning_under_review"), "escalated")
    before = dispute["status"]
    dispute |= {"status": "needs_response", "is_charge_refundable": False}
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    dispute["evidence_details"]["due_by"] = call.now_s + DUE_AFTER_S
    call.store.save(dispute)
    call.emit("charge.dispute.updated", dispute, previous={"status": before})
    _withdraw(call, dispute)
    return dispute


def win(call: Call, dispute: Object) -> Object:
    """Decide for us: the amount comes back."""
    _require_in(dispute, OPEN, "decided")
    if dispute["status"].startswith("warning"):
        return _close(call, dispute, "warning_closed")
    _reinstate(call, dispute)
    return _close(call, dispute, "won")


def lose(call: Call, dispute: Object) -> Object:
    """Decide for the card's holder: what was taken is gone."""
    _require_in(dispute, OPEN, "decided")
    if dispute["status"].startswith("warning"):
        _withdraw(call, dispute)
    return _close(call, dispute, "lost")


def _close(call: Call, dispute: Object, status: str) -> Object:
    dispute["status"] = status
    dispute["is_charge_refundable"] = status in ("won", "warning_closed")
    call.store.save(dispute)
    call.emit("charge.dispute.closed", dispute)
    return dispute


def _require_in(dispute: Object, states: tuple[str, ...], what: str) -> None:
    if dispute["status"] not in states:
        raise StripeError(f"This dispute is {dispute['status']} and cannot be {what}.")


def close(call: Call) -> Object:
    """Accept the dispute as lost."""
    dispute = call.get("dispute", call.path["dispute"])
    if dispute["status"] not in OPEN:
        raise StripeError("This dispute is already closed.")
    return lose(call, dispute)


def expire_due(call: Call) -> None:
    """Have disputes nobody answered in time end: chargebacks are lost, inquiries closed."""
    rows = call.store.connection.execute(
        "SELECT id FROM objects WHERE kind = 'dispute' "
        "AND json_extract(body, '$.status') IN ('needs_response', 'warning_needs_response') "
        "AND json_extract(body, '$.evidence_details.due_by') < ? ORDER BY seq",
        (call.now_s,),
    ).fetchall()
    for row in rows:
        dispute = call.get("dispute", row["id"])
        dispute["evidence_details"]["past_due"] = True
        _close(call, dispute, "lost" if dispute["status"] == "needs_response" else "warning_closed")


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/disputes",
        DisputeListParams,
        LIST_PARAMS | {"charge", "created", "payment_intent"},
        list_all,
    ),
    Endpoint("GET", "/v1/disputes/{dispute}", DisputeRetrieveParams, frozenset(), retrieve),
    Endpoint(
        "POST",
        "/v1/disputes/{dispute}",
        DisputeUpdateParams,
        frozenset({"evidence", "metadata", "submit"}),
        update,
    ),
    Endpoint("POST", "/v1/disputes/{dispute}/close", DisputeCloseParams, frozenset(), close),
)
