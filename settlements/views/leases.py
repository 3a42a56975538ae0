"""A lease with its months: to the buyer that has it, and to finance."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.access import finance_needed, member_needed
from accounts.middleware import MemberRequest, active_organization
from settlements.queries.leases import leases, months_of_lease


@require_GET
@member_needed
def own_lease_detail(request: MemberRequest, pk: int) -> HttpResponse:
    """Show one of the organization's leases; another's is as good as none."""
    lease = get_object_or_404(leases(), pk=pk, organization=active_organization(request))
    context = {"lease": lease, "months": months_of_lease(lease)}
    return render(request, "settlements/lease_detail.html", context)


@require_GET
@finance_needed
def lease_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a lease."""
    lease = get_object_or_404(leases(), pk=pk)
    context = {
        "lease": lease,
        "months": months_of_lease(lease),
        "for_finance": True,
    }
    return render(request, "settlements/lease_detail.html", context)
