"""The report of a replay: a row per window, a total, and what each type came to, as plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from marketplace.money import TICKS_PER_CENT, TICKS_PER_DOLLAR, format_cents
from simulation.replay.plan import N_BUYERS, RESERVE_SHARES, VALUE_MEDIAN_SHARE, VALUE_SIGMA, Plan
from simulation.replay.results import Sales, WindowResult, sum_sales
from simulation.replay.stages import Stage
from simulation.replay.traces import CLUSTERS

NOTHING = "–"
CENTS_PER_DOLLAR = TICKS_PER_DOLLAR // TICKS_PER_CENT


WIDTHS = {
    "hour": 5,
    "bids": 7,
    "offered": 9,
    "sold": 8,
    "used": 6,
    "paid $": 9,
    "of posted": 11,
    "surplus $": 12,
    "charged $": 12,
    "charges": 9,
}
"""Heads of the columns, and how wide they are. The seconds come after them, and alone differ between runs."""
SALES = ("offered", "sold", "used", "paid $", "of posted")
"""The columns that the rows by type have too."""
SECONDS_WIDTH = 10
TYPE_WIDTH = 16


def header() -> str:
    """Return the table's head. Offered and sold are unit-hours, paid is per unit-hour, stages are seconds."""
    heads = "".join(f"{head:>{width}}" for head, width in WIDTHS.items())
    return heads + "".join(f"{stage + ' s':>{SECONDS_WIDTH}}" for stage in Stage)


def window_row(result: WindowResult) -> str:
    """Return the row of one window."""
    return _row(f"{result.hour:02d}", [result])


def total_row(results: Sequence[WindowResult]) -> str:
    """Return the row that sums the windows."""
    return _row("all", results)


def preamble(plan: Plan) -> str:
    """Say what is replayed: the day, the seed, the scale, and what of the traces takes no part."""
    scale = plan.scale
    last = scale.demand_from + scale.demand_days - 1
    owned = ", ".join(f"{n} × {name}" for name, n in plan.owned_nodes.items())
    left_out = ", ".join(f"{n:,} × {name}" for name, n in plan.left_out_nodes.items()) or "none"
    low, high = RESERVE_SHARES
    return "\n".join(
        (
            f"Trace day {plan.day}, {len(plan.windows)} windows of one hour, seed {plan.seed}.",
            f"Supply: {len(CLUSTERS)} sellers ({', '.join(CLUSTERS)}), each with {float(scale.share):.1%} of each"
            f" model's nodes: {owned}.",
            f"Left out, as their model has no name: {left_out}.",
            f"Demand: {plan.n_pods:,} pods of days {scale.demand_from} to {last} laid over the day, {N_BUYERS} buyers;"
            f" {plan.n_pods_without_gpu:,} pods of the file ask for no GPU.",
            f"Prices: valuations log-normal around {VALUE_MEDIAN_SHARE:.0%} of the posted price (σ {VALUE_SIGMA}),"
            f" reserves {low:.0%} to {high:.0%} of it.",
        )
    )


def footer(results: Sequence[WindowResult], by_type: Mapping[str, Sales], n_ties: int) -> str:
    """Say what each type came to, and what of demand and money did not go the straight way."""
    refused = sum((result.refused for result in results), Counter[str]())
    refusals = ", ".join(f"{n} {code}" for code, n in sorted(refused.items())) or "none"
    settled = sum(result.settled_cents for result in results)
    carried = settled - sum(result.charged_cents for result in results)
    return "\n".join(
        (
            f"{'type':>{TYPE_WIDTH}}" + "".join(f"{head:>{WIDTHS[head]}}" for head in SALES),
            *(_type_row(slug, sales) for slug, sales in by_type.items()),
            "",
            f"Refused bids: {refusals}. Wishes that found nothing of their kind on offer:"
            f" {sum(result.n_unmet for result in results)}.",
            f"Settled {format_cents(settled)}, of which {format_cents(carried)} is carried: too small for a card.",
            f"{n_ties} ways of counting agree: awards, hours sold, settlements, lines, ledger, holds, Stripe.",
        )
    )


def _type_row(slug: str, sales: Sales) -> str:
    cells = zip(_sales_cells(sales), SALES, strict=True)
    return f"{slug:>{TYPE_WIDTH}}" + "".join(f"{cell:>{WIDTHS[head]}}" for cell, head in cells)


def _sales_cells(sales: Sales) -> tuple[str, ...]:
    sold, offered = sales.sold_unit_hours, sales.offered_unit_hours
    return (
        f"{offered:,}",
        f"{sold:,}",
        f"{sold / offered:.0%}" if offered else NOTHING,
        f"{sales.revenue_ticks / sold / TICKS_PER_DOLLAR:.4f}" if sold else NOTHING,
        f"{sales.revenue_ticks / sales.anchor_ticks:.1%}" if sold else NOTHING,
    )


def _row(name: str, results: Sequence[WindowResult]) -> str:
    cells = (
        name,
        f"{sum(result.n_bids for result in results):,}",
        *_sales_cells(sum_sales(result.sales for result in results)),
        f"{sum(result.surplus_ticks for result in results) / TICKS_PER_DOLLAR:,.2f}",
        f"{sum(result.charged_cents for result in results) / CENTS_PER_DOLLAR:,.2f}",
        f"{sum(result.n_charges for result in results):,}",
    )
    seconds = (sum(result.seconds[stage] for result in results) for stage in Stage)
    told = "".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS.values(), strict=True))
    return told + "".join(f"{spent:>{SECONDS_WIDTH}.2f}" for spent in seconds)
