"""An organization's page: members, limit and holds, API keys. And which one the reader acts for."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import queries
from accounts.access import login_needed, member_needed, owner_needed
from accounts.forms import ApiKeyForm, MemberForm, OrganizationForm
from accounts.middleware import MemberRequest, act_for, active_organization
from accounts.models import BiddingLimit, Membership
from accounts.operations import ApiKeyNotFound, create_api_key, revoke_api_key


@require_GET
@member_needed
def organization(request: MemberRequest) -> HttpResponse:
    return organization_page(request)


@require_http_methods(["GET", "POST"])
@login_needed
def organization_create(request: MemberRequest) -> HttpResponse:
    """For people without an organization, or who want another."""
    if request.method == "GET":
        return render(request, "accounts/organization_create.html", {"form": OrganizationForm()})
    form = OrganizationForm(request.POST)
    if not form.is_valid():
        return render(request, "accounts/organization_create.html", {"form": form}, status=422)
    created = form.create_for(request.user)
    act_for(request, created.pk)
    messages.success(request, f"You act for {created} now.")
    return redirect("settlements:start")


@require_POST
@login_needed
def switch_organization(request: MemberRequest) -> HttpResponse:
    chosen = request.POST.get("organization", "")
    own = {str(membership.organization_id): membership.organization for membership in request.memberships}
    if chosen not in own:
        raise Http404("not an organization of this person")
    act_for(request, own[chosen].pk)
    messages.success(request, f"You act for {own[chosen]} now.")
    return redirect("board")


@require_POST
@owner_needed
@never_cache
def api_key_create(request: MemberRequest) -> HttpResponse:
    """Make a key and show it, this once."""
    form = ApiKeyForm(request.POST)
    if not form.is_valid():
        return organization_page(request, key_form=form, status=422)
    _, text = create_api_key(
        organization=active_organization(request), created_by=request.user, name=form.cleaned_data["name"]
    )
    return organization_page(request, new_key=text)


@require_POST
@owner_needed
def api_key_revoke(request: MemberRequest, pk: int) -> HttpResponse:
    try:
        revoke_api_key(organization=active_organization(request), key_id=pk, now=timezone.now())
    except ApiKeyNotFound:
        raise Http404 from None
    messages.success(request, "The key is revoked. Requests with it are refused from now on.")
    return redirect("accounts:organization")


def organization_page(
    request: MemberRequest,
    *,
    key_form: ApiKeyForm | None = None,
    member_form: MemberForm | None = None,
    new_key: str = "",
    status: int = 200,
) -> HttpResponse:
    """Draw the organization's page, with a form as it was sent, or the key that was just made."""
    own = active_organization(request)
    context = {
        "members": queries.members_of(own),
        "limit": BiddingLimit.objects.get(organization=own),
        "keys": queries.live_keys_of(own),
        "may_manage": request.user.has_perm("accounts.manage_organization", own),
        "key_form": key_form or ApiKeyForm(),
        "member_form": member_form or MemberForm(),
        "roles": Membership.Role.choices,
        "new_key": new_key,
    }
    return render(request, "accounts/organization.html", context, status=status)
