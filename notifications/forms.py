"""What people send about notifications."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django import forms
from django.http import QueryDict

from accounts.models import User
from marketplace.fields import WholeNumberField
from marketplace.versioned_forms import VersionedForm
from notifications.kinds import AUDIENCES, FINANCE, OPERATOR, Kind
from notifications.models import Preference, WebhookEndpoint
from notifications.operations.endpoints import EndpointRefused, Terms, terms_of_endpoint
from notifications.operations.reading import Choice, choose
from notifications.webhook_events import EVENTS

MAX_ID = 2**63 - 1


class PlaceForm(forms.Form):
    """Where in the list a page begins."""

    before = WholeNumberField(required=False, min_value=1, max_value=MAX_ID)
    unread = forms.BooleanField(required=False)


class ReadForm(forms.Form):
    up_to = WholeNumberField(min_value=1, max_value=MAX_ID)


@dataclass(frozen=True, slots=True)
class KindRow:
    """A row of the table: a kind with its two boxes, and how many endpoints of the organization hear of it."""

    kind: Kind
    in_page: forms.BoundField
    by_email: forms.BoundField
    n_endpoints: int


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one audience; programs hear only of what happens to an organization, not of what waits at a desk."""

    label: str
    is_desk: bool
    rows: list[KindRow]


class PreferencesForm(forms.Form):
    """A box for each kind and channel. A box that cannot be cleared is drawn ticked, whatever was sent."""

    def __init__(
        self,
        data: Mapping[str, object] | None = None,
        *,
        kinds: Iterable[Kind],
        chosen: Mapping[str, Preference],
        heard_by_endpoints: Mapping[str, int],
    ) -> None:
        super().__init__(data)
        self.kinds = list(kinds)
        self._heard_by_endpoints = heard_by_endpoints
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
            Section(label, audience in (FINANCE, OPERATOR), rows)
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
        n_endpoints = self._heard_by_endpoints.get(kind.name, 0)
        return KindRow(kind, self[f"{kind.name}-in_page"], self[f"{kind.name}-by_email"], n_endpoints)

    def _add(self, name: str, label: str, initial: bool, *, disabled: bool = False) -> None:
        self.fields[name] = forms.BooleanField(
            label=label,
            required=False,
            initial=initial,
            disabled=disabled,
            widget=forms.CheckboxInput({"aria-label": label}),
        )


class EndpointForm(VersionedForm):
    """Where events go, and which."""

    url = forms.CharField(
        label="Address",
        max_length=500,
        help_text="On the public internet, such as https://example.com/sparegrid.",
        widget=forms.URLInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    name = forms.CharField(label="Name", max_length=80, required=False, help_text="Such as “Scheduler”.")
    events = forms.MultipleChoiceField(
        label="Events",
        choices=[(kind, f"{event.means} ({kind})") for kind, event in EVENTS.items()],
        widget=forms.CheckboxSelectMultiple({"class": "in-columns"}),
    )

    def __init__(self, data: QueryDict | None = None, *, endpoint: WebhookEndpoint | None = None) -> None:
        initial: dict[str, object] = {}
        if endpoint is not None:
            terms = terms_of_endpoint(endpoint)
            initial = {
                "url": terms.url,
                "name": terms.name,
                "events": terms.events,
                "version": terms.version,
            }
        super().__init__(data, initial=initial)
        if endpoint is None:
            del self.fields["version"]

    def terms(self) -> Terms:
        """Return what a valid form says."""
        said = self.cleaned_data
        return Terms(url=said["url"], events=tuple(said["events"]), name=said["name"])

    def refuse(self, refused: EndpointRefused) -> None:
        """Show why it was refused, at its field."""
        self.add_error(refused.field or None, str(refused))
