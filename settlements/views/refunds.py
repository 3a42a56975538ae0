"""Finance's refunds: which there are, what one would book before it is decided, and what to do with one that failed."""

from __future__ import annotations

from collections.abc import Callable

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import finance_needed
from accounts.models import Organization, User
from accounts.trail import About, history_of
from marketplace.fields import AmountField
from marketplace.money import format_cents
from settlements.models import Refund, Settlement, TransferReversal
from settlements.operations.refund_sending import credit_refund, retry_refund
from settlements.operations.refunds import (
    RefundDraft,
    SecondPersonNeeded,
    StaleRefund,
    approve_refund,
    cancel_refund,
    effect_of_proposed,
    propose_refund,
)
from settlements.operations.reversals import StaleReversal, retry_reversal
from settlements.queries.refunds import (
    booked_under,
    listed_refunds,
    next_action,
    refund_attempts,
    refund_lines,
    refund_page,
    reversals_of,
)
from settlements.queries.settlements import listed, story_of
from settlements.refunding import (
    EntryRow,
    RefundEffect,
    RefundRejected,
    effect_of,
    entry_rows,
    line_field,
    refund_reference,
)
from settlements.stripe_facts import OutcomeUnknown
from settlements.views.paging import before_of

MAX_DOLLARS = 10_000_000_000
NOT_KNOWN_YET = "Stripe has not answered yet. We keep asking; nothing is sent twice."
TABS = (
    ("", "All", tuple(Refund.Status)),
    ("waiting", "Wait for you", (Refund.Status.PROPOSED, Refund.Status.FAILED)),
    ("under_way", "Under way", (Refund.Status.APPROVED, Refund.Status.SENDING)),
    ("done", "Done", (Refund.Status.SUCCEEDED, Refund.Status.CREDITED, Refund.Status.CANCELLED)),
)


class RefundForm(forms.Form):
    """How much of each line goes back, and why. ``fingerprint`` is the preview that was looked at."""

    reason = forms.ChoiceField(
        choices=[choice for choice in Refund.Reason.choices if choice[0] != Refund.Reason.DISPUTE]
    )
    note = forms.CharField(
        required=False,
        max_length=300,
        help_text="For finance: why, in a sentence.",
        widget=forms.Textarea({"rows": 2}),
    )
    fingerprint = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: object = None, *, settlement: Settlement) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.settlement = settlement
        self.lines = list(settlement.lines.select_related("delivery", "seller").order_by("id"))
        for line in self.lines:
            self.fields[line_field(line)] = AmountField(
                max_dollars=MAX_DOLLARS,
                required=False,
                label=f"Award {line.award_id}, {line.seller}",
                help_text=f"At most {format_cents(line.refundable_cents)}.",
            )
        self.order_fields([*map(line_field, self.lines), "reason", "note"])

    @property
    def draft(self) -> RefundDraft:
        """What a valid form asks for."""
        wanted = {line.pk: self.cleaned_data[line_field(line)] for line in self.lines}
        return RefundDraft(
            settlement_id=self.settlement.pk,
            line_cents={pk: cents for pk, cents in wanted.items() if cents is not None},
            reason=Refund.Reason(self.cleaned_data["reason"]),
            note=self.cleaned_data["note"],
        )

    def effect(self) -> RefundEffect | None:
        """Return what it would do, or None with the reason beside the field that is wrong."""
        if not self.is_valid():
            return None
        try:
            return effect_of(self.settlement, self.lines, self.draft.line_cents)
        except RefundRejected as rejected:
            self.refuse(rejected)
            return None

    def refuse(self, rejected: RefundRejected) -> None:
        self.add_error(rejected.field if rejected.field in self.fields else None, str(rejected))


def _confirms_much_money(request: HttpRequest) -> bool:
    if request.POST.get("action") != "confirm" or request.resolver_match is None:
        return False
    settlement = get_object_or_404(Settlement, pk=request.resolver_match.kwargs["pk"])
    effect = RefundForm(request.POST, settlement=settlement).effect()
    return effect is not None and effect.needs_second


@require_GET
@finance_needed
def refund_list(request: HttpRequest) -> HttpResponse:
    """List refunds newest first, by how far they are."""
    chosen = request.GET.get("show", "")
    statuses = next((states for key, _, states in TABS if key == chosen), tuple(Refund.Status))
    page = refund_page(listed_refunds().filter(status__in=statuses), before=before_of(request))
    context = {"page": page, "tabs": [(key, name) for key, name, _ in TABS], "chosen": chosen}
    return render(request, "settlements/refund_list.html", context)


@require_http_methods(["GET", "POST"])
@finance_needed
@reauthentication_required(enabled=_confirms_much_money)
def refund_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask how much goes back and why, show what that books, and write it once that is confirmed."""
    settlement: Settlement = get_object_or_404(listed(), pk=pk)
    if request.method == "GET":
        return _form_page(request, RefundForm(settlement=settlement), None)
    form = RefundForm(request.POST, settlement=settlement)
    effect = form.effect()
    if effect is None or request.POST.get("action") != "confirm":
        return _form_page(request, form, effect, status=200 if effect else 422)
    try:
        refund = propose_refund(
            draft=form.draft, by=_person(request), fingerprint=form.cleaned_data["fingerprint"]
        )
    except RefundRejected as rejected:
        form.refuse(rejected)
        return _form_page(request, form, None, status=422)
    except StaleRefund as stale:
        messages.warning(request, str(stale))
        return _form_page(request, form, effect, status=409)
    done = "waits for a second person" if refund.status == Refund.Status.PROPOSED else "is decided and booked"
    messages.success(request, f"The refund of {format_cents(refund.amount_cents)} {done}.")
    return redirect("settlements:refund_detail", refund.pk)


@require_GET
@finance_needed
def refund_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one refund: its lines, what it booked or would book, the tries to send it, and what to do next."""
    refund: Refund = get_object_or_404(listed_refunds(), pk=pk)
    effect, problem = _effect_if_proposed(refund)
    context = {
        "trail": history_of(request, About(Refund, pk)),
        "refund": refund,
        "lines": refund_lines(refund),
        "attempts": refund_attempts(refund),
        "reversals": reversals_of(refund),
        "next_action": next_action(refund),
        "transactions": booked_under(refund_reference(refund)),
        "effect": effect,
        "entries": rows_of(effect) if effect else [],
        "problem": problem,
        "is_own": refund.proposed_by_id == _person(request).pk,
    }
    return render(request, "settlements/refund_detail.html", context)


@require_POST
@finance_needed
@reauthentication_required
def refund_approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve a proposed refund as a second person whose password was typed just now."""

    def approve() -> str:
        refund = approve_refund(
            refund_id=pk, by=_person(request), fingerprint=request.POST.get("fingerprint", "")
        )
        return f"The refund of {format_cents(refund.amount_cents)} is decided and booked."

    return _decide(request, pk, approve)


@require_POST
@finance_needed
def refund_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Drop a proposed refund."""

    def cancel() -> str:
        cancel_refund(refund_id=pk, by=_person(request))
        return "The refund was dropped. Nothing was booked."

    return _decide(request, pk, cancel)


@require_POST
@finance_needed
def refund_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a failed refund once more."""

    def retry() -> str:
        status = retry_refund(refund_id=pk, by=_person(request))
        return f"It was sent again: {status.label.lower()}."

    return _decide(request, pk, retry)


@require_POST
@finance_needed
def refund_credit(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a failed refund on the buyer's prepaid balance."""

    def credit() -> str:
        refund = credit_refund(refund_id=pk, by=_person(request))
        return f"{format_cents(refund.card_cents)} is on the buyer's prepaid balance."

    return _decide(request, pk, credit)


@require_POST
@finance_needed
def reversal_retry(request: HttpRequest, pk: int, reversal: int) -> HttpResponse:
    """Take back once more what Stripe refused to take back of a seller."""
    own = reversals_of(get_object_or_404(Refund, pk=pk))
    if reversal not in {each.pk for each in own}:
        raise Http404

    def retry() -> str:
        status = retry_reversal(reversal_id=reversal, by=_person(request))
        if status == TransferReversal.Status.FAILED:
            raise StaleReversal("Stripe refused it again: the seller still owes it.")
        return f"It was asked for again: {status.label.lower()}."

    return _decide(request, pk, retry)


def _decide(request: HttpRequest, pk: int, decision: Callable[[], str]) -> HttpResponse:
    get_object_or_404(Refund, pk=pk)
    try:
        messages.success(request, decision())
    except (StaleRefund, StaleReversal, SecondPersonNeeded, RefundRejected) as refused:
        messages.error(request, str(refused))
    except OutcomeUnknown:
        messages.warning(request, NOT_KNOWN_YET)
    return redirect("settlements:refund_detail", pk)


def _form_page(
    request: HttpRequest, form: RefundForm, effect: RefundEffect | None, *, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "settlement": form.settlement,
        "story": story_of(form.settlement),
        "effect": effect,
        "entries": rows_of(effect) if effect else [],
    }
    return render(request, "settlements/refund_create.html", context, status=status)


def _effect_if_proposed(refund: Refund) -> tuple[RefundEffect | None, str]:
    if refund.status != Refund.Status.PROPOSED:
        return None, ""
    try:
        return effect_of_proposed(refund), ""
    except RefundRejected as rejected:
        return None, str(rejected)


def rows_of(effect: RefundEffect) -> list[EntryRow]:
    """Return what a refund or a lost dispute would book, for a screen."""
    organizations = {key.organization_id for key in effect.entries if key.organization_id is not None}
    names = dict(Organization.objects.filter(pk__in=organizations).values_list("pk", "name"))
    return entry_rows(effect.entries, names)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "the guards let people of finance in only"
    return request.user
