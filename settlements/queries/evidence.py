"""Everything that speaks for a disputed charge: receipt, hand-over record, what was told, what was tried. No secrets.

The same facts make the document that finance downloads and the texts that are handed to the bank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accounts.models import StreamEvent
from marketplace.hours import n_hours
from marketplace.money import format_cents, format_ticks
from settlements.models import Delivery, Dispute, SettlementLine, StripeEvent

TEXT_MAX_CHARACTERS = 20_000
"""The most that Stripe takes in one field."""


IN_FREE_TEXT = ("Receipt", "What the buyer was told", "Audit trail of the payment")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the bundle: a heading and its lines, oldest first."""

    title: str
    lines: list[str]


@dataclass(frozen=True, slots=True)
class EvidenceBundle:
    """The whole bundle of a dispute."""

    dispute: Dispute
    sections: list[Section]

    @property
    def text(self) -> str:
        """The bundle as plain text."""
        return "\n\n".join("\n".join([f"# {section.title}", *section.lines]) for section in self.sections)


def evidence_of(dispute: Dispute) -> EvidenceBundle:
    """Gather what speaks for a disputed charge."""
    lines = list(
        dispute.settlement.lines.select_related(
            "seller",
            "award__bid__placed_by",
            "award__lot__block__resource_type",
            "award__lot__block__site",
            "delivery",
        ).order_by("id")
    )
    return EvidenceBundle(
        dispute=dispute,
        sections=[
            Section("Receipt", _receipt(dispute, lines)),
            Section("What was bought, and how", _purchase(lines)),
            Section("Hand-over and use", _handover(lines)),
            Section("What the buyer was told", _told(dispute)),
            Section("Audit trail of the payment", _audit(dispute)),
        ],
    )


def evidence_fields(bundle: EvidenceBundle, *, statement: str) -> Mapping[str, str]:
    """Return the bundle as the fields that Stripe takes, and finance's own words in front."""
    dispute = bundle.dispute
    by_title = {section.title: "\n".join(section.lines)[:TEXT_MAX_CHARACTERS] for section in bundle.sections}
    delivered = dispute.settlement.lines.order_by("starts_at").values_list("starts_at", flat=True).first()
    texts = {
        "customer_name": dispute.settlement.organization.name,
        "product_description": by_title["What was bought, and how"],
        "service_date": f"{delivered:%Y-%m-%d}" if delivered else "",
        "access_activity_log": by_title["Hand-over and use"],
        "uncategorized_text": "\n\n".join(
            filter(
                None,
                [
                    statement,
                    by_title["Receipt"],
                    by_title["What the buyer was told"],
                    by_title["Audit trail of the payment"],
                ],
            )
        )[:TEXT_MAX_CHARACTERS],
    }
    return {name: text for name, text in texts.items() if text}


def _receipt(dispute: Dispute, lines: list[SettlementLine]) -> list[str]:
    settlement = dispute.settlement
    paid = (
        settlement.attempts.filter(stripe_charge_id=dispute.stripe_charge_id)
        .select_related("payment_method")
        .first()
    )
    return [
        f"Sparegrid settlement {settlement.pk} of {settlement.created_at:%Y-%m-%d %H:%M} UTC",
        f"Buyer: {settlement.organization}",
        f"Window: {settlement.window.market}, closed {settlement.window.closes_at:%Y-%m-%d %H:%M} UTC",
        *[
            f"Award {line.award_id}: {line.award.units} × {line.award.lot.block.resource_type}, "
            f"{n_hours(line.starts_at, line.ends_at)} hours from {line.starts_at:%Y-%m-%d %H:%M} UTC, "
            f"{format_cents(line.amount_cents)}"
            for line in lines
        ],
        f"Total: {format_cents(settlement.amount_cents)}, of which refunded {format_cents(settlement.refunded_cents)}",
        *([f"Paid with {paid.payment_method} on {paid.created_at:%Y-%m-%d %H:%M} UTC"] if paid else []),
        f"Charge {dispute.stripe_charge_id}, disputed {format_cents(dispute.amount_cents)} ({dispute.reason})",
    ]


def _purchase(lines: list[SettlementLine]) -> list[str]:
    bids = {line.award.bid_id: line.award.bid for line in lines}
    return [
        f"{bid.placed_at:%Y-%m-%d %H:%M:%S} UTC: bid {bid.pk} placed"
        + (f" by {bid.placed_by}" if bid.placed_by_id else "")
        + f", of at most {format_ticks(bid.max_ticks)}"
        for bid in sorted(bids.values(), key=lambda bid: bid.pk)
    ]


def _handover(lines: list[SettlementLine]) -> list[str]:
    record = []
    for line in lines:
        delivery: Delivery | None = getattr(line, "delivery", None)
        if delivery is None:
            continue
        steps = (
            ("handed over", delivery.handed_over_at),
            ("hand-over missed", delivery.missed_at),
            ("delivered in full", delivery.delivered_at),
        )
        record.append(
            f"Award {line.award_id}, {delivery.starts_at:%Y-%m-%d %H:%M} to {delivery.ends_at:%Y-%m-%d %H:%M} UTC: "
            f"{delivery.get_status_display().lower()}"
        )
        record += [
            f"  {at:%Y-%m-%d %H:%M:%S} UTC: {what} by {line.seller}" for what, at in steps if at is not None
        ]
    return record


def _told(dispute: Dispute) -> list[str]:
    settlement = dispute.settlement
    feed = StreamEvent.objects.filter(organization=settlement.organization, data__settlement=settlement.pk)
    told = [
        (event.created_at, f"on its pages: {event.kind.replace('.', ' ').replace('_', ' ')}")
        for event in feed.order_by("sequence")
    ]
    notices = settlement.notices.exclude(ended_at=None).filter(n_recipients__gt=0)
    told += [
        (notice.ended_at, f"e-mail to {notice.n_recipients} people: {notice.get_kind_display().lower()}")
        for notice in notices.order_by("id")
        if notice.ended_at is not None
    ]
    return [f"{at:%Y-%m-%d %H:%M:%S} UTC: {what}" for at, what in sorted(told)]


def _audit(dispute: Dispute) -> list[str]:
    attempts = list(dispute.settlement.attempts.select_related("payment_method").order_by("number"))
    ids = {attempt.stripe_payment_intent_id for attempt in attempts} | {
        dispute.stripe_charge_id,
        dispute.stripe_id,
    }
    events = StripeEvent.objects.filter(object_id__in=ids - {""}).defer("payload").order_by("id")
    tried = [
        f"{attempt.created_at:%Y-%m-%d %H:%M:%S} UTC: payment {attempt.number} of "
        f"{format_cents(attempt.amount_cents)} with {attempt.payment_method}, "
        f"{'the buyer present' if attempt.on_session else 'card on file'}: {attempt.get_outcome_display().lower()}"
        for attempt in attempts
    ]
    return tried + [f"{event.received_at:%Y-%m-%d %H:%M:%S} UTC: Stripe: {event.type}" for event in events]
