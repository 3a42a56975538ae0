"""Forms of what somebody else may change while they are filled in."""

from __future__ import annotations

from django import forms
from django.http import QueryDict


class VersionedForm(forms.Form):
    """Says which version (marketplace/versions.py) of what it changes was looked at."""

    version = forms.CharField(widget=forms.HiddenInput)

    def tell(self, changed: str, *, version: str) -> None:
        """Show what it is now beside what was typed: what is sent next has seen it."""
        assert isinstance(self.data, QueryDict)
        self.data = self.data.copy()
        self.data["version"] = version
        self.add_error(None, changed)
