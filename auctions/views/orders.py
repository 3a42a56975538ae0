"""Standing orders: the deadline helper that starts one, their list, and one with its bids and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import buyer_needed, member_needed, send_to_login
from accounts.middleware import MemberRequest, active_organization
from accounts.models import BiddingLimit
from accounts.stream import last_sequence
from auctions.composer import Composer
from auctions.models import StandingOrder
from auctions.operations.standing import (
    OrderNotFound,
    Outcome,
    cancel_order,
    change_order,
    pause_order,
    resume_order,
    start_order,
)
from auctions.order_forms import OrderForm, order_typed, typed_in
from auctions.queries.standing import (
    Tally,
    bids_of_order,
    history_of_order,
    orders_of,
    tallies_of,
    tally_of,
)
from auctions.standing.outlook import MarketOutlook, outlook_of
from auctions.standing.policy import OrderRejected, check_order
from auctions.standing.terms import OrderTerms, Remaining, largest_rounding, order_terms_of
from auctions.views.ticket import UNPROCESSABLE, request_key_of, why_no_bid
from auctions.wording import wanted_in_words
from inventory.models import ResourceType
from marketplace.db import snapshot
from marketplace.numbers import whole_number

ROWS_PER_PAGE = 50
BIDS_SHOWN = 100
STEPS_SHOWN = 50
FORM_PAGE = "auctions/order_form.html"


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order would do: its words, the windows ahead, and what one bid could do at once."""

    terms: OrderTerms
    kind: str
    wanted: str
    outlooks: list[MarketOutlook]
    rounding: int
    remaining: Remaining
    free_cents: int

    @property
    def n_windows(self) -> int:
        return sum(outlook.n_windows for outlook in self.outlooks)

    @property
    def paid_for(self) -> int:
        """Unit-hours that the budget pays for at the order's own price."""
        return self.terms.budget_ticks // self.terms.price_ticks

    @property
    def falls_short(self) -> bool:
        return self.paid_for < self.terms.goal_unit_hours

    @property
    def whole_bids(self) -> list[tuple[MarketOutlook, str]]:
        """Single bids that would win all of it, with the address of the ticket filled with each."""
        return [
            (outlook, _ticket_address(outlook))
            for outlook in self.outlooks
            if outlook.whole is not None and outlook.whole_lot is not None
        ]


@require_safe
@member_needed
@vary_on_headers("HX-Request")
@snapshot()
def order_list(request: MemberRequest) -> HttpResponse:
    """List the organization's standing orders, newest first; to htmx, only the list."""
    organization = active_organization(request)
    own_after = last_sequence(organization_id=organization.pk)
    page = Paginator(orders_of(organization), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    tallies = tallies_of(page)
    words = wanted_in_words(order_terms_of(order).wanted for order in page)
    context = {
        "own_after": own_after,
        "page": page,
        "orders": [(order, tallies[order.pk], wanted) for order, wanted in zip(page, words, strict=True)],
        "why_not": why_no_bid(request),
    }
    template = "auctions/order_list.html#orders" if request.htmx else "auctions/order_list.html"
    return render(request, template, context)


@require_http_methods(["GET", "HEAD", "POST"])
def order_create(request: MemberRequest) -> HttpResponseBase:
    """Say what is wanted and by when, review what it will do, start it. A login in between loses nothing typed."""
    if request.method == "POST" and not request.user.is_authenticated:
        return send_to_login(request, f"{request.path}?{urlencode(OrderForm(request.POST).typed_pairs())}")
    return _order_create(request)


@buyer_needed
def _order_create(request: MemberRequest) -> HttpResponse:
    if request.method != "POST":
        return _show_form(request, OrderForm(initial={"min_hours": "1"} | typed_in(request.GET)))
    form = OrderForm(request.POST)
    action = request.POST.get("do", "review")
    if action == "edit":
        return _show_form(request, OrderForm(initial=typed_in(request.POST)))
    if action == "confirm" and form.is_valid():
        try:
            order = start_order(
                organization=active_organization(request),
                created_by=request.user,
                terms=form.terms(),
                request_key=request_key_of(request.POST),
            )
        except OrderRejected as rejected:
            form.refuse(rejected)
        else:
            messages.success(request, f"Standing order {order.pk} is under way.")
            return redirect("auctions:order_detail", pk=order.pk)
    preview = _preview(request, form)
    if preview is None:
        return _show_form(request, form, status=UNPROCESSABLE)
    context = {"form": form, "preview": preview, "step": "review", "request_key": uuid4()}
    return render(request, FORM_PAGE, context)


@require_safe
@buyer_needed
def order_preview(request: MemberRequest) -> HttpResponse:
    """Say what an order would do as it is typed; a fragment that says nothing while it is incomplete."""
    number = whole_number(request.GET.get("order"))
    order = orders_of(active_organization(request)).filter(pk=number).first() if number else None
    preview = _preview(request, OrderForm(request.GET), order)
    return render(request, f"{FORM_PAGE}#preview", {"preview": preview, "order": order})


@require_safe
@member_needed
@vary_on_headers("HX-Request")
@snapshot()
def order_detail(request: MemberRequest, pk: int) -> HttpResponse:
    """Show one order: what it wants, how far it has come, every bid it placed, and what lies ahead."""
    own_after = last_sequence(organization_id=active_organization(request).pk)
    order = _order(request, pk)
    terms, tally = order_terms_of(order), tally_of(order)
    context = {
        "own_after": own_after,
        "order": order,
        "tally": tally,
        "missing": tally.missing_unit_hours(order),
        "left_cents": tally.left_cents(order),
        "kind": _kind(terms),
        "wanted": wanted_in_words([terms.wanted])[0],
        "bids": bids_of_order(order, limit=BIDS_SHOWN),
        "steps": history_of_order(order, limit=STEPS_SHOWN),
        "preview": None if order.is_over else _preview_of(request, terms, order, tally),
        "may_buy": request.user.has_perm("accounts.buy_for", request.organization),
    }
    template = "auctions/order_detail.html#order" if request.htmx else "auctions/order_detail.html"
    return render(request, template, context)


@require_http_methods(["GET", "HEAD", "POST"])
def order_change(request: MemberRequest, pk: int) -> HttpResponseBase:
    """Change what an order asks for; a login in between, when the session was over, loses nothing that was typed."""
    if request.method == "POST" and not request.user.is_authenticated:
        typed = [*OrderForm(request.POST).typed_pairs(), ("revision", request.POST.get("revision", ""))]
        return send_to_login(request, f"{request.path}?{urlencode(typed)}")
    return _order_change(request, pk)


@buyer_needed
def _order_change(request: MemberRequest, pk: int) -> HttpResponse:
    order = _order(request, pk)
    if request.method != "POST":
        form = OrderForm(initial=order_typed(order_terms_of(order)) | typed_in(request.GET))
        return _show_form(request, form, order=order, revision=whole_number(request.GET.get("revision")))
    form = OrderForm(request.POST)
    seen = whole_number(request.POST.get("revision"))
    if form.is_valid():
        try:
            outcome = change_order(
                organization=active_organization(request), order_id=pk, terms=form.terms(), revision=seen
            )
        except OrderNotFound as missing:
            raise Http404 from missing
        except OrderRejected as rejected:
            form.refuse(rejected)
            order.refresh_from_db()
            seen = None  # it was looked at: what is sent next is measured by the order as it is shown now
        else:
            _tell(request, outcome, f"Standing order {pk} was changed. Its bids are placed anew.")
            return redirect("auctions:order_detail", pk=pk)
    return _show_form(request, form, order=order, revision=seen, status=UNPROCESSABLE)


@require_POST
@buyer_needed
def order_pause(request: MemberRequest, pk: int) -> HttpResponse:
    """Keep an order from bidding, and take its open bids back where their windows are not frozen."""
    return _stop(request, pk, pause_order, f"Standing order {pk} is paused.")


@require_POST
@buyer_needed
def order_resume(request: MemberRequest, pk: int) -> HttpResponse:
    """Let a paused order bid again."""
    try:
        resume_order(organization=active_organization(request), order_id=pk, by=request.user)
    except OrderNotFound as missing:
        raise Http404 from missing
    except OrderRejected as rejected:
        messages.warning(request, rejected.message)
    else:
        messages.success(request, f"Standing order {pk} bids again.")
    return redirect("auctions:order_detail", pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_needed
def order_cancel(request: MemberRequest, pk: int) -> HttpResponse:
    """Ask, then end an order for good."""
    if request.method == "POST":
        return _stop(request, pk, cancel_order, f"Standing order {pk} was cancelled.")
    order = _order(request, pk)
    return render(
        request, "auctions/order_cancel.html", {"order": order, "question": f"Cancel standing order {pk}?"}
    )


def _stop(request: MemberRequest, pk: int, stop: Callable[..., Outcome], done: str) -> HttpResponse:
    try:
        outcome = stop(organization=active_organization(request), order_id=pk)
    except OrderNotFound as missing:
        raise Http404 from missing
    except OrderRejected as rejected:
        messages.warning(request, rejected.message)
    else:
        _tell(request, outcome, done)
    return redirect("auctions:order_detail", pk=pk)


def _tell(request: MemberRequest, outcome: Outcome, done: str) -> None:
    messages.success(request, done)
    for bid in outcome.kept:
        messages.warning(
            request,
            f"Bid {bid.pk} can no longer be taken back, as its window is frozen or closed: it may still win.",
        )


@snapshot()
def _order(request: MemberRequest, pk: int) -> StandingOrder:
    """Find an order of the active organization; anybody else's is as unknown as one that does not exist."""
    return get_object_or_404(orders_of(active_organization(request)), pk=pk)


def _preview(request: MemberRequest, form: OrderForm, order: StandingOrder | None = None) -> Preview | None:
    """Say what a form's order would do, or nothing where it would be refused; the form then shows why."""
    if not form.is_valid():
        return None
    terms = form.terms()
    try:
        check_order(terms, now=timezone.now())
    except OrderRejected as rejected:
        form.refuse(rejected)
        return None
    return _preview_of(request, terms, order, tally_of(order) if order else Tally())


@snapshot()
def _preview_of(
    request: MemberRequest, terms: OrderTerms, order: StandingOrder | None, tally: Tally
) -> Preview:
    """Say what an order would do with what it has won already. Its open bids are placed anew, as after a change."""
    organization = active_organization(request)
    remaining = Remaining(
        unit_hours=terms.goal_unit_hours - tally.won_unit_hours,
        budget_ticks=terms.budget_ticks - tally.spent_ticks,
    )
    limit = BiddingLimit.objects.filter(organization=organization).first()
    types = list(ResourceType.objects.filter(pk__in=terms.wanted.resource_type_ids))
    return Preview(
        terms=terms,
        kind=types[0].kind,
        wanted=wanted_in_words([terms.wanted])[0],
        outlooks=outlook_of(terms, remaining, organization_id=organization.pk, now=timezone.now()),
        rounding=largest_rounding(types, terms.min_hours),
        remaining=remaining,
        free_cents=limit.free_cents if limit else 0,
    )


def _kind(terms: OrderTerms) -> str:
    return ResourceType.objects.only("kind").get(pk=terms.wanted.resource_type_ids[0]).kind


def _ticket_address(outlook: MarketOutlook) -> str:
    """Return the address of the page that puts bids together, filled with the bid that wins all of it."""
    assert outlook.window is not None
    assert outlook.whole is not None
    assert outlook.whole_lot is not None
    typed = Composer.for_terms(outlook.window, outlook.whole).typed_pairs()
    return f"{reverse('auctions:bid_compose', args=[outlook.whole_lot.pk])}?{urlencode(typed)}"


def _show_form(
    request: MemberRequest,
    form: OrderForm,
    *,
    order: StandingOrder | None = None,
    revision: int | None = None,
    status: int = 200,
) -> HttpResponse:
    typed = form if form.is_bound else OrderForm(_as_sent(form))
    context: dict[str, Any] = {
        "form": form,
        "order": order,
        "revision": (revision or order.revision) if order else None,
        "preview": _preview(request, typed, order) if not form.is_bound else None,
        "step": "form",
    }
    return render(request, FORM_PAGE, context, status=status)


def _as_sent(form: OrderForm) -> Any:
    """Return what an unchecked form is filled with as if it had been sent, to see whether it is complete already."""
    sent: MultiValueDict[str, str] = MultiValueDict()
    for name, value in form.typed_pairs():
        sent.appendlist(name, value)
    return sent
