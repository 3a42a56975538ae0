"""Finance: the queue of settlements, filtered and exported, and one settlement in full."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.access import finance_needed
from accounts.saved_views import views_of
from accounts.trail import About, history_of
from settlements.exports import csv_lines, focus_lines
from settlements.filters import SettlementFilter
from settlements.models import Settlement
from settlements.queries.collecting import collection_of
from settlements.queries.queue import every_page_of, flag, notes_of, page_of, waiting
from settlements.queries.settlements import ledger_of, listed, story_of, stripe_events_of, why_unpaid
from settlements.queries.transfers import transfers_of
from settlements.views.desk import PLACE, AssignForm, NoteForm, SaveViewForm
from settlements.views.paging import before_of
from settlements.views.streaming import csv_file

BUILT_IN_VIEWS = (
    {"name": "All", "query": ""},
    {"name": "Unpaid", "query": "flag=unpaid&order=oldest"},
    {"name": "Not paid for a day", "query": "flag=overdue&order=oldest"},
    {"name": "Mine", "query": "flag=unpaid&assignee=me"},
)
Lines = Callable[[Iterable[list[Settlement]]], Iterator[str]]


@require_GET
@finance_needed
def settlement_list(request: HttpRequest) -> HttpResponse:
    """List settlements a page at a time, as the filter says."""
    found = SettlementFilter(request.GET, queryset=listed(), request=request)
    page = page_of(found.valid_qs, before=before_of(request), order=found.order_by)
    flag(page.settlements, now=timezone.now())
    context = {
        "filter": found,
        "page": page,
        "waiting": waiting(),
        "built_in_views": BUILT_IN_VIEWS,
        "views": views_of(request.user, PLACE),  # type: ignore[arg-type]  # somebody of finance
        "assign_form": AssignForm(user=request.user),  # type: ignore[arg-type]
        "save_form": SaveViewForm(initial={"query": found.address}),
    }
    return render(request, "settlements/settlement_list.html", context)


@require_GET
@finance_needed
def settlement_export(request: HttpRequest) -> StreamingHttpResponse:
    """Stream every settlement that the list's filter finds as CSV, in the list's order."""
    return _stream(request, csv_lines, "settlements.csv")


@require_GET
@finance_needed
def settlement_focus(request: HttpRequest) -> StreamingHttpResponse:
    """Stream the lines of every settlement that the list's filter finds in FOCUS columns."""
    return _stream(request, focus_lines, "settlements-focus.csv")


@require_GET
@finance_needed
def settlement_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one settlement with its lines, ledger entries, attempts and what Stripe told of it."""
    settlement = get_object_or_404(listed(), pk=pk)
    story = story_of(settlement)
    context = {
        "story": story,
        "settlement": settlement,
        "refunds": settlement.refunds.order_by("id"),
        "disputes": settlement.disputes.order_by("id"),
        "transfers": transfers_of(settlement),
        "why_unpaid": why_unpaid(settlement, story.attempts),
        "transactions": ledger_of(settlement),
        "stripe_events": stripe_events_of(story.attempts),
        "collection": collection_of(settlement),
        "notes": notes_of(settlement),
        "note_form": NoteForm(),
        "trail": history_of(request, About(Settlement, pk)),
        "assign_form": AssignForm(user=request.user, initial={"settlement": [pk]}),  # type: ignore[arg-type]
    }
    return render(request, "settlements/settlement_detail.html", context)


def _stream(request: HttpRequest, lines: Lines, filename: str) -> StreamingHttpResponse:
    found = SettlementFilter(request.GET, queryset=listed(), request=request)
    return csv_file(lambda: lines(every_page_of(found.valid_qs, order=found.order_by)), filename)
