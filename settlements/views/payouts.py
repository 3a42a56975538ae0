"""A seller's payouts: setting them up at Stripe, what was and will be paid, and the month's statement."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.access import member_needed, owner_needed
from accounts.middleware import MemberRequest
from accounts.models import Organization
from settlements.exports import Echo, dollars
from settlements.models import SellerAccount
from settlements.operations.seller_accounts import NotASeller, open_onboarding, refresh_account
from settlements.queries.fees import percent
from settlements.queries.statements import Statement, month_of, months_of, statement_of
from settlements.queries.transfers import listed, money_of, page_of, why_waiting
from settlements.requirements import requirement_words
from settlements.stripe_facts import OutcomeUnknown, Refused
from settlements.views.paging import before_of
from settlements.views.streaming import csv_file

NO_ANSWER = "Stripe did not answer. Nothing is lost: try again in a moment."
LINES_SHOWN = 500
"""More lines of a statement than this are for the CSV."""
COLUMNS = ("booked_at", "what", "reference", "gross_usd", "fee_usd", "net_usd", "balance_usd")


@require_GET
@member_needed
def payout_list(request: MemberRequest) -> HttpResponse:
    """List the organization's payouts, newest first, and say where its money stands."""
    seller = selling(request)
    page = page_of(listed().filter(seller=seller), before=before_of(request))
    account = SellerAccount.objects.filter(pk=seller.pk).first()
    context = {
        "page": page,
        "rows": [(transfer, why_waiting(transfer)) for transfer in page.transfers],
        "money": money_of(seller.pk),
        "account": account,
        "months": months_of(seller.pk, datetime.now(UTC))[:12],
    }
    return render(request, "settlements/payout_list.html", context)


@require_GET
@member_needed
def payout_detail(request: MemberRequest, pk: int) -> HttpResponse:
    """Show one of the organization's payouts; another's is as good as none."""
    transfer = get_object_or_404(listed(), pk=pk, seller=selling(request))
    line = transfer.delivery.line
    context = {
        "transfer": transfer,
        "why_waiting": why_waiting(transfer),
        "line": line,
        "fee_label": "" if line.fee_bps is None else percent(line.fee_bps),
    }
    return render(request, "settlements/payout_detail.html", context)


@require_GET
@member_needed
def payout_setup(request: MemberRequest) -> HttpResponse:
    """Show how the organization stands at Stripe: what is missing, and where to go on."""
    account = SellerAccount.objects.filter(pk=selling(request).pk).first()
    context = {
        "account": account,
        "missing": requirement_words(account.currently_due) if account else [],
        "may_set_up": request.user.has_perm("accounts.manage_organization", selling(request)),
    }
    return render(request, "settlements/payout_setup.html", context)


@require_POST
@owner_needed
def payout_setup_start(request: MemberRequest) -> HttpResponse:
    """Go to Stripe's page, from the start or where it was left."""
    return _to_stripe(request)


@require_GET
@owner_needed
def payout_setup_again(request: MemberRequest) -> HttpResponse:
    """Take whoever followed an old link to a new one. Stripe sends people here."""
    return _to_stripe(request)


@require_GET
@member_needed
def payout_setup_return(request: MemberRequest) -> HttpResponse:
    """Take the seller back from Stripe: ask Stripe how things stand, whatever the address says."""
    return _refreshed(request)


@require_POST
@member_needed
def payout_setup_refresh(request: MemberRequest) -> HttpResponse:
    """Ask Stripe anew how things stand."""
    return _refreshed(request)


@require_GET
@member_needed
def statement(request: MemberRequest, year: int, month: int) -> HttpResponse:
    """Show a month's statement."""
    seller = selling(request)
    now = datetime.now(UTC)
    found = statement_of(seller.pk, _month(year, month, now))
    context = {
        "statement": found,
        "shown": found.lines[:LINES_SHOWN],
        "n_more": max(len(found.lines) - LINES_SHOWN, 0),
        "months": months_of(seller.pk, now),
        "is_open": found.month == month_of(now),
    }
    return render(request, "settlements/statement.html", context)


@require_GET
@member_needed
def statement_export(request: MemberRequest, year: int, month: int) -> StreamingHttpResponse:
    """Give a month's statement as CSV: the opening balance, each booking, the closing balance."""
    found = statement_of(selling(request).pk, _month(year, month, datetime.now(UTC)))
    return csv_file(lambda: _csv_lines(found), f"statement-{year}-{month:02d}.csv")


def selling(request: MemberRequest) -> Organization:
    """Return the organization the person acts for, if it sells; 404 otherwise."""
    if request.organization is None or not request.organization.is_seller:
        raise Http404("no seller")
    return request.organization


def _to_stripe(request: MemberRequest) -> HttpResponse:
    try:
        url = open_onboarding(organization_id=selling(request).pk, by=request.user)
    except (OutcomeUnknown, Refused):
        messages.error(request, NO_ANSWER)
        return redirect("settlements:payout_setup")
    except NotASeller as refused:
        raise Http404(str(refused)) from refused
    return HttpResponseRedirect(url)


def _refreshed(request: MemberRequest) -> HttpResponse:
    try:
        account = refresh_account(organization_id=selling(request).pk)
    except (OutcomeUnknown, Refused):
        messages.error(request, NO_ANSWER)
    else:
        _say(request, account)
    return redirect("settlements:payout_setup")


def _say(request: HttpRequest, account: SellerAccount | None) -> None:
    if account is None:
        messages.warning(request, "Payouts are not set up yet.")
    elif account.can_be_paid:
        messages.success(request, "Payouts are set up. What you deliver is paid to your bank.")
    elif account.currently_due:
        messages.warning(request, "Saved. Stripe still needs what is listed below.")
    else:
        messages.info(request, "Stripe is checking what you entered. This page shows the outcome.")


def _month(year: int, month: int, now: datetime) -> date:
    if not (1 <= month <= 12 and 2000 <= year <= now.year) or date(year, month, 1) > month_of(now):
        raise Http404("no such month")
    return date(year, month, 1)


def _csv_lines(statement: Statement) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield writer.writerow(COLUMNS)
    yield writer.writerow(["", "Opening balance", "", "", "", "", dollars(statement.opening_cents)])
    for line in statement.lines:
        amounts = (line.gross_cents, line.fee_cents, line.net_cents, line.balance_cents)
        yield writer.writerow([line.at.isoformat(), line.title, line.reference, *map(dollars, amounts)])
    yield writer.writerow(["", "Closing balance", "", "", "", "", dollars(statement.closing_cents)])
