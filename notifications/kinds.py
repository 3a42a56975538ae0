"""The kinds of news that people choose by, and which events of the feeds belong to each.

A kind is a row of the preferences page. Where ``letters`` is OTHERS, settlements writes the e-mail with all that
belongs in it, such as the link to pay; where it is ALWAYS that e-mail is about money or capacity at stake, and nobody
who trades can do without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from accounts.models import DeskEvent

BUYER, SELLER, OWNER = "buyer", "seller", "owner"
FINANCE, OPERATOR = DeskEvent.Desk.FINANCE.value, DeskEvent.Desk.OPERATOR.value
AUDIENCES = {
    BUYER: "Buying",
    SELLER: "Selling",
    OWNER: "Programs",
    FINANCE: "Finance",
    OPERATOR: "Operating",
}


class Letters(Enum):
    """Who writes a kind's e-mail."""

    OURS = "ours"
    OTHERS = "others"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a person can choose to hear of; ``events`` are those of the feeds, ``side`` narrows one told to both."""

    name: str
    audience: str
    label: str
    events: tuple[str, ...]
    by_email: bool
    letters: Letters = Letters.OURS
    side: str = ""
    gathers: bool = False

    @property
    def is_always_mailed(self) -> bool:
        return self.letters is Letters.ALWAYS


KINDS = (
    Kind("bid_won", BUYER, "A bid won", ("bid.won",), by_email=True, gathers=True),
    Kind("bid_lost", BUYER, "A bid lost", ("bid.lost",), by_email=False, gathers=True),
    Kind(
        "window_cancelled",
        BUYER,
        "A window with a bid of yours was cancelled",
        ("bid.released",),
        by_email=True,
        gathers=True,
    ),
    Kind(
        "standing_order",
        BUYER,
        "A standing order was fulfilled, used its budget, expired, or lost the person it bids for",
        (
            "standing_order.fulfilled",
            "standing_order.exhausted",
            "standing_order.expired",
            "standing_order.abandoned",
        ),
        by_email=True,
    ),
    Kind(
        "prepaid_return",
        BUYER,
        "Prepaid money was returned, or could not be",
        ("prepaid_return.returned", "prepaid_return.failed"),
        by_email=True,
    ),
    Kind("payment_made", BUYER, "A payment was made", ("settlement.paid",), by_email=False),
    Kind(
        "payment_failed",
        BUYER,
        "A payment failed, or its deadline nears",
        ("settlement.declined", "settlement.reminder", "settlement.extended", "settlement.paid_late"),
        by_email=True,
        letters=Letters.ALWAYS,
    ),
    Kind(
        "payment_too_large",
        BUYER,
        "A payment is more than a card can pay",
        ("settlement.too_large",),
        by_email=True,
    ),
    Kind(
        "payment_confirmation",
        BUYER,
        "Your bank wants a payment confirmed",
        ("settlement.action_required",),
        by_email=True,
        letters=Letters.ALWAYS,
    ),
    Kind(
        "award_cancelled",
        BUYER,
        "An award was cancelled",
        ("settlement.defaulted",),
        by_email=True,
        letters=Letters.ALWAYS,
    ),
    Kind(
        "access",
        BUYER,
        "Access was handed over or changed",
        ("delivery.handed_over",),
        by_email=True,
        letters=Letters.OTHERS,
        side=BUYER,
    ),
    Kind(
        "award_starts",
        BUYER,
        "An award starts within the hour",
        ("delivery.starts_soon",),
        by_email=False,
        letters=Letters.OTHERS,
        side=BUYER,
    ),
    Kind(
        "handover_missed",
        BUYER,
        "A seller missed a hand-over",
        ("delivery.missed",),
        by_email=True,
        letters=Letters.OTHERS,
        side=BUYER,
    ),
    Kind(
        "outage_answered",
        BUYER,
        "An outage was answered or decided",
        ("outage.accepted", "outage.disputed", "outage.upheld", "outage.rejected", "outage.reopened"),
        by_email=True,
        letters=Letters.OTHERS,
        side=BUYER,
    ),
    Kind(
        "refund",
        BUYER,
        "A refund was decided or paid",
        ("refund.approved", "refund.succeeded", "refund.credited"),
        by_email=True,
        letters=Letters.OTHERS,
    ),
    Kind(
        "dispute",
        BUYER,
        "A payment was disputed at the bank",
        ("dispute.inquiry", "dispute.needs_response", "dispute.won", "dispute.lost"),
        by_email=True,
        letters=Letters.OTHERS,
    ),
    Kind("limit_raised", BUYER, "The bidding limit was raised", ("limit.raised",), by_email=True),
    Kind("sold", SELLER, "Capacity was sold", ("block.sold",), by_email=False, gathers=True),
    Kind(
        "sale_returned", SELLER, "A sale was not paid and is back on sale", ("block.returned",), by_email=True
    ),
    Kind(
        "handover_due",
        SELLER,
        "A hand-over is due, or its SSH keys changed",
        ("delivery.handover_due", "delivery.keys_changed"),
        by_email=True,
        letters=Letters.OTHERS,
        side=SELLER,
        gathers=True,
    ),
    Kind(
        "sale_starts",
        SELLER,
        "A sale starts within the hour",
        ("delivery.starts_soon",),
        by_email=False,
        letters=Letters.OTHERS,
        side=SELLER,
    ),
    Kind(
        "sale_missed",
        SELLER,
        "You missed a hand-over, or a sale was cancelled",
        ("delivery.missed", "delivery.cancelled"),
        by_email=True,
        letters=Letters.OTHERS,
        side=SELLER,
    ),
    Kind(
        "outage_reported",
        SELLER,
        "An outage was reported, withdrawn or decided",
        ("outage.reported", "outage.withdrawn", "outage.upheld", "outage.rejected", "outage.reopened"),
        by_email=True,
        letters=Letters.OTHERS,
        side=SELLER,
    ),
    Kind("transfer_paid", SELLER, "A payout was made", ("transfer.paid",), by_email=False),
    Kind(
        "transfer_held",
        SELLER,
        "A payout was held back or stopped",
        ("transfer.held", "transfer.rejected", "payouts.stopped", "payouts.enabled"),
        by_email=True,
    ),
    Kind("webhook_off", OWNER, "A webhook was switched off", ("webhook.disabled",), by_email=True),
    Kind(
        "approval",
        FINANCE,
        "Something waits for a decision or a second person",
        ("refund.proposed", "transfer.pending_approval", "credit.proposed", "outage.to_decide"),
        by_email=True,
    ),
    Kind(
        "money_stuck",
        FINANCE,
        "A refund, a transfer or a payment is stuck",
        ("refund.failed", "transfer.failed", "transfer.stuck", "payment.stuck", "payment.too_large"),
        by_email=True,
    ),
    Kind("mismatch", FINANCE, "Something does not tie", ("mismatch.opened",), by_email=True),
    Kind("dispute_opened", FINANCE, "A payment was disputed", ("dispute.opened",), by_email=True),
    Kind("window_stuck", OPERATOR, "A window is held and not cleared", ("window.held",), by_email=True),
)
BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}
DESK_KINDS = {event: kind for kind in KINDS if kind.audience in (FINANCE, OPERATOR) for event in kind.events}
"""Desks and organizations have feeds of their own, so that the same event of both means two things."""
_FEED_KINDS = {
    (event, kind.side): kind
    for kind in KINDS
    if kind.audience not in (FINANCE, OPERATOR)
    for event in kind.events
}
NUDGE = "notification.created"
"""What an organization's feed says when its people have new notifications: open pages then draw their bell anew."""


def kind_of(event: str, data: Mapping[str, object]) -> Kind | None:
    """Return the kind an event of an organization's feed belongs to; None for what is told to pages alone."""
    side = data.get("side")
    return _FEED_KINDS.get((event, str(side) if side else "")) or _FEED_KINDS.get((event, ""))


def kinds_for(audiences: set[str]) -> list[Kind]:
    """Return what people of these audiences can choose by, in order."""
    return [kind for kind in KINDS if kind.audience in audiences]
