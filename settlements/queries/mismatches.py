"""What does not tie: clearing with settlements, settlements with the ledger, the ledger with Stripe. Each finder looks
at a stretch of time ``[since, until)`` and returns what is wrong in it; nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from settlements.models import Mismatch

Kind = Mismatch.Kind

SETTLING_TAKES = timedelta(minutes=10)
"""A window cleared longer ago than this should have been settled."""
TELLING_TAKES = timedelta(hours=1)
"""Between a booking and Stripe's telling of the movement, or the other way round: this much is no mismatch yet."""
CURRENCY = "usd"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not tie, before it is written down; see Mismatch."""

    kind: Mismatch.Kind
    subject: str
    detail: str
    happened_at: datetime
    ours_cents: int | None = None
    theirs_cents: int | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time ``[since, until)`` that is looked at, ``now``."""

    since: datetime
    until: datetime
    now: datetime


_WINDOW_NOT_SETTLED = """
    SELECT 'window:' || w.id, 'Cleared, and no settlement was drawn up.', w.cleared_at, NULL, NULL
      FROM auctions_window w LEFT JOIN settlements_settledwindow s ON s.window_id = w.id
     WHERE w.status = 'cleared' AND s.window_id IS NULL
       AND w.cleared_at >= %(since)s AND w.cleared_at < least(%(until)s, %(now)s - %(settling)s)
"""
_AWARDS_DIFFER = """
    SELECT 'window:' || w.id || ':buyer:' || o.id,
           'Ticks awarded to ' || o.name || ', rounded down, and its settlements.',
           w.cleared_at, coalesce(settled.cents, 0), awarded.cents
      FROM auctions_window w
      JOIN settlements_settledwindow s ON s.window_id = w.id
      JOIN LATERAL (SELECT organization_id, div(sum(amount_ticks), 100) AS cents FROM auctions_award
                     WHERE window_id = w.id GROUP BY organization_id) awarded ON true
      JOIN accounts_organization o ON o.id = awarded.organization_id
      LEFT JOIN LATERAL (SELECT sum(amount_cents) AS cents FROM settlements_settlement
                          WHERE window_id = w.id AND organization_id = o.id) settled ON true
     WHERE w.cleared_at >= %(since)s AND w.cleared_at < %(until)s
       AND coalesce(settled.cents, 0) <> awarded.cents
       AND NOT EXISTS (SELECT 1 FROM auctions_award a  -- leases are settled month by month
                        WHERE a.window_id = w.id AND a.organization_id = o.id
                          AND a.ends_at - a.starts_at > interval '31 days')
"""
_LINES_DIFFER = """
    SELECT 'settlement:' || s.id, 'The lines of the settlement and its amount.', s.created_at,
           coalesce(sum(l.amount_cents), 0), s.amount_cents
      FROM settlements_settlement s LEFT JOIN settlements_settlementline l ON l.settlement_id = s.id
     WHERE s.created_at >= %(since)s AND s.created_at < %(until)s
     GROUP BY s.id HAVING coalesce(sum(l.amount_cents), 0) <> s.amount_cents
"""
_NOT_BOOKED = """
    SELECT 'settlement:' || s.id, 'What the ledger booked as due, and the settlement.', s.created_at,
           coalesce(booked.cents, 0), s.amount_cents
      FROM settlements_settlement s
      LEFT JOIN LATERAL (SELECT sum(e.amount_cents) AS cents
                           FROM settlements_transaction t
                           JOIN settlements_entry e ON e.transaction_id = t.id
                           JOIN settlements_account a ON a.id = e.account_id AND a.kind = 'buyer_receivable'
                          WHERE t.reference = 'settlement:' || s.id || ':due') booked ON true
     WHERE s.created_at >= %(since)s AND s.created_at < %(until)s AND coalesce(booked.cents, 0) <> s.amount_cents
"""
_RECEIVABLE_DIFFERS = """
    SELECT 'settlement:' || s.id, 'What the ledger says is owed for it, and what its state says: ' || s.status || '.',
           s.created_at, coalesce(owed.cents, 0),
           CASE WHEN s.status IN ('paid', 'defaulted', 'written_off') THEN 0 ELSE s.amount_cents - s.prepaid_cents END
      FROM settlements_settlement s
      LEFT JOIN LATERAL (SELECT sum(e.amount_cents) AS cents
                           FROM settlements_transaction t
                           JOIN settlements_entry e ON e.transaction_id = t.id
                           JOIN settlements_account a ON a.id = e.account_id AND a.kind = 'buyer_receivable'
                          -- What LIKE 'settlement:7:%%' finds, but by the index, which a pattern made here forgoes.
                          WHERE t.reference ~>=~ ('settlement:' || s.id || ':')
                            AND t.reference ~<~ ('settlement:' || s.id || ';')) owed ON true
     WHERE s.created_at >= %(since)s AND s.created_at < %(until)s
       AND coalesce(owed.cents, 0)
           <> CASE WHEN s.status IN ('paid', 'defaulted', 'written_off') THEN 0
                   ELSE s.amount_cents - s.prepaid_cents END
"""
_BOOKED = """
    booked AS (
        SELECT source_id, sum(net) AS net, sum(fee) AS fee, min(posted_at) AS posted_at
          FROM (SELECT t.stripe_object_id AS source_id, t.posted_at,
                       CASE WHEN a.kind IN ('stripe_pending', 'stripe_available') THEN e.amount_cents ELSE 0 END AS net,
                       CASE WHEN a.kind = 'stripe_fees' THEN e.amount_cents ELSE 0 END AS fee
                  FROM settlements_transaction t
                  JOIN settlements_entry e ON e.transaction_id = t.id
                  JOIN settlements_account a ON a.id = e.account_id
                 WHERE t.stripe_object_id <> '' AND t.kind <> 'funds_available'
                   AND t.stripe_object_id IN (SELECT source_id FROM looked_at)
                UNION ALL
                SELECT attempt.stripe_charge_id, t.posted_at, e.amount_cents, 0
                  FROM settlements_chargeattempt attempt
                  JOIN settlements_settlement carried ON carried.carried_into_id = attempt.settlement_id
                  JOIN settlements_transaction t ON t.reference = 'settlement:' || carried.id || ':charge:carried'
                  JOIN settlements_entry e ON e.transaction_id = t.id
                  JOIN settlements_account a ON a.id = e.account_id
                 WHERE a.kind IN ('stripe_pending', 'stripe_available') AND attempt.outcome = 'succeeded'
                   AND attempt.stripe_charge_id IN (SELECT source_id FROM looked_at)) parts
         GROUP BY source_id),
    moved AS (
        SELECT source_id, sum(net_cents) AS net, sum(fee_cents) AS fee, min(created_at) AS created_at,
               string_agg(DISTINCT type, ', ') AS types
          FROM settlements_balancemovement WHERE source_id <> '' AND source_id IN (SELECT source_id FROM looked_at)
         GROUP BY source_id)
"""
_MOVED_LATELY = """
    looked_at AS (SELECT DISTINCT source_id FROM settlements_balancemovement
                   WHERE created_at >= %(since)s AND created_at < %(until)s AND source_id <> '')
"""
_BOOKED_LATELY = """
    looked_at AS (SELECT DISTINCT stripe_object_id AS source_id FROM settlements_transaction
                   WHERE posted_at >= %(since)s AND posted_at < least(%(until)s, %(now)s - %(telling)s)
                     AND stripe_object_id <> '' AND kind <> 'funds_available')
"""


def _looking_at(objects: str, body: str, *, more: str = "") -> str:
    """Put ``looked_at`` (objects), ``booked``, ``moved`` and ``more`` before a query; all is text of this file."""
    return f"WITH {objects}, {_BOOKED} {more} {body}"


_MOVEMENT_NOT_BOOKED = _looking_at(
    _MOVED_LATELY,
    """
    SELECT m.source_id, 'Stripe moved our balance (' || m.types || ') and the ledger knows nothing of it.',
           m.created_at, NULL, m.net
      FROM moved m LEFT JOIN booked b USING (source_id)
     WHERE b.source_id IS NULL AND m.net <> 0 AND m.created_at < %(now)s - %(telling)s
       AND NOT EXISTS (SELECT 1 FROM settlements_bankpayout p  -- booked once it has arrived
                        WHERE p.stripe_id = m.source_id AND p.status = 'pending')
    UNION ALL
    SELECT stripe_id, 'Stripe moved our balance (' || type || ') and names no object for it.', created_at,
           NULL, net_cents
      FROM settlements_balancemovement
     WHERE source_id = '' AND created_at >= %(since)s AND created_at < least(%(until)s, %(now)s - %(telling)s)
       AND NOT EXISTS (SELECT 1 FROM settlements_transaction t WHERE t.stripe_object_id = stripe_id)
    """,
)
_BOOKED_NOT_MOVED = _looking_at(
    _BOOKED_LATELY,
    """
    SELECT b.source_id, 'The ledger booked it and Stripe tells of no movement.', b.posted_at, b.net, NULL
      FROM booked b LEFT JOIN moved m USING (source_id)
     WHERE m.source_id IS NULL
       AND NOT EXISTS (SELECT 1 FROM settlements_balancemovement own WHERE own.stripe_id = b.source_id)
    """,
)
_NET_DIFFERS = _looking_at(
    _MOVED_LATELY,
    """
    SELECT m.source_id, 'What the ledger moved on our balance at Stripe (' || m.types || '), and what Stripe did.',
           m.created_at, b.net, m.net
      FROM moved m JOIN booked b USING (source_id) WHERE b.net <> m.net
    """,
)
_FEE_DIFFERS = _looking_at(
    _MOVED_LATELY,
    """
    SELECT m.source_id, 'The fee in the ledger, and Stripe’s (' || m.types || ').', m.created_at, b.fee, m.fee
      FROM moved m JOIN booked b USING (source_id) WHERE b.fee <> m.fee
    """,
)
_CURRENCY_DIFFERS = """
    SELECT stripe_id, 'Stripe moved ' || upper(currency) || ' (' || type || '); the books are in USD.',
           created_at, NULL, net_cents
      FROM settlements_balancemovement
     WHERE currency <> %(currency)s AND created_at >= %(since)s AND created_at < %(until)s
"""

_HELD = """
    , held AS (
        SELECT source_id, sum(amount_cents) AS pending
          FROM (SELECT t.stripe_object_id AS source_id, e.amount_cents
                  FROM settlements_transaction t
                  JOIN settlements_entry e ON e.transaction_id = t.id
                  JOIN settlements_account a ON a.id = e.account_id AND a.kind = 'stripe_pending'
                 WHERE t.stripe_object_id <> '' AND t.kind <> 'funds_available'
                   AND t.stripe_object_id IN (SELECT source_id FROM looked_at)
                UNION ALL
                SELECT own.source_id, e.amount_cents
                  FROM settlements_balancemovement own
                  JOIN settlements_transaction t ON t.stripe_object_id = own.stripe_id AND t.kind = 'funds_available'
                  JOIN settlements_entry e ON e.transaction_id = t.id
                  JOIN settlements_account a ON a.id = e.account_id AND a.kind = 'stripe_pending'
                 WHERE t.stripe_object_id <> '' AND own.source_id IN (SELECT source_id FROM looked_at)
                UNION ALL
                SELECT attempt.stripe_charge_id, e.amount_cents
                  FROM settlements_chargeattempt attempt
                  JOIN settlements_settlement carried ON carried.carried_into_id = attempt.settlement_id
                  JOIN settlements_transaction t ON t.reference = 'settlement:' || carried.id || ':charge:carried'
                  JOIN settlements_entry e ON e.transaction_id = t.id
                  JOIN settlements_account a ON a.id = e.account_id AND a.kind = 'stripe_pending'
                 WHERE attempt.outcome = 'succeeded'
                   AND attempt.stripe_charge_id IN (SELECT source_id FROM looked_at)) parts
         GROUP BY source_id),
    said AS (
        SELECT source_id, coalesce(sum(net_cents) FILTER (WHERE available_at > %(now)s), 0) AS pending
          FROM settlements_balancemovement WHERE source_id IN (SELECT source_id FROM looked_at)
         GROUP BY source_id
        HAVING bool_and(greatest(available_at, created_at)
                        NOT BETWEEN %(now)s - %(telling)s AND %(now)s + %(telling)s))
"""
_AVAILABILITY_DIFFERS = _looking_at(
    _MOVED_LATELY,
    """
    SELECT m.source_id, 'What of it the ledger holds as pending, and what Stripe does (' || m.types || ').',
           m.created_at, coalesce(held.pending, 0), said.pending
      FROM moved m JOIN booked b USING (source_id) JOIN said USING (source_id) LEFT JOIN held USING (source_id)
     WHERE b.net = m.net AND coalesce(held.pending, 0) <> said.pending
    """,
    more=_HELD,
)

FINDERS: dict[Mismatch.Kind, str] = {
    Kind.WINDOW_NOT_SETTLED: _WINDOW_NOT_SETTLED,
    Kind.AWARDS_DIFFER: _AWARDS_DIFFER,
    Kind.LINES_DIFFER: _LINES_DIFFER,
    Kind.NOT_BOOKED: _NOT_BOOKED,
    Kind.RECEIVABLE_DIFFERS: _RECEIVABLE_DIFFERS,
    Kind.MOVEMENT_NOT_BOOKED: _MOVEMENT_NOT_BOOKED,
    Kind.BOOKED_NOT_MOVED: _BOOKED_NOT_MOVED,
    Kind.NET_DIFFERS: _NET_DIFFERS,
    Kind.FEE_DIFFERS: _FEE_DIFFERS,
    Kind.CURRENCY_DIFFERS: _CURRENCY_DIFFERS,
    Kind.AVAILABILITY_DIFFERS: _AVAILABILITY_DIFFERS,
}

NEXT_ACTION: dict[Mismatch.Kind, str] = {
    Kind.WINDOW_NOT_SETTLED: "Look in the worker's log why it could not be settled; it is tried again by itself.",
    Kind.AWARDS_DIFFER: "Compare the window's clearing with its settlements; refund or charge the difference by hand.",
    Kind.LINES_DIFFER: "Compare the lines with the settlement; a developer must look at the rows.",
    Kind.NOT_BOOKED: "Post the missing entries as a reversal and a new booking.",
    Kind.RECEIVABLE_DIFFERS: "Compare the ledger entries of the settlement with its payments.",
    Kind.MOVEMENT_NOT_BOOKED: "Find the object in Stripe's dashboard; book it, or refund it.",
    Kind.BOOKED_NOT_MOVED: "Look the object up at Stripe; where it does not exist, reverse the booking.",
    Kind.NET_DIFFERS: "Compare with the balance transaction in Stripe's dashboard; book the difference.",
    Kind.FEE_DIFFERS: "Compare with the balance transaction's fee details; book the difference as a Stripe fee.",
    Kind.CURRENCY_DIFFERS: "Convert at Stripe's rate and book it, or refund it.",
    Kind.AVAILABILITY_DIFFERS: "See on Stripe's balance transaction from when it is available; book what became so.",
    Kind.BALANCE_DIFFERS: "See to mismatches of single objects first; then compare a day's movements with Stripe's.",
    Kind.PAYOUT_DIFFERS: "Compare the payout's report at Stripe with the movements; ask Stripe where they disagree.",
}


def find_mismatches(stretch: Stretch) -> Iterator[Finding]:
    """Yield everything that does not tie in a stretch of time."""
    for kind in FINDERS:
        yield from find(kind, stretch)


def find(kind: Mismatch.Kind, stretch: Stretch) -> list[Finding]:
    """Return what does not tie in one way."""
    limits: dict[str, Any] = {
        "since": stretch.since,
        "until": stretch.until,
        "now": stretch.now,
        "settling": SETTLING_TAKES,
        "telling": TELLING_TAKES,
        "currency": CURRENCY,
    }
    with connection.cursor() as cursor:
        cursor.execute(FINDERS[kind], limits)
        rows = cursor.fetchall()
    return [
        Finding(kind, subject, detail[:300], at, _whole(ours), _whole(theirs))
        for subject, detail, at, ours, theirs in rows
    ]


def _whole(cents: object) -> int | None:
    return None if cents is None else int(str(cents).split(".")[0])
