"""Listing a block step by step, with a draft that waits. Every step is saved before the next page is asked for."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import seller_needed
from accounts.middleware import MemberRequest, active_organization
from inventory import queries
from inventory.draft_forms import StepForm
from inventory.drafting import STEPS, DraftStep, step_after, step_named, step_of
from inventory.forms import BlockForm, ListingForm
from inventory.models import BlockDraft
from inventory.operations import (
    BlockRefused,
    DraftChanged,
    DraftNotFound,
    TooManyDrafts,
    begin_draft,
    change_draft,
    discard_draft,
    list_draft,
)
from marketplace.hours import n_hours
from marketplace.numbers import whole_number

UNPROCESSABLE = 422


@require_http_methods(["GET", "POST"])
@seller_needed
def draft_begin(request: MemberRequest) -> HttpResponse:
    """Ask the first step. Nothing is kept until it is sent."""
    seller, step = active_organization(request), STEPS[0]
    if request.method == "GET":
        return _step_page(request, step, StepForm(seller=seller, step=step))
    form = StepForm(request.POST, seller=seller, step=step)
    if not form.is_valid() and not _leaves(request):
        return _step_page(request, step, form)
    try:
        draft = begin_draft(seller=seller, begun_by=request.user, said=form.said)
    except TooManyDrafts as refused:
        form.add_error(None, str(refused))
        return _step_page(request, step, form)
    return _onward(request, draft, step)


@require_http_methods(["GET", "POST"])
@seller_needed
def draft_step(request: MemberRequest, pk: int, step: str) -> HttpResponse:
    """Show a step as it was left, or keep what was typed and go on. What is wrong is kept, too, and named."""
    seller, asked = active_organization(request), step_named(step)
    if asked is None:
        raise Http404("no such step")
    draft = _draft_of(request, pk)
    if draft.block_id is not None:
        return _already_listed(request, draft)
    if request.method == "GET":
        has_been_there = any(name in draft.said for name in asked.fields)
        return _step_page(
            request, asked, StepForm(draft.said if has_been_there else None, seller=seller, step=asked), draft
        )
    form = StepForm(request.POST, seller=seller, step=asked)
    try:
        draft = change_draft(seller=seller, draft_id=pk, said=form.said)
    except DraftNotFound:
        raise Http404("this draft was discarded") from None
    except DraftChanged:
        return _already_listed(request, _draft_of(request, pk))
    if form.is_valid() or _leaves(request):
        return _onward(request, draft, asked)
    return _step_page(request, asked, form, draft)


@require_http_methods(["GET", "POST"])
@seller_needed
def draft_review(request: MemberRequest, pk: int) -> HttpResponse:
    """Show the whole listing and list it. What keeps it from being listed leads to the step that mends it."""
    seller = active_organization(request)
    draft = _draft_of(request, pk)
    if draft.block_id is not None:
        return _already_listed(request, draft)
    form = ListingForm(draft.said | {"is_another": request.POST.get("is_another", "")}, seller=seller)
    changed = False
    if request.method == "POST" and form.is_valid():
        try:
            block = list_draft(
                seller=seller,
                listed_by=request.user,
                draft_id=pk,
                version_seen=whole_number(request.POST.get("version")),
                terms=form.terms,
                is_another=form.cleaned_data["is_another"],
            )
        except DraftNotFound:
            raise Http404("this draft was discarded") from None
        except DraftChanged:
            draft, changed = _draft_of(request, pk), True
            form = ListingForm(draft.said, seller=seller)
        except BlockRefused as refused:
            form.refuse(refused.errors)
        else:
            messages.success(
                request,
                f"{block} is listed. Its hours go on sale in the windows that deliver them, open ones at once.",
            )
            return redirect("inventory:block_detail", block.pk)
    return _review_page(request, draft, form, changed=changed)


@require_POST
@seller_needed
def draft_discard(request: MemberRequest, pk: int) -> HttpResponse:
    discard_draft(seller=active_organization(request), draft_id=pk)
    messages.info(request, "The draft is gone. Nothing was listed from it.")
    return redirect("inventory:block_list")


def _draft_of(request: MemberRequest, pk: int) -> BlockDraft:
    return get_object_or_404(BlockDraft, pk=pk, organization=active_organization(request))


def _leaves(request: MemberRequest) -> bool:
    return request.POST.get("go") == "leave"


def _onward(request: MemberRequest, draft: BlockDraft, step: DraftStep) -> HttpResponse:
    if _leaves(request):
        messages.success(request, "The draft is kept under Drafts.")
        return redirect("inventory:block_list")
    following = step_after(step)
    if following is None or request.POST.get("go") == "review":
        return redirect("inventory:block_draft_review", draft.pk)
    return redirect("inventory:block_draft_step", draft.pk, following.name)


def _already_listed(request: MemberRequest, draft: BlockDraft) -> HttpResponse:
    messages.info(request, "This draft was listed: here is its block. It was listed once.")
    return redirect("inventory:block_detail", draft.block_id)


def _step_page(
    request: MemberRequest, step: DraftStep, form: StepForm, draft: BlockDraft | None = None
) -> HttpResponse:
    seller = active_organization(request)
    context = {
        "form": form,
        "step": step,
        "steps": STEPS,
        "number": STEPS.index(step) + 1,
        "draft": draft,
        "is_reviewable": draft is not None and all(name in draft.said for name in STEPS[-1].fields),
        "has_sites": queries.sites_of(seller).exists() if step.name == "where" else True,
        "resource_types": queries.resource_types_on_sale() if step.name == "what" else [],
    }
    status = UNPROCESSABLE if request.method == "POST" else 200
    return render(request, "inventory/block_draft_step.html", context, status=status)


def _review_page(
    request: MemberRequest, draft: BlockDraft, form: ListingForm, *, changed: bool
) -> HttpResponse:
    status = UNPROCESSABLE if request.method == "POST" else 200
    context: dict[str, Any] = {"draft": draft, "form": form, "steps": STEPS, "changed": changed}
    wrong = _wrong(form)
    if not wrong:  # a start that has passed since its step was filled in, or nodes of another size
        seller = active_organization(request)
        again = [StepForm(draft.said, seller=seller, step=step) for step in STEPS]
        wrong = [each for step_form in again for each in _wrong(step_form)]
    if wrong:
        context["wrong"] = wrong
    else:
        terms = form.terms
        unit_hours = terms.units * n_hours(terms.starts_at, terms.ends_at)
        context |= {
            "terms": terms,
            "site": form.cleaned_data["site"],
            "resource_type": form.cleaned_data["resource_type"],
            "unit_hours": unit_hours,
            "reserve_cost_ticks": unit_hours * terms.reserve_ticks,
        }
    return render(request, "inventory/block_draft_review.html", context, status=status)


def _wrong(form: BlockForm) -> list[dict[str, Any]]:
    """Every message of a form with its field's label and the step that mends it; the box is mended at the review."""
    return [
        {
            "label": form.fields[name].label or name.replace("_", " ").capitalize()
            if name in form.fields
            else "",
            "message": message,
            "step": step_of(name),
        }
        for name, messages_of in form.errors.items()
        if name != "is_another"
        for message in messages_of
    ]
