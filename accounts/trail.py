"""Reads of the audit trail: what became of a few objects, or of all, newest first, before beside after."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.db.models import Case, F, Value, When
from django.http import HttpRequest
from django.utils.text import capfirst
from pghistory.models import Event

from accounts.change_words import NOTHING, STAFF, Names, actor_of, field_words, value_words
from accounts.models import Organization, User
from marketplace.audit import BASELINE, BOOKKEEPING

SHOWN = 50
SHOWN_AT_MOST = 1000
CHUNK = 500
DEEDS = {"insert": "Created", "update": "Changed", "delete": "Removed", BASELINE: "On record since"}

_ONE_KIND = """
(SELECT '{kind}' COLLATE "C" AS kind, e.pgh_id, e.pgh_obj_id, e.pgh_created_at, e.pgh_label, e.pgh_context,
        to_jsonb(e) AS said,
        (SELECT to_jsonb(earlier) FROM {table} earlier
          WHERE earlier.pgh_obj_id = e.pgh_obj_id AND earlier.pgh_id < e.pgh_id
          ORDER BY earlier.pgh_id DESC LIMIT 1) AS said_before
   FROM {table} e WHERE {conditions}
  ORDER BY e.pgh_created_at DESC, e.pgh_id DESC LIMIT %(limit)s)
"""
_ALL_KINDS = """
SELECT kind, pgh_id, pgh_obj_id, pgh_created_at, pgh_label, pgh_context, said, said_before FROM ({kinds}) event
 ORDER BY pgh_created_at DESC, kind DESC, pgh_id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class About:
    """An object whose trail is asked for; with ``via`` all objects that name ``pk`` in that column."""

    model: type[models.Model]
    pk: int
    via: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of the trail ended."""

    at: datetime
    kind: str
    pgh_id: int


@dataclass(frozen=True, slots=True)
class Search:
    """What of the whole trail is asked for; an empty field asks for everything."""

    people: tuple[int, ...] | None = None
    kind: str = ""
    object_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One column's change in words; ``before`` is a dash where there was nothing."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded change of one object."""

    place: Place
    object_id: int
    kind_name: str
    deed: str
    who: str
    means: str
    changes: list[FieldChange]

    @property
    def at(self) -> datetime:
        return self.place.at

    @property
    def is_first(self) -> bool:
        """Whether ``changes`` are all that the object began with."""
        return self.deed in (DEEDS["insert"], DEEDS[BASELINE])


@dataclass(frozen=True, slots=True)
class Trail:
    """Entries newest first, and whether there are older ones."""

    entries: list[Entry]
    has_more: bool


def history_of(request: HttpRequest, *objects: About, members_of: Organization | None = None) -> Trail:
    """Return the newest changes of some objects, or with ``?history=all`` up to 1,000 of them.

    With ``members_of`` only that organization's people are named; it takes two queries.
    """
    limit = SHOWN_AT_MOST if request.GET.get("history") == "all" else SHOWN
    parameters: dict[str, Any] = {}
    selects = []
    for position, about in enumerate(objects):
        name = f"object_{position}"
        parameters[name] = about.pk
        selects.append(_select(_events()[about.model._meta.label_lower], [_is_about(about, name)]))
    strangers = STAFF if members_of else ""
    entries = _entries(selects, parameters, limit=limit + 1, members_of=members_of, strangers=strangers)
    return Trail(entries[:limit], len(entries) > limit)


def search_trail(search: Search, *, after: Place | None = None, limit: int = SHOWN) -> Trail:
    """Return the changes that ``search`` asks for, older than ``after``, newest first."""
    kinds = _events()
    chosen = {search.kind: kinds[search.kind]} if search.kind else kinds
    parameters: dict[str, Any] = {
        "people": [str(person) for person in search.people or ()],
        "object": search.object_id,
        "since": search.since,
        "until": search.until,
    }
    if after is not None:
        parameters |= {"at": after.at, "kind": after.kind, "pgh_id": after.pgh_id}
    selects = [_select(event, _conditions(search, kind, after)) for kind, event in chosen.items()]
    entries = _entries(selects, parameters, limit=limit + 1)
    return Trail(entries[:limit], len(entries) > limit)


def every_entry(search: Search) -> Iterator[list[Entry]]:
    """Yield all that ``search`` asks for in the order of its pages, a chunk at a time."""
    after = None
    while True:
        trail = search_trail(search, after=after, limit=CHUNK)
        yield trail.entries
        if not trail.has_more:
            return
        after = trail.entries[-1].place


def kind_choices() -> list[tuple[str, str]]:
    """Return the kinds of objects that are audited with their names, by name."""
    kinds = [(kind, _kind_name(event)) for kind, event in _events().items()]
    return sorted(kinds, key=lambda kind: kind[1])


def _events() -> dict[str, type[models.Model]]:
    """Return the models of the trail by the label of what they are about, such as ``settlements.refund``."""
    events = (model for model in apps.get_models() if issubclass(model, Event) and model._meta.managed)
    return {
        event.pgh_tracked_model._meta.label_lower: event  # type: ignore[attr-defined]
        for event in events
        if hasattr(event, "pgh_tracked_model")
    }


def _kind_name(event: type[models.Model]) -> str:
    return capfirst(str(event.pgh_tracked_model._meta.verbose_name))  # type: ignore[attr-defined]


def _select(event: type[models.Model], conditions: Iterable[str]) -> str:
    return _ONE_KIND.format(
        kind=event.pgh_tracked_model._meta.label_lower,  # type: ignore[attr-defined]
        table=connection.ops.quote_name(event._meta.db_table),
        conditions=" AND ".join(conditions) or "true",
    )


def _is_about(about: About, parameter: str) -> str:
    if not about.via:
        return f"e.pgh_obj_id = %({parameter})s"
    pk = about.model._meta.pk
    assert pk is not None
    assert pk.column is not None
    names = (pk.column, about.model._meta.db_table, about.via)
    column, table, via = (connection.ops.quote_name(name) for name in names)
    return f"e.pgh_obj_id IN (SELECT {column} FROM {table} WHERE {via} = %({parameter})s)"  # noqa: S608  # own models


def _conditions(search: Search, kind: str, after: Place | None) -> list[str]:
    conditions = []
    if search.people is not None:
        conditions += ["e.pgh_context ? 'user'", "e.pgh_context ->> 'user' = ANY(%(people)s)"]
    if search.object_id is not None:
        conditions.append("e.pgh_obj_id = %(object)s")
    if search.since is not None:
        conditions.append("e.pgh_created_at >= %(since)s")
    if search.until is not None:
        conditions.append("e.pgh_created_at < %(until)s")
    if after is not None:
        older = f"""(e.pgh_created_at, '{kind}' COLLATE "C", e.pgh_id) < (%(at)s, %(kind)s, %(pgh_id)s)"""
        conditions += ["e.pgh_created_at <= %(at)s", older]
    return conditions


def _entries(
    selects: list[str],
    parameters: dict[str, Any],
    *,
    limit: int,
    members_of: Organization | None = None,
    strangers: str = "",
) -> list[Entry]:
    with connection.cursor() as cursor:
        cursor.execute(_ALL_KINDS.format(kinds=" UNION ALL ".join(selects)), parameters | {"limit": limit})
        rows = [
            _Row(*row[:5], *(json.loads(part or "null") for part in row[5:])) for row in cursor.fetchall()
        ]
    names = _names(rows, members_of, strangers) if rows else Names()
    return [_entry(row, names) for row in rows]


@dataclass(frozen=True, slots=True)
class _Row:
    kind: str
    pgh_id: int
    object_id: int
    at: datetime
    label: str
    context: dict[str, Any] | None
    said: dict[str, Any]
    said_before: dict[str, Any] | None

    def changed(self) -> Iterator[tuple[models.Field[Any, Any], Any, Any]]:
        """Yield each column that differs, with both values."""
        before = self.said_before or {}
        if self.label == "delete" or (self.label == "update" and self.said_before is None):
            return
        for field in _events()[self.kind]._meta.fields:
            if field.name.startswith(BOOKKEEPING) or field.name == "id" or field.column is None:
                continue
            was, became = before.get(field.column), self.said.get(field.column)
            if was != became:
                yield field, was, became


def _entry(row: _Row, names: Names) -> Entry:
    actor = actor_of(row.context, names)
    changes = [
        FieldChange(field_words(field), value_words(field, was, names), value_words(field, became, names))
        for field, was, became in row.changed()
    ]
    return Entry(
        place=Place(row.at, row.kind, row.pgh_id),
        object_id=row.object_id,
        kind_name=_kind_name(_events()[row.kind]),
        deed=DEEDS[row.label],
        who=NOTHING if row.label == BASELINE else actor.name,
        means="the trail began" if row.label == BASELINE else actor.means,
        changes=[change for change in changes if change.before != change.after],
    )


def _names(rows: list[_Row], members_of: Organization | None, strangers: str) -> Names:
    """Look up whoever the rows name, people and organizations in one query."""
    people = {row.context["user"] for row in rows if row.context and row.context.get("user") is not None}
    organizations: set[int] = set()
    for row in rows:
        for field, was, became in row.changed():
            wanted = {User: people, Organization: organizations}.get(field.related_model)  # type: ignore[arg-type]
            if wanted is not None:
                wanted.update(value for value in (was, became) if value is not None)
    users = User.objects.filter(pk__in=people)
    if members_of is not None:
        users = users.filter(memberships__organization=members_of)
    words = Case(When(name="", then=F("email")), default=F("name"))
    found = (
        users.annotate(of=Value("person"), words=words)
        .values_list("of", "pk", "words")
        .union(
            Organization.objects.filter(pk__in=organizations)
            .annotate(of=Value("organization"), words=F("name"))
            .values_list("of", "pk", "words"),
            all=True,
        )
    )
    names = Names(strangers=strangers)
    for of, pk, text in found:
        (names.people if of == "person" else names.organizations)[pk] = text
    return names
