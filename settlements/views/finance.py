"""Finance: every settlement, filtered, exported, and one in full."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.access import finance_needed
from settlements.filters import SettlementFilter
from settlements.models import Settlement
from settlements.queries.queue import every_page_of, page_of
from settlements.queries.settlements import ledger_of, listed, story_of, stripe_events_of, why_unpaid
from settlements.views.paging import before_of

COLUMNS = ("settlement", "state", "buyer", "market", "window", "amount_usd", "drawn_up_at", "paid_at")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@require_GET
@finance_needed
def settlement_list(request: HttpRequest) -> HttpResponse:
    """List settlements newest first, a page at a time, as the filter says."""
    found = SettlementFilter(request.GET, queryset=listed())
    page = page_of(found.valid_qs, before=before_of(request))
    return render(request, "settlements/settlement_list.html", {"filter": found, "page": page})


@require_GET
@finance_needed
def settlement_export(request: HttpRequest) -> StreamingHttpResponse:
    """Stream every settlement that the list's filter finds as CSV."""
    found = SettlementFilter(request.GET, queryset=listed())
    return StreamingHttpResponse(
        _csv_lines(found),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="settlements.csv"'},
    )


@require_GET
@finance_needed
def settlement_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one settlement with its lines, ledger entries, attempts and what Stripe told of it."""
    settlement = get_object_or_404(listed(), pk=pk)
    story = story_of(settlement)
    context = {
        "story": story,
        "settlement": settlement,
        "why_unpaid": why_unpaid(settlement, story.attempts),
        "transactions": ledger_of(settlement),
        "stripe_events": stripe_events_of(story.attempts),
    }
    return render(request, "settlements/settlement_detail.html", context)


class _Echo:
    """A file that returns what is written to it, which is how csv hands its lines over."""

    def write(self, line: str) -> str:
        return line


async def _csv_lines(found: SettlementFilter) -> AsyncIterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    chunks = every_page_of(await sync_to_async(lambda: found.valid_qs)())
    while chunk := await sync_to_async(lambda: next(chunks, None))():
        yield "".join(writer.writerow(_csv_row(settlement)) for settlement in chunk)


def _csv_row(settlement: Settlement) -> tuple[object, ...]:
    dollars, cents = divmod(settlement.amount_cents, 100)
    return (
        settlement.pk,
        settlement.status,
        _no_formula(settlement.organization.name),
        _no_formula(settlement.window.market.name),
        settlement.window_id,
        f"{dollars}.{cents:02d}",
        settlement.created_at.isoformat(),
        settlement.paid_at.isoformat() if settlement.paid_at else "",
    )


def _no_formula(text: str) -> str:
    """Keep a spreadsheet from running a name as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
