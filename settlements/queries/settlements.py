"""Reads of settlements: what a list shows, and one settlement with everything that explains it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from settlements.models import (
    ChargeAttempt,
    Entry,
    PaymentMethod,
    Settlement,
    SettlementLine,
    StripeEvent,
    Transaction,
)


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a settlement's timeline, as components/timeline.html shows it."""

    title: str
    at: datetime | None
    detail: str
    state: str


@dataclass(frozen=True, slots=True)
class SettlementStory:
    """One settlement with all that explains it."""

    settlement: Settlement
    lines: list[SettlementLine]
    attempts: list[ChargeAttempt]
    timeline: list[Happened]


def listed() -> QuerySet[Settlement]:
    """Return settlements with what a list row shows; ``has_card`` says whether the buyer has a card on file."""
    cards = PaymentMethod.objects.filter(organization_id=OuterRef("organization_id"), removed_at=None)
    return Settlement.objects.select_related(
        "organization", "window__market", "assignee", "dunning", "lease_month"
    ).annotate(has_card=Exists(cards))


def story_of(settlement: Settlement) -> SettlementStory:
    """Return a settlement (from ``listed``) with its lines, attempts and timeline."""
    lines = settlement.lines.select_related(
        "seller", "award__lot__block__resource_type", "award__lot__block__site"
    )
    attempts = list(settlement.attempts.select_related("payment_method").order_by("number"))
    return SettlementStory(
        settlement=settlement,
        lines=list(lines.order_by("id")),
        attempts=attempts,
        timeline=_timeline(settlement, attempts),
    )


def ledger_of(settlement: Settlement) -> list[Transaction]:
    """Return the ledger transactions that a settlement posted, oldest first, with their entries."""
    entries = Entry.objects.select_related("account__organization").order_by("id")
    transactions = Transaction.objects.filter(reference__startswith=f"settlement:{settlement.pk}:")
    return list(transactions.order_by("id").prefetch_related(Prefetch("entries", entries)))


def stripe_events_of(attempts: list[ChargeAttempt]) -> list[StripeEvent]:
    """Return what Stripe told of these attempts' payments and charges, oldest first."""
    ids = {attempt.stripe_payment_intent_id for attempt in attempts}
    ids |= {attempt.stripe_charge_id for attempt in attempts}
    return list(StripeEvent.objects.filter(object_id__in=ids - {""}).defer("payload").order_by("id"))


def why_unpaid(settlement: Settlement, attempts: list[ChargeAttempt]) -> str:
    """Say in people's words why a settlement (from ``listed``) is not paid; empty when it is."""
    match settlement.status:
        case Settlement.Status.DUE if not settlement.has_card:  # type: ignore[attr-defined]  # annotated
            return "No card is on file. It is charged as soon as one is added."
        case Settlement.Status.DUE:
            return "The card on file is charged in a moment."
        case Settlement.Status.CHARGING:
            return "Waiting for the bank's answer."
        case Settlement.Status.CARRIED if settlement.carried_into_id:
            return f"Less than the $0.50 a card can be charged. Settlement {settlement.carried_into_id} collects it."
        case Settlement.Status.CARRIED:
            return "Less than the $0.50 a card can be charged. It is carried forward to a later settlement."
        case Settlement.Status.PAID:
            return ""
        case Settlement.Status.DEFAULTED:
            return "Nobody paid in time. What was won is for sale again."
        case Settlement.Status.WRITTEN_OFF:
            return "Written off by finance. Nothing is left to pay."
        case _:
            return attempts[-1].message if attempts else ""


def _timeline(settlement: Settlement, attempts: list[ChargeAttempt]) -> list[Happened]:
    happened = [Happened("Drawn up", settlement.created_at, "", "done")]
    for attempt in attempts:
        happened.append(
            Happened(
                f"Payment {attempt.number} tried", attempt.created_at, str(attempt.payment_method), "done"
            )
        )
        happened.append(_end_of(attempt))
    if not attempts and settlement.status == Settlement.Status.DUE:
        happened.append(Happened("Payment", None, "", "pending"))
    return happened


def _end_of(attempt: ChargeAttempt) -> Happened:
    states = {
        ChargeAttempt.Outcome.UNKNOWN: "pending",
        ChargeAttempt.Outcome.ACTION_REQUIRED: "pending",
        ChargeAttempt.Outcome.SUCCEEDED: "done",
        ChargeAttempt.Outcome.DECLINED: "failed",
        ChargeAttempt.Outcome.CANCELLED: "failed",
    }
    outcome = ChargeAttempt.Outcome(attempt.outcome)
    return Happened(
        f"Payment {attempt.number}: {outcome.label.lower()}",
        attempt.ended_at,
        attempt.message,
        states[outcome],
    )
