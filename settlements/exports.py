"""Settlements as files: a CSV row per settlement, and a FOCUS row per award, a chunk of settlements at a time.

FOCUS is the FinOps Open Cost and Usage Specification, version 1.2 (https://focus.finops.org): every mandatory column,
and those of the conditional ones that mean something here. Columns that begin with ``x_`` are ours.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from settlements.models import Settlement, SettlementLine

CSV_COLUMNS = (
    "settlement",
    "state",
    "buyer",
    "market",
    "window",
    "amount_usd",
    "looked_after_by",
    "drawn_up_at",
    "paid_at",
)
FOCUS_COLUMNS = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "x_Market",
    "x_SettlementState",
    "x_WindowId",
)
ISSUER = "Sparegrid"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """A file that returns what is written to it, which is how csv hands its lines over."""

    def write(self, line: str) -> str:
        return line


def csv_lines(chunks: Iterable[list[Settlement]]) -> Iterator[str]:
    """Yield the header, then each chunk's settlements as lines of CSV."""
    writer = csv.writer(_Echo())
    yield writer.writerow(CSV_COLUMNS)
    for chunk in chunks:
        yield "".join(writer.writerow(_csv_row(settlement)) for settlement in chunk)


def focus_lines(chunks: Iterable[list[Settlement]]) -> Iterator[str]:
    """Yield the header, then a FOCUS row for each line of each chunk's settlements."""
    writer = csv.writer(_Echo())
    yield writer.writerow(FOCUS_COLUMNS)
    for chunk in chunks:
        yield "".join(writer.writerow(_focus_row(line)) for line in _lines_of(chunk))


def _lines_of(chunk: list[Settlement]) -> Iterator[SettlementLine]:
    """Return the chunk's lines, settlement by settlement in the chunk's order."""
    by_settlement: dict[int, list[SettlementLine]] = {}
    lines = SettlementLine.objects.filter(settlement__in=chunk).select_related(
        "award__lot__block__resource_type", "award__lot__block__site", "seller"
    )
    for line in lines.order_by("id"):
        by_settlement.setdefault(line.settlement_id, []).append(line)
    for settlement in chunk:
        for line in by_settlement.get(settlement.pk, ()):
            line.settlement = settlement
            yield line


def _csv_row(settlement: Settlement) -> tuple[object, ...]:
    return (
        settlement.pk,
        settlement.status,
        no_formula(settlement.organization.name),
        no_formula(settlement.window.market.name),
        settlement.window_id,
        dollars(settlement.amount_cents),
        no_formula(str(settlement.assignee)) if settlement.assignee else "",
        settlement.created_at.isoformat(),
        settlement.paid_at.isoformat() if settlement.paid_at else "",
    )


def _focus_row(line: SettlementLine) -> tuple[object, ...]:
    settlement, award = line.settlement, line.award
    block = award.lot.block
    is_model = block.resource_type.kind == "model"
    cost = dollars(line.amount_cents)
    period_start, period_end = _month_of(settlement.created_at)
    quantity, unit = award.unit_hours, "1k tokens/s-Hours" if is_model else "GPU-Hours"
    return (
        cost,
        settlement.organization_id,
        no_formula(settlement.organization.name),
        "Organization",
        settlement.currency.upper(),
        period_end,
        period_start,
        "Usage",
        "",
        no_formula(f"{award.units} × {block.resource_type.name} for {award.n_hours} h at {block.site.name}"),
        "Usage-Based",
        focus_time(award.ends_at),
        focus_time(award.starts_at),
        quantity,
        unit,
        cost,
        cost,
        f"settlement-{settlement.pk}",
        ISSUER,
        cost,
        "Dynamic",
        quantity,
        unit,
        ISSUER,
        no_formula(line.seller.name),
        block.site.region,
        block.site.get_region_display(),
        f"award-{award.pk}",
        no_formula(block.site.name),
        "Model throughput" if is_model else "GPU block",
        "AI and Machine Learning" if is_model else "Compute",
        "Model throughput" if is_model else "GPU capacity",
        "Generative AI" if is_model else "Other (Compute)",
        block.resource_type.slug,
        no_formula(settlement.window.market.name),
        settlement.status,
        settlement.window_id,
    )


def dollars(cents: int) -> str:
    """Return cents as a plain number of dollars: ``-1234.05``."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


def focus_time(instant: datetime) -> str:
    """Return an instant as FOCUS writes it: UTC, ISO 8601 with Z."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _month_of(instant: datetime) -> tuple[str, str]:
    """Return the start and the end, exclusive, of the calendar month (UTC) that bills what was drawn up then."""
    start = instant.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return focus_time(start), focus_time(end)


def no_formula(text: str) -> str:
    """Keep a spreadsheet from running a name as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
