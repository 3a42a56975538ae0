"""What the books must say at any moment: the ledger against the rows that moved it, and against Stripe at the end."""

from dataclasses import dataclass

import stripe
from django.db import connection

from settlements.models import Account

FACTS = """
SELECT
    (SELECT coalesce(sum(amount_cents), 0) FROM settlements_chargeattempt WHERE outcome = 'succeeded'),
    (SELECT coalesce(sum(r.card_cents), 0) FROM settlements_refundattempt a
        JOIN settlements_refund r ON r.id = a.refund_id
        WHERE a.paid_transaction_id <> '' AND a.failed_transaction_id = ''),
    (SELECT coalesce(sum(amount_cents - reversed_cents), 0) FROM settlements_transfer
        WHERE status IN ('paid', 'reversed')),
    (SELECT coalesce(sum(taken_cents - returned_cents), 0) FROM settlements_dispute),
    (SELECT coalesce(sum(l.amount_cents - l.fee_cents - l.refunded_cents + l.refunded_fee_cents), 0)
        FROM settlements_settlementline l JOIN settlements_settlement s ON s.id = l.settlement_id
        WHERE s.status <> 'defaulted'),
    (SELECT coalesce(sum(l.fee_cents - l.refunded_fee_cents), 0)
        FROM settlements_settlementline l JOIN settlements_settlement s ON s.id = l.settlement_id
        WHERE s.status <> 'defaulted'),
    (SELECT coalesce(sum(card_cents), 0) FROM settlements_refund
        WHERE status IN ('approved', 'sending', 'succeeded', 'failed') AND reason <> 'dispute')
"""
BALANCES = """
SELECT a.kind, coalesce(sum(e.amount_cents), 0)
    FROM settlements_entry e JOIN settlements_account a ON a.id = e.account_id GROUP BY a.kind
"""
Kind = Account.Kind


@dataclass(frozen=True)
class Facts:
    """Cents, from the rows: what was charged, refunded, paid out, disputed away; what is owed and earned."""

    charged: int
    refunded: int
    paid_out: int
    disputed: int
    shares: int
    fees: int
    refunds_decided: int


def check_books() -> None:
    """Charged = refunded + paid out + fees + held, and every account is what its rows say."""
    with connection.cursor() as cursor:
        cursor.execute(FACTS)
        facts = Facts(*map(int, cursor.fetchone()))
        cursor.execute(BALANCES)
        rows = {kind: int(cents) for kind, cents in cursor.fetchall()}
    ledger = {kind: rows.get(kind, 0) for kind in Kind}
    held = ledger[Kind.STRIPE_PENDING] + ledger[Kind.STRIPE_AVAILABLE] + ledger[Kind.BANK]
    gone = facts.refunded + facts.paid_out + facts.disputed
    assert facts.charged == gone + ledger[Kind.STRIPE_FEES] + held, (facts, ledger)
    assert -ledger[Kind.SELLER_RESERVE] - ledger[Kind.SELLER_PAYABLE] == facts.shares - facts.paid_out, (
        facts,
        ledger,
    )
    assert -ledger[Kind.PLATFORM_FEES] == facts.fees, (facts, ledger)
    assert -ledger[Kind.REFUNDS_IN_FLIGHT] == facts.refunds_decided - facts.refunded, (facts, ledger)
    assert sum(ledger.values()) == 0


def check_stripe(client: stripe.StripeClient) -> None:
    """The ledger's money at Stripe is what Stripe says it holds."""
    now = client.v1.balance.retrieve()
    with connection.cursor() as cursor:
        cursor.execute(BALANCES)
        rows = {kind: int(cents) for kind, cents in cursor.fetchall()}
    ours = rows.get(Kind.STRIPE_PENDING, 0) + rows.get(Kind.STRIPE_AVAILABLE, 0)
    assert ours == now.available[0].amount + now.pending[0].amount
