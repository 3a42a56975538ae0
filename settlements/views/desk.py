"""What finance does from the queue: hand settlements to somebody, write a note, keep a view."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import finance_needed
from accounts.models import SavedView, User
from accounts.saved_views import CannotSave, remove_view, save_view, views_of
from marketplace.numbers import whole_number
from settlements.filters import SettlementFilter
from settlements.models import Settlement
from settlements.operations import desk
from settlements.queries.queue import chosen
from settlements.queries.settlements import listed

PLACE = SavedView.Place.SETTLEMENTS
NOTHING_CHOSEN = "Choose at least one settlement."


class AssignForm(forms.Form):
    """Settlements and who is to look after them; nobody where empty."""

    settlement = forms.TypedMultipleChoiceField(coerce=int, widget=forms.MultipleHiddenInput)
    assignee = forms.ModelChoiceField(
        User.objects.none(), required=False, label="Looked after by", empty_label="Nobody"
    )

    def __init__(self, data: object = None, *, user: User, **options: object) -> None:
        super().__init__(data, **options)  # type: ignore[arg-type]
        people = User.objects.filter(is_finance=True, is_active=True).order_by("name", "id")
        self.fields["assignee"].queryset = people  # type: ignore[attr-defined]
        self.initial.setdefault("assignee", user)
        self.fields["settlement"].valid_value = _is_id  # type: ignore[attr-defined]  # rows, not a list of choices
        self.fields["settlement"].error_messages["required"] = NOTHING_CHOSEN


class NoteForm(forms.Form):
    text = forms.CharField(label="Note", max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))


class SaveViewForm(forms.Form):
    name = forms.CharField(label="Name of this view", max_length=40)
    query = forms.CharField(required=False, max_length=1000, widget=forms.HiddenInput)

    def clean_query(self) -> str:
        """Keep of the address only what the filter knows."""
        return SettlementFilter(QueryDict(self.cleaned_data["query"]), queryset=listed()).address


@require_POST
@finance_needed
def settlement_assign(request: HttpRequest) -> HttpResponse:
    """Ask, then have somebody look after the chosen settlements. One alone is not asked about."""
    form = AssignForm(request.POST, user=request.user)  # type: ignore[arg-type]  # somebody of finance
    if not form.is_valid():
        for problem in (text for texts in form.errors.values() for text in texts):
            messages.error(request, str(problem))
        return _back_to_queue(request)
    ids, assignee = form.cleaned_data["settlement"], form.cleaned_data["assignee"]
    if len(ids) > 1 and "confirmed" not in request.POST:
        context = {"settlements": chosen(ids), "assignee": assignee, "form": form, "next": _queue(request)}
        return render(request, "settlements/settlement_assign.html", context)
    try:
        n_changed = desk.assign_settlements(settlement_ids=ids, assignee=assignee)
    except desk.CannotAssign as refused:
        messages.error(request, str(refused))
    else:
        whom = f"looked after by {assignee}" if assignee else "looked after by nobody"
        messages.success(
            request, f"{n_changed} of {len(ids)} changed: {whom}." if len(ids) > 1 else f"Now {whom}."
        )
    return _back_to_queue(request)


@require_POST
@finance_needed
def note_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Write a note on a settlement."""
    settlement = get_object_or_404(Settlement, pk=pk)
    form = NoteForm(request.POST)
    if form.is_valid():
        desk.add_note(settlement=settlement, author=request.user, text=form.cleaned_data["text"])  # type: ignore[arg-type]
        return redirect(reverse("settlements:settlement_detail", args=[pk]) + "#notes")
    context = {"form": form, "settlement": settlement}
    return render(request, "settlements/settlement_note.html", context, status=422)


@require_POST
@finance_needed
def view_save(request: HttpRequest) -> HttpResponse:
    """Keep the filter as it stands under a name."""
    form = SaveViewForm(request.POST)
    if form.is_valid():
        try:
            view = save_view(owner=request.user, place=PLACE, **form.cleaned_data)  # type: ignore[arg-type]
        except CannotSave as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(request, f"The view “{view.name}” is kept. Its address can be shared.")
            return redirect(f"{reverse('settlements:settlement_list')}?{view.query}")
    context = {"form": form, "views": views_of(request.user, PLACE)}  # type: ignore[arg-type]
    return render(request, "settlements/view_save.html", context, status=422)


@require_POST
@finance_needed
def view_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a view."""
    remove_view(owner=request.user, view_id=pk)  # type: ignore[arg-type]
    messages.success(request, "The view is removed.")
    return redirect("settlements:settlement_list")


def _queue(request: HttpRequest) -> str:
    """Return where the action came from: the queue as it was filtered, or one settlement."""
    address = request.POST.get("next", "")
    return address if address.startswith("/finance/settlements/") else reverse("settlements:settlement_list")


def _back_to_queue(request: HttpRequest) -> HttpResponse:
    return redirect(_queue(request))


def _is_id(value: object) -> bool:
    return whole_number(value) is not None
