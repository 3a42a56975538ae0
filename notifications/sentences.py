"""How each event of the feeds is put in words, by its kind and the side it is told to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from notifications.kinds import BUYER, SELLER


@dataclass(frozen=True, slots=True)
class Words:
    """How an event is put: ``title`` and ``text`` take facts, ``page`` is a URL's name, ``of`` its argument."""

    title: str
    text: str
    page: str
    of: str = ""


WORDS: Mapping[tuple[str, str], Words] = {
    ("bid.won", ""): Words(
        "Bid {bid} won: {units} for {amount}",
        "It is settled next, and its award shows when it starts.",
        "auctions:bid_detail",
        "bid",
    ),
    ("bid.lost", ""): Words(
        "Bid {bid} lost",
        "Nothing is charged and its hold is released. The page says what would have won.",
        "auctions:bid_detail",
        "bid",
    ),
    ("bid.released", ""): Words(
        "Window {window} was cancelled",
        "Your bids in it and their holds are released. {message}",
        "auctions:window",
        "window",
    ),
    ("standing_order.fulfilled", ""): Words(
        "Standing order {standing_order} is fulfilled",
        "It won all that it asked for, and bids no more.",
        "auctions:order_detail",
        "standing_order",
    ),
    ("standing_order.exhausted", ""): Words(
        "Standing order {standing_order} has used its budget",
        "It bids no more. The page says what it won.",
        "auctions:order_detail",
        "standing_order",
    ),
    ("standing_order.expired", ""): Words(
        "Standing order {standing_order} has expired",
        "Its deadline passed before it won all that it asked for. The page says what it won.",
        "auctions:order_detail",
        "standing_order",
    ),
    ("standing_order.abandoned", ""): Words(
        "Standing order {standing_order} is paused",
        "{message} Resume it on its page to have it bid in your name, or cancel it.",
        "auctions:order_detail",
        "standing_order",
    ),
    ("prepaid_return.returned", ""): Words(
        "{amount} of your prepaid balance was returned",
        "Your bank shows it within a few days.",
        "settlements:limit",
    ),
    ("prepaid_return.failed", ""): Words(
        "{amount} could not be returned to you", "{message}", "settlements:limit"
    ),
    ("settlement.paid", ""): Words(
        "Settlement {settlement} is paid: {amount}",
        "Its awards are handed over before they start.",
        "settlements:own_settlement_detail",
        "settlement",
    ),
    ("settlement.declined", ""): Words(
        "Your card was declined for {amount}",
        "{message} Pay by {pay_by}, or the award is cancelled.",
        "settlements:own_settlement_detail",
        "settlement",
    ),
    ("settlement.too_large", ""): Words(
        "Settlement {settlement} is more than a card can pay",
        "Pay in {to_pay} or more by bank transfer: it pays the settlement once it is here.",
        "settlements:limit",
    ),
    ("settlement.reminder", ""): Words(
        "{amount} is still to be paid",
        "Pay by {pay_by}, or the award is cancelled.",
        "settlements:own_settlement_detail",
        "settlement",
    ),
    ("settlement.extended", ""): Words(
        "More time to pay settlement {settlement}",
        "Our finance staff has moved the deadline to {pay_by}.",
        "settlements:own_settlement_detail",
        "settlement",
    ),
    ("settlement.paid_late", ""): Words(
        "A payment of {amount} came after the deadline",
        "The award was cancelled before; the money stands in your prepaid balance.",
        "settlements:own_settlement_detail",
        "settlement",
    ),
    ("settlement.action_required", ""): Words(
        "Your bank wants {amount} confirmed",
        "Confirm the payment by {pay_by}, or the award is cancelled.",
        "settlements:own_settlement_detail",
        "settlement",
    ),
    ("settlement.defaulted", ""): Words(
        "Not paid: the awards of settlement {settlement} are cancelled",
        "{message} Nothing is owed any more.",
        "settlements:own_settlement_detail",
        "settlement",
    ),
    ("delivery.handed_over", BUYER): Words(
        "Access to award {award} was handed over", "It runs {hours}.", "settlements:own_delivery", "delivery"
    ),
    ("delivery.starts_soon", BUYER): Words(
        "Award {award} starts soon", "It runs {hours}.", "settlements:own_delivery", "delivery"
    ),
    ("delivery.missed", BUYER): Words(
        "Nothing was handed over for award {award}",
        "A refund of the time missed is proposed to our finance staff.",
        "settlements:own_delivery",
        "delivery",
    ),
    ("outage.accepted", BUYER): Words(
        "The seller agrees that award {award} had an outage",
        "Our finance staff decides on the refund.",
        "settlements:own_delivery",
        "delivery",
    ),
    ("outage.disputed", BUYER): Words(
        "The seller disputes the outage of award {award}",
        "Our finance staff reads both sides and decides.",
        "settlements:own_delivery",
        "delivery",
    ),
    ("outage.upheld", BUYER): Words(
        "The outage of award {award} is upheld",
        "{refund} is refunded.",
        "settlements:own_delivery",
        "delivery",
    ),
    ("outage.reopened", BUYER): Words(
        "The outage of award {award} is decided again",
        "A second person of our finance staff did not agree to its refund.",
        "settlements:own_delivery",
        "delivery",
    ),
    ("outage.rejected", BUYER): Words(
        "The outage of award {award} is rejected",
        "The page says why.",
        "settlements:own_delivery",
        "delivery",
    ),
    ("refund.approved", ""): Words(
        "A refund of {amount} is on its way",
        "It goes back to the card that paid.",
        "settlements:own_settlement_detail",
        "settlement",
    ),
    ("refund.succeeded", ""): Words(
        "A refund of {amount} was made",
        "Your bank shows it within a few days.",
        "settlements:own_settlement_detail",
        "settlement",
    ),
    ("refund.credited", ""): Words(
        "A refund of {amount} was credited",
        "It stands in your prepaid balance.",
        "settlements:own_settlement_detail",
        "settlement",
    ),
    ("dispute.inquiry", ""): Words(
        "Your bank asks about a payment of {amount}",
        "If that was a mistake, ask the bank to withdraw it.",
        "settlements:own_settlement_detail",
        "settlement",
    ),
    ("dispute.needs_response", ""): Words(
        "A payment of {amount} was disputed at your bank",
        "New bids wait until that is settled. If it was a mistake, ask the bank to withdraw it.",
        "settlements:own_settlement_detail",
        "settlement",
    ),
    ("dispute.won", ""): Words(
        "The dispute over {amount} ended for the seller",
        "The payment stands.",
        "settlements:own_settlement_detail",
        "settlement",
    ),
    ("dispute.lost", ""): Words(
        "The bank returned {amount} to you",
        "The dispute over settlement {settlement} has ended.",
        "settlements:own_settlement_detail",
        "settlement",
    ),
    ("limit.raised", ""): Words(
        "Your bidding limit is {limit}", "Your credit line was raised to {credit}.", "settlements:limit"
    ),
    ("block.sold", ""): Words(
        "{units} of block {block} sold for {amount}",
        "The hand-over is due once the buyer has paid.",
        "inventory:block_detail",
        "block",
    ),
    ("block.returned", ""): Words(
        "Award {award} was not paid",
        "For sale again: {units} of block {block}.",
        "inventory:block_detail",
        "block",
    ),
    ("delivery.handover_due", SELLER): Words(
        "Hand over award {award}",
        "It is paid and runs {hours}. Half an hour after the start it counts as missed.",
        "settlements:sale_delivery",
        "delivery",
    ),
    ("delivery.keys_changed", SELLER): Words(
        "Award {award}: other SSH keys",
        "Please let these in and no others.",
        "settlements:sale_delivery",
        "delivery",
    ),
    ("delivery.starts_soon", SELLER): Words(
        "Award {award} starts soon",
        "It runs {hours}. The page says how its hand-over stands.",
        "settlements:sale_delivery",
        "delivery",
    ),
    ("delivery.missed", SELLER): Words(
        "The hand-over of award {award} was missed",
        "A refund of the time missed is proposed. A late hand-over ends that time.",
        "settlements:sale_delivery",
        "delivery",
    ),
    ("delivery.cancelled", SELLER): Words(
        "Award {award} is cancelled", "It would have run {hours}.", "settlements:sale_delivery", "delivery"
    ),
    ("outage.reported", SELLER): Words(
        "An outage of award {award} was reported",
        "Say on its page whether you agree.",
        "settlements:sale_delivery",
        "delivery",
    ),
    ("outage.withdrawn", SELLER): Words(
        "The outage of award {award} was withdrawn",
        "Nothing is left to answer.",
        "settlements:sale_delivery",
        "delivery",
    ),
    ("outage.upheld", SELLER): Words(
        "The outage of award {award} is upheld",
        "{refund} is refunded to the buyer.",
        "settlements:sale_delivery",
        "delivery",
    ),
    ("outage.reopened", SELLER): Words(
        "The outage of award {award} is decided again",
        "A second person of our finance staff did not agree to its refund.",
        "settlements:sale_delivery",
        "delivery",
    ),
    ("outage.rejected", SELLER): Words(
        "The outage of award {award} is rejected",
        "Nothing is refunded.",
        "settlements:sale_delivery",
        "delivery",
    ),
    ("transfer.paid", ""): Words(
        "{amount} was paid out to you",
        "Payout {transfer} is on its way to your bank.",
        "settlements:payout_detail",
        "transfer",
    ),
    ("transfer.held", ""): Words(
        "A payout for delivery {delivery} is held back",
        "{message} It is paid once that is settled.",
        "settlements:sale_delivery",
        "delivery",
    ),
    ("transfer.rejected", ""): Words(
        "A payout of {amount} was stopped",
        "Our finance staff did not release it. It stays owed to you.",
        "settlements:payout_detail",
        "transfer",
    ),
    ("payouts.stopped", ""): Words(
        "You cannot be paid out at present",
        "Stripe needs something of you. What you earn is kept for you.",
        "settlements:payout_setup",
    ),
    ("payouts.enabled", ""): Words(
        "Payouts are set up", "What you earn is paid out after each delivery.", "settlements:payout_list"
    ),
    ("webhook.disabled", ""): Words(
        "The webhook {name} is switched off",
        "{message} Mend it and switch it on again.",
        "notifications:webhook_detail",
        "endpoint",
    ),
    ("refund.proposed", ""): Words(
        "A refund of {amount} waits for a second person",
        "It is about settlement {settlement}.",
        "settlements:refund_detail",
        "refund",
    ),
    ("transfer.pending_approval", ""): Words(
        "A transfer of {amount} waits for two people",
        "Its hours are delivered.",
        "settlements:transfer_detail",
        "transfer",
    ),
    ("credit.proposed", ""): Words(
        "A credit line of {amount} waits for a second person",
        "It is for {organization_name}.",
        "accounts:limit_edit",
        "organization",
    ),
    ("outage.to_decide", ""): Words(
        "An outage of award {award} is to be decided",
        "Both sides were heard, or a hand-over was missed.",
        "settlements:outage_detail",
        "outage",
    ),
    ("refund.failed", ""): Words(
        "A refund of {amount} failed", "{message}", "settlements:refund_detail", "refund"
    ),
    ("transfer.failed", ""): Words(
        "A transfer of {amount} failed", "{message}", "settlements:transfer_detail", "transfer"
    ),
    ("payment.stuck", ""): Words(
        "A payment of {amount} is stuck",
        "{message} It is about settlement {settlement}, and asked again by itself.",
        "settlements:settlement_detail",
        "settlement",
    ),
    ("payment.too_large", ""): Words(
        "A settlement of {amount} is more than a card can pay",
        "The buyer is told to pay in by bank transfer, which pays it. It has no deadline by itself.",
        "settlements:settlement_detail",
        "settlement",
    ),
    ("transfer.stuck", ""): Words(
        "A transfer of {amount} is stuck", "{message}", "settlements:transfer_detail", "transfer"
    ),
    ("mismatch.opened", ""): Words("{what}", "{detail} ({subject})", "settlements:mismatch", "mismatch"),
    ("dispute.opened", ""): Words(
        "A payment of {amount} was disputed",
        "It is about settlement {settlement}. Answer by {answer_by}.",
        "settlements:dispute_detail",
        "dispute",
    ),
    ("window.held", ""): Words(
        "Window {window} is held and not cleared", "{message}", "auctions:operate_overview"
    ),
}
MANY: Mapping[str, Words] = {
    "bid.won": Words(
        "{n} bids won in window {window}: {units} for {amount}",
        "They are settled together.",
        "auctions:window",
        "window",
    ),
    "bid.lost": Words(
        "{n} bids lost in window {window}",
        "Nothing is charged and their holds are released.",
        "auctions:window",
        "window",
    ),
    "bid.released": Words(
        "Window {window} was cancelled",
        "Your {n} bids in it and their holds are released. {message}",
        "auctions:window",
        "window",
    ),
    "block.sold": Words(
        "{n} sales in window {window}: {units} for {amount}",
        "Each hand-over is due once its buyer has paid.",
        "settlements:sale_delivery_list",
    ),
    "delivery.handover_due": Words(
        "{n} hand-overs are due of window {window}",
        "They are paid, and the first begins {starts}. Half an hour after its start each counts as missed.",
        "settlements:sale_delivery_list",
    ),
    "delivery.keys_changed": Words(
        "Other SSH keys for {n} awards of window {window}",
        "Please let these in and no others. Each award's page shows them.",
        "settlements:sale_delivery_list",
    ),
}
"""How several events of one window are put, where a kind gathers them."""
