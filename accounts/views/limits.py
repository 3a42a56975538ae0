"""Finance's pages: how much each buyer may have at stake."""

from __future__ import annotations

from decimal import Decimal

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts import queries
from accounts.access import finance_needed
from accounts.forms import LimitForm
from accounts.middleware import MemberRequest
from accounts.operations import set_limit

LIMITS_PER_PAGE = 50


@require_GET
@finance_needed
def limit_list(request: MemberRequest) -> HttpResponse:
    page = Paginator(queries.limits(), LIMITS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/limit_list.html", {"page": page})


@require_http_methods(["GET", "POST"])
@finance_needed
def limit_edit(request: MemberRequest, pk: int) -> HttpResponse:
    limit = get_object_or_404(queries.limits(), pk=pk)
    form = LimitForm(
        request.POST if request.method == "POST" else None,
        initial={"limit": Decimal(limit.limit_cents).scaleb(-2)},
    )
    if request.method == "POST" and form.is_valid():
        set_limit(organization=limit.organization, limit_cents=form.cleaned_data["limit"])
        messages.success(request, f"The limit of {limit.organization} is set.")
        return redirect("accounts:limit_list")
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/limit_edit.html", {"form": form, "limit": limit}, status=status)
