"""Reads of deliveries: which step is due, and what each side sees of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import Organization
from auctions.models import Award
from settlements.models import Delivery, DeliveryNotice, Handover, Outage, Settlement
from settlements.models.deliveries import HANDOVER_GRACE
from settlements.queries.outages import UNDECIDED
from settlements.queries.settlements import Happened

Status = Delivery.Status
PAYS_FOR_HANDOVER = (Settlement.Status.PAID, Settlement.Status.CARRIED)
"""A settlement too small for a card is owed, and held against the limit: its hours are handed over all the same."""
BATCH = 200
PAGE_SIZE = 50
STARTS_SOON = timedelta(hours=1)
"""How long before its start a delivery is announced; one drawn up later than that is not."""


def due_deliveries(now: datetime, *, leaving: Collection[int] = ()) -> list[int]:
    """Return deliveries for which payment or time asks a step, the earliest first, ``leaving`` some out."""
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
    due = Delivery.objects.filter(is_due, status__in=Delivery.LIVE).exclude(pk__in=leaving)
    return list(due.order_by("starts_at", "id").values_list("id", flat=True)[:BATCH])


def starting_deliveries(now: datetime) -> list[int]:
    """Return deliveries that start soon and were not announced, the earliest first."""
    announced = DeliveryNotice.objects.filter(delivery=OuterRef("pk"), kind=DeliveryNotice.Kind.STARTS_SOON)
    starting = Delivery.objects.filter(
        ~Exists(announced),
        status__in=(Status.HANDOVER_DUE, Status.READY),
        starts_at__gt=now,
        starts_at__lte=now + STARTS_SOON,
        created_at__lte=F("starts_at") - STARTS_SOON,
    )
    return list(starting.order_by("starts_at", "id").values_list("id", flat=True)[:BATCH])


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Deliveries in order; ``next_before`` is the id of the last one, None at the end."""

    deliveries: list[Delivery]
    next_before: int | None


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
    """Return deliveries with what a list row and a page show of them; ``n_open_outages`` wait for a decision.

    The counts are asked for row by row, so that a page of them costs a page, however many deliveries there are.
    """
    of_each = {"delivery": OuterRef("pk")}
    outages = Outage.objects.filter(status__in=Outage.UNDECIDED, **of_each)
    keys = Delivery.ssh_keys.through.objects.filter(**of_each)
    handovers = Handover.objects.filter(**of_each).order_by("-version")
    return Delivery.objects.select_related(
        "buyer",
        "seller",
        "line__settlement",
        "line__award__window__market",
        "line__award__lot__block__resource_type",
        "line__award__lot__block__site",
    ).annotate(
        n_open_outages=_count(outages),
        n_keys=_count(keys),
        version=Coalesce(Subquery(handovers.values("version")[:1]), 0),
    )


def sales_page(
    seller: Organization, tab: SaleTab, *, before: int | None, size: int = PAGE_SIZE
) -> DeliveryPage:
    """Return a page of a seller's deliveries of one tab after the delivery ``before`` (an id): a keyset.

    What starts soonest comes first, or what started last where all has ended. A delivery that is gone has no page.
    """
    found = Delivery.objects.filter(seller=seller, status__in=tab.statuses)
    if before is not None:
        last = Delivery.objects.filter(seller=seller, pk=before).values_list("starts_at", flat=True).first()
        found = found.none() if last is None else found.filter(_beyond(tab, last, before))
    order = ("starts_at", "id") if tab.soonest_first else ("-starts_at", "-id")
    ids = list(found.order_by(*order).values_list("pk", flat=True)[: size + 1])
    rows = list(listed_deliveries().filter(pk__in=ids[:size]).order_by(*order))
    return DeliveryPage(rows, ids[size - 1] if len(ids) > size else None)


def count_sales(seller: Organization) -> dict[str, int]:
    """Return how many deliveries each tab of a seller's list holds, but those that ended: they only ever grow."""
    live = Delivery.objects.filter(seller=seller, status__in=Delivery.LIVE)
    found = dict(live.values_list("status").annotate(Count("id")))
    tabs = [tab for tab in SALE_TABS if set(tab.statuses) <= set(Delivery.LIVE)]
    return {tab.name: sum(found.get(status, 0) for status in tab.statuses) for tab in tabs}


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


def _count(rows: QuerySet[Any]) -> Coalesce:
    """Count the rows of a subquery, grouped by the delivery they name."""
    counted = rows.order_by().values("delivery").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))


def _beyond(tab: SaleTab, starts_at: datetime, pk: int) -> Q:
    """Say in one comparison more than the order needs, so that the index on the first column serves."""
    if tab.soonest_first:
        return Q(starts_at__gte=starts_at) & (Q(starts_at__gt=starts_at) | Q(pk__gt=pk))
    return Q(starts_at__lte=starts_at) & (Q(starts_at__lt=starts_at) | Q(pk__lt=pk))
