"""What a person wants to hear of, and how; and the link in a letter that ends letters of its kind."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.access import login_needed
from accounts.middleware import MemberRequest
from accounts.models import User
from notifications.forms import PreferencesForm
from notifications.kinds import kinds_for
from notifications.links import LinkForged, read_unsubscribe_link
from notifications.operations.reading import ChoiceRefused, end_letters
from notifications.queries import audiences_of, choices_of, heard_by_endpoints


@require_http_methods(["GET", "POST"])
@login_needed
@never_cache
def preferences(request: MemberRequest) -> HttpResponse:
    """A table of kinds and channels."""
    kinds = kinds_for(audiences_of(request.user, request.memberships))
    data = request.POST if request.method == "POST" else None
    heard = heard_by_endpoints(request.organization) if request.organization else {}
    form = PreferencesForm(data, kinds=kinds, chosen=choices_of(request.user), heard_by_endpoints=heard)
    if data is not None and form.is_valid():
        form.save_for(request.user)
        messages.success(request, "Kept. It holds from the next piece of news on.")
        return redirect("notifications:preferences")
    status = HTTPStatus.OK if data is None else HTTPStatus.UNPROCESSABLE_ENTITY
    is_owner = request.organization is not None and request.user.has_perm(
        "accounts.manage_organization", request.organization
    )
    context = {"form": form, "is_owner": is_owner}
    return render(request, "notifications/preferences.html", context, status=status)


@csrf_exempt  # the mail program that sends this has no page of ours; the signed address is what proves it
@require_http_methods(["GET", "POST"])
@never_cache
def unsubscribe(request: MemberRequest, token: str) -> HttpResponse:
    """End letters of a kind with one click, without a login (RFC 8058). Looking at the page ends nothing."""
    page = "notifications/unsubscribe.html"
    try:
        link = read_unsubscribe_link(token)
    except LinkForged:
        return render(request, page, {"state": "not_ours"}, status=HTTPStatus.NOT_FOUND)
    if not User.objects.filter(pk=link.user_id, is_active=True).exists():
        return render(request, page, {"state": "not_ours"}, status=HTTPStatus.NOT_FOUND)
    if request.method == "GET":
        return render(request, page, {"state": "asks", "kind": link.kind})
    try:
        end_letters(user_id=link.user_id, kind_name=link.kind.name)
    except ChoiceRefused as refused:
        return render(request, page, {"state": "refused", "why": str(refused)}, status=HTTPStatus.CONFLICT)
    return render(request, page, {"state": "done", "kind": link.kind})
