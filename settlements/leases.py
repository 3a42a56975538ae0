"""How a long award is paid: month by month, in advance. Pure: instants and integers in, instants and integers out.

A month runs from a day of the calendar to the same day of the next month, or to that month's last day where it has no
such day; the last one ends with the award. Cents are split over the months by their hours, by largest remainder, so
that the months sum to the whole.

>>> from datetime import UTC, datetime
>>> for starts_at, ends_at in months_of(datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 4, 5, tzinfo=UTC)):
...     print(f"{starts_at:%d %b} to {ends_at:%d %b}")
31 Jan to 28 Feb
28 Feb to 31 Mar
31 Mar to 05 Apr
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta

from marketplace.hours import n_hours
from marketplace.money import split_cents

LEASE_OVER = timedelta(days=31)
"""An award of more than this is a lease."""
DRAWN_UP_BEFORE = timedelta(days=7)
"""How long before it starts a month is charged: time enough to dun, and to default, before anybody uses it."""


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a lease: its hours ``[starts_at, ends_at)``, what the buyer pays and the platform's part, cents."""

    starts_at: datetime
    ends_at: datetime
    amount_cents: int
    fee_cents: int


def is_lease(starts_at: datetime, ends_at: datetime) -> bool:
    """Say whether an award is paid by the month."""
    return ends_at - starts_at > LEASE_OVER


def months_of(starts_at: datetime, ends_at: datetime) -> list[tuple[datetime, datetime]]:
    """Return the months of ``[starts_at, ends_at)``, in order and without gaps."""
    cuts = [starts_at]
    while (cut := _months_later(starts_at, len(cuts))) < ends_at:
        cuts.append(cut)
    return list(zip(cuts, [*cuts[1:], ends_at], strict=True))


def split_lease(starts_at: datetime, ends_at: datetime, *, amount_cents: int, fee_cents: int) -> list[Month]:
    """Split a lease's cents over its months by their hours, and its fee by their cents; both sums are kept."""
    months = months_of(starts_at, ends_at)
    amounts = split_cents(amount_cents, [n_hours(*month) for month in months])
    fees = split_cents(fee_cents, amounts)
    return [Month(*month, amount, fee) for month, amount, fee in zip(months, amounts, fees, strict=True)]


def _months_later(instant: datetime, n: int) -> datetime:
    years, month = divmod(instant.month - 1 + n, 12)
    year, month = instant.year + years, month + 1
    return instant.replace(year=year, month=month, day=min(instant.day, monthrange(year, month)[1]))
