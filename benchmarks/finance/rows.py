"""A market's worth of money, written by SQL: settlements with all that hangs on them, for pages to be measured on.

2,000 buyers and 10,000 windows to 1,000,000 settlements; each has an award, a line, a delivery, what it booked and what
Stripe moved; nearly all were paid out. 1 % is unpaid, 10 % are refunded in part, 1 % disputed, 5 % had an outage.
Triggers and foreign keys are off meanwhile: rows are as they would be, without the bids they came from.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import NOT_PROVIDED

if TYPE_CHECKING:
    from django.db.models import Model

    from accounts.models import Organization, User

Insert = tuple[str, dict[str, str], str]
"""A model's name, an SQL expression for each of its columns that has no default, and where they are read from."""

SETTLED = "settlements_settlement s"
DELIVERED = (
    "settlements_delivery d JOIN settlements_settlementline l ON l.id = d.line_id "
    "JOIN settlements_settlement s ON s.id = l.settlement_id"
)


def fill(n: int, *, by: User) -> Organization:
    """Write ``n`` settlements and the rest; return their seller. ``by`` did all that a person must do."""
    from django.db import connection, transaction

    from settlements.models import Account
    from tests.factories import LotFactory

    started = time.perf_counter()
    lot = LotFactory()
    seller = lot.block.site.organization
    _buyers_and_windows(n, market_id=lot.window.market_id)
    # session_replication_role: no trigger fires and no foreign key is checked.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for kind in ("stripe_pending", "stripe_available", "stripe_fees", "platform_fees"):
            Account.objects.get_or_create(kind=kind)
        Account.objects.get_or_create(kind="seller_reserve", organization=seller)
        cursor.execute(
            "INSERT INTO settlements_account (kind, organization_id) "
            "SELECT 'buyer_receivable', id FROM accounts_organization WHERE name LIKE 'Buyer %'"
        )
        for name, columns, source in _inserts(n, lot_id=lot.pk, seller_id=seller.pk, user_id=by.pk):
            began = time.perf_counter()
            cursor.execute(_sql(name, columns, source))
            print(f"  {cursor.rowcount:>9,} {name} in {time.perf_counter() - began:.0f} s", flush=True)
        for event in ("settlement", "transfer"):
            cursor.execute(_events(event, by.pk))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(f"{n:,} settlements written in {time.perf_counter() - started:.0f} s", flush=True)
    return seller


def _buyers_and_windows(n: int, *, market_id: int) -> None:
    from accounts.models import BiddingLimit, Organization
    from auctions.models import Window

    buyers = Organization.objects.bulk_create(
        Organization(name=f"Buyer {number}", slug=f"buyer-{number}", is_buyer=True)
        for number in range(1, 2001)
    )
    BiddingLimit.objects.bulk_create(BiddingLimit(organization=buyer) for buyer in buyers)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    Window.objects.bulk_create(
        (
            Window(
                market_id=market_id,
                status=Window.Status.CLEARED,
                opens_at=at - timedelta(minutes=15),
                freezes_at=at - timedelta(minutes=2),
                closes_at=at,
                delivery_from=at + timedelta(hours=1),
                delivery_to=at + timedelta(hours=25),
                cleared_at=at,
                surplus_ticks=0,
                revenue_ticks=0,
            )
            for at in (now - timedelta(hours=number) for number in range(1, n // 100 + 1))
        ),
        batch_size=1000,
    )


def _inserts(n: int, *, lot_id: int, seller_id: int, user_id: int) -> list[Insert]:
    made_at = f"now() - ({n} - n) * interval '10 seconds'"
    return [
        (
            "Settlement",
            {
                "window_id": "w.id",
                "organization_id": "o.id",
                "amount_ticks": "cents * 100",
                "amount_cents": "cents",
                "status": "CASE n % 400 WHEN 1 THEN 'declined' WHEN 2 THEN 'due' WHEN 3 THEN 'carried' "
                "WHEN 4 THEN 'action_required' ELSE 'paid' END",
                "created_at": made_at,
                "paid_at": f"CASE WHEN n % 400 NOT BETWEEN 1 AND 4 THEN {made_at} END",
            },
            f"(SELECT n, 1 + (n * 7919::bigint) % 3000000 AS cents FROM generate_series(1, {n}) n) made "
            "JOIN (SELECT id, row_number() OVER (ORDER BY id) AS at FROM auctions_window WHERE status = 'cleared') w "
            "  ON w.at = 1 + (n - 1) / 100 "
            "JOIN (SELECT id, row_number() OVER (ORDER BY id) AS at FROM accounts_organization "
            "       WHERE name LIKE 'Buyer %') o "
            "  ON o.at = 1 + (n - 1) % 100 + 100 * (((n - 1) / 100) % 20) ORDER BY n",
        ),
        (
            "auctions.Award",
            {
                "window_id": "s.window_id",
                "organization_id": "s.organization_id",
                "bid_id": "s.id",
                "leg_id": "s.id",
                "lot_id": str(lot_id),
                "units": "1",
                "starts_at": "w.delivery_from",
                "ends_at": "w.delivery_to",
                "value_ticks": "s.amount_ticks",
                "reserve_cost_ticks": "0",
                "amount_ticks": "s.amount_ticks",
            },
            f"{SETTLED} JOIN auctions_window w ON w.id = s.window_id ORDER BY s.id",
        ),
        (
            "SettlementLine",
            {
                "settlement_id": "s.id",
                "award_id": "a.id",
                "seller_id": str(seller_id),
                "starts_at": "a.starts_at",
                "ends_at": "a.ends_at",
                "amount_cents": "s.amount_cents",
                "fee_cents": "s.amount_cents / 20",
            },
            f"{SETTLED} JOIN auctions_award a ON a.bid_id = s.id ORDER BY s.id",
        ),
        (
            "Delivery",
            {
                "line_id": "l.id",
                "buyer_id": "s.organization_id",
                "seller_id": str(seller_id),
                "starts_at": "date_trunc('hour', s.created_at)",
                "ends_at": "date_trunc('hour', s.created_at) + interval '1 day'",
                "status": "CASE WHEN s.status NOT IN ('paid', 'carried') THEN 'awaiting_payment' "
                "WHEN s.id % 10 = 9 AND s.created_at > now() - interval '1 day' THEN 'handover_due' "
                "ELSE 'delivered' END",
                "due_at": "CASE WHEN s.status IN ('paid', 'carried') THEN date_trunc('hour', s.created_at) END",
                "delivered_at": "CASE WHEN s.status IN ('paid', 'carried') "
                "AND NOT (s.id % 10 = 9 AND s.created_at > now() - interval '1 day') THEN s.created_at END",
                "created_at": "s.created_at",
            },
            f"{SETTLED} JOIN settlements_settlementline l ON l.settlement_id = s.id ORDER BY l.id",
        ),
        (
            "Transfer",
            {
                "delivery_id": "d.id",
                "number": "1",
                "seller_id": "d.seller_id",
                "amount_cents": "greatest(l.amount_cents - l.fee_cents, 1)",
                "source_charge_id": "'ch_' || s.id",
                "status": "CASE WHEN d.id % 200 = 0 THEN 'pending_approval' ELSE 'paid' END",
                "needs_second": "d.id % 200 = 0",
                "proposed_by_id": f"CASE WHEN d.id % 400 = 0 THEN {user_id} END",
                "idempotency_key": "gen_random_uuid()",
                "stripe_transfer_id": "CASE WHEN d.id % 200 = 0 THEN '' ELSE 'tr_' || d.id END",
                "balance_transaction_id": "CASE WHEN d.id % 200 = 0 THEN '' ELSE 'txn_t' || d.id END",
                "created_at": "s.created_at",
                "paid_at": "CASE WHEN d.id % 200 <> 0 THEN s.created_at END",
            },
            f"{DELIVERED} WHERE d.status = 'delivered' ORDER BY d.id",
        ),
        (
            "Refund",
            {
                "settlement_id": "s.id",
                "amount_cents": "1 + s.amount_cents / 10",
                "card_cents": "1 + s.amount_cents / 10",
                "reason": "'outage'",
                "status": "CASE WHEN s.id % 1000 = 0 THEN 'proposed' ELSE 'succeeded' END",
                "proposed_by_id": str(user_id),
                "created_at": "s.created_at",
                "decided_at": "s.created_at",
                "ended_at": "CASE WHEN s.id % 1000 <> 0 THEN s.created_at END",
            },
            f"{SETTLED} WHERE s.status = 'paid' AND s.id % 10 = 0 ORDER BY s.id",
        ),
        (
            "RefundLine",
            {"refund_id": "r.id", "line_id": "l.id", "amount_cents": "r.amount_cents", "fee_cents": "0"},
            "settlements_refund r JOIN settlements_settlementline l ON l.settlement_id = r.settlement_id "
            "ORDER BY r.id",
        ),
        (
            "Dispute",
            {
                "settlement_id": "s.id",
                "stripe_id": "'du_' || s.id",
                "stripe_charge_id": "'ch_' || s.id",
                "amount_cents": "s.amount_cents",
                "reason": "'fraudulent'",
                "status": "CASE WHEN s.id % 2000 = 0 THEN 'needs_response' ELSE 'won' END",
                "due_at": "s.created_at + interval '7 days'",
                "created_at": "s.created_at",
            },
            f"{SETTLED} WHERE s.status = 'paid' AND s.id % 100 = 0 ORDER BY s.id",
        ),
        (
            "Outage",
            {
                "delivery_id": "d.id",
                "status": "CASE WHEN d.id % 1000 = 0 THEN 'open' ELSE 'upheld' END",
                "starts_at": "d.starts_at",
                "ends_at": "d.starts_at + interval '30 minutes'",
                "what": "'No answer on port 22.'",
                "reported_by_id": str(user_id),
                "reported_at": "d.starts_at + interval '30 minutes'",
                "upheld_minutes": "CASE WHEN d.id % 1000 <> 0 THEN 30 END",
                "decision": "'The log shows it.'",
                "decided_by_id": str(user_id),
                "decided_at": "d.ends_at",
            },
            "settlements_delivery d WHERE d.status = 'delivered' AND d.id % 20 = 0 ORDER BY d.id",
        ),
        (
            "Transaction",
            {
                "kind": "'settlement_due'",
                "reference": "'settlement:' || s.id || ':due'",
                "description": "'Settlement ' || s.id",
                "posted_at": "s.created_at",
                "written_by": "pg_current_xact_id()",
            },
            f"{SETTLED} ORDER BY s.id",
        ),
        (
            "Transaction",
            {
                "kind": "'charge'",
                "reference": "'settlement:' || s.id || ':charge:1'",
                "description": "'Settlement ' || s.id || ' collected'",
                "stripe_object_id": "'ch_' || s.id",
                "posted_at": "s.created_at",
                "written_by": "pg_current_xact_id()",
            },
            f"{SETTLED} WHERE s.status = 'paid' ORDER BY s.id",
        ),
        *(
            ("Entry", {"transaction_id": "t.id", "account_id": "a.id", "amount_cents": cents}, source)
            for cents, source in _entries()
        ),
        (
            "BalanceMovement",
            {
                "stripe_id": "'txn_' || s.id",
                "type": "'charge'",
                "source_id": "'ch_' || s.id",
                "amount_cents": "s.amount_cents",
                "fee_cents": "30",
                "net_cents": "s.amount_cents - 30",
                "currency": "'usd'",
                "created_at": "s.created_at",
                "available_at": "s.created_at + interval '2 days'",
            },
            f"{SETTLED} WHERE s.status = 'paid' ORDER BY s.id",
        ),
        (
            "BankPayout",
            {
                "stripe_id": "'po_' || m.day",
                "amount_cents": "m.cents",
                "status": "'paid'",
                "automatic": "true",
                "arrival_at": "m.day + interval '3 days'",
                "balance_transaction_id": "'txn_p' || m.day",
                "tied_at": "now()",
                "n_held": "m.n",
                "held_cents": "m.cents",
            },
            "(SELECT created_at::date AS day, count(*) AS n, sum(net_cents) AS cents "
            "   FROM settlements_balancemovement GROUP BY 1) m ORDER BY m.day",
        ),
        (
            "PayoutMovement",
            {"payout_id": "p.id", "movement_id": "m.id"},
            "settlements_balancemovement m "
            "JOIN settlements_bankpayout p ON p.stripe_id = 'po_' || m.created_at::date ORDER BY m.id",
        ),
        (
            "Mismatch",
            {
                "kind": "'net_differs'",
                "subject": "'ch_' || s.id",
                "detail": "'What the ledger moved on our balance at Stripe, and what Stripe did.'",
                "ours_cents": "s.amount_cents",
                "theirs_cents": "s.amount_cents - 1",
                "happened_at": "s.created_at",
                "status": "CASE WHEN s.id % 5000 = 0 THEN 'open_mismatch' ELSE 'tied' END",
            },
            f"{SETTLED} WHERE s.id % 50 = 0 ORDER BY s.id",
        ),
    ]


def _entries() -> list[tuple[str, str]]:
    """Return what each transaction of a settlement books: cents, and where transaction and account are read from."""
    of_each = (
        f"{SETTLED} JOIN settlements_transaction t ON t.reference = 'settlement:' || s.id || '{{fact}}' "
        "JOIN settlements_account a ON a.kind = '{kind}'"
    )
    of_its_buyer = f"{of_each} AND a.organization_id = s.organization_id"
    due, charge = ":due", ":charge:1"
    return [
        ("s.amount_cents", of_its_buyer.format(fact=due, kind="buyer_receivable")),
        ("-s.amount_cents", of_each.format(fact=due, kind="seller_reserve")),
        ("-s.amount_cents", of_its_buyer.format(fact=charge, kind="buyer_receivable")),
        ("s.amount_cents - 30", of_each.format(fact=charge, kind="stripe_pending")),
        ("30", of_each.format(fact=charge, kind="stripe_fees")),
    ]


def _sql(name: str, columns: dict[str, str], source: str) -> str:
    from django.apps import apps

    model = apps.get_model(name) if "." in name else apps.get_model("settlements", name)
    columns = columns | _defaults(model, given=set(columns))
    into, values = ", ".join(columns), ", ".join(columns.values())
    return f"INSERT INTO {model._meta.db_table} ({into}) SELECT {values} FROM {source}"


def _defaults(model: type[Model], *, given: set[str]) -> dict[str, str]:
    """Columns that take Django's default, not the database's, with its value as SQL."""
    fields = [field for field in model._meta.concrete_fields if field.column not in given and not field.null]
    plain = [field for field in fields if not field.primary_key and field.db_default is NOT_PROVIDED]
    return {field.column: f"'{field.get_default()}'" for field in plain}


def _events(name: str, user_id: int) -> str:
    """Return the statement that begins the audit trail of all settlements or transfers."""
    from django.apps import apps

    event = apps.get_model("settlements", f"{name}event")
    names = [field.column for field in event._meta.concrete_fields if not field.name.startswith("pgh_")]
    columns = ", ".join(names)
    return (
        f"INSERT INTO {event._meta.db_table} (pgh_created_at, pgh_label, pgh_obj_id, pgh_context, {columns}) "
        f"SELECT created_at, 'insert', id, jsonb_build_object('user', '{user_id}'), {columns} "
        f"FROM settlements_{name} ORDER BY id"
    )
