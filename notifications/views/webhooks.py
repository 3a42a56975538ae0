"""An organization's webhooks, for its owners: endpoints, and the log of one."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import owner_needed
from accounts.middleware import MemberRequest, active_organization
from notifications import queries
from notifications.forms import EndpointForm, PlaceForm
from notifications.models import WebhookDelivery, WebhookEndpoint
from notifications.operations import endpoints
from notifications.operations.endpoints import EndpointChanged, EndpointRefused


@require_http_methods(["GET", "POST"])
@owner_needed
@never_cache
def webhook_list(request: MemberRequest) -> HttpResponse:
    """The endpoints, and a form for another; the one just made is shown with its secret, this once."""
    form = EndpointForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint, secret = endpoints.create_endpoint(
                organization=active_organization(request), by=request.user, terms=form.terms()
            )
        except EndpointRefused as refused:
            form.refuse(refused)
        else:
            return _endpoint_page(request, endpoint, secret=secret)
    context = {"endpoints": queries.endpoints_of(active_organization(request)).order_by("id"), "form": form}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "notifications/webhook_list.html", context, status=status)


@require_http_methods(["GET", "POST"])
@owner_needed
@never_cache
def webhook_detail(request: MemberRequest, pk: int) -> HttpResponse:
    """An endpoint: what it hears of, and what was sent to it."""
    endpoint = _endpoint(request, pk)
    if request.method == "GET":
        return _endpoint_page(request, endpoint)
    form = EndpointForm(request.POST, endpoint=endpoint)
    if form.is_valid():
        try:
            endpoints.change_endpoint(
                organization=active_organization(request),
                endpoint_id=pk,
                terms=form.terms(),
                version_seen=form.cleaned_data["version"],
            )
        except EndpointRefused as refused:
            form.refuse(refused)
        except EndpointChanged as changed:
            form.tell(str(changed), version=changed.terms.version)
        except WebhookEndpoint.DoesNotExist:
            raise Http404 from None
        else:
            messages.success(request, "Kept. It holds from the next event on.")
            return redirect("notifications:webhook_detail", pk)
    return _endpoint_page(request, endpoint, form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
@owner_needed
def webhook_switch(request: MemberRequest, pk: int) -> HttpResponse:
    on = request.POST.get("on") == "true"
    try:
        endpoints.switch_endpoint(organization=active_organization(request), endpoint_id=pk, on=on)
    except WebhookEndpoint.DoesNotExist:
        raise Http404 from None
    messages.success(
        request, "It is on: what waits is sent now." if on else "It is off: nothing is sent to it."
    )
    return redirect("notifications:webhook_detail", pk)


@require_POST
@owner_needed
@never_cache
def webhook_rotate(request: MemberRequest, pk: int) -> HttpResponse:
    """Give it another secret and show it, this once."""
    try:
        endpoint, secret = endpoints.rotate_secret(
            organization=active_organization(request), endpoint_id=pk, now=timezone.now()
        )
    except WebhookEndpoint.DoesNotExist:
        raise Http404 from None
    return _endpoint_page(request, endpoint, secret=secret)


@require_POST
@owner_needed
def webhook_test(request: MemberRequest, pk: int) -> HttpResponse:
    try:
        endpoints.send_test(organization=active_organization(request), endpoint_id=pk, now=timezone.now())
    except WebhookEndpoint.DoesNotExist:
        raise Http404 from None
    except EndpointRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "A test is on its way. Reload the page to see what came of it.")
    return redirect("notifications:webhook_detail", pk)


@require_POST
@owner_needed
def webhook_again(request: MemberRequest, pk: int) -> HttpResponse:
    try:
        delivery = endpoints.send_again(
            organization=active_organization(request), delivery_id=pk, now=timezone.now()
        )
    except WebhookDelivery.DoesNotExist:
        raise Http404 from None
    except EndpointRefused as refused:
        messages.error(request, str(refused))
        return redirect("notifications:webhook_list")
    messages.success(
        request, f"{delivery.event_id} is on its way again. Reload the page to see what came of it."
    )
    return redirect("notifications:webhook_detail", delivery.endpoint_id)


@require_http_methods(["GET", "POST"])
@owner_needed
def webhook_remove(request: MemberRequest, pk: int) -> HttpResponse:
    """Ask first: its secret is forgotten."""
    endpoint = _endpoint(request, pk)
    if request.method == "GET":
        return render(request, "notifications/webhook_remove.html", {"endpoint": endpoint})
    try:
        endpoints.remove_endpoint(organization=active_organization(request), endpoint_id=pk)
    except WebhookEndpoint.DoesNotExist:
        raise Http404 from None
    messages.success(request, f"{endpoint} is removed. Nothing more is sent to it.")
    return redirect("notifications:webhook_list")


def _endpoint(request: MemberRequest, pk: int) -> WebhookEndpoint:
    endpoint = queries.endpoints_of(active_organization(request)).filter(pk=pk).first()
    if endpoint is None:
        raise Http404
    return endpoint


def _endpoint_page(
    request: MemberRequest,
    endpoint: WebhookEndpoint,
    *,
    form: EndpointForm | None = None,
    secret: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    place = PlaceForm(request.GET)
    if not place.is_valid():
        raise Http404("no such page")
    deliveries, next_before = queries.page_of_deliveries(endpoint, before=place.cleaned_data["before"])
    context = {
        "endpoint": endpoint,
        "form": form or EndpointForm(endpoint=endpoint),
        "deliveries": deliveries,
        "page": {"next_before": next_before},
        "secret": secret,
    }
    return render(request, "notifications/webhook_detail.html", context, status=status)
