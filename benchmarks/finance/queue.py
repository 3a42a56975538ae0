"""Finance's queue with 1,000,000 settlements: server time of its pages, beside the bare query for 50 rows by key.

    python -m benchmarks.finance.queue [--settlements 1000000] [--rounds 15] [--export]

Rows are written by SQL: 2,000 buyers, 10,000 windows, 1 % unpaid, an award and a line each. Each page is asked for in
turn through Django's test client (middleware, view, template, queries; no network). The limit is 150 ms for every page.
`--export` streams all of them as CSV and as FOCUS and prints rows per second and how far the process grew meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import NOT_PROVIDED

from benchmarks.database import describe, durable_database

if TYPE_CHECKING:
    from django.db.models import Model

LIMIT_MS = 150.0

FILL = """
INSERT INTO settlements_settlement (window_id, organization_id, amount_ticks, amount_cents, currency, status,
                                    created_at, paid_at{columns})
    SELECT w.id, o.id, cents * 100, cents, 'usd',
           CASE WHEN n % 400 = 1 THEN 'declined' WHEN n % 400 = 2 THEN 'due' WHEN n % 400 = 3 THEN 'carried'
                WHEN n % 400 = 4 THEN 'action_required' ELSE 'paid' END,
           now() - ({n} - n) * interval '10 seconds', now(){values}
      FROM (SELECT n, (n * 7919::bigint) % 3000000 AS cents FROM generate_series(1, {n}) n) made
      JOIN (SELECT id, row_number() OVER (ORDER BY id) AS at FROM auctions_window) w ON w.at = 1 + (n - 1) / 100
      JOIN (SELECT id, row_number() OVER (ORDER BY id) AS at FROM accounts_organization WHERE name LIKE 'Buyer %') o
        ON o.at = 1 + (n - 1) % 100 + 100 * (((n - 1) / 100) % 20)
     ORDER BY n;
SET LOCAL session_replication_role = replica;  -- awards without the bids they came from: nothing here reads those
INSERT INTO auctions_award (window_id, organization_id, bid_id, leg_id, lot_id, units, starts_at, ends_at, value_ticks,
                            reserve_cost_ticks, amount_ticks)
    SELECT s.window_id, s.organization_id, s.id, s.id, {lot}, 1, w.delivery_from, w.delivery_to, s.amount_ticks, 0,
           s.amount_ticks
      FROM settlements_settlement s JOIN auctions_window w ON w.id = s.window_id ORDER BY s.id;
INSERT INTO settlements_settlementline (settlement_id, award_id, seller_id, amount_cents, fee_cents{line_columns})
    SELECT s.id, a.id, {seller}, s.amount_cents, s.amount_cents / 20{line_values}
      FROM settlements_settlement s JOIN auctions_award a ON a.bid_id = s.id ORDER BY s.id;
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--settlements", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--export", action="store_true")
    options = parser.parse_args()
    os.environ["ALLOWED_HOSTS"] = "testserver"
    with durable_database() as url:
        print(describe(url))
        fill(options.settlements)
        measure(options.settlements, options.rounds)
        if options.export:
            export()


def fill(n: int) -> None:
    """Write the rows; columns that have a default in Django only are given it here."""
    from django.db import connection, transaction

    from accounts.models import Organization
    from auctions.models import Window
    from settlements.models import Settlement, SettlementLine
    from tests.factories import LotFactory

    started = time.perf_counter()
    Organization.objects.bulk_create(
        Organization(name=f"Buyer {number}", slug=f"buyer-{number}") for number in range(1, 2001)
    )
    lot, now = LotFactory(), datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    closes = [now - timedelta(hours=number) for number in range(1, n // 100 + 1)]
    Window.objects.bulk_create(
        [
            Window(
                market=lot.window.market,
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
            for at in closes
        ],
        batch_size=1000,
    )
    given = {"window", "organization", "amount_ticks", "amount_cents", "currency", "status"}
    columns = _defaults(Settlement, given=given)
    given = {"settlement", "award", "seller", "amount_cents", "fee_cents"}
    line_columns = _defaults(SettlementLine, given=given)
    sql = FILL.format(
        n=n,
        columns="".join(f", {column}" for column in columns),
        values="".join(f", {value}" for value in columns.values()),
        lot=lot.pk,
        seller=lot.block.site.organization_id,
        line_columns="".join(f", {column}" for column in line_columns),
        line_values="".join(f", {value}" for value in line_columns.values()),
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(f"{n:,} settlements written in {time.perf_counter() - started:.0f} s")


def _defaults(model: type[Model], *, given: set[str]) -> dict[str, str]:
    """Columns that take Django's default, not the database's, with its value as SQL."""
    fields = [field for field in model._meta.concrete_fields if field.name not in given and not field.null]
    plain = [field for field in fields if not field.primary_key and field.db_default is NOT_PROVIDED]
    return {field.column: f"'{field.get_default()}'" for field in plain}


def measure(n: int, rounds: int) -> None:
    from django.db import connection
    from django.test import Client

    from settlements.models import Settlement
    from tests.factories import UserFactory

    client = Client()
    client.force_login(UserFactory(is_finance=True))
    middle = Settlement.objects.order_by("id").values_list("pk", flat=True)[n // 2]
    first = Settlement.objects.order_by("id").values_list("pk", flat=True)[100]
    pages = {
        "newest, first page": "",
        "newest, middle": f"before={middle}",
        "newest, last page": f"before={first}",
        "largest, first page": "order=largest",
        "largest, middle": f"order=largest&before={middle}",
        "unpaid, oldest first": "flag=unpaid&order=oldest",
        "overdue, largest first": "flag=overdue&order=largest",
        "declined": "status=declined",
        "declined or due": "status=declined&status=due",
        "without a card": "flag=no_card",
        "buyer by name (1 of 2,000)": "buyer=Buyer+1234",
        "buyer by name (1,111 of 2,000)": "buyer=Buyer+1",
        "buyer nobody has": "buyer=no-such-buyer",
        "one window": "window=5000",
        "amount in a narrow range": "amount_from=100&amount_to=101",
        "one day": "drawn_from=2020-01-01&drawn_to=2020-01-01",
        "mine": "flag=unpaid&assignee=me",
        "one settlement": str(middle),
    }

    def bare() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM settlements_settlement ORDER BY id DESC LIMIT 50")
            cursor.fetchall()

    def page(query: str) -> Callable[[], None]:
        address = f"/finance/settlements/{query}/" if query.isdecimal() else f"/finance/settlements/?{query}"

        def ask() -> None:
            assert client.get(address).status_code == 200

        return ask

    works = {"bare query, 50 rows by key": bare} | {name: page(query) for name, query in pages.items()}
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 2):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if turn >= 2:
                seconds[name].append(time.perf_counter() - started)
    reference = statistics.median(seconds["bare query, 50 rows by key"])
    print(f"{'':<34}{'median ms':>10}{'max ms':>9}{'× bare':>9}")
    for name, each in seconds.items():
        median = statistics.median(each)
        late = "  over the limit" if median * 1000 > LIMIT_MS else ""
        print(f"{name:<34}{median * 1000:>10.1f}{max(each) * 1000:>9.1f}{median / reference:>9.0f}{late}")


def export() -> None:
    from django.test import AsyncClient

    from tests.factories import UserFactory

    person = UserFactory(is_finance=True)

    async def stream(path: str) -> tuple[int, int]:
        client = AsyncClient()
        await client.aforce_login(person)
        answer = await client.get(path)
        n_lines = n_bytes = 0
        async for part in answer:
            n_lines += part.count(b"\n")
            n_bytes += len(part)
        return n_lines, n_bytes

    for path in ("/finance/settlements/export.csv", "/finance/settlements/export-focus.csv"):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        n_lines, n_bytes = asyncio.run(stream(path))
        took = time.perf_counter() - started
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(
            f"{path}: {n_lines:,} lines, {n_bytes / 1e6:.0f} MB in {took:.0f} s ({n_lines / took:,.0f} a second), "
            f"process grew by {grown:.0f} MB"
        )


if __name__ == "__main__":
    main()
