"""What a row of the table says of a form or of a button, and what many rows fill in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

from django import forms
from django.urls import reverse

from tests.integration.forms.wrong import HUGE

Typed = dict[str, Any]
WORDS = "It’s “so” & <b>bold</b> by 5 > 3"
"""What a person may type where text is asked for, and must read again as typed."""
KEY = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"


@dataclass(frozen=True)
class Filled:
    """A form: where it is sent, by whom, its fields, and what a person would fill in.

    ``admits`` are values that a field's type would refuse and this one takes. ``beside`` goes along, as buttons do.
    ``keeps`` names the table that is written though the form is refused: a draft's. ``renews`` names a hidden field
    that always says what the page shows now. ``is_like`` names the form with the same fields that is tried with every
    value; of this one, each field is with a few.
    """

    name: str
    who: str
    takes: str
    forms: Callable[[SimpleNamespace], list[forms.Form]]
    typed: Callable[[SimpleNamespace], Typed]
    query: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)
    admits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wrong: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keeps: str = ""
    renews: str = ""
    is_like: str = ""
    label: str = ""

    def __str__(self) -> str:
        return self.name + (f" {self.label}" if self.label else "")

    def address(self, scene: SimpleNamespace) -> str:
        arguments = [attrgetter(each)(scene) for each in self.takes.split()]
        return reverse(self.name, args=arguments) + self.query.format_map(vars(scene))


def one(form: forms.Form) -> list[forms.Form]:
    return [form]


@dataclass(frozen=True)
class Pressed:
    """A button, or a choice beside one: nothing is typed, so that what is wrong with it is a row or a state gone.

    ``wrong`` are choices that no page offers.
    """

    name: str
    who: str
    takes: str
    wrong: tuple[Typed, ...] = ({},)
    is_told: bool = True

    def __str__(self) -> str:
        return self.name

    def address(self, scene: SimpleNamespace) -> str:
        return reverse(self.name, args=[attrgetter(each)(scene) for each in self.takes.split()])


def any_of(field: str, *more: Typed) -> tuple[Typed, ...]:
    return ({}, *({field: value} for value in ("", "no-such", "-1", HUGE, "9" * 5000, "\0")), *more)
