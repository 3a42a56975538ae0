"""The board, open to everyone."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.middleware import MemberRequest
from auctions.queries.board import board_sections
from marketplace.db import snapshot


@require_safe
@vary_on_headers("HX-Request")
@snapshot()
def board(request: MemberRequest) -> HttpResponse:
    """Show every product on offer; to htmx, only what changes."""
    now = timezone.now()
    sections = board_sections(now)
    context = {"now": now, "sections": sections, "has_offers": any(section.rows for section in sections)}
    template = "auctions/board.html#offers" if request.htmx else "auctions/board.html"
    return render(request, template, context)
