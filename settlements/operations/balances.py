"""Our balance at Stripe, pending and available apart: count each day, and compare the whole with what Stripe says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Sum

from settlements import stripe_gateway as gateway
from settlements.models import BalanceDay, BalanceMovement, Mismatch
from settlements.operations.reconciliation import lock_looks, open_and_end
from settlements.queries.mismatches import Finding
from settlements.stripe_facts import Balance

READ_EVERY = timedelta(minutes=10)
UNTIED_FOR = timedelta(hours=1)
"""A balance that has not tied for this long is a mismatch; money that was on its way has arrived by then."""
RECOUNTED = 2
"""Days counted anew by every look: today, and yesterday, whose last transactions may have committed since."""

COUNT = """
INSERT INTO settlements_balanceday (day, n_movements, moved_cents, booked_pending_cents, booked_available_cents)
    SELECT said.day, moved.n, moved.cents, booked.pending, booked.available
      FROM unnest(%s::date[]) AS said (day)
      JOIN LATERAL (SELECT said.day::timestamp AT TIME ZONE 'UTC' AS since,
                           (said.day + 1)::timestamp AT TIME ZONE 'UTC' AS until) span ON true
      JOIN LATERAL (SELECT count(*) AS n, coalesce(sum(m.net_cents), 0) AS cents FROM settlements_balancemovement m
                     WHERE m.created_at >= span.since AND m.created_at < span.until) moved ON true
      -- Transaction by transaction: from the accounts' side it would read all that was ever booked on them.
      JOIN LATERAL (SELECT coalesce(sum(own.pending), 0) AS pending, coalesce(sum(own.available), 0) AS available
                      FROM settlements_transaction t
                      JOIN LATERAL (SELECT sum(e.amount_cents) FILTER (WHERE a.kind = 'stripe_pending') AS pending,
                                           sum(e.amount_cents) FILTER (WHERE a.kind = 'stripe_available') AS available
                                      FROM settlements_entry e JOIN settlements_account a ON a.id = e.account_id
                                     WHERE e.transaction_id = t.id) own ON true
                     WHERE t.posted_at >= span.since AND t.posted_at < span.until) booked ON true
     ORDER BY said.day
    ON CONFLICT (day) DO UPDATE SET n_movements = excluded.n_movements, moved_cents = excluded.moved_cents,
        booked_pending_cents = excluded.booked_pending_cents, booked_available_cents = excluded.booked_available_cents
"""


def count_days(days: Iterable[date], *, now: datetime) -> None:
    """Add up what moved and what was booked on these days, and on the last two."""
    today = now.astimezone(UTC).date()
    counted = {*days, *(today - timedelta(days=n) for n in range(RECOUNTED))}
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(COUNT, [sorted(counted)])


def days_of(movements: Iterable[BalanceMovement]) -> set[date]:
    """Return the days (UTC) on which these moved."""
    return {movement.created_at.astimezone(UTC).date() for movement in movements}


def read_balance(*, now: datetime) -> list[Mismatch]:
    """Ask Stripe for our balance and compare; write down, or end, that one of the two does not tie.

    Raise OutcomeUnknown, Refused.
    """
    told = gateway.retrieve_balance()
    with transaction.atomic(durable=True):
        lock_looks()
        day = _compared(told, now)
        findings = [
            Finding(
                Mismatch.Kind.BALANCE_DIFFERS,
                f"balance:{name}",
                f"Our {name} balance at Stripe has not tied for {_hours(now - since)}.",
                since,
                ours,
                theirs,
            )
            for name, since, ours, theirs in (
                ("pending", day.pending_untied_since, day.ledger_pending_cents, day.stripe_pending_cents),
                (
                    "available",
                    day.available_untied_since,
                    day.ledger_available_cents,
                    day.stripe_available_cents,
                ),
            )
            if since is not None and now - since >= UNTIED_FOR
        ]
        return open_and_end(Mismatch.objects.filter(kind=Mismatch.Kind.BALANCE_DIFFERS), findings, now)


def is_reading_due(*, now: datetime) -> bool:
    """Say whether our balance was last read long enough ago."""
    last = BalanceDay.objects.exclude(read_at=None).order_by("-day").values_list("read_at", flat=True).first()
    return last is None or now - last >= READ_EVERY


def _compared(told: Balance, now: datetime) -> BalanceDay:
    """Write today's reading beside the ledger's balances; since when each has not tied goes on from the last one."""
    count = BalanceDay.objects.aggregate(
        pending=Sum("booked_pending_cents", default=0), available=Sum("booked_available_cents", default=0)
    )
    before = BalanceDay.objects.exclude(read_at=None).order_by("-day").first()
    day, _ = BalanceDay.objects.select_for_update().get_or_create(day=now.astimezone(UTC).date())
    day.read_at = now
    day.stripe_pending_cents, day.stripe_available_cents = told.pending_cents, told.available_cents
    day.ledger_pending_cents, day.ledger_available_cents = count["pending"], count["available"]
    day.pending_untied_since = (
        None
        if day.ledger_pending_cents == day.stripe_pending_cents
        else (before and before.pending_untied_since) or now
    )
    day.available_untied_since = (
        None
        if day.ledger_available_cents == day.stripe_available_cents
        else (before and before.available_untied_since) or now
    )
    day.save()
    return day


def _hours(time: timedelta) -> str:
    hours = int(time / timedelta(hours=1))
    return "an hour" if hours == 1 else f"{hours} hours"
