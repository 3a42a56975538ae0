"""The link in an e-mail: from wherever the buyer reads it to paying the settlement."""

from __future__ import annotations

from http import HTTPStatus

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.access import login_needed
from accounts.middleware import MemberRequest, act_for
from settlements.links import LinkExpired, LinkForged, settlement_of_link
from settlements.models import Settlement


@require_GET
@never_cache
def payment_link(request: MemberRequest, token: str) -> HttpResponseBase:
    """Lead the buyer, once logged in, to the settlement's *Pay now*; say so when the link or its deadline is over.

    A person of several organizations acts for the settlement's from here on.
    """
    try:
        settlement_id = settlement_of_link(token)
    except LinkForged:
        return _dead_end(request, "not_ours", HTTPStatus.NOT_FOUND)
    except LinkExpired:
        return _dead_end(request, "too_old", HTTPStatus.GONE)
    return _to_settlement(request, settlement_id)


@login_needed
def _to_settlement(request: MemberRequest, settlement_id: int) -> HttpResponse:
    settlement = Settlement.objects.filter(pk=settlement_id).first()
    own = [membership.organization_id for membership in request.memberships]
    if settlement is None or settlement.organization_id not in own:
        raise PermissionDenied("This link is for members of another organization. Log in as one of them.")
    act_for(request, settlement.organization_id)
    if settlement.status == Settlement.Status.DEFAULTED:
        return _dead_end(request, "defaulted", HTTPStatus.GONE, settlement)
    return redirect(reverse("settlements:own_settlement_detail", args=[settlement_id]) + "#pay")


def _dead_end(
    request: MemberRequest, why: str, status: HTTPStatus, settlement: Settlement | None = None
) -> HttpResponse:
    context = {"why": why, "settlement": settlement}
    return render(request, "settlements/payment_link.html", context, status=status)
