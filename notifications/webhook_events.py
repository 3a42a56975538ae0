"""The events that webhooks tell of: the whole of an organization's own feed, each with what its data holds.

docs/webhooks.md shows this table, and a test says that it does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

VERSION = 1
TEST = "webhook.test"
MAX_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Event:
    """What an event means, and the members of its ``data``."""

    means: str
    data: tuple[str, ...]


_BID = ("bid", "window", "hold_cents", "status")
_SETTLEMENT = ("settlement", "window", "amount_cents")
_DELIVERY = ("delivery", "award", "window", "side", "starts_at", "ends_at")
_REFUND = ("refund", "settlement", "amount_cents", "status")
_DISPUTE = ("dispute", "settlement", "amount_cents", "status")
_TRANSFER = ("transfer", "delivery", "amount_cents", "status")
_RETURN = ("prepayment", "return", "amount_cents", "message")
_LEASE = ("lease", "award")

EVENTS: Mapping[str, Event] = {
    "bid.placed": Event("A bid was placed", _BID),
    "bid.changed": Event("A bid's terms were changed", _BID),
    "bid.cancelled": Event("A bid was cancelled", _BID),
    "bid.won": Event("A bid won, once for each award", ("bid", "window", "award", "units", "amount_ticks")),
    "bid.lost": Event("A bid lost", ("bid", "window", "reason")),
    "bid.released": Event("A bid's window was cancelled", ("bid", "window", "message")),
    "bid.explained": Event("What a bid would have needed was worked out", ("bid", "window")),
    "bid.not_explained": Event("It could not be worked out", ("bid", "window")),
    **{
        f"standing_order.{status}": Event(means, ("standing_order", "status"))
        for status, means in {
            "active": "A standing order bids",
            "paused": "A standing order is paused",
            "fulfilled": "A standing order won all that it asked for",
            "exhausted": "A standing order used its budget",
            "expired": "A standing order's deadline passed",
            "cancelled": "A standing order was cancelled",
        }.items()
    },
    "standing_order.abandoned": Event(
        "A standing order is paused, as who started it may bid no more",
        ("standing_order", "status", "message"),
    ),
    "settlement.due": Event("A settlement was drawn up", (*_SETTLEMENT, "status")),
    "settlement.paid": Event("A settlement was paid", _SETTLEMENT),
    "settlement.declined": Event("A card was declined", (*_SETTLEMENT, "message", "pay_by")),
    "settlement.too_large": Event(
        "More than a card can pay: pay it in", (*_SETTLEMENT, "message", "to_pay_cents")
    ),
    "settlement.action_required": Event("The bank wants a confirmation", (*_SETTLEMENT, "message", "pay_by")),
    "settlement.reminder": Event("A payment is still due", (*_SETTLEMENT, "pay_by")),
    "settlement.extended": Event("The deadline was moved", ("settlement", "pay_by")),
    "settlement.defaulted": Event("Not paid: the awards are cancelled", (*_SETTLEMENT, "awards", "message")),
    "settlement.paid_late": Event("Paid after the default: kept as prepaid", (*_SETTLEMENT, "message")),
    "settlement.written_off": Event("Too small for a card, written off", _SETTLEMENT),
    "delivery.handover_due": Event("A hand-over is due", _DELIVERY),
    "delivery.handed_over": Event("Access was handed over", (*_DELIVERY, "version")),
    "delivery.keys_changed": Event("The buyer chose other SSH keys", _DELIVERY),
    "delivery.ready": Event("A lease's next month goes on with its access", _DELIVERY),
    "delivery.starts_soon": Event("A delivery starts within the hour", (*_DELIVERY, "status")),
    "delivery.running": Event("A delivery has begun", _DELIVERY),
    "delivery.missed": Event("A hand-over was missed", _DELIVERY),
    "delivery.delivered": Event("A delivery has ended", _DELIVERY),
    "delivery.cancelled": Event("A delivery is cancelled", _DELIVERY),
    "outage.reported": Event("An outage was reported", (*_DELIVERY, "outage")),
    "outage.withdrawn": Event("A report was withdrawn", (*_DELIVERY, "outage")),
    "outage.accepted": Event("The seller agrees", (*_DELIVERY, "outage")),
    "outage.disputed": Event("The seller does not agree", (*_DELIVERY, "outage")),
    "outage.upheld": Event("An outage was upheld", (*_DELIVERY, "outage", "refund_cents")),
    "outage.rejected": Event("An outage was rejected", (*_DELIVERY, "outage", "refund_cents")),
    "outage.reopened": Event("Its refund was dropped: it is decided again", (*_DELIVERY, "outage")),
    "refund.approved": Event("A refund was decided", _REFUND),
    "refund.sending": Event("A refund is sent again", _REFUND),
    "refund.succeeded": Event("A refund was made", _REFUND),
    "refund.failed": Event("A refund failed; we see to it", _REFUND),
    "refund.credited": Event("A refund was credited to the balance", _REFUND),
    "refund.cancelled": Event("A proposed refund was dropped", _REFUND),
    "dispute.inquiry": Event("The bank asks about a payment", _DISPUTE),
    "dispute.needs_response": Event("A payment was disputed", _DISPUTE),
    "dispute.under_review": Event("The bank decides", _DISPUTE),
    "dispute.won": Event("The payment stands", _DISPUTE),
    "dispute.closed": Event("A dispute ended without a loss", _DISPUTE),
    "dispute.lost": Event("The bank returned the payment", _DISPUTE),
    "dispute.borne": Event("A lost dispute is settled", _DISPUTE),
    "limit.raised": Event("The credit line was raised", ("credit_cents", "before_cents", "limit_cents")),
    "prepayment.received": Event("A prepayment arrived", ("prepayment", "amount_cents")),
    "prepaid_return.sending": Event("Prepaid money is on its way back", _RETURN),
    "prepaid_return.returned": Event("Prepaid money was returned", _RETURN),
    "prepaid_return.failed": Event("It could not be returned", _RETURN),
    "payment_method.added": Event("A card was put on file", ("payment_method", "brand", "last4")),
    "lease.completed": Event("A lease's last month has ended", _LEASE),
    "lease.defaulted": Event("A lease ended, as a month was not paid", _LEASE),
    "block.sold": Event("Units of a block were sold", ("block", "window", "units", "amount_ticks")),
    "block.returned": Event("A sale was not paid: back on sale", ("block", "award", "units", "from")),
    "transfer.paid": Event("A payout was made", _TRANSFER),
    "transfer.held": Event("A payout is held back", ("delivery",)),
    "transfer.rejected": Event("A payout was stopped", _TRANSFER),
    "payouts.enabled": Event("You can be paid out", ("currently_due",)),
    "payouts.stopped": Event("You cannot be paid out", ("currently_due",)),
}


def body_of(event_id: str, event: str, *, organization_id: int, at: datetime, data: object) -> str:
    """Return the JSON of an event, as it is signed and sent however often."""
    document = {
        "id": event_id,
        "type": event,
        "version": VERSION,
        "created_at": at.isoformat(),
        "organization": organization_id,
        "data": data,
    }
    return json.dumps(document, separators=(",", ":"))
