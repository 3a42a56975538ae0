"""The seller's deliveries: what is to be handed over and until when, the hand-over itself, answers to outages."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.access import seller_needed
from accounts.middleware import MemberRequest, active_organization
from accounts.stream import last_sequence
from settlements.delivery_forms import AnswerForm, HandoverForm
from settlements.models import Delivery, Outage
from settlements.operations.handovers import HandoverRefused, hand_over, read_own_handover
from settlements.operations.outages import OutageRefused, answer_outage
from settlements.queries.deliveries import (
    SALE_TABS,
    count_sales,
    listed_deliveries,
    sales_page,
    timeline_of,
)
from settlements.queries.outages import outages_of
from settlements.views.paging import before_of

UNPROCESSABLE = 422


@require_GET
@seller_needed
@vary_on_headers("HX-Request")
def sale_delivery_list(request: MemberRequest) -> HttpResponse:
    """List what was sold by when its hand-over is due; to htmx, only the list."""
    seller = active_organization(request)
    own_after = last_sequence(organization_id=seller.pk)
    chosen = next((tab for tab in SALE_TABS if tab.name == request.GET.get("show", SALE_TABS[0].name)), None)
    if chosen is None:
        raise Http404("no such tab")
    counts = count_sales(seller)
    page = sales_page(seller, chosen, before=before_of(request))
    context = {
        "own_after": own_after,
        "tabs": [(tab, counts.get(tab.name), tab == chosen) for tab in SALE_TABS],
        "chosen": chosen,
        "page": page,
    }
    template = "settlements/sale_delivery_list.html" + ("#deliveries" if request.htmx else "")
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
@seller_needed
@never_cache
@sensitive_post_parameters("endpoint", "instructions", "credentials")
@sensitive_variables("form", "access")
def sale_delivery(request: MemberRequest, pk: int) -> HttpResponse:
    """Show one delivery to its seller, and hand it over or change what was."""
    seller = active_organization(request)
    get_object_or_404(Delivery, pk=pk, seller=seller)
    if request.method == "GET":
        return _page(request, pk)
    form = HandoverForm(request.POST)
    if form.is_valid():
        try:
            hand_over(
                seller=seller,
                delivery_id=pk,
                given_by=request.user,
                access=form.access,
                version_seen=form.cleaned_data["version"],
                now=timezone.now(),
            )
        except HandoverRefused as refused:
            form.add_error(refused.field or None, refused.message)
        else:
            messages.success(request, "Handed over. The buyer is told, and sees it on its page.")
            return redirect("settlements:sale_delivery", pk)
    return _page(request, pk, form=form, status=UNPROCESSABLE)


@require_GET
@seller_needed
def sale_delivery_keys(request: MemberRequest, pk: int) -> HttpResponse:
    """Download the SSH keys to let in, one a line, as an authorized_keys file has them."""
    delivery = get_object_or_404(Delivery, pk=pk, seller=active_organization(request))
    lines = delivery.ssh_keys.order_by("id").values_list("line", flat=True)
    return HttpResponse(
        "".join(f"{line}\n" for line in lines),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="award-{delivery.line.award_id}.pub"'},
    )


@require_POST
@seller_needed
def outage_answer(request: MemberRequest, pk: int) -> HttpResponse:
    """Accept or dispute a reported outage."""
    seller = active_organization(request)
    outage = get_object_or_404(Outage, pk=pk, delivery__seller=seller)
    form = AnswerForm(request.POST)
    if form.is_valid():
        try:
            answer_outage(
                seller=seller,
                outage_id=pk,
                answered_by=request.user,
                accepts="accept" in request.POST,
                note=form.cleaned_data["note"],
                now=timezone.now(),
            )
        except OutageRefused as refused:
            form.add_error(refused.field or None, refused.message)
        else:
            messages.success(request, "Your answer is with the buyer and our finance staff.")
            return redirect("settlements:sale_delivery", outage.delivery_id)
    return _page(request, outage.delivery_id, answer_form=form, answered=pk, status=UNPROCESSABLE)


@sensitive_variables()
def _page(
    request: MemberRequest,
    pk: int,
    *,
    form: HandoverForm | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    seller = active_organization(request)
    delivery = get_object_or_404(listed_deliveries(), pk=pk, seller=seller)
    latest = delivery.handovers.select_related("given_by").order_by("-version").first()
    outages = outages_of(delivery)
    context = {
        "delivery": delivery,
        "handover": latest,
        "form": form or _form(request, delivery, version=latest.version if latest else 0),
        "may_hand_over": delivery.status in Delivery.TAKES_HANDOVER and timezone.now() < delivery.ends_at,
        "keys": delivery.ssh_keys.order_by("id"),
        "outages": outages,
        "timeline": timeline_of(delivery, outages),
        "answer_form": AnswerForm(),
        **more,
    }
    return render(request, "settlements/sale_delivery.html", context, status=status)


@sensitive_variables()
def _form(request: MemberRequest, delivery: Delivery, *, version: int) -> HandoverForm:
    access = read_own_handover(seller=active_organization(request), delivery_id=delivery.pk)
    return HandoverForm(initial={**(access.as_said() if access else {}), "version": version})
