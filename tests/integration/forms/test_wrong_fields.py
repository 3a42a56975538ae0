"""Every field of every form wrong in turn: the person is told at the field, keeps what was typed, nothing is done."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from tests.integration.forms.reading import Page
from tests.integration.forms.table import FORMS, PRESSED
from tests.integration.forms.table.rows import Filled, Pressed, Typed
from tests.integration.forms.wrong import Value, wrong_values

A_FEW = 4
SHOWN_AGAIN = {200, 400, 409, 422}
WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|COPY)\b", re.IGNORECASE)
pytestmark = pytest.mark.django_db
Fingerprint = Callable[[], dict[str, tuple[int, int]]]


class Watch:
    """Counts statements that write, so that the tables are compared only where there were any."""

    def __init__(self) -> None:
        self.n_writes = 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self.n_writes += WRITES.match(sql) is not None and "django_session" not in sql
        return execute(sql, params, many, context)


class Desk:
    """One person at one form, sending it again and again."""

    def __init__(
        self, filled: Filled, scene: SimpleNamespace, client: Client, fingerprint: Fingerprint
    ) -> None:
        self.filled, self.client, self.fingerprint = filled, client, fingerprint
        self.address = filled.address(scene)
        self.typed = filled.typed(scene)
        self.forms = filled.forms(scene)
        self.before = fingerprint()

    def faults(self) -> Iterator[str]:
        for form in self.forms:
            for name in form.fields:
                if (html_name := form.add_prefix(name)) not in self.typed:
                    continue
                for value in self._wrong(form, name, html_name):
                    shown = repr(value if value is None else str(value)[:40])
                    for fault in self._faults(form[name], value):
                        yield f"{html_name}={shown}: {fault}"

    def _wrong(self, form: forms.Form, name: str, html_name: str) -> Iterator[Value]:
        admitted = self.filled.admits.get(name, ()) + self.filled.admits.get(html_name, ())
        values = [*wrong_values(form.fields[name])]
        if self.filled.is_like and len(values) > A_FEW:
            values = values[: A_FEW - 1] + values[-1:]
        values += self.filled.wrong.get(name, ())
        for value in values:
            if value not in admitted:
                yield value

    def _faults(self, field: forms.BoundField, value: Value) -> Iterator[str]:
        sent: Typed = self.typed | dict(self.filled.beside) | {field.html_name: value}
        sent = {name: each for name, each in sent.items() if each is not None}
        watch = Watch()
        try:
            with connection.execute_wrapper(watch):
                answer = self.client.post(self.address, sent)
        except Exception as broken:  # noqa: BLE001 - each is a fault to report
            yield f"{type(broken).__name__}: {str(broken)[:200]}"
            return
        if watch.n_writes:
            yield from self._written()
        if answer.status_code not in SHOWN_AGAIN:
            yield f"answers {answer.status_code} {answer.headers.get('Location', '')}"
            return
        yield from self._faults_of_page(answer, field, value, sent)

    def _written(self) -> Iterator[str]:
        after = self.fingerprint()
        changed = [name for name in after if after[name] != self.before.get(name)]
        self.before = after
        wrong = [name for name in changed if name != self.filled.keeps]
        if wrong:
            yield f"wrote {wrong}"

    def _faults_of_page(
        self, answer: HttpResponse, field: forms.BoundField, value: Value, sent: Typed
    ) -> Iterator[str]:
        page = Page.of(answer.content.decode())
        name = field.html_name
        told = " ".join(page.told) if field.is_hidden else " ".join(page.errors_at(name))
        if not told.strip():
            yield f"nothing is said at the field (told: {page.told}), {answer.status_code}"
        if "b" in page.elements:
            yield "markup that was typed became markup"
        shown = page.forms_with(name)
        if not shown:
            yield "the form is not shown"
            return
        texts = {
            each: typed
            for each, typed in sent.items()
            if each not in self.filled.beside
            and each != self.filled.renews
            and (each != name or _is_shown_as_typed(field, value))
        }
        lost = min(
            (
                [each for each, typed in texts.items() if not _holds(page, form, each, typed)]
                for form in shown
            ),
            key=len,
        )
        if lost:
            yield f"lost what was typed in {lost}"


def _is_shown_as_typed(field: forms.BoundField, value: Value) -> bool:
    """Choices that there are not cannot be shown, nor can NUL be in a page."""
    is_text = isinstance(
        field.field.widget, forms.TextInput | forms.Textarea | forms.DateInput | forms.DateTimeInput
    )
    return is_text and isinstance(value, str) and "\0" not in value


def _holds(page: Page, form: int, name: str, typed: Any) -> bool:
    wanted = typed if isinstance(typed, list) else [typed]
    if any(control.kind == "password" for control in page.controls if control.name == name):
        return True  # secrets are typed again
    held = [value.replace("\r\n", "\n") for value in page.held(form, name)]
    return sorted(held) == sorted(str(each) for each in wanted)


@pytest.mark.parametrize("filled", FORMS, ids=str)
def test_is_told_and_nothing_is_lost_or_done(
    filled: Filled, scene: SimpleNamespace, clients: dict[str, Client], fingerprint: Fingerprint
) -> None:
    faults = list(Desk(filled, scene, clients[filled.who], fingerprint).faults())
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(faults)


@pytest.mark.parametrize("pressed", PRESSED, ids=str)
def test_what_no_page_offers_is_told_and_nothing_is_done(
    pressed: Pressed, scene: SimpleNamespace, clients: dict[str, Client], fingerprint: Fingerprint
) -> None:
    client, before = clients[pressed.who], fingerprint()
    for typed in pressed.wrong:
        answer = client.post(pressed.address(scene), typed, follow=True)
        page = Page.of(answer.content.decode())
        shown = str(typed)[:60]
        assert answer.status_code in SHOWN_AGAIN | {403, 404}, shown
        is_told = answer.status_code in {403, 404} or any(text not in {"", "Error:"} for text in page.told)
        assert is_told or not pressed.is_told, f"{shown}: {answer.redirect_chain} says nothing"
    after = fingerprint()
    assert [name for name in after if after[name] != before[name]] == []
