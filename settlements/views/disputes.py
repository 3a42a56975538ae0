"""Finance's disputes: deadlines, the evidence bundle, handing it in, and who bears a lost one."""

from __future__ import annotations

from collections.abc import Callable

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.access import finance_needed
from accounts.models import User
from accounts.trail import About, history_of
from settlements.models import Dispute, PrepaidDispute
from settlements.operations.disputes import (
    StaleDispute,
    accept_dispute,
    bear_dispute,
    bearing_of,
    dispute_reference,
    submit_evidence,
)
from settlements.operations.prepaid_disputes import NotExcused, excuse_prepaid_dispute
from settlements.queries.disputes import (
    N_PREPAID,
    dispute_page,
    listed_disputes,
    next_action_on,
    prepaid_disputes,
)
from settlements.queries.evidence import evidence_fields, evidence_of
from settlements.queries.refunds import booked_under
from settlements.stripe_facts import OutcomeUnknown, Refused
from settlements.views.paging import before_of
from settlements.views.refunds import rows_of

NOT_KNOWN_YET = "Stripe has not answered yet. We keep asking; nothing is handed in twice."
TABS = (
    ("", "All", tuple(Dispute.Status)),
    ("waiting", "Wait for you", (*Dispute.ANSWERABLE, Dispute.Status.LOST)),
    ("bank", "With the bank", (Dispute.Status.UNDER_REVIEW,)),
    ("ended", "Ended", (Dispute.Status.WON, Dispute.Status.CLOSED, Dispute.Status.BORNE)),
)


class EvidenceForm(forms.Form):
    """Finance's own words, in front of the bundle."""

    statement = forms.CharField(
        label="What happened, in your words",
        max_length=5000,
        help_text="The bank reads it first. The bundle below goes with it.",
        widget=forms.Textarea({"rows": 5}),
    )


class ExcuseForm(forms.Form):
    """Why a buyer bids again after a dispute that we lost money by."""

    note = forms.CharField(label="Why they may bid again", max_length=300)


class BearForm(forms.Form):
    """Who bears a lost dispute, why, and the figures that were looked at."""

    bearer = forms.ChoiceField(choices=Dispute.Bearer.choices, widget=forms.HiddenInput)
    fingerprint = forms.CharField(widget=forms.HiddenInput)
    note = forms.CharField(label="Why", max_length=300)


@require_GET
@finance_needed
def dispute_list(request: HttpRequest) -> HttpResponse:
    """List disputes newest first, by whom they wait for."""
    return _list_page(request)


def _list_page(
    request: HttpRequest, *, refused: tuple[int, ExcuseForm] | None = None, status: int = 200
) -> HttpResponse:
    """Show the list; ``refused``: the dispute of a prepayment whose form was refused, and the form."""
    chosen = request.GET.get("show", "")
    statuses = next((states for key, _, states in TABS if key == chosen), tuple(Dispute.Status))
    page = dispute_page(listed_disputes().filter(status__in=statuses), before=before_of(request))
    context = {
        "page": page,
        "tabs": [(key, name) for key, name, _ in TABS],
        "chosen": chosen,
        "prepaid": [
            (dispute, refused[1] if refused and refused[0] == dispute.pk else _excuse_form(dispute.pk))
            for dispute in (prepaid_disputes()[:N_PREPAID] if not chosen else [])
        ],
    }
    return render(request, "settlements/dispute_list.html", context, status=status)


def _excuse_form(dispute_id: int, data: QueryDict | None = None) -> ExcuseForm:
    return ExcuseForm(data, auto_id=f"id_excuse_{dispute_id}_%s")


@require_POST
@finance_needed
def prepaid_dispute_excuse(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a buyer bid again after a dispute of a prepayment that cost us what was spent."""
    get_object_or_404(PrepaidDispute, pk=pk)
    form = _excuse_form(pk, request.POST)
    if not form.is_valid():
        return _list_page(request, refused=(pk, form), status=422)
    try:
        excuse_prepaid_dispute(dispute_id=pk, by=_person(request), note=form.cleaned_data["note"])
    except NotExcused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "Noted. This dispute keeps the buyer from bidding no longer.")
    return redirect("settlements:dispute_list")


@require_GET
@finance_needed
def dispute_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one dispute: its deadline, the evidence, what was booked, and what to do next."""
    return _page(request, get_object_or_404(listed_disputes(), pk=pk), EvidenceForm())


@require_GET
@finance_needed
def dispute_evidence(request: HttpRequest, pk: int) -> HttpResponse:
    """Download the evidence bundle as one document."""
    dispute = get_object_or_404(listed_disputes(), pk=pk)
    answer = render(request, "settlements/dispute_evidence.html", {"bundle": evidence_of(dispute)})
    answer["Content-Disposition"] = f'attachment; filename="evidence-{dispute.stripe_id}.html"'
    return answer


@require_POST
@finance_needed
def dispute_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand the bundle to the bank, with finance's own words; once and for good."""
    dispute = get_object_or_404(listed_disputes(), pk=pk)
    form = EvidenceForm(request.POST)
    if not form.is_valid():
        return _page(request, dispute, form, status=422)

    def answer() -> str:
        fields = evidence_fields(evidence_of(dispute), statement=form.cleaned_data["statement"])
        status = submit_evidence(dispute_id=pk, evidence=fields, by=_person(request), now=timezone.now())
        return f"The evidence is with the bank: {status.label.lower()}."

    return _decide(request, pk, answer)


@require_POST
@finance_needed
@reauthentication_required
def dispute_accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept a dispute as lost, for good, by a person whose password was typed just now."""
    get_object_or_404(Dispute, pk=pk)

    def accept() -> str:
        accept_dispute(dispute_id=pk, by=_person(request))
        return "The dispute is accepted as lost. Decide who bears it."

    return _decide(request, pk, accept)


@require_POST
@finance_needed
@reauthentication_required
def dispute_bear(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide who bears a lost dispute, as previewed, by a person whose password was typed just now."""
    dispute = get_object_or_404(listed_disputes(), pk=pk)
    form = BearForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was booked. Say why, and choose one of the two.")
        return _page(request, dispute, EvidenceForm(), refused=form, status=422)

    def bear() -> str:
        decided = bear_dispute(
            dispute_id=pk,
            bearer=Dispute.Bearer(form.cleaned_data["bearer"]),
            note=form.cleaned_data["note"],
            by=_person(request),
            fingerprint=form.cleaned_data["fingerprint"],
        )
        return f"Decided: {decided.get_bearer_display().lower()}."

    return _decide(request, pk, bear)


def _decide(request: HttpRequest, pk: int, decision: Callable[[], str]) -> HttpResponse:
    try:
        messages.success(request, decision())
    except StaleDispute as refused:
        messages.error(request, str(refused))
    except OutcomeUnknown:
        messages.warning(request, NOT_KNOWN_YET)
    except Refused as refused:
        messages.error(request, f"Stripe refuses it: {refused}")
    return redirect("settlements:dispute_detail", pk)


def _page(
    request: HttpRequest,
    dispute: Dispute,
    form: EvidenceForm,
    *,
    refused: BearForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "dispute": dispute,
        "form": form,
        "next_action": next_action_on(dispute),
        "may_answer": dispute.status in Dispute.ANSWERABLE and not dispute.evidence,
        "is_late": dispute.due_at is not None and dispute.due_at < timezone.now(),
        "bundle": evidence_of(dispute),
        "transactions": booked_under(dispute_reference(dispute)),
        "trail": history_of(request, About(Dispute, dispute.pk)),
        "choices": _choices(dispute, refused) if dispute.status == Dispute.Status.LOST else [],
    }
    return render(request, "settlements/dispute_detail.html", context, status=status)


def _choices(dispute: Dispute, refused: BearForm | None) -> list[dict[str, object]]:
    """Return both ways to bear a lost dispute, with what each would book and what was typed at the one chosen."""
    choices = []
    for bearer in Dispute.Bearer:
        effect = bearing_of(dispute, bearer)
        shown = {"bearer": bearer, "fingerprint": effect.fingerprint}
        form = BearForm(initial=shown, auto_id=f"id_{bearer}_%s")
        if refused is not None and bearer == _bearer_of(refused):
            form = BearForm({**shown, "note": refused.data.get("note", "")}, auto_id=f"id_{bearer}_%s")
        choices.append({"bearer": bearer, "entries": rows_of(effect), "form": form})
    return choices


def _bearer_of(refused: BearForm) -> str:
    """Return whom a refused form names; the first of the two where it names neither."""
    named = refused.data.get("bearer", "")
    return named if named in Dispute.Bearer.values else Dispute.Bearer.values[0]


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "the guards let people of finance in only"
    return request.user
