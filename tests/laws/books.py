"""What the books must say at any moment: a run's entries against the rows that moved them, and against Stripe."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import stripe
from django.db import connection

from settlements.models import Account

Kind = Account.Kind

NEWEST = """
SELECT (SELECT coalesce(max(id), 0) FROM settlements_entry),
       (SELECT coalesce(max(id), 0) FROM settlements_transaction),
       (SELECT coalesce(max(id), 0) FROM settlements_stripeevent)
"""
BALANCES = """
SELECT a.kind, sum(e.amount_cents)
    FROM settlements_entry e JOIN settlements_account a ON a.id = e.account_id
    WHERE e.id > %(first_entry)s GROUP BY a.kind
"""
BOOKED_FOR_OBJECTS = """
SELECT t.stripe_object_id, sum(e.amount_cents)
    FROM settlements_entry e JOIN settlements_account a ON a.id = e.account_id
    JOIN settlements_transaction t ON t.id = e.transaction_id
    WHERE e.id > %(first_entry)s AND t.stripe_object_id <> ''
    AND a.kind IN ('stripe_pending', 'stripe_available') GROUP BY t.stripe_object_id
"""
FACTS = """
WITH own AS (SELECT * FROM settlements_settlement WHERE organization_id = ANY(%(buyers)s)),
     standing AS (SELECT * FROM own WHERE status <> 'defaulted'),
     lines AS (SELECT l.* FROM settlements_settlementline l JOIN standing s ON s.id = l.settlement_id),
     paid AS (SELECT a.amount_cents, s.status FROM settlements_chargeattempt a JOIN own s ON s.id = a.settlement_id
              WHERE a.outcome = 'succeeded'),
     refund AS (SELECT r.* FROM settlements_refund r JOIN own s ON s.id = r.settlement_id
                WHERE r.status IN ('approved', 'sending', 'succeeded', 'failed', 'credited')),
     given_back AS (SELECT b.* FROM settlements_prepaidreturn b
                    JOIN settlements_prepayment p ON p.id = b.prepayment_id
                    WHERE p.organization_id = ANY(%(buyers)s)),
     taken_back AS (SELECT d.* FROM settlements_prepaiddispute d
                    JOIN settlements_prepayment p ON p.id = d.prepayment_id
                    WHERE p.organization_id = ANY(%(buyers)s)),
     dispute AS (SELECT d.* FROM settlements_dispute d JOIN own s ON s.id = d.settlement_id)
SELECT
    (SELECT sum(amount_cents) FROM paid),
    (SELECT sum(amount_cents) FROM settlements_prepayment
        WHERE organization_id = ANY(%(buyers)s) AND status = 'received'),
    (SELECT sum(amount_cents) FROM paid WHERE status = 'defaulted'),
    (SELECT sum(amount_cents) FROM given_back WHERE status <> 'failed'),
    (SELECT sum(amount_cents) FROM given_back WHERE paid_transaction_id <> '' AND failed_transaction_id = ''),
    (SELECT sum(r.card_cents) FROM settlements_refundattempt a JOIN refund r ON r.id = a.refund_id
        WHERE a.paid_transaction_id <> '' AND a.failed_transaction_id = ''),
    (SELECT sum(t.amount_cents - t.reversed_cents) FROM settlements_transfer t
        JOIN settlements_delivery d ON d.id = t.delivery_id
        WHERE d.buyer_id = ANY(%(buyers)s) AND t.status IN ('paid', 'reversed')),
    (SELECT sum(taken_cents - returned_cents) FROM dispute),
    (SELECT sum(taken_cents - returned_cents) FROM taken_back),
    (SELECT sum(frozen_cents) FROM taken_back WHERE returned_cents = 0),
    (SELECT sum(taken_cents - frozen_cents) FROM taken_back WHERE status = 'lost'),
    (SELECT sum(taken_cents - returned_cents) FROM dispute WHERE status = 'borne'),
    (SELECT sum(amount_cents - fee_cents - refunded_cents + refunded_fee_cents) FROM lines),
    (SELECT sum(fee_cents - refunded_fee_cents) FROM lines),
    (SELECT sum(card_cents) FROM refund WHERE reason <> 'dispute' AND status <> 'credited'),
    (SELECT sum(card_cents) FROM refund WHERE reason = 'dispute'),
    (SELECT sum(prepaid_cents + CASE WHEN status = 'credited' THEN card_cents ELSE 0 END) FROM refund),
    (SELECT sum(prepaid_cents) FROM standing),
    (SELECT sum(amount_cents - prepaid_cents) FROM standing WHERE status NOT IN ('paid', 'written_off')),
    (SELECT sum(amount_cents - prepaid_cents) FROM standing WHERE status = 'written_off'),
    (SELECT sum(m.amount_cents) FROM settlements_leasemonth m JOIN settlements_lease l ON l.id = m.lease_id
        WHERE l.organization_id = ANY(%(buyers)s) AND l.status = 'active'
        AND NOT EXISTS (SELECT FROM own s WHERE s.lease_month_id = m.id)),
    (SELECT sum(amount_cents) FROM accounts_hold
        WHERE organization_id = ANY(%(buyers)s) AND released_at IS NULL),
    (SELECT sum(held_cents) FROM accounts_biddinglimit WHERE organization_id = ANY(%(buyers)s)),
    (SELECT sum(prepaid_cents) FROM accounts_biddinglimit WHERE organization_id = ANY(%(buyers)s))
"""


@dataclass(frozen=True)
class Facts:
    """Cents, from the rows, in the order of FACTS."""

    charged: int
    paid_in: int
    paid_too_late: int
    asked_back: int
    given_back: int
    refunded: int
    paid_out: int
    disputed: int
    taken_back: int
    frozen: int
    lost_of_prepaid: int
    borne: int
    shares: int
    fees: int
    refunds_decided: int
    borne_by_sellers: int
    given_to_balances: int
    spent_of_balances: int
    unpaid: int
    written_off: int
    lease_months_ahead: int
    holds: int
    held: int
    prepaid: int


class Books:
    """The books of one run, from its first entry on, and of its own buyers. Nothing before it is read again."""

    def __init__(self) -> None:
        self.buyers: list[int] = []
        self.first_entry, self.first_transaction, self.first_event = self._newest()
        self._checked_until = self.first_entry

    def watch(self, buyer_id: int) -> None:
        self.buyers.append(buyer_id)

    def check_if_anything_was_booked(self) -> None:
        """Check once more if there are entries that were not there the last time."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(max(id), 0) FROM settlements_entry")
            (newest,) = cursor.fetchone()
        if newest > self._checked_until:
            self.check()
            self._checked_until = newest

    def check(self) -> None:
        """Charged = refunded + paid out + fees + held, and every account and hold is what its rows say."""
        facts, ledger = self._facts(), self._ledger()
        at_stripe = ledger[Kind.STRIPE_PENDING] + ledger[Kind.STRIPE_AVAILABLE]
        said = {
            "charged": facts.charged + facts.paid_in,
            "owed to sellers": facts.shares - facts.paid_out,
            "fees earned": facts.fees,
            "refunds on their way": facts.refunds_decided
            + facts.asked_back
            - facts.refunded
            - facts.given_back,
            "disputed": facts.disputed
            - facts.borne
            + facts.taken_back
            - facts.frozen
            - facts.lost_of_prepaid,
            "lost and written off": facts.borne
            - facts.borne_by_sellers
            + facts.written_off
            + facts.lost_of_prepaid,
            "prepaid": facts.paid_in
            + facts.paid_too_late
            + facts.given_to_balances
            - facts.spent_of_balances
            - facts.asked_back
            - facts.frozen,
            "prepaid in limits": facts.prepaid,
            "unpaid": facts.unpaid,
            "holds": facts.unpaid + facts.lease_months_ahead,
            "held": facts.holds,
            "all": 0,
        }
        booked = {
            "charged": facts.refunded
            + facts.given_back
            + facts.paid_out
            + facts.disputed
            + facts.taken_back
            + ledger[Kind.STRIPE_FEES]
            + at_stripe
            + ledger[Kind.BANK],
            "owed to sellers": -ledger[Kind.SELLER_RESERVE] - ledger[Kind.SELLER_PAYABLE],
            "fees earned": -ledger[Kind.PLATFORM_FEES],
            "refunds on their way": -ledger[Kind.REFUNDS_IN_FLIGHT],
            "disputed": ledger[Kind.DISPUTES_IN_FLIGHT],
            "lost and written off": ledger[Kind.LOSSES] + ledger[Kind.ROUNDING],
            "prepaid": -ledger[Kind.BUYER_PREPAID],
            "prepaid in limits": -ledger[Kind.BUYER_PREPAID],
            "unpaid": ledger[Kind.BUYER_RECEIVABLE],
            "holds": facts.holds,
            "held": facts.held,
            "all": sum(ledger.values()),
        }
        assert said == booked, (facts, ledger)

    def check_against_stripe(self, client: stripe.StripeClient) -> None:
        """The ledger's money at Stripe is what Stripe says it holds."""
        now, ledger = client.v1.balance.retrieve(), self._ledger()
        ours = ledger[Kind.STRIPE_PENDING] + ledger[Kind.STRIPE_AVAILABLE]
        theirs = now.available[0].amount + now.pending[0].amount
        assert ours == theirs, self._where_stripe_differs(client)

    def _where_stripe_differs(self, client: stripe.StripeClient) -> dict[str, tuple[int, int]]:
        """What we booked and what Stripe moved, cents by its object, where the two differ."""
        with connection.cursor() as cursor:
            cursor.execute(BOOKED_FOR_OBJECTS, {"first_entry": self.first_entry})
            booked = {object_id: int(cents) for object_id, cents in cursor.fetchall()}
        moved: dict[str, int] = defaultdict(int)
        for movement in client.v1.balance_transactions.list({"limit": 100}).auto_paging_iter():
            moved[str(movement.source)] += movement.net
        both = {name: (booked.get(name, 0), moved.get(name, 0)) for name in {*booked, *moved}}
        return {name: cents for name, cents in both.items() if cents[0] != cents[1]}

    def fingerprint(self) -> tuple[Any, ...]:
        """What changes with anything that is booked or moved."""
        return self._newest()[:2], self._facts(), self._ledger()

    def _newest(self) -> tuple[int, int, int]:
        with connection.cursor() as cursor:
            cursor.execute(NEWEST)
            entry, posted, event = cursor.fetchone()
        return entry, posted, event

    def _facts(self) -> Facts:
        with connection.cursor() as cursor:
            cursor.execute(FACTS, {"buyers": self.buyers})
            return Facts(*(int(cents or 0) for cents in cursor.fetchone()))

    def _ledger(self) -> dict[Account.Kind, int]:
        with connection.cursor() as cursor:
            cursor.execute(BALANCES, {"first_entry": self.first_entry})
            rows = {kind: int(cents) for kind, cents in cursor.fetchall()}
        return {kind: rows.get(kind, 0) for kind in Kind}
