"""Reads of deliveries: which step is due, and what each side sees of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from accounts.models import Organization
from auctions.models import Award
from settlements.models import Delivery, Handover, Outage, Settlement
from settlements.models.deliveries import HANDOVER_GRACE
from settlements.queries.outages import UNDECIDED
from settlements.queries.settlements import Happened

Status = Delivery.Status
PAYS_FOR_HANDOVER = (Settlement.Status.PAID, Settlement.Status.CARRIED)
"""A settlement too small for a card is owed, and held against the limit: its hours are handed over all the same."""
BATCH = 200


def due_deliveries(now: datetime) -> list[int]:
    """Return deliveries for which payment or time asks a step, the earliest first."""
    undecided = Outage.objects.filter(UNDECIDED, delivery=OuterRef("pk"))
    before = Delivery.objects.filter(
        line__award=OuterRef("line__award"), ends_at=OuterRef("starts_at"), handed_over_at__isnull=False
    )
    is_refunded = Q(line__amount_cents__gt=0, line__refunded_cents__gte=F("line__amount_cents"))
    is_due = (
        Q(status=Status.AWAITING_PAYMENT, line__settlement__status__in=PAYS_FOR_HANDOVER)
        | Q(status__in=(Status.HANDOVER_DUE, Status.READY)) & is_refunded
        | Q(status=Status.HANDOVER_DUE, due_at__lte=now - HANDOVER_GRACE)
        | Q(Exists(before), status=Status.HANDOVER_DUE, starts_at__lte=now)
        | Q(status=Status.READY, starts_at__lte=now)
        | Q(~Exists(undecided), status__in=(Status.RUNNING, Status.MISSED), ends_at__lte=now)
    )
    due = Delivery.objects.filter(is_due, status__in=Delivery.LIVE)
    return list(due.order_by("starts_at", "id").values_list("id", flat=True)[:BATCH])


@dataclass(frozen=True, slots=True)
class SaleTab:
    """A part of a seller's deliveries; ``statuses`` is what it holds."""

    name: str
    label: str
    statuses: tuple[Delivery.Status, ...]
    soonest_first: bool = True


SALE_TABS = (
    SaleTab("due", "Hand over", (Status.HANDOVER_DUE, Status.MISSED)),
    SaleTab("ready", "Handed over", (Status.READY, Status.RUNNING)),
    SaleTab("unpaid", "Waiting for payment", (Status.AWAITING_PAYMENT,)),
    SaleTab("ended", "Ended", (Status.DELIVERED, Status.CANCELLED), soonest_first=False),
)


def listed_deliveries() -> QuerySet[Delivery]:
    """Return deliveries with what a list row and a page show of them; ``n_open_outages`` wait for a decision."""
    return Delivery.objects.select_related(
        "buyer",
        "seller",
        "line__settlement",
        "line__award__window__market",
        "line__award__lot__block__resource_type",
        "line__award__lot__block__site",
    ).annotate(
        n_open_outages=Count("outages", filter=Q(outages__status__in=Outage.UNDECIDED), distinct=True),
        n_keys=Count("ssh_keys", distinct=True),
        version=Coalesce(Max("handovers__version"), 0),
    )


def sales_of(seller: Organization, tab: SaleTab) -> QuerySet[Delivery]:
    """Return a seller's deliveries of one tab: what is due first, or what ended last."""
    found = listed_deliveries().filter(seller=seller, status__in=tab.statuses)
    return (
        found.order_by("due_at", "starts_at", "id")
        if tab.soonest_first
        else found.order_by("-starts_at", "-id")
    )


def count_sales(seller: Organization) -> dict[str, int]:
    """Return how many deliveries each tab of a seller's list holds."""
    rows = Delivery.objects.filter(seller=seller).values_list("status").annotate(Count("id"))
    found = dict(rows)
    return {tab.name: sum(found.get(status, 0) for status in tab.statuses) for tab in SALE_TABS}


def deliveries_by_award(awards: Iterable[Award]) -> dict[int, list[Delivery]]:
    """Return the deliveries of each award by its id: one, or one a month for a lease; none until it is drawn up."""
    found: dict[int, list[Delivery]] = defaultdict(list)
    deliveries = Delivery.objects.filter(line__award__in=[award.pk for award in awards])
    for delivery in deliveries.select_related("line").order_by("starts_at", "id"):
        found[delivery.line.award_id].append(delivery)
    return found


def timeline_of(delivery: Delivery, outages: Iterable[Outage]) -> list[Happened]:
    """Tell a delivery's story, oldest first, with what is still to come at the end."""
    told = [Happened("Drawn up", delivery.created_at, "", "done")]
    for handover in delivery.handovers.select_related("given_by").order_by("version"):
        title = "Handed over" if handover.version == 1 else f"Access changed, version {handover.version}"
        told.append(Happened(title, handover.given_at, "", "done"))
    if delivery.missed_at:
        told.append(Happened("Hand-over missed", delivery.missed_at, "", "failed"))
    for outage in outages:
        title = f"{outage.get_kind_display()}, {outage.n_minutes} min"
        told.append(Happened(title, outage.reported_at, "", "failed"))
        if outage.answered_at:
            told.append(Happened("The seller answered", outage.answered_at, outage.answer, "done"))
        if outage.decided_at:
            told.append(
                Happened(
                    f"Outage {outage.get_status_display().lower()}",
                    outage.decided_at,
                    outage.decision,
                    "done",
                )
            )
    if delivery.delivered_at:
        told.append(Happened("Delivered", delivery.delivered_at, "", "done"))
    told.sort(key=lambda happened: happened.at or delivery.ends_at)
    return [*told, *_ahead(delivery)]


def _ahead(delivery: Delivery) -> list[Happened]:
    match delivery.status:
        case Status.AWAITING_PAYMENT:
            return [Happened("Payment", None, "", "pending")]
        case Status.HANDOVER_DUE | Status.MISSED:
            return [Happened("Hand-over", delivery.due_at, "", "pending")]
        case Status.READY:
            return [Happened("Start", delivery.starts_at, "", "pending")]
        case Status.RUNNING:
            return [Happened("End", delivery.ends_at, "", "pending")]
    return []


def handover_before(delivery: Delivery) -> Handover | None:
    """Return what was handed over last for the month of the same lease that ends where this delivery starts."""
    before = Handover.objects.filter(
        delivery__line__award=delivery.line.award_id, delivery__ends_at=delivery.starts_at
    )
    return before.order_by("-version").first()
