"""The first page of someone new: what is done, what comes next, and where."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import login_needed
from accounts.middleware import MemberRequest
from settlements.queries.first_steps import check_lists_of


@require_safe
@login_needed
def start(request: MemberRequest) -> HttpResponse:
    """Show the check-lists of whoever looks; to people without an organization, that they need one."""
    lists = check_lists_of(request.organization, request.user)
    return render(request, "settlements/start.html", {"lists": lists})
