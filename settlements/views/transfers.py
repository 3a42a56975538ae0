"""Finance: transfers to sellers, those that wait for two people first; approving asks who you are again."""

from __future__ import annotations

from collections.abc import Callable

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.access import finance_needed
from accounts.models import Organization, User
from accounts.trail import About, history_of
from marketplace.numbers import whole_number
from settlements.models import Transfer, TransferHold
from settlements.operations import transfer_decisions as decisions
from settlements.queries.transfers import listed, page_of, postings_of, queues, why_waiting
from settlements.views.paging import before_of

REFUSALS = (decisions.StaleTransfer, decisions.SecondPersonNeeded, decisions.NotOfFinance)
PROPOSE, APPROVE = "propose", "approve"
NOTHING_CHOSEN = "Choose at least one transfer."
MAX_AT_ONCE = 200
REJECT_ID, HOLD_ID = "id_reject_%s", "id_hold_%s"


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Why it is rejected",
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The seller does not see it.",
    )


class HoldForm(forms.Form):
    reason = forms.CharField(
        label="Why it is held back",
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The seller sees it.",
    )


class TransferFilterForm(forms.Form):
    status = forms.ChoiceField(
        label="State", required=False, choices=[("", "All states"), *Transfer.Status.choices]
    )
    seller = forms.CharField(label="Seller", required=False, max_length=100)


class DecisionForm(forms.Form):
    """What to do with which transfers; ``shown`` are ``id:cents`` as the person saw them."""

    action = forms.ChoiceField(choices=[(PROPOSE, "Propose"), (APPROVE, "Approve")])
    shown = forms.CharField(max_length=MAX_AT_ONCE * 32)

    def clean_shown(self) -> dict[int, int]:
        shown = {}
        for part in self.cleaned_data["shown"].split():
            transfer_id, cents = map(whole_number, part.partition(":")[::2])
            if transfer_id is None or cents is None:
                raise forms.ValidationError(NOTHING_CHOSEN)
            shown[transfer_id] = cents
        return shown


@require_GET
@finance_needed
def transfer_list(request: HttpRequest) -> HttpResponse:
    """List transfers newest first, a page at a time; what waits for a decision can be chosen."""
    form = TransferFilterForm(request.GET)
    found = listed() if form.is_valid() else listed().none()
    if form.is_valid() and form.cleaned_data["status"]:
        found = found.filter(status=form.cleaned_data["status"])
    if form.is_valid() and form.cleaned_data["seller"]:
        sellers = Organization.objects.filter(name__icontains=form.cleaned_data["seller"])
        found = found.filter(seller_id__in=list(sellers.values_list("pk", flat=True)))
    page = page_of(found, before=before_of(request))
    context = {
        "form": form,
        "page": page,
        "rows": [(transfer, why_waiting(transfer)) for transfer in page.transfers],
        "may_choose": any(each.status == Transfer.Status.PENDING_APPROVAL for each in page.transfers),
        "queues": queues(),
    }
    return render(request, "settlements/transfer_list.html", context)


@require_GET
@finance_needed
def transfer_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one transfer: for what, why it waits, who decided, what it booked."""
    return _detail(request, pk)


@require_POST
@finance_needed
def transfer_confirm(request: HttpRequest) -> HttpResponse:
    """Ask before proposing or approving the chosen transfers: each with its amount, and the sum."""
    numbers = map(whole_number, request.POST.getlist("transfer"))
    ids = [number for number in numbers if number is not None]
    action = APPROVE if request.POST.get("action") == APPROVE else PROPOSE
    waiting = listed().filter(pk__in=ids[:MAX_AT_ONCE], status=Transfer.Status.PENDING_APPROVAL)
    chosen = list(waiting.filter(proposed_by__isnull=action == PROPOSE).order_by("id"))
    if not chosen:
        messages.error(
            request, NOTHING_CHOSEN if not ids else f"None of the chosen can be {action}d any more."
        )
        return redirect("settlements:transfer_list")
    context = {
        "transfers": chosen,
        "action": action,
        "own": [transfer for transfer in chosen if transfer.proposed_by_id == request.user.pk],
        "shown": " ".join(f"{transfer.pk}:{transfer.amount_cents}" for transfer in chosen),
        "total_cents": sum(transfer.amount_cents for transfer in chosen),
        "n_left_out": len(ids) - len(chosen),
    }
    return render(request, "settlements/transfer_confirm.html", context)


@require_POST
@finance_needed
@reauthentication_required(enabled=lambda request: request.POST.get("action") != PROPOSE)
def transfer_decide(request: HttpRequest) -> HttpResponse:
    """Propose or approve what was confirmed, all or none. To approve, somebody must just have said who it is."""
    form = DecisionForm(request.POST)
    if not form.is_valid():
        messages.error(request, NOTHING_CHOSEN)
        return redirect("settlements:transfer_list")
    shown = form.cleaned_data["shown"]
    if form.cleaned_data["action"] == APPROVE:
        done = "Approved. Each is sent as soon as nothing else keeps it back."
        return _decided(
            request, lambda by: decisions.approve_transfers(shown_cents=shown, by=by), done, _address(shown)
        )
    done = "Proposed. Another finance person must approve."
    return _decided(
        request, lambda by: decisions.propose_transfers(shown_cents=shown, by=by), done, _address(shown)
    )


@require_POST
@finance_needed
def transfer_reject(request: HttpRequest, pk: int) -> HttpResponse:
    """Reject a transfer with a reason."""
    form = ReasonForm(request.POST, auto_id=REJECT_ID)
    if not form.is_valid():
        return _detail(request, pk, reject_form=form)
    reason = form.cleaned_data["reason"]
    return _decided(
        request,
        lambda by: decisions.reject_transfer(transfer_id=pk, reason=reason, by=by),
        "Rejected. The amount stays owed to the seller.",
        pk,
    )


@require_POST
@finance_needed
def transfer_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose a rejected transfer again."""
    return _decided(
        request,
        lambda by: decisions.reopen_transfer(transfer_id=pk, by=by),
        "Proposed again. Another finance person must approve.",
        pk,
    )


@require_POST
@finance_needed
def transfer_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a failed transfer tried again."""
    return _decided(
        request,
        lambda by: decisions.retry_transfer(transfer_id=pk, by=by),
        "It is tried again in a moment.",
        pk,
    )


@require_POST
@finance_needed
def transfer_hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Hold a transfer back, with a reason."""
    form = HoldForm(request.POST, auto_id=HOLD_ID)
    if not form.is_valid():
        return _detail(request, pk, hold_form=form)
    reason = form.cleaned_data["reason"]
    return _decided(
        request,
        lambda by: decisions.hold_transfer(transfer_id=pk, reason=reason, by=by),
        "Held back until somebody lifts the hold.",
        pk,
    )


@require_POST
@finance_needed
def hold_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Lift a hold that finance placed."""
    hold = get_object_or_404(TransferHold, pk=pk)
    back_to = (
        Transfer.objects.filter(delivery_id=hold.delivery_id).order_by("number").values_list("pk", flat=True)
    )
    return _decided(
        request, lambda by: decisions.lift_hold(hold_id=pk, by=by), "The hold is lifted.", back_to.first()
    )


def _detail(request: HttpRequest, pk: int, **forms_given: forms.Form) -> HttpResponse:
    transfer = get_object_or_404(listed(), pk=pk)
    context = {
        "transfer": transfer,
        "line": transfer.delivery.line,
        "why_waiting": why_waiting(transfer),
        "holds": transfer.delivery.transfer_holds.select_related("placed_by", "lifted_by").order_by("id"),
        "transactions": postings_of(transfer),
        "trail": history_of(
            request, About(Transfer, pk), About(TransferHold, transfer.delivery_id, via="delivery_id")
        ),
        "reject_form": forms_given.get("reject_form") or ReasonForm(auto_id=REJECT_ID),
        "hold_form": forms_given.get("hold_form") or HoldForm(auto_id=HOLD_ID),
        "may_hold": transfer.status in Transfer.UNSENT,
        "is_own": transfer.proposed_by_id == request.user.pk,
    }
    return render(request, "settlements/transfer_detail.html", context, status=400 if forms_given else 200)


def _decided(
    request: HttpRequest, decide: Callable[[User], object], done: str, back_to: int | None
) -> HttpResponse:
    """Decide, say what came of it, and go back to the transfer, or to the list."""
    user = request.user
    assert isinstance(user, User)
    try:
        decide(user)
    except (Transfer.DoesNotExist, TransferHold.DoesNotExist):
        messages.error(request, "There is no such transfer.")
        return redirect("settlements:transfer_list")
    except REFUSALS as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, done)
    return (
        redirect("settlements:transfer_detail", back_to) if back_to else redirect("settlements:transfer_list")
    )


def _address(shown: dict[int, int]) -> int | None:
    """Return the transfer to go back to after a decision: the only one, or (None) the list."""
    return next(iter(shown)) if len(shown) == 1 else None
