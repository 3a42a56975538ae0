"""Who belongs to an organization: its owners add people, change their roles and remove them."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import owner_needed
from accounts.forms import MemberForm, RoleForm
from accounts.middleware import MemberRequest, active_organization
from accounts.operations import MemberRefused, NoSuchMember, add_member, change_role, remove_member
from accounts.queries import members_of
from accounts.views.organizations import organization_page


@require_POST
@owner_needed
def member_add(request: MemberRequest) -> HttpResponse:
    own = active_organization(request)
    form = MemberForm(request.POST)
    if form.is_valid():
        try:
            member = add_member(organization=own, **form.cleaned_data)
        except MemberRefused as reason:
            form.add_error("email", str(reason))
        else:
            messages.success(request, f"{member.user} acts for {own} now.")
            return redirect("accounts:organization")
    return organization_page(request, member_form=form, status=422)


@require_POST
@owner_needed
def member_role(request: MemberRequest, pk: int) -> HttpResponse:
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such role.")
        return redirect("accounts:organization")
    try:
        member = change_role(
            organization=active_organization(request), member_id=pk, role=form.cleaned_data["role"]
        )
        messages.success(request, f"{member.user}: {member.get_role_display().lower()} from now on.")
    except NoSuchMember:
        raise Http404 from None
    except MemberRefused as reason:
        messages.error(request, str(reason))
    return redirect("accounts:organization")


@require_http_methods(["GET", "POST"])
@owner_needed
def member_remove(request: MemberRequest, pk: int) -> HttpResponse:
    """Ask, then end a person's part."""
    own = active_organization(request)
    if request.method == "GET":
        member = get_object_or_404(members_of(own), pk=pk)
        return render(request, "accounts/member_remove.html", {"member": member})
    try:
        member = remove_member(organization=own, member_id=pk)
    except NoSuchMember:
        raise Http404 from None
    except MemberRefused as reason:
        messages.error(request, str(reason))
        return redirect("accounts:organization")
    messages.success(request, f"{member.user} no longer acts for {own}.")
    return redirect("board" if member.user_id == request.user.pk else "accounts:organization")
