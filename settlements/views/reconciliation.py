"""Finance: what ties and what does not, by day and by window, the queue of mismatches, and closing a month."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import finance_needed
from accounts.models import User
from accounts.trail import About, history_of
from auctions.models import Window
from settlements.models import BankPayout, Mismatch
from settlements.operations import reconciliation as operations
from settlements.operations.balances import count_days, days_of, read_balance
from settlements.operations.reconciliation import CannotClose, MismatchClosed, Month
from settlements.queries import bank_payouts as payouts
from settlements.queries import reconciliation as queries
from settlements.stripe_facts import OutcomeUnknown, Refused
from settlements.views.paging import before_of

MOVEMENTS_SHOWN = 200
MISMATCHES_SHOWN = 50


class OwnerForm(forms.Form):
    owner = forms.ModelChoiceField(
        User.objects.none(), required=False, label="Looked after by", empty_label="Nobody"
    )

    def __init__(self, data: object = None, **options: object) -> None:
        super().__init__(data, **options)  # type: ignore[arg-type]
        people = User.objects.filter(is_finance=True, is_active=True).order_by("name", "id")
        self.fields["owner"].queryset = people  # type: ignore[attr-defined]


class AcceptForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="What was done about it, or why it may stay. It is kept for good.",
        error_messages={"required": "Say what was done about it, or why it may stay."},
    )


@require_GET
@finance_needed
def overview(request: HttpRequest) -> HttpResponse:
    """Show open mismatches, the last days, and the months that are closed."""
    mine = request.GET.get("owner") == "me"
    now = timezone.now()
    today, *before = queries.days(until=now.astimezone(UTC).date())
    context = {
        "page": queries.open_mismatches(
            owner_id=request.user.pk if mine else None, before=before_of(request)
        ),
        "mine": mine,
        "balances": queries.balances(),
        "reading": queries.last_reading(),
        "days": [today, *(tie for tie in before if not tie.is_quiet)],
        "n_quiet": sum(tie.is_quiet for tie in before),
        "since": before[-1].day,
        "periods": queries.closed_periods(),
        "closable": operations.next_to_close(now=now),
        "last_import": queries.last_import(),
        "now": now,
    }
    return render(request, "settlements/reconciliation.html", context)


@require_POST
@finance_needed
def look_now(request: HttpRequest) -> HttpResponse:
    """Ask Stripe for what is new and look for mismatches now; the sweep does the same every minute."""
    now = timezone.now()
    try:
        new = operations.import_movements(now=now)
        count_days(days_of(new), now=now)
        read_balance(now=now)
    except (OutcomeUnknown, Refused) as failed:
        messages.error(
            request, f"Stripe did not tell its movements: {failed} Nothing was changed; look again later."
        )
        return redirect("settlements:reconciliation")
    n_open = operations.look_for_mismatches(now=now)
    messages.success(request, f"New movements from Stripe: {len(new)}. Open mismatches: {n_open}.")
    return redirect("settlements:reconciliation")


@require_GET
@finance_needed
def day(request: HttpRequest, day: str) -> HttpResponse:
    """Show a day: what Stripe moved, by type and one by one, and its mismatches."""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        raise Http404("no such day") from None
    tie = queries.days(until=found)[0]
    context = {
        "day": found,
        "types": queries.types_of(found),
        "movements": queries.movements_of(found, limit=MOVEMENTS_SHOWN),
        "mismatches": queries.mismatches_of(found),
        "tie": tie,
        "n_more": max(tie.n_movements - MOVEMENTS_SHOWN, 0),
        "reading": queries.reading_of(found),
    }
    return render(request, "settlements/reconciliation_day.html", context)


@require_GET
@finance_needed
def bank_payout_list(request: HttpRequest) -> HttpResponse:
    """List what Stripe paid out to our bank, newest first, and whether each ties with what is in it."""
    page = payouts.payout_page(before=before_of(request))
    rows = [(payout, *payouts.tie_of(payout)) for payout in page.payouts]
    return render(request, "settlements/bank_payout_list.html", {"page": page, "rows": rows})


@require_GET
@finance_needed
def bank_payout_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one payout to our bank: what is in it, by type and one by one, what was booked, and what does not tie."""
    payout = get_object_or_404(BankPayout, pk=pk)
    tie_state, tie_words = payouts.tie_of(payout)
    context = {
        "payout": payout,
        "tie_state": tie_state,
        "tie_words": tie_words,
        "types": payouts.held_by_type(payout),
        "page": payouts.held_page(payout, before=before_of(request)),
        "mismatches": queries.told(payouts.open_mismatches_of(payout)[:MISMATCHES_SHOWN]),
        "transactions": payouts.booked_of(payout),
    }
    return render(request, "settlements/bank_payout_detail.html", context)


@require_GET
@finance_needed
def window(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a window from its clearing to Stripe, figure beside figure."""
    found = get_object_or_404(Window.objects.select_related("market"), pk=pk)
    context = {"window": found, "steps": queries.window_steps(found)}
    return render(request, "settlements/reconciliation_window.html", context)


@require_http_methods(["GET", "POST"])
@finance_needed
def mismatch(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a mismatch with the one thing to do next; end it for a reason."""
    found = get_object_or_404(Mismatch.objects.select_related("owner", "ended_by"), pk=pk)
    form = AcceptForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            operations.accept_mismatch(
                mismatch_id=pk,
                by=request.user,  # type: ignore[arg-type]  # somebody of finance
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
        except MismatchClosed as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, "The mismatch is accepted.")
        return redirect("settlements:reconciliation")
    (told,) = queries.told([found])
    context = {
        "mismatch": told,
        "form": form,
        "owner_form": OwnerForm(initial={"owner": found.owner or request.user}),
        "trail": history_of(request, About(Mismatch, pk)),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "settlements/mismatch_detail.html", context, status=status)


@require_POST
@finance_needed
def mismatch_assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Have somebody look after a mismatch."""
    get_object_or_404(Mismatch, pk=pk)
    form = OwnerForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Only people of finance look after mismatches.")
        return redirect("settlements:mismatch", pk=pk)
    try:
        operations.assign_mismatch(mismatch_id=pk, owner=form.cleaned_data["owner"])
    except MismatchClosed as refused:
        messages.error(request, str(refused))
    return redirect("settlements:mismatch", pk=pk)


@require_http_methods(["GET", "POST"])
@finance_needed
def period_close(request: HttpRequest, month: str) -> HttpResponse:
    """Ask, then close a month's books."""
    try:
        found = Month.of(datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).date())
    except ValueError:
        raise Http404("no such month") from None
    if request.method == "GET":
        return render(request, "settlements/period_close.html", {"month": found, "month_name": str(found)})
    try:
        operations.close_period(first_day=found.first_day, by=request.user, now=timezone.now())  # type: ignore[arg-type]
    except CannotClose as refused:
        messages.error(request, f"{refused} Nothing was changed.")
    else:
        messages.success(request, f"{found} is closed.")
    return redirect("settlements:reconciliation")
