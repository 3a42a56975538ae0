"""Reads of leases and their months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from settlements.leases import DRAWN_UP_BEFORE
from settlements.models import Lease, LeaseMonth, Settlement


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A month of a lease, the settlement that charges it, if there is one yet, and when it will be drawn up."""

    month: LeaseMonth
    settlement: Settlement | None
    drawn_up_at: datetime


def leases() -> QuerySet[Lease]:
    """Return leases with what a page says about them."""
    return Lease.objects.select_related(
        "organization", "award__lot__block__resource_type", "award__lot__block__site", "award__window__market"
    )


def months_of_lease(lease: Lease) -> list[MonthRow]:
    """Return a lease's months in order."""
    settlements = {own.lease_month_id: own for own in Settlement.objects.filter(lease_month__lease=lease)}
    return [
        MonthRow(month, settlements.get(month.pk), month.starts_at - DRAWN_UP_BEFORE)
        for month in lease.months.order_by("number")
    ]
