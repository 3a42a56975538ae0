"""What people send about notifications."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django import forms

from accounts.models import User
from notifications.kinds import AUDIENCES, Kind
from notifications.models import Preference
from notifications.operations.reading import Choice, choose

MAX_ID = 2**63 - 1


class PlaceForm(forms.Form):
    """Where in the list a page begins."""

    before = forms.IntegerField(required=False, min_value=1, max_value=MAX_ID)
    unread = forms.BooleanField(required=False)


class ReadForm(forms.Form):
    up_to = forms.IntegerField(min_value=1, max_value=MAX_ID)


@dataclass(frozen=True, slots=True)
class KindRow:
    """A row of the table: a kind with its two boxes."""

    kind: Kind
    in_page: forms.BoundField
    by_email: forms.BoundField


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one audience."""

    label: str
    rows: list[KindRow]


class PreferencesForm(forms.Form):
    """A box for each kind and channel. A box that cannot be cleared is drawn ticked, whatever was sent."""

    def __init__(
        self,
        data: Mapping[str, object] | None = None,
        *,
        kinds: Iterable[Kind],
        chosen: Mapping[str, Preference],
    ) -> None:
        super().__init__(data)
        self.kinds = list(kinds)
        for kind in self.kinds:
            own = chosen.get(kind.name)
            self._add(f"{kind.name}-in_page", f"{kind.label}: on pages", own.in_page if own else True)
            by_email = own.by_email if own else kind.by_email
            self._add(
                f"{kind.name}-by_email",
                f"{kind.label}: by e-mail",
                by_email or kind.is_always_mailed,
                disabled=kind.is_always_mailed,
            )

    def sections(self) -> list[Section]:
        """Return the table's rows by audience."""
        return [
            Section(label, rows)
            for audience, label in AUDIENCES.items()
            if (rows := [self._row(kind) for kind in self.kinds if kind.audience == audience])
        ]

    def save_for(self, user: User) -> None:
        """Keep what a valid form says. Raise ChoiceRefused."""
        said = self.cleaned_data
        choose(
            user=user,
            choices={
                kind.name: Choice(
                    in_page=said[f"{kind.name}-in_page"], by_email=said[f"{kind.name}-by_email"]
                )
                for kind in self.kinds
            },
        )

    def _row(self, kind: Kind) -> KindRow:
        return KindRow(kind, self[f"{kind.name}-in_page"], self[f"{kind.name}-by_email"])

    def _add(self, name: str, label: str, initial: bool, *, disabled: bool = False) -> None:
        self.fields[name] = forms.BooleanField(
            label=label,
            required=False,
            initial=initial,
            disabled=disabled,
            widget=forms.CheckboxInput({"aria-label": label}),
        )
