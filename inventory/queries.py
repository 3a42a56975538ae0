"""What sellers read: their sites, their blocks, and how much of them sold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet, Sum

from accounts.models import Organization
from inventory.drafting import next_step_of
from inventory.models import Block, BlockDraft, BlockHour, ResourceType, Site
from inventory.terms import BlockTerms
from marketplace.hours import n_hours


@dataclass(frozen=True, slots=True)
class BlockFigures:
    """A block's unit-hours: offered, sold, standing in a frozen window; and the unsold ones still ahead."""

    offered: int = 0
    sold: int = 0
    frozen: int = 0
    ahead: int = 0

    @property
    def utilisation_percent(self) -> int | None:
        """Sold of what was offered, percent rounded down; None where nothing was offered."""
        return 100 * self.sold // self.offered if self.offered else None


@dataclass(frozen=True, slots=True)
class PatternFigures:
    """What a pattern comes to. ``reserve_cost_ticks``: all of it sold at the reserve."""

    n_blocks: int
    n_hours: int
    unit_hours: int
    reserve_cost_ticks: int


def pattern_figures(rows: Sequence[BlockTerms]) -> PatternFigures:
    """Sum the blocks of a pattern up."""
    hours = [n_hours(row.starts_at, row.ends_at) for row in rows]
    unit_hours = sum(n * row.units for n, row in zip(hours, rows, strict=True))
    at_reserve = sum(n * row.units * row.reserve_ticks for n, row in zip(hours, rows, strict=True))
    return PatternFigures(len(rows), sum(hours), unit_hours, at_reserve)


def sites_of(seller: Organization) -> QuerySet[Site]:
    """Return the seller's sites with ``n_listed``, how many of their blocks are listed; by name."""
    listed = Count("blocks", filter=Q(blocks__status=Block.Status.LISTED))
    return Site.objects.filter(organization=seller).annotate(n_listed=listed).order_by("name", "id")


def resource_types_on_sale() -> QuerySet[ResourceType]:
    """Return the active types, GPUs first, by maker and name."""
    return ResourceType.objects.filter(is_active=True).order_by("kind", "maker", "name", "id")


def blocks_of(seller: Organization) -> QuerySet[Block]:
    """Return the seller's blocks with site and type, newest first."""
    return (
        Block.objects.filter(site__organization=seller)
        .select_related("site", "resource_type")
        .order_by("-id")
    )


def on_sale(blocks: QuerySet[Block], *, now: datetime) -> QuerySet[Block]:
    """Keep the listed blocks that have not ended."""
    return blocks.filter(status=Block.Status.LISTED, ends_at__gt=now)


def ended(blocks: QuerySet[Block], *, now: datetime) -> QuerySet[Block]:
    """Keep the listed blocks whose hours are all over."""
    return blocks.filter(status=Block.Status.LISTED, ends_at__lte=now)


def withdrawn(blocks: QuerySet[Block]) -> QuerySet[Block]:
    """Keep the withdrawn blocks."""
    return blocks.filter(status=Block.Status.WITHDRAWN)


def figures_of(blocks: Iterable[Block], *, now: datetime) -> dict[int, BlockFigures]:
    """Return the figures of each block by its id, in one query."""
    unsold = F("offered_units") - F("sold_units") - F("frozen_units")
    rows = (
        BlockHour.objects.filter(block__in=[block.pk for block in blocks])
        .values("block_id")
        .annotate(
            offered=Sum("offered_units"),
            sold=Sum("sold_units"),
            frozen=Sum("frozen_units"),
            ahead=Sum(unsold, filter=Q(hour__gt=now), default=0),
        )
        .order_by("block_id")
    )
    return {
        row["block_id"]: BlockFigures(row["offered"], row["sold"], row["frozen"], row["ahead"])
        for row in rows
    }


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A draft in a list: what it says so far, as far as that can be understood."""

    draft: BlockDraft
    resource_type: ResourceType | None
    site: Site | None
    next_step: str
    next_title: str

    @property
    def hours(self) -> str:
        """The hours as they were typed; a question mark for what is not said yet."""
        said = [self.draft.said.get(name, "").replace("T", " ") for name in ("starts_at", "ends_at")]
        return " to ".join(text or "?" for text in said) if any(said) else ""


def draft_rows(drafts: Sequence[BlockDraft], seller: Organization) -> list[DraftRow]:
    """Return drafts with the names of what they say, in two queries."""
    types = ResourceType.objects.in_bulk(_ids_said(drafts, "resource_type"))
    sites = Site.objects.filter(organization=seller).in_bulk(_ids_said(drafts, "site"))
    rows = []
    for draft in drafts:
        step = next_step_of(draft.said)
        rows.append(
            DraftRow(
                draft=draft,
                resource_type=types.get(_id_said(draft, "resource_type")),
                site=sites.get(_id_said(draft, "site")),
                next_step=step.name if step else "",
                next_title=step.title if step else "Review",
            )
        )
    return rows


def _ids_said(drafts: Sequence[BlockDraft], field: str) -> set[int]:
    return {_id_said(draft, field) for draft in drafts}


def _id_said(draft: BlockDraft, field: str) -> int:
    """The id a draft says, or 0, which no row has."""
    text = draft.said.get(field, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def drafts_of(seller: Organization) -> QuerySet[BlockDraft]:
    """Return the seller's drafts that are not listed yet, the last changed first."""
    return (
        BlockDraft.objects.filter(organization=seller, block=None)
        .select_related("begun_by")
        .order_by("-changed_at", "-id")
    )
