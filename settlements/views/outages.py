"""Finance: outages that wait for a decision, and the decision with its refund."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import finance_needed
from accounts.trail import About, history_of
from settlements.delivery_forms import DecisionForm
from settlements.models import Delivery, Outage
from settlements.operations.outages import OutageRefused, decide_outage, refund_cents
from settlements.queries.deliveries import timeline_of
from settlements.queries.outages import listed_outages, outage_page, outages_of
from settlements.refunding import RefundRejected
from settlements.views.paging import before_of

UNPROCESSABLE = 422


@require_GET
@finance_needed
def outage_list(request: HttpRequest) -> HttpResponse:
    """List outages: those to decide, the oldest first, or those decided, the newest first."""
    is_decided = request.GET.get("show") == "decided"
    page = outage_page(is_decided=is_decided, before=before_of(request))
    return render(request, "settlements/outage_list.html", {"page": page, "is_decided": is_decided})


@require_http_methods(["GET", "POST"])
@finance_needed
def outage_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an outage with what upholding it would refund, and decide it."""
    outage = get_object_or_404(listed_outages(), pk=pk)
    form = DecisionForm(
        request.POST if request.method == "POST" else None,
        outage=outage,
        initial={"fingerprint": outage.fingerprint},
    )
    if request.method == "POST" and form.is_valid():
        try:
            decide_outage(
                outage_id=pk,
                decided_by=request.user,  # type: ignore[arg-type]  # somebody of finance
                upheld_minutes=form.upheld_minutes,
                reason=form.cleaned_data["reason"],
                fingerprint=form.cleaned_data["fingerprint"],
                now=timezone.now(),
            )
        except OutageRefused as refused:
            form.add_error(refused.field or None, refused.message)
        except RefundRejected as rejected:
            form.add_error(None, f"It cannot be refunded: {rejected}")
        else:
            messages.success(request, f"Outage {pk} is decided. Both sides are told.")
            return redirect("settlements:outage_detail", pk)
    outages = outages_of(outage.delivery)
    context = {
        "outage": outage,
        "form": form,
        "may_decide": outage.status in Outage.UNDECIDED,
        "may_still_end": outage.kind == Outage.Kind.MISSED_HANDOVER and outage.ends_at > timezone.now(),
        "refund_of_all": refund_cents(outage, outage.n_minutes) if outage.status in Outage.UNDECIDED else 0,
        "timeline": timeline_of(outage.delivery, outages),
        "trail": history_of(request, About(Outage, pk), About(Delivery, outage.delivery_id)),
    }
    status = UNPROCESSABLE if request.method == "POST" else 200
    return render(request, "settlements/outage_detail.html", context, status=status)
