"""Reads of disputes: finance's list with deadlines, and what happens next with one."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from settlements.models import Dispute, PrepaidDispute
from settlements.queries.queue import PAGE_SIZE

NEXT_ACTIONS = {
    Dispute.Status.INQUIRY: "Answer the bank with evidence, or refund the buyer.",
    Dispute.Status.NEEDS_RESPONSE: "Hand in evidence before the deadline, or accept it as lost.",
    Dispute.Status.UNDER_REVIEW: "Nothing to do: the bank decides, which takes it up to 90 days.",
    Dispute.Status.LOST: "Decide who bears it.",
}

N_PREPAID = 50


@dataclass(frozen=True, slots=True)
class DisputePage:
    """Disputes in order; ``next_before`` is the id of the last one, None at the end."""

    disputes: list[Dispute]
    next_before: int | None


def listed_disputes() -> QuerySet[Dispute]:
    """Return disputes with what a list row shows."""
    return Dispute.objects.select_related("settlement__organization", "evidence_by", "borne_by")


def dispute_page(disputes: QuerySet[Dispute], *, before: int | None, size: int = PAGE_SIZE) -> DisputePage:
    """Return the page of ``disputes`` older than the id ``before``."""
    older = disputes if before is None else disputes.filter(pk__lt=before)
    rows = list(older.order_by("-id")[: size + 1])
    return DisputePage(rows[:size], rows[size - 1].pk if len(rows) > size else None)


def prepaid_disputes() -> QuerySet[PrepaidDispute]:
    """Return disputes of prepayments, newest first."""
    return PrepaidDispute.objects.select_related("prepayment__organization", "excused_by").order_by("-id")


def next_action_on(dispute: Dispute) -> str:
    """Say what happens next with a dispute, and by whom; empty when nothing does."""
    return NEXT_ACTIONS.get(Dispute.Status(dispute.status), "")
