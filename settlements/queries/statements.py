"""A seller's statement of a month: what was earned, kept as fee, refunded and paid, and the balance, by the ledger.

A statement is read off the entries of the seller's two accounts, so it equals the ledger by construction: opening
balance plus its lines is the closing balance, to the cent. What was delivered only moves from held to owed and has no
line. ``fee`` is what the platform kept of a line, or gave back with a refund.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db.models import Sum

from settlements.models import Account, Entry, RefundLine, SettlementLine, Transaction

ACCOUNTS = (Account.Kind.SELLER_RESERVE, Account.Kind.SELLER_PAYABLE)
Kind = Transaction.Kind
TITLES = {
    Kind.SETTLEMENT_DUE: "Sale",
    Kind.DEFAULT: "Sale undone: the buyer did not pay",
    Kind.REFUND: "Refund to the buyer",
    Kind.TRANSFER: "Paid to you",
    Kind.TRANSFER_REVERSAL: "Taken back from you",
    Kind.DISPUTE_LOST: "Dispute lost",
}


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One booking: its gross amount, the platform's part and what it changed of the balance, cents."""

    at: datetime
    title: str
    reference: str
    gross_cents: int
    fee_cents: int
    net_cents: int
    balance_cents: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A month of a seller. The closing balance is what is held until delivered plus what is owed now, cents."""

    month: date
    opening_cents: int
    lines: list[StatementLine]
    closing_cents: int
    closing_held_cents: int

    @property
    def closing_owed_cents(self) -> int:
        return self.closing_cents - self.closing_held_cents

    @property
    def totals(self) -> list[tuple[str, int]]:
        """Gross cents by kind of booking, and the fees: with the opening balance they sum to the closing one."""
        sums: dict[str, int] = defaultdict(int)
        for line in self.lines:
            sums[line.title] += line.gross_cents
        fees_cents = sum(line.fee_cents for line in self.lines)
        return [*sums.items(), ("Platform fees", -fees_cents)]


def statement_of(seller_id: int, month: date) -> Statement:
    """Return a seller's statement of the month that begins on ``month``, UTC."""
    starts_at, ends_at = bounds_of(month)
    own = Entry.objects.filter(account__organization_id=seller_id, account__kind__in=ACCOUNTS)
    opening = -own.filter(transaction__posted_at__lt=starts_at).aggregate(n=Sum("amount_cents", default=0))[
        "n"
    ]
    within = own.filter(transaction__posted_at__gte=starts_at, transaction__posted_at__lt=ends_at)
    booked = list(
        within.values(
            "transaction_id", "transaction__kind", "transaction__reference", "transaction__posted_at"
        )
        .annotate(cents=Sum("amount_cents"))
        .order_by("transaction__posted_at", "transaction_id")
    )
    moved = [row for row in booked if row["cents"]]
    gross = _gross_cents(seller_id, [row["transaction__reference"] for row in moved])
    lines, balance = [], opening
    for row in moved:
        net = -row["cents"]
        balance += net
        whole = gross.get(row["transaction__reference"], net)
        lines.append(
            StatementLine(
                at=row["transaction__posted_at"],
                title=_title(Kind(row["transaction__kind"])),
                reference=row["transaction__reference"],
                gross_cents=whole,
                fee_cents=whole - net,
                net_cents=net,
                balance_cents=balance,
            )
        )
    held = own.filter(account__kind=Account.Kind.SELLER_RESERVE, transaction__posted_at__lt=ends_at)
    return Statement(
        month=month,
        opening_cents=opening,
        lines=lines,
        closing_cents=balance,
        closing_held_cents=-held.aggregate(n=Sum("amount_cents", default=0))["n"],
    )


def months_of(seller_id: int, now: datetime) -> list[date]:
    """Return the months of which a seller has a statement, newest first: from its first booking to now."""
    own = Entry.objects.filter(account__organization_id=seller_id, account__kind__in=ACCOUNTS)
    first = own.order_by("transaction__posted_at").values_list("transaction__posted_at", flat=True).first()
    month, months = month_of(first or now), []
    while month <= month_of(now):
        months.append(month)
        month = next_month(month)
    return months[::-1]


def month_of(at: datetime) -> date:
    return at.astimezone(UTC).date().replace(day=1)


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def bounds_of(month: date) -> tuple[datetime, datetime]:
    """Return when a month begins and when the next one does, UTC."""
    after = next_month(month)
    return (
        datetime(month.year, month.month, 1, tzinfo=UTC),
        datetime(after.year, after.month, 1, tzinfo=UTC),
    )


def _title(kind: Transaction.Kind) -> str:
    return TITLES.get(kind, kind.label)


def _gross_cents(seller_id: int, references: Sequence[str]) -> dict[str, int]:
    """Return what each sale, default and refund came to before the fee, by its booking's reference."""
    parts = {reference: reference.split(":") for reference in references}
    sales = {
        reference: int(part[1])
        for reference, part in parts.items()
        if part[0] == "settlement" and part[2] in ("due", "default")
    }
    refunds = {
        reference: int(part[3])
        for reference, part in parts.items()
        if part[0] == "settlement" and part[2] == "refund" and part[3:]
    }
    sold = dict(
        SettlementLine.objects.filter(seller_id=seller_id, settlement_id__in=set(sales.values()))
        .values_list("settlement_id")
        .annotate(Sum("amount_cents"))
    )
    refunded = dict(
        RefundLine.objects.filter(line__seller_id=seller_id, refund_id__in=set(refunds.values()))
        .values_list("refund_id")
        .annotate(Sum("amount_cents"))
    )
    gross = {
        reference: sold[of] * (-1 if reference.endswith("default") else 1)
        for reference, of in sales.items()
        if of in sold
    }
    return gross | {reference: -refunded[of] for reference, of in refunds.items() if of in refunded}
