"""The buyer's delivery: its state, access (every look is noted), SSH keys, outages."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_POST

from accounts.access import buyer_needed, member_needed
from accounts.middleware import MemberRequest
from accounts.stream import last_sequence
from settlements.delivery_forms import KeyChoiceForm, OutageForm
from settlements.models import Delivery, HandoverRead, Outage
from settlements.operations.handovers import NothingHandedOver, OpenedHandover, read_handover
from settlements.operations.outages import OutageRefused, report_outage, withdraw_outage
from settlements.operations.ssh_keys import KeysRefused, choose_ssh_keys
from settlements.queries.deliveries import listed_deliveries, timeline_of
from settlements.queries.outages import outages_of
from settlements.views.own import own

UNPROCESSABLE = 422
READS_SHOWN = 20


@require_GET
@member_needed
@never_cache
def own_delivery(request: MemberRequest, pk: int) -> HttpResponse:
    """Show one delivery of the organization; another's is as good as none. Access is shown by a step of its own."""
    return _page(request, pk)


@require_POST
@member_needed
@never_cache
@sensitive_variables("opened")
def own_delivery_access(request: MemberRequest, pk: int) -> HttpResponse:
    """Show what was handed over, and note who looked."""
    try:
        opened = read_handover(buyer=own(request), delivery_id=pk, read_by=request.user, now=timezone.now())
    except Delivery.DoesNotExist:
        raise Http404 from None
    except NothingHandedOver:
        messages.info(request, "The seller has not handed over anything yet.")
        return redirect("settlements:own_delivery", pk)
    return _page(request, pk, opened=opened)


@require_POST
@buyer_needed
def own_delivery_keys(request: MemberRequest, pk: int) -> HttpResponse:
    """Choose the SSH keys that the seller lets in."""
    delivery = get_object_or_404(Delivery, pk=pk, buyer=own(request))
    form = KeyChoiceForm(request.POST, delivery=delivery)
    if form.is_valid():
        chosen = [key.pk for key in form.cleaned_data["keys"]]
        try:
            choose_ssh_keys(buyer=own(request), delivery_id=pk, key_ids=chosen, now=timezone.now())
        except KeysRefused as refused:
            form.add_error("keys", str(refused))
        else:
            messages.success(request, "The keys are chosen. The seller is told of a change.")
            return redirect("settlements:own_delivery", pk)
    return _page(request, pk, key_form=form, status=UNPROCESSABLE)


@require_POST
@buyer_needed
def outage_report(request: MemberRequest, pk: int) -> HttpResponse:
    """Report an outage."""
    get_object_or_404(Delivery, pk=pk, buyer=own(request))
    form = OutageForm(request.POST)
    if form.is_valid():
        try:
            outage = report_outage(
                buyer=own(request),
                delivery_id=pk,
                reported_by=request.user,
                report=form.report,
                now=timezone.now(),
            )
        except OutageRefused as refused:
            form.add_error(refused.field or None, refused.message)
        else:
            messages.success(request, f"Outage {outage.pk} is reported. The seller is asked, then we decide.")
            return redirect("settlements:own_delivery", pk)
    return _page(request, pk, outage_form=form, status=UNPROCESSABLE)


@require_POST
@buyer_needed
def outage_withdraw(request: MemberRequest, pk: int) -> HttpResponse:
    """Take back an own report."""
    try:
        outage = withdraw_outage(buyer=own(request), outage_id=pk)
    except Outage.DoesNotExist:
        raise Http404 from None
    except OutageRefused as refused:
        messages.error(request, refused.message)
        outage = Outage.objects.get(pk=pk)
    else:
        messages.success(request, f"Outage {pk} is withdrawn.")
    return redirect("settlements:own_delivery", outage.delivery_id)


@sensitive_variables("opened", "context")
def _page(
    request: MemberRequest, pk: int, *, opened: OpenedHandover | None = None, status: int = 200, **forms: Any
) -> HttpResponse:
    own_after = last_sequence(organization_id=own(request).pk)
    delivery = get_object_or_404(listed_deliveries(), pk=pk, buyer=own(request))
    outages = outages_of(delivery)
    may_act = request.user.has_perm("accounts.buy_for", own(request))
    reads = HandoverRead.objects.filter(handover__delivery=delivery).select_related(
        "handover", "read_by", "api_key"
    )
    context = {
        "own_after": own_after,
        "delivery": delivery,
        "handover": delivery.handovers.select_related("given_by").order_by("-version").first(),
        "opened": opened,
        "reads": reads.order_by("-id")[:READS_SHOWN],
        "outages": outages,
        "timeline": timeline_of(delivery, outages),
        "keys": delivery.ssh_keys.order_by("id"),
        "may_act": may_act,
        "may_choose_keys": may_act and delivery.status in Delivery.LIVE,
        "may_report": may_act and _may_report(delivery),
        "key_form": KeyChoiceForm(delivery=delivery, initial={"keys": delivery.ssh_keys.all()}),
        "outage_form": OutageForm(),
        **forms,
    }
    return render(request, "settlements/own_delivery.html", context, status=status)


def _may_report(delivery: Delivery) -> bool:
    if delivery.status == Delivery.Status.RUNNING:
        return True
    return delivery.status == Delivery.Status.DELIVERED and timezone.now() < delivery.report_until
