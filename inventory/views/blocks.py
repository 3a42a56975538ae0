"""The seller's pages: sites, blocks, import. Mounted under /sell/."""

from __future__ import annotations

import csv

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import seller_needed
from accounts.middleware import MemberRequest, active_organization
from accounts.trail import About, history_of
from inventory import queries
from inventory.csv_import import COLUMNS, MAX_FILE_BYTES, LineError, UnreadableFile, parse_blocks
from inventory.forms import ImportForm, ListingForm, PatternForm, SiteForm
from inventory.models import Block, Region, Site
from inventory.operations import (
    BlockNotFound,
    BlockRefused,
    ImportRefused,
    SiteNameTaken,
    create_site,
    import_blocks,
    list_block,
    list_pattern,
    preview_pattern,
    preview_withdrawal,
    withdraw_block,
)
from marketplace.states import IllegalTransition

BLOCKS_PER_PAGE = 50
UNPROCESSABLE = 422


@require_GET
@seller_needed
def site_list(request: MemberRequest) -> HttpResponse:
    return render(
        request, "inventory/site_list.html", {"sites": queries.sites_of(active_organization(request))}
    )


@require_http_methods(["GET", "POST"])
@seller_needed
def site_create(request: MemberRequest) -> HttpResponse:
    form = SiteForm(_posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            site = create_site(
                seller=active_organization(request),
                name=form.cleaned_data["name"],
                region=Region(form.cleaned_data["region"]),
                fabric=Site.Fabric(form.cleaned_data["fabric"]),
                power_kw=form.cleaned_data["power_kw"],
            )
        except SiteNameTaken as taken:
            form.add_error("name", str(taken))
        else:
            messages.success(request, f"{site.name} is ready. List a block there.")
            return redirect("inventory:block_create")
    return render(request, "inventory/site_create.html", {"form": form}, status=_status_of(request))


@require_GET
@seller_needed
def block_list(request: MemberRequest) -> HttpResponse:
    now = timezone.now()
    seller = active_organization(request)
    drafts = list(queries.drafts_of(seller))
    blocks = queries.blocks_of(seller)
    tabs = {
        "on-sale": ("On sale", queries.on_sale(blocks, now=now)),
        "ended": ("Ended", queries.ended(blocks, now=now)),
        "withdrawn": ("Withdrawn", queries.withdrawn(blocks)),
    }
    chosen = request.GET.get("show", "on-sale")
    if chosen == "drafts":
        context = {
            "tabs": [(name, label, False) for name, (label, _) in tabs.items()],
            "chosen": chosen,
            "n_drafts": len(drafts),
            "drafts": queries.draft_rows(drafts, seller),
        }
        return render(request, "inventory/block_list.html", context)
    if chosen not in tabs:
        raise Http404("no such tab")
    page = Paginator(tabs[chosen][1], BLOCKS_PER_PAGE).get_page(request.GET.get("page"))
    figures = queries.figures_of(page.object_list, now=now)
    return render(
        request,
        "inventory/block_list.html",
        {
            "tabs": [(name, label, name == chosen) for name, (label, _) in tabs.items()],
            "chosen": chosen,
            "n_drafts": len(drafts),
            "page": page,
            "rows": [(block, figures[block.pk]) for block in page.object_list],
        },
    )


@require_http_methods(["GET", "POST"])
@seller_needed
def block_create(request: MemberRequest) -> HttpResponse:
    seller = active_organization(request)
    form = ListingForm(_posted(request), seller=seller)
    if request.method == "POST" and form.is_valid():
        try:
            block = list_block(
                seller=seller,
                listed_by=request.user,
                terms=form.terms,
                is_another=form.cleaned_data["is_another"],
            )
        except BlockRefused as refused:
            form.refuse(refused.errors)
        else:
            messages.success(
                request,
                f"{block} is listed. Its hours go on sale in the windows that deliver them, open ones at once.",
            )
            return redirect("inventory:block_detail", block.pk)
    context = {
        "form": form,
        "has_sites": queries.sites_of(seller).exists(),
        "resource_types": queries.resource_types_on_sale(),
    }
    return render(request, "inventory/block_create.html", context, status=_status_of(request))


@require_http_methods(["GET", "POST"])
@seller_needed
def block_pattern(request: MemberRequest) -> HttpResponse:
    """Fill a recurring period in, see the blocks it makes, list them; ``step`` is what the pressed button asks for."""
    seller = active_organization(request)
    step = request.POST.get("step", "review")
    form = PatternForm(_posted(request), seller=seller)
    status = 200
    if request.method == "POST" and step != "change":
        status = UNPROCESSABLE
        if form.is_valid():
            try:
                if step == "confirm":
                    blocks = list_pattern(seller=seller, listed_by=request.user, terms=form.terms)
                    messages.success(request, f"{_counted(len(blocks))} listed.")
                    return redirect("inventory:block_list")
                rows = preview_pattern(seller=seller, terms=form.terms, now=timezone.now())
            except BlockRefused as refused:
                form.refuse(refused.errors)
            else:
                context = {"form": form, "rows": rows, "figures": queries.pattern_figures(rows)}
                return render(request, "inventory/block_pattern_review.html", context)
    context = {"form": form, "has_sites": queries.sites_of(seller).exists()}
    return render(request, "inventory/block_pattern.html", context, status=status)


@require_GET
@seller_needed
def block_detail(request: MemberRequest, pk: int) -> HttpResponse:
    block = get_object_or_404(queries.blocks_of(active_organization(request)), pk=pk)
    hours = Paginator(block.hours.order_by("hour"), 168).get_page(request.GET.get("page"))
    figures = queries.figures_of([block], now=timezone.now())[block.pk]
    trail = history_of(request, About(Block, pk), members_of=active_organization(request))
    context = {"listing": block, "page": hours, "figures": figures, "trail": trail}
    return render(request, "inventory/block_detail.html", context)


@require_http_methods(["GET", "POST"])
@seller_needed
def block_withdraw(request: MemberRequest, pk: int) -> HttpResponse:
    seller = active_organization(request)
    block = get_object_or_404(queries.blocks_of(seller), pk=pk)
    if request.method == "GET":
        withdrawal = preview_withdrawal(block, now=timezone.now())
        return render(request, "inventory/block_withdraw.html", {"listing": block, "withdrawal": withdrawal})
    try:
        withdrawal = withdraw_block(seller=seller, block_id=pk)
    except BlockNotFound:
        raise Http404 from None
    except IllegalTransition:
        messages.info(request, "This block was withdrawn already.")
    else:
        messages.success(request, f"{withdrawal.withdrawn_unit_hours:,} unit-hours are off the market.")
    return redirect("inventory:block_detail", pk)


@require_http_methods(["GET", "POST"])
@seller_needed
def block_import(request: MemberRequest) -> HttpResponse:
    form = ImportForm(_posted(request), request.FILES or None)
    errors: list[LineError] = []
    if request.method == "POST" and form.is_valid():
        seller = active_organization(request)
        try:
            parsed = parse_blocks(form.cleaned_data["file"].read(MAX_FILE_BYTES + 1), seller=seller)
            blocks = import_blocks(seller=seller, listed_by=request.user, rows=parsed.rows)
        except UnreadableFile as unreadable:
            errors = list(unreadable.errors)
        except ImportRefused as refused:
            errors = parsed.locate(refused)
        else:
            messages.success(request, f"{_counted(len(blocks))} listed.")
            return redirect("inventory:block_list")
    context = {
        "form": form,
        "errors": errors,
        "sites": queries.sites_of(active_organization(request)),
        "resource_types": queries.resource_types_on_sale(),
    }
    return render(request, "inventory/block_import.html", context, status=_status_of(request))


@require_GET
@seller_needed
def block_import_template(request: MemberRequest) -> HttpResponse:
    """A CSV file to fill in: the header and one example row."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="sparegrid-blocks.csv"'
    writer = csv.writer(response)
    writer.writerow(COLUMNS)
    site = queries.sites_of(active_organization(request)).first()
    name = site.name if site else "Your site"
    writer.writerow(
        [name, "H100-SXM5-80GB", 64, "2026-12-01 08:00", "2026-12-02 08:00", "2.4950", "1.9000", 6]
    )
    return response


def _counted(n_blocks: int) -> str:
    return "1 block is" if n_blocks == 1 else f"{n_blocks:,} blocks are"


def _posted(request: MemberRequest) -> QueryDict | None:
    """What a form is bound to: nothing until it is sent."""
    return request.POST if request.method == "POST" else None


def _status_of(request: MemberRequest) -> int:
    """A form shown in answer to a POST is a refusal."""
    return UNPROCESSABLE if request.method == "POST" else 200
