"""Settlements as files: a CSV row per settlement, and a FOCUS row per line and refund of it, a chunk at a time.

FOCUS is the FinOps Open Cost and Usage Specification, version 1.2 (https://focus.finops.org): every mandatory column,
and those of the conditional ones that mean something here. Columns that begin with ``x_`` are ours.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from django.db.models import Prefetch

from marketplace.hours import n_hours
from settlements.models import Refund, RefundLine, Settlement, SettlementLine

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


class Echo:
    """A file that returns what is written to it, which is how csv hands its lines over."""

    def write(self, line: str) -> str:
        return line


def csv_lines(chunks: Iterable[list[Settlement]]) -> Iterator[str]:
    """Yield the header, then each chunk's settlements as lines of CSV."""
    writer = csv.writer(Echo())
    yield writer.writerow(CSV_COLUMNS)
    for chunk in chunks:
        yield "".join(writer.writerow(_csv_row(settlement)) for settlement in chunk)


def focus_lines(chunks: Iterable[list[Settlement]]) -> Iterator[str]:
    """Yield the header, then a FOCUS row for each line of each chunk's settlements, and for each refund of it."""
    writer = csv.writer(Echo())
    yield writer.writerow(FOCUS_COLUMNS)
    for chunk in chunks:
        yield "".join(writer.writerow(row) for line in _lines_of(chunk) for row in _focus_rows(line))


def _lines_of(chunk: list[Settlement]) -> Iterator[SettlementLine]:
    """Return the chunk's lines, settlement by settlement in the chunk's order."""
    by_settlement: dict[int, list[SettlementLine]] = {}
    refunds = (
        RefundLine.objects.filter(refund__status__in=Refund.BOOKED).select_related("refund").order_by("id")
    )
    lines = (
        SettlementLine.objects.filter(settlement__in=chunk)
        .select_related("award__lot__block__resource_type", "award__lot__block__site", "seller")
        .prefetch_related(Prefetch("refund_lines", refunds))
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


def _focus_rows(line: SettlementLine) -> Iterator[list[object]]:
    """Yield a line's row and one for each decided refund of it, as a negative charge of the month it was decided in."""
    charge = _focus_charge(line)
    yield [charge[column] for column in FOCUS_COLUMNS]
    for part in line.refund_lines.all():
        refund = {**charge, **_focus_refund(part, line)}
        yield [refund[column] for column in FOCUS_COLUMNS]


def _focus_charge(line: SettlementLine) -> dict[str, object]:
    settlement, award = line.settlement, line.award
    block = award.lot.block
    is_model = block.resource_type.kind == "model"
    hours = n_hours(line.starts_at, line.ends_at)
    period_start, period_end = _month_of(settlement.created_at)
    return {
        **_costs(line.amount_cents),
        "BillingAccountId": settlement.organization_id,
        "BillingAccountName": no_formula(settlement.organization.name),
        "BillingAccountType": "Organization",
        "BillingCurrency": settlement.currency.upper(),
        "BillingPeriodStart": period_start,
        "BillingPeriodEnd": period_end,
        "ChargeCategory": "Usage",
        "ChargeClass": "",
        "ChargeDescription": no_formula(
            f"{award.units} × {block.resource_type.name} for {hours} h at {block.site.name}"
        ),
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": focus_time(line.starts_at),
        "ChargePeriodEnd": focus_time(line.ends_at),
        **_quantity(award.units * hours, "1k tokens/s-Hours" if is_model else "GPU-Hours"),
        "InvoiceId": f"settlement-{settlement.pk}",
        "InvoiceIssuerName": ISSUER,
        "PricingCategory": "Dynamic",
        "ProviderName": ISSUER,
        "PublisherName": no_formula(line.seller.name),
        "RegionId": block.site.region,
        "RegionName": block.site.get_region_display(),
        "ResourceId": f"award-{award.pk}",
        "ResourceName": no_formula(block.site.name),
        "ResourceType": "Model throughput" if is_model else "GPU block",
        "ServiceCategory": "AI and Machine Learning" if is_model else "Compute",
        "ServiceName": "Model throughput" if is_model else "GPU capacity",
        "ServiceSubcategory": "Generative AI" if is_model else "Other (Compute)",
        "SkuId": block.resource_type.slug,
        "x_Market": no_formula(settlement.window.market.name),
        "x_SettlementState": settlement.status,
        "x_WindowId": settlement.window_id,
    }


def _focus_refund(part: RefundLine, line: SettlementLine) -> dict[str, object]:
    """Return what a refund's row says otherwise. One of an earlier month's charge is a correction of it."""
    decided_at = part.refund.decided_at or part.refund.created_at
    period_start, period_end = _month_of(decided_at)
    is_later = period_start != _month_of(line.settlement.created_at)[0]
    return {
        **_costs(-part.amount_cents),
        "BillingPeriodStart": period_start,
        "BillingPeriodEnd": period_end,
        "ChargeClass": "Correction" if is_later else "",
        "ChargeDescription": f"Refund {part.refund_id}: {part.refund.get_reason_display()}",
        "InvoiceId": f"refund-{part.refund_id}",
        **_quantity(
            0, "1k tokens/s-Hours" if line.award.lot.block.resource_type.kind == "model" else "GPU-Hours"
        ),
    }


def _costs(cents: int) -> dict[str, object]:
    return dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), dollars(cents))


def _quantity(unit_hours: int, unit: str) -> dict[str, object]:
    return {
        "ConsumedQuantity": unit_hours,
        "ConsumedUnit": unit,
        "PricingQuantity": unit_hours,
        "PricingUnit": unit,
    }


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
