"""An organization's SSH public keys."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import buyer_needed
from accounts.middleware import MemberRequest
from settlements.delivery_forms import SshKeyForm
from settlements.models import SshKey
from settlements.operations.ssh_keys import add_ssh_key, remove_ssh_key
from settlements.ssh_keys import InvalidSshKey
from settlements.views.own import own

UNPROCESSABLE = 422


@require_http_methods(["GET", "POST"])
@buyer_needed
def ssh_key_list(request: MemberRequest) -> HttpResponse:
    """List the organization's keys, and add one."""
    form = SshKeyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            key = add_ssh_key(organization=own(request), added_by=request.user, text=form.cleaned_data["key"])
        except InvalidSshKey as invalid:
            form.add_error("key", str(invalid))
        else:
            messages.success(request, f"{key} is added. It goes with what you win from now on.")
            return redirect("settlements:ssh_key_list")
    keys = SshKey.objects.filter(organization=own(request), removed_at=None).select_related("added_by")
    context = {"keys": keys.order_by("-id"), "form": form}
    status = UNPROCESSABLE if request.method == "POST" else 200
    return render(request, "settlements/ssh_key_list.html", context, status=status)


@require_POST
@buyer_needed
def ssh_key_remove(request: MemberRequest, pk: int) -> HttpResponse:
    """Remove a key, also from deliveries that are not over."""
    try:
        key = remove_ssh_key(organization=own(request), key_id=pk, now=timezone.now())
    except SshKey.DoesNotExist:
        raise Http404 from None
    messages.success(request, f"{key} is removed. Sellers who let it in are told.")
    return redirect("settlements:ssh_key_list")
