"""The audit trail in words: what a column is called, what its values mean, and who or what was at work."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import models
from django.utils.dateparse import parse_date, parse_datetime, parse_duration
from django.utils.text import capfirst

from accounts.models import Organization, User
from marketplace.money import format_cents, format_ticks

NOTHING = "–"
STAFF = "Sparegrid staff"
UNIT_SUFFIXES = ("_cents", "_ticks", "_bps")


@dataclass(frozen=True, slots=True)
class Names:
    """What people and organizations are called, by id. With ``strangers`` everybody else is called that."""

    people: dict[int, str] = field(default_factory=dict)
    organizations: dict[int, str] = field(default_factory=dict)
    strangers: str = ""

    def person(self, person_id: int) -> str:
        return self.people.get(person_id) or self.strangers or f"Person {person_id}"

    def organization(self, organization_id: int) -> str:
        return self.organizations.get(organization_id) or f"Organization {organization_id}"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who or what made a change, and by what: an address, a job, a sweep or a command."""

    name: str
    means: str = ""


def field_words(field: models.Field[Any, Any]) -> str:
    """Name a column: ``refunded_cents`` is “Refunded”."""
    name = next((field.name.removesuffix(unit) for unit in UNIT_SUFFIXES if field.name.endswith(unit)), "")
    return capfirst(name.replace("_", " ") or str(field.verbose_name))


def value_words(field: models.Field[Any, Any], value: Any, names: Names) -> str:
    """Say a column's value, as Postgres' to_jsonb gives it: amounts in dollars, states in words, instants in UTC."""
    if value is None or value == "":
        return NOTHING
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if field.name.endswith("_cents"):
        return format_cents(value)
    if field.name.endswith("_ticks"):
        return format_ticks(value)
    if field.name.endswith("bps"):
        return f"{value / 100:g} %"
    return _by_type(field, value, names)


def actor_of(context: Mapping[str, Any] | None, names: Names) -> Actor:
    """Say who acted, from what marketplace/acting.py told with the change."""
    if context is None:
        return Actor("Not recorded", "written past the application")
    if (person_id := context.get("user")) is not None:
        by_key = f"API key {context['api_key']}…, " if context.get("api_key") else ""
        name = names.person(person_id)
        return Actor(name) if name == names.strangers else Actor(name, f"{by_key}{context.get('url', '')}")
    for rule in ("job", "sweep"):
        if context.get(rule):
            return Actor("By the rules", f"{rule} {context[rule]}")
    if context.get("command"):
        return Actor("At the console", f"manage.py {context['command']}")
    return Actor("Somebody not logged in", str(context.get("url", "")))


def _by_type(field: models.Field[Any, Any], value: Any, names: Names) -> str:
    if isinstance(field, models.ForeignKey):
        if field.related_model is User:
            return names.person(value)
        return names.organization(value) if field.related_model is Organization else f"#{value}"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(field, models.DateTimeField):
        return _instant(parse_datetime(value) or value)
    if isinstance(field, models.DateField):
        return _day(value)
    if isinstance(field, models.DurationField):
        return str(parse_duration(value) or value)
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _instant(instant: datetime | str) -> str:
    if isinstance(instant, str):
        return instant
    instant = instant.astimezone(UTC)
    return f"{instant.day} {instant:%b %Y %H:%M:%S} UTC"


def _day(text: str) -> str:
    day = parse_date(text)
    return f"{day.day} {day:%b %Y}" if day else text
