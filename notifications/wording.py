"""What a notification says and where it leads: a title, a sentence, an address, from the event's kind and data.

Words are made when somebody reads, so that a better sentence reaches old notifications too. Addresses are names of
URLs, since the pages are those of apps above this one; a test reverses every one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.urls import reverse

from marketplace.money import cents_from_ticks, format_cents
from notifications.sentences import MANY, WORDS

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """A notification in words. ``path`` is within the site."""

    title: str
    text: str
    path: str


def put(event: str, data: Data, *, n: int = 1) -> Said:
    """Say what an event means to whom it concerns."""
    side = str(data.get("side", ""))
    words = MANY[event] if n > 1 else WORDS.get((event, side)) or WORDS[event, ""]
    facts = _Facts(data, n)
    path = reverse(words.page, args=[data[words.of]] if words.of else [])
    return Said(words.title.format_map(facts), " ".join(words.text.format_map(facts).split()), path)


class _Facts(dict[str, str]):
    """What sentences take, made of an event's data when a sentence asks for it."""

    def __init__(self, data: Data, n: int) -> None:
        super().__init__(n=f"{n:,}")
        self._data = data

    def __missing__(self, name: str) -> str:
        if name in _MADE:
            return _MADE[name](self._data)
        value = self._data.get(name)
        return "" if value is None else str(value)


def _amount(data: Data) -> str:
    if "amount_ticks" in data:
        return format_cents(cents_from_ticks(data["amount_ticks"]))
    return format_cents(data["amount_cents"])


def _units(data: Data) -> str:
    n = data["units"]
    return f"{n:,} unit{'' if n == 1 else 's'}"


def _instant(text: str | None) -> str:
    if not text:
        return "the deadline on its page"
    at = datetime.fromisoformat(text).astimezone(UTC)
    return f"{at.day} {at:%b %Y %H:%M} UTC"


def _hours(data: Data) -> str:
    return f"{_instant(data['starts_at']).removesuffix(' UTC')} to {_instant(data['ends_at'])}"


_MADE: Mapping[str, Callable[[Data], str]] = {
    "amount": _amount,
    "credit": lambda data: format_cents(data["credit_cents"]),
    "limit": lambda data: format_cents(data["limit_cents"]),
    "refund": lambda data: format_cents(data["refund_cents"]),
    "to_pay": lambda data: format_cents(data["to_pay_cents"]),
    "pay_by": lambda data: _instant(data.get("pay_by")),
    "answer_by": lambda data: _instant(data.get("answer_by")),
    "hours": _hours,
    "units": _units,
    "starts": lambda data: _instant(data["starts_at"]),
}
