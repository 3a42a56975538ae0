"""A page read as a browser does: its forms with what would be sent of each control, and what describes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Control:
    """An input, a select or a textarea, with the ids of what describes it or the group it is in."""

    form: int
    name: str
    kind: str
    described_by: list[str]
    values: list[str] = field(default_factory=list)


@dataclass
class _Open:
    """An element that is not closed yet."""

    tag: str
    id: str
    classes: str
    described_by: list[str]
    text: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """``controls`` in order; ``texts`` by id; ``told``: what summaries of errors and messages say."""

    def __init__(self) -> None:
        super().__init__()
        self.controls: list[Control] = []
        self.texts: dict[str, str] = {}
        self.told: list[str] = []
        self.elements: list[str] = []
        self._open: list[_Open] = []
        self._n_forms = 0
        self._form = -1
        self._options: list[tuple[str, bool]] = []

    @classmethod
    def of(cls, html: str) -> Self:
        page = cls()
        page.feed(html)
        page.close()
        return page

    def held(self, form: int, name: str) -> list[str]:
        """Return what the form would send under a name."""
        return [
            value
            for control in self.controls
            if control.form == form and control.name == name
            for value in control.values
        ]

    def forms_with(self, name: str) -> list[int]:
        return sorted({control.form for control in self.controls if control.name == name})

    def errors_at(self, name: str) -> list[str]:
        """Return what is said to be wrong in the elements that a control's ``aria-describedby`` names."""
        ids = {each for control in self.controls if control.name == name for each in control.described_by}
        return [self.texts.get(each, "").strip() for each in sorted(ids) if each.endswith("_error")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.elements.append(tag)
        if tag == "form":
            self._form = self._n_forms
            self._n_forms += 1
        described_by = said.get("aria-describedby", "").split()
        if tag in {"input", "select", "textarea"} and "name" in said:
            around = [each for open_ in self._open for each in open_.described_by]
            kind = said.get("type", "text") if tag == "input" else tag
            self.controls.append(Control(self._form, said["name"], kind, described_by + around))
            if tag == "input":
                is_sent = kind not in {"checkbox", "radio"} or "checked" in said
                self.controls[-1].values = [said.get("value", "")] if is_sent else []
        if tag == "select":
            self._options = []
        if tag == "option":
            self._options.append((said.get("value", ""), "selected" in said))
        if tag not in VOID:
            self._open.append(_Open(tag, said.get("id", ""), said.get("class", ""), described_by))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            ended = self._open.pop()
            self._end(ended)
            if ended.tag == tag:
                return

    def handle_data(self, data: str) -> None:
        for open_ in self._open:
            open_.text.append(data)

    def _end(self, ended: _Open) -> None:
        text = "".join(ended.text)
        if ended.id:
            self.texts[ended.id] = text
        if {"error-summary", "message--error", "message--warning", "message--info"} & set(
            ended.classes.split()
        ):
            self.told.append(" ".join(text.split()))
        if ended.tag == "form":
            self._form = -1
        if ended.tag == "textarea" and self.controls and self.controls[-1].kind == "textarea":
            self.controls[-1].values = [text.removeprefix("\n")]
        if ended.tag == "select" and self.controls:
            chosen = [value for value, is_chosen in self._options if is_chosen]
            self.controls[-1].values = chosen or [value for value, _ in self._options[:1]]
