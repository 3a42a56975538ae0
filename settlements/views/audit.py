"""Finance's audit log: every recorded change of every audited object, by person, kind and day, and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django import forms
from django.core import signing
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.access import finance_needed
from accounts.models import User
from accounts.trail import Entry, Place, Search, every_entry, kind_choices, search_trail
from marketplace.fields import WholeNumberField
from settlements.exports import Echo, no_formula
from settlements.views.paging import MAX_ID
from settlements.views.streaming import csv_file

CSV_COLUMNS = ("at", "who", "by", "deed", "kind", "object", "field", "before", "after")
PAGES = {
    "settlements.settlement": "settlements:settlement_detail",
    "settlements.refund": "settlements:refund_detail",
    "settlements.dispute": "settlements:dispute_detail",
    "settlements.transfer": "settlements:transfer_detail",
    "settlements.outage": "settlements:outage_detail",
    "settlements.mismatch": "settlements:mismatch",
    "settlements.lease": "settlements:lease_detail",
    "accounts.biddinglimit": "accounts:limit_edit",
    "auctions.window": "auctions:window",
}
"""Where finance finds an object, by its kind."""
PLACE_SALT = "finance.audit.place"


class AuditForm(forms.Form):
    """What of the trail is looked for; empty finds everything."""

    person = forms.CharField(
        label="Person", required=False, max_length=150, help_text="Part of a name or an e-mail address."
    )
    kind = forms.ChoiceField(label="Kind of object", required=False)
    number = WholeNumberField(label="Its number", required=False, min_value=1, max_value=MAX_ID)
    since = forms.DateField(
        label="From day, UTC", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label="To day, UTC", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.fields["kind"].choices = [("", "All kinds"), *kind_choices()]  # type: ignore[attr-defined]

    @property
    def search(self) -> Search | None:
        """Return what the form asks for; None while it holds an error."""
        if not self.is_valid():
            return None
        said = self.cleaned_data
        return Search(
            people=_people(said["person"]) if said["person"] else None,
            kind=said["kind"],
            object_id=said["number"],
            since=_midnight(said["since"]) if said["since"] else None,
            until=_midnight(said["until"]) + timedelta(days=1) if said["until"] else None,
        )


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries with the address of each one's object; ``next_before`` starts the next page, empty at the end."""

    entries: list[dict[str, object]]
    next_before: str


@require_GET
@finance_needed
def audit_list(request: HttpRequest) -> HttpResponse:
    """List recorded changes newest first, a page at a time, as the filter says."""
    form = AuditForm(request.GET)
    page = AuditPage([], "")
    if (search := form.search) is not None:
        trail = search_trail(search, after=_place_of(request))
        end = _text_of(trail.entries[-1].place) if trail.has_more else ""
        page = AuditPage([_row(entry) for entry in trail.entries], end)
    n_set = sum(1 for name in form.fields if request.GET.get(name))
    return render(request, "settlements/audit_list.html", {"form": form, "page": page, "n_set": n_set})


@require_GET
@finance_needed
def audit_export(request: HttpRequest) -> StreamingHttpResponse:
    """Stream everything that the list's filter finds as CSV in the list's words and order, a line for each field."""
    search = AuditForm(request.GET).search
    return csv_file(lambda: _csv_lines(every_entry(search) if search else ()), "audit.csv")


def _row(entry: Entry) -> dict[str, object]:
    names = ("at", "who", "means", "deed", "kind_name", "object_id", "is_first", "changes")
    return {name: getattr(entry, name) for name in names} | {"address": _address(entry)}


def _address(entry: Entry) -> str:
    name = PAGES.get(entry.place.kind)
    return reverse(name, args=[entry.object_id]) if name else ""


def _csv_lines(chunks: Iterable[list[Entry]]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield writer.writerow(CSV_COLUMNS)
    for chunk in chunks:
        yield "".join(writer.writerow(row) for entry in chunk for row in _csv_rows(entry))


def _csv_rows(entry: Entry) -> Iterator[tuple[object, ...]]:
    """Yield a row for each changed field, or one without a field where nothing is known to differ."""
    head = (
        entry.at.isoformat(),
        no_formula(entry.who),
        entry.means,
        entry.deed,
        entry.kind_name,
        entry.object_id,
    )
    for change in entry.changes:
        yield (*head, change.field, no_formula(change.before), no_formula(change.after))
    if not entry.changes:
        yield (*head, "", "", "")


def _people(text: str) -> tuple[int, ...]:
    found = User.objects.filter(Q(name__icontains=text) | Q(email__icontains=text))
    return tuple(found.values_list("pk", flat=True))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _text_of(place: Place) -> str:
    return signing.dumps([place.at.isoformat(), place.kind, place.pgh_id], salt=PLACE_SALT)


def _place_of(request: HttpRequest) -> Place | None:
    text = request.GET.get("before", "")
    if not text:
        return None
    try:
        at, kind, pgh_id = signing.loads(text, salt=PLACE_SALT)
    except signing.BadSignature:
        raise Http404("no such page") from None
    return Place(datetime.fromisoformat(at), kind, pgh_id)
