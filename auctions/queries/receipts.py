"""A bid's receipt in figures its owner can add up: what was displaced, the reserve, VCG and core part, gap."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Sum

from auctions.models import Award, Bid, LotReceipt, Receipt
from marketplace.hours import n_hours


@dataclass(frozen=True, slots=True)
class Level:
    """Displaced units of one price: ``average_ticks`` per unit-hour, rounded down; ``ticks`` for all of them."""

    units: int
    ticks: int
    average_ticks: int
    is_reserve: bool


@dataclass(frozen=True, slots=True)
class LotFigures:
    """A lot that a bid won on: all of the organization's units there, what they cost and what they displaced.

    ``alone_ticks`` is what they would have cost with no other bid: the reserve.
    """

    lot: int
    units: int
    hours: int
    amount_ticks: int
    average_ticks: int
    alone_ticks: int
    displaced: list[Level]


@dataclass(frozen=True, slots=True)
class BidReceipt:
    """Why a bid costs what it costs. Payment, VCG and core part are the organization's for the whole window.

    ``payment_average_ticks`` is per unit-hour, rounded down. ``second_price_ticks`` is the VCG amount: what the others
    would have paid for what was won. ``gap`` is the proven relative distance of the window's surplus to the best, where
    ``status`` is bounded.
    """

    bid: int
    window: int
    status: str
    gap: float | None
    amount_ticks: int
    alone_ticks: int
    payment_ticks: int
    payment_average_ticks: int
    second_price_ticks: int
    core_ticks: int
    lots: list[LotFigures]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def receipt_of(bid: Bid) -> BidReceipt | None:
    """Return the receipt of a bid that won, or None: it won nothing, or cleared before there were receipts."""
    awards = list(Award.objects.filter(bid=bid).order_by("id"))
    receipt = Receipt.objects.filter(window=bid.window_id, organization=bid.organization_id).first()
    if not awards or receipt is None:
        return None
    lots = (
        receipt.lots.filter(lot__in={award.lot_id for award in awards}).select_related("lot").order_by("id")
    )
    alone = _alone_ticks_by_lot(bid)
    return BidReceipt(
        bid=bid.pk,
        window=bid.window_id,
        status=bid.window.clearing_status,
        gap=bid.window.clearing_gap,
        amount_ticks=sum(award.amount_ticks for award in awards),
        alone_ticks=sum(award.reserve_cost_ticks for award in awards),
        payment_ticks=receipt.payment_ticks,
        payment_average_ticks=receipt.payment_ticks // _unit_hours_won(bid),
        second_price_ticks=receipt.vcg_ticks,
        core_ticks=receipt.core_ticks,
        lots=[_figures(lot, alone[lot.lot_id]) for lot in lots],
    )


def _unit_hours_won(bid: Bid) -> int:
    """Return the unit-hours that a winning bid's organization won in its window."""
    awards = Award.objects.filter(window=bid.window_id, organization=bid.organization_id)
    return sum(award.unit_hours for award in awards)


def _alone_ticks_by_lot(bid: Bid) -> dict[int, int]:
    sums = (
        Award.objects.filter(window=bid.window_id, organization=bid.organization_id)
        .values("lot_id")
        .annotate(ticks=Sum("reserve_cost_ticks"))
    )
    return {row["lot_id"]: row["ticks"] for row in sums}


def _figures(told: LotReceipt, alone_ticks: int) -> LotFigures:
    hours = n_hours(told.lot.starts_at, told.lot.ends_at)
    return LotFigures(
        lot=told.lot_id,
        units=told.units,
        hours=hours,
        amount_ticks=told.amount_ticks,
        average_ticks=told.amount_ticks // (told.units * hours),
        alone_ticks=alone_ticks,
        displaced=[
            Level(
                units=level["units"],
                ticks=level["ticks"],
                average_ticks=level["ticks"] // (level["units"] * hours),
                is_reserve=level["is_reserve"],
            )
            for level in told.displaced
        ],
    )
