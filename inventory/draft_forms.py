"""The form of a block cut into the steps of a draft: the same fields, the same rules, a few at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import timezone

from accounts.models import Organization
from inventory.drafting import DraftStep
from inventory.forms import BlockForm
from inventory.policies import period_errors, reserve_errors, units_errors
from inventory.terms import BlockError

LONGEST_TEXT = 100
"""Of what is kept of a field: more than any right answer has."""


class StepForm(BlockForm):
    """The fields of one step, with what the policies say of them alone."""

    def __init__(self, *args: Any, seller: Organization, step: DraftStep, **kwargs: Any) -> None:
        super().__init__(*args, seller=seller, **kwargs)
        self.step = step
        for name in self.fields.keys() - set(step.fields):
            del self.fields[name]

    @property
    def said(self) -> dict[str, str]:
        """What was typed in the step's fields, right or wrong, as far as a row can hold it."""
        return {name: self.data.get(name, "").replace("\0", "")[:LONGEST_TEXT] for name in self.step.fields}

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        self.refuse(list(self._policy_errors(said)))
        return said

    def _policy_errors(self, said: Mapping[str, Any]) -> Iterator[BlockError]:
        if self.errors:
            return
        if self.step.name == "what":
            yield from units_errors(said["units"], said["resource_type"])
        elif self.step.name == "when":
            yield from period_errors(said["starts_at"], said["ends_at"], timezone.now())
        elif self.step.name == "reserve":
            yield from reserve_errors(said["reserve"], said["floor"], said["decline_hours"])
