"""The board, open to everyone."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.middleware import MemberRequest
from auctions.queries.board import EVERYTHING, BoardFilter, board_sections
from inventory.models import Region, ResourceType, Site
from marketplace.db import snapshot
from marketplace.fields import PriceField


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
    def n_set(self) -> int:
        return sum(1 for name in self.fields if self.data.get(name))


@require_safe
@vary_on_headers("HX-Request")
@snapshot()
def board(request: MemberRequest) -> HttpResponse:
    """Show every product on offer; to htmx, only what changes."""
    now = timezone.now()
    form = BoardForm(request.GET)
    sections = board_sections(now, form.narrowed)
    context = {
        "now": now,
        "form": form,
        "sections": sections,
        "has_offers": any(section.rows for section in sections),
    }
    template = "auctions/board.html#offers" if request.htmx else "auctions/board.html"
    return render(request, template, context)
