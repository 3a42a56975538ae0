"""Finance's pages: how much each buyer may have at stake, and the credit line that is finance's part of it."""

from __future__ import annotations

from decimal import Decimal

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import queries
from accounts.access import finance_needed
from accounts.forms import CreditForm
from accounts.middleware import MemberRequest
from accounts.models import BiddingLimit, CreditChange
from accounts.operations import CreditRefused, decide_credit, set_credit
from accounts.trail import About, history_of
from marketplace.money import format_cents

LIMITS_PER_PAGE = 50


@require_GET
@finance_needed
def limit_list(request: MemberRequest) -> HttpResponse:
    page = Paginator(queries.limits(), LIMITS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/limit_list.html", {"page": page})


@require_http_methods(["GET", "POST"])
@finance_needed
def limit_edit(request: MemberRequest, pk: int) -> HttpResponse:
    """Show a buyer's limit and how its credit came about; set the credit."""
    limit = get_object_or_404(queries.limits(), pk=pk)
    if request.method == "GET":
        return _page(request, limit, _fresh_form(limit))
    form = CreditForm(request.POST)
    if form.is_valid():
        try:
            change = set_credit(
                organization=limit.organization,
                credit_cents=form.cleaned_data["credit"],
                reason=form.cleaned_data["reason"],
                by=request.user,
                seen_cents=form.cleaned_data["seen"],
            )
        except CreditRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _outcome(change, limit))
            return redirect("accounts:limit_edit", pk)
    return _page(request, limit, form, status=422)


@require_POST
@finance_needed
def credit_refuse(request: MemberRequest, pk: int) -> HttpResponse:
    """Refuse a proposed credit line; the proposer may, too."""
    return _decide(request, pk, approve=False)


@require_POST
@finance_needed
@reauthentication_required
def credit_approve(request: MemberRequest, pk: int) -> HttpResponse:
    """Put a proposed credit line in force, as a second person whose password was just typed."""
    return _decide(request, pk, approve=True)


def _decide(request: MemberRequest, pk: int, *, approve: bool) -> HttpResponse:
    change = get_object_or_404(CreditChange.objects.select_related("organization"), pk=pk)
    try:
        decided = decide_credit(change_id=pk, by=request.user, approve=approve)
        verb = "set" if approve else "refused"
        messages.success(
            request,
            f"The credit line of {format_cents(decided.after_cents)} for {change.organization} is {verb}.",
        )
    except CreditRefused as refused:
        messages.error(request, str(refused))
    return redirect("accounts:limit_edit", change.organization_id)


def _outcome(change: CreditChange, limit: BiddingLimit) -> str:
    amount = format_cents(change.after_cents)
    if change.needs_second:
        return (
            f"A credit line of {amount} for {limit.organization} is proposed. Another person must approve it."
        )
    return f"The credit line of {limit.organization} is {amount}."


def _fresh_form(limit: BiddingLimit) -> CreditForm:
    return CreditForm(initial={"credit": Decimal(limit.credit_cents).scaleb(-2), "seen": limit.credit_cents})


def _page(request: HttpRequest, limit: BiddingLimit, form: CreditForm, status: int = 200) -> HttpResponse:
    changes = queries.credit_changes_of(limit.pk)
    context = {
        "form": form,
        "limit": limit,
        "changes": changes,
        "proposal": next(
            (change for change in changes if change.status == CreditChange.Status.PROPOSED), None
        ),
        "four_eyes_cents": settings.CREDIT_FOUR_EYES_CENTS,
        "trail": history_of(
            request, About(BiddingLimit, limit.pk), About(CreditChange, limit.pk, via="organization_id")
        ),
    }
    return render(request, "accounts/limit_edit.html", context, status=status)
