"""Reads of outages: whether any is open, and the lists that each side and finance see."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from settlements.models import Delivery, Outage, Refund

UNDECIDED = Q(status__in=Outage.UNDECIDED) | Q(
    status=Outage.Status.UPHELD, refund__status=Refund.Status.PROPOSED
)
"""Not decided yet, or decided with a refund that waits for a second person."""
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class OutagePage:
    """Outages in order; ``next_before`` is the id of the last one, None at the end."""

    outages: list[Outage]
    next_before: int | None


def is_undecided(delivery: Delivery) -> bool:
    """Say whether an outage of this delivery is still open: its seller is owed nothing until then."""
    return delivery.outages.filter(UNDECIDED).exists()


def listed_outages() -> QuerySet[Outage]:
    """Return outages with what a list and a page show."""
    return Outage.objects.select_related(
        "delivery__buyer",
        "delivery__seller",
        "delivery__line__settlement",
        "delivery__line__award__lot__block__resource_type",
        "delivery__line__award__lot__block__site",
        "reported_by",
        "answered_by",
        "decided_by",
        "refund",
    )


def outages_of(delivery: Delivery) -> list[Outage]:
    """Return a delivery's outages, the earliest first."""
    return list(listed_outages().filter(delivery=delivery).order_by("starts_at", "id"))


def outage_page(*, is_decided: bool, before: int | None, size: int = PAGE_SIZE) -> OutagePage:
    """Return a page of outages after the id ``before``: those decided, newest first, or to decide, oldest first."""
    if is_decided:
        found = listed_outages().exclude(status__in=Outage.UNDECIDED).order_by("-id")
        found = found if before is None else found.filter(pk__lt=before)
    else:
        found = listed_outages().filter(status__in=Outage.UNDECIDED).order_by("id")
        found = found if before is None else found.filter(pk__gt=before)
    rows = list(found[: size + 1])
    return OutagePage(rows[:size], rows[size - 1].pk if len(rows) > size else None)
