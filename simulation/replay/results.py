"""What a replay came to, read back from the rows that the operations wrote."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet, Sum

from auctions.models import Award, Bid, Lot, Window
from settlements.models import Settlement
from simulation.replay.participants import Participants
from simulation.replay.stages import Stage


@dataclass(frozen=True, slots=True)
class Sales:
    """Unit-hours offered and sold, ticks paid, and ticks the sold ones would cost at the posted prices."""

    offered_unit_hours: int
    sold_unit_hours: int
    revenue_ticks: int
    anchor_ticks: int


@dataclass(frozen=True, slots=True)
class WindowResult:
    """What one window came to. ``n_unmet`` wishes found nothing of their kind on offer; ``refused`` is by code."""

    hour: int
    window_id: int
    n_bids: int
    n_unmet: int
    refused: Counter[str]
    sales: Sales
    surplus_ticks: int
    settled_cents: int
    charged_cents: int
    n_charges: int
    seconds: dict[Stage, float]


def read_result(
    *,
    hour: int,
    window_id: int,
    n_unmet: int,
    refused: Counter[str],
    n_charges: int,
    seconds: dict[Stage, float],
    participants: Participants,
) -> WindowResult:
    """Return what a cleared and settled window came to."""
    window = Window.objects.get(pk=window_id)
    assert window.surplus_ticks is not None, "a cleared window has its figures"
    settlements = Settlement.objects.filter(window=window)
    collected = Settlement.objects.filter(
        Q(window=window) | Q(carried_into__window=window), status=Settlement.Status.PAID
    )
    return WindowResult(
        hour=hour,
        window_id=window_id,
        n_bids=Bid.objects.filter(window=window).count(),
        n_unmet=n_unmet,
        refused=refused,
        sales=sum_sales(sales_by_type([window_id], participants).values()),
        surplus_ticks=window.surplus_ticks,
        settled_cents=_cents(settlements),
        charged_cents=_cents(collected),
        n_charges=n_charges,
        seconds=seconds,
    )


def sales_by_type(window_ids: Sequence[int], participants: Participants) -> dict[str, Sales]:
    """Return for each resource type, by slug, what the replay's sellers offered and sold in these windows."""
    offered: dict[str, int] = defaultdict(int)
    own_sites = [seller.site for seller in participants.sellers.values()]
    lots = Lot.objects.filter(window__in=window_ids, block__site__in=own_sites)
    for slug, units in lots.values_list("block__resource_type__slug", "capacity_units"):
        assert units is not None, "a cleared window's lots have their capacity"
        offered[slug] += sum(units)
    sold: dict[str, int] = defaultdict(int)
    revenue: dict[str, int] = defaultdict(int)
    awards = Award.objects.filter(window__in=window_ids).select_related("lot__block__resource_type")
    for award in awards:
        slug = award.lot.block.resource_type.slug
        sold[slug] += award.unit_hours
        revenue[slug] += award.amount_ticks
    return {
        slug: Sales(offered[slug], sold[slug], revenue[slug], sold[slug] * participants.anchor_ticks(slug))
        for slug in sorted(offered)
    }


def sum_sales(sales: Iterable[Sales]) -> Sales:
    """Return all of ``sales`` as one."""
    own = list(sales)
    return Sales(
        offered_unit_hours=sum(each.offered_unit_hours for each in own),
        sold_unit_hours=sum(each.sold_unit_hours for each in own),
        revenue_ticks=sum(each.revenue_ticks for each in own),
        anchor_ticks=sum(each.anchor_ticks for each in own),
    )


def _cents(settlements: QuerySet[Settlement]) -> int:
    return int(settlements.aggregate(total=Sum("amount_cents", default=0))["total"])
