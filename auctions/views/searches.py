"""Searches of the board that a person keeps: named, removed, or what the board opens with."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import send_to_login
from accounts.middleware import MemberRequest
from accounts.saved_views import CannotSave, choose_default, remove_view, save_view
from auctions.views.board import PLACE, SearchForm
from marketplace.numbers import whole_number

UNPROCESSABLE = 422
EVERYTHING = "?show=all"


@require_POST
def search_save(request: MemberRequest) -> HttpResponseBase:
    """Keep what the board is narrowed down to under a name."""
    if not request.user.is_authenticated:
        return send_to_login(request, f"{reverse('board')}?{request.POST.get('query', '')}")
    form = SearchForm(request.POST)
    if form.is_valid():
        try:
            search = save_view(owner=request.user, place=PLACE, **form.cleaned_data)
        except CannotSave as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(request, f"The search “{search.name}” is saved. Its address can be shared.")
            return redirect(f"{reverse('board')}?{search.query}")
    return render(request, "auctions/search_save.html", {"form": form}, status=UNPROCESSABLE)


@require_POST
def search_remove(request: MemberRequest, pk: int) -> HttpResponseBase:
    """Forget a search."""
    if not request.user.is_authenticated:
        return send_to_login(request, reverse("board"))
    remove_view(owner=request.user, view_id=pk)
    messages.success(request, "The search is removed.")
    return redirect(f"{reverse('board')}{EVERYTHING}")


@require_POST
def search_default(request: MemberRequest) -> HttpResponse | HttpResponseBase:
    """Have the board open with a search, or with everything where none is named."""
    if not request.user.is_authenticated:
        return send_to_login(request, reverse("board"))
    named = request.POST.get("search", "")
    search = choose_default(owner=request.user, place=PLACE, view_id=whole_number(named))
    if search is None:
        messages.success(request, "The board opens with everything.")
        return redirect(f"{reverse('board')}{EVERYTHING}")
    messages.success(request, f"The board opens with “{search.name}”.")
    return redirect(f"{reverse('board')}?{search.query}")
