"""The board, open to everyone."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.middleware import MemberRequest
from accounts.models import SavedView
from accounts.saved_views import views_of
from auctions.queries.board import EVERYTHING, BoardFilter, board_sections
from inventory.models import Region, ResourceType, Site
from marketplace.db import snapshot
from marketplace.fields import PriceField

PLACE = SavedView.Place.BOARD


class BoardForm(forms.Form):
    """What the board is narrowed down to, as its address says it."""

    q = forms.CharField(
        label="Search", required=False, max_length=80, widget=forms.TextInput(attrs={"type": "search"})
    )
    kind = forms.ChoiceField(label="Kind", required=False, choices=[("", "Any"), *ResourceType.Kind.choices])
    region = forms.ChoiceField(label="Region", required=False, choices=[("", "Any"), *Region.choices])
    fabric = forms.ChoiceField(label="Fabric", required=False, choices=[("", "Any"), *Site.Fabric.choices])
    price = PriceField(label="To win at most, $", required=False, max_length=20)

    @property
    def narrowed(self) -> BoardFilter:
        """Return the filter; everything where the form says nothing or something that cannot be."""
        if not self.is_valid():
            return EVERYTHING
        said = self.cleaned_data
        return BoardFilter(said["q"], said["kind"], said["region"], said["fabric"], said["price"])

    @property
    def address(self) -> str:
        """Return what follows the question mark of its address: what is set, in the order of the fields."""
        said = {name: self.data.get(name, "").strip() for name in self.fields}
        return urlencode({name: text for name, text in said.items() if text})

    @property
    def n_set(self) -> int:
        return sum(1 for name in self.fields if self.data.get(name))


class SearchForm(forms.Form):
    """A name for what the board is narrowed down to."""

    name = forms.CharField(label="Name of this search", max_length=40)
    query = forms.CharField(required=False, max_length=1000, widget=forms.HiddenInput)

    def clean_query(self) -> str:
        """Keep of the address only what the board knows, and nothing that it would not take."""
        narrowing = BoardForm(QueryDict(self.cleaned_data["query"]))
        if not narrowing.is_valid() or not narrowing.address:
            raise forms.ValidationError("Narrow the board down first: this search asks for everything.")
        return narrowing.address


@require_safe
@vary_on_headers("HX-Request")
@snapshot()
def board(request: MemberRequest) -> HttpResponse:
    """Show every product on offer; to htmx, only what changes."""
    now = timezone.now()
    form = BoardForm(request.GET)
    searches = [] if request.htmx or not request.user.is_authenticated else views_of(request.user, PLACE)
    default = next((search for search in searches if search.is_default), None)
    if default is not None and not request.GET:
        return redirect(f"{reverse('board')}?{default.query}")
    sections = board_sections(now, form.narrowed)
    context = {
        "now": now,
        "form": form,
        "searches": _shown(searches, form),
        "search_form": SearchForm(initial={"query": form.address}),
        "sections": sections,
        "has_offers": any(section.rows for section in sections),
    }
    template = "auctions/board.html#offers" if request.htmx else "auctions/board.html"
    return render(request, template, context)


def _shown(searches: list[SavedView], form: BoardForm) -> dict[str, Any]:
    """Return a person's searches, and of them the one that the board shows now."""
    return {
        "all": searches,
        "present": next((one for one in searches if one.query == form.address), None),
        "has_default": any(one.is_default for one in searches),
    }
