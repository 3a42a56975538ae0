"""The seller's overview and capacity calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import member_needed
from accounts.middleware import MemberRequest
from marketplace.db import snapshot
from settlements.queries.selling import (
    Span,
    blocks_on,
    calendar_of,
    earnings_of,
    next_handovers,
    span_of,
    total_of,
)
from settlements.queries.transfers import money_of
from settlements.views.payouts import selling

EARLIEST, LATEST = date(2000, 1, 3), date(2100, 1, 1)


@require_safe
@member_needed
@snapshot()
def overview(request: MemberRequest) -> HttpResponse:
    """Show what a week or a month released, sold and earned, and what is due next."""
    seller = selling(request)
    span = _span(request)
    context = {
        "span": span,
        "hours": total_of(calendar_of(seller, span)),
        "earnings": earnings_of(seller, span),
        "money": money_of(seller.pk),
        "handovers": next_handovers(seller),
        "seller": seller,
    }
    return render(request, "settlements/selling_overview.html", context)


@require_safe
@member_needed
@snapshot()
def calendar(request: MemberRequest) -> HttpResponse:
    """Show capacity by site, type and day; ``on`` names a day whose blocks are listed below."""
    seller = selling(request)
    span = _span(request)
    rows = calendar_of(seller, span)
    on = _day(request.GET.get("on", ""))
    context = {
        "span": span,
        "rows": rows,
        "total": total_of(rows),
        "today": datetime.now(UTC).date(),
        "on": on,
        "blocks": blocks_on(seller, on) if on else [],
    }
    return render(request, "settlements/selling_calendar.html", context)


def _span(request: MemberRequest) -> Span:
    kind = "month" if request.GET.get("span") == "month" else "week"
    return span_of(kind, _day(request.GET.get("day", "")) or datetime.now(UTC).date())


def _day(text: str) -> date | None:
    """Return the day an address names; None where it names none that a calendar has."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST <= day <= LATEST else None
