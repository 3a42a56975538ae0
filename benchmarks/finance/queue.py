"""Finance's pages with 1,000,000 settlements: server time of each, beside the bare query for 50 rows by key.

    python -m benchmarks.finance.queue [--settlements 1000000] [--rounds 15] [--export]

What is written is told in rows.py. Each page is asked for in turn through Django's test client (middleware, view,
template, queries; no network). The limit is 150 ms for every page. `--export` streams all settlements as CSV and as
FOCUS and prints rows per second and how far the process grew meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks.database import describe, durable_database
from benchmarks.finance.rows import fill

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import Organization, User

LIMIT_MS = 150.0
BARE = "bare query, 50 rows by key"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--settlements", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--export", action="store_true")
    options = parser.parse_args()
    os.environ["ALLOWED_HOSTS"] = "testserver"
    with durable_database() as url:
        from tests.factories import UserFactory

        print(describe(url), flush=True)
        person = UserFactory(is_finance=True)
        seller = fill(options.settlements, by=person)
        look(person)
        measure(person, seller, options.rounds)
        if options.export:
            export(person)


def look(person: User) -> None:
    """Count all days, and look once for what does not tie, as the worker does every minute."""
    from datetime import UTC, datetime

    from settlements.models import BalanceMovement, Mismatch
    from settlements.operations.balances import count_days
    from settlements.operations.reconciliation import LOOKED_BACK
    from settlements.queries.mismatches import FINDERS, Stretch, find

    now = datetime.now(UTC)
    days = BalanceMovement.objects.dates("created_at", "day")
    for name, work in {
        "count every day": lambda: count_days(days, now=now),
        "count two days (each minute)": lambda: count_days([], now=now),
        **{
            f"look for {Mismatch.Kind(kind).label}": lambda kind=kind: find(
                kind, Stretch(now - LOOKED_BACK, now, now)
            )
            for kind in FINDERS
        },
    }.items():
        started = time.perf_counter()
        work()
        print(f"{name:<54}{(time.perf_counter() - started) * 1000:>10.0f} ms", flush=True)


def pages(person: User, seller: Organization) -> dict[str, tuple[Client, str]]:
    """Return who asks for what, by name."""
    from django.test import Client

    from accounts.models import Membership
    from settlements.models import (
        BankPayout,
        Delivery,
        Dispute,
        Mismatch,
        Outage,
        Refund,
        Settlement,
        Transfer,
    )
    from settlements.queries.deliveries import SALE_TABS
    from tests.factories import MembershipFactory

    finance, selling = Client(), Client()
    finance.force_login(person)
    selling.force_login(MembershipFactory(organization=seller, role=Membership.Role.OWNER).user)

    def middle(model: type, **which: object) -> int:
        found = model.objects.filter(**which).order_by("id").values_list("pk", flat=True)  # type: ignore[attr-defined]
        return int(found[found.count() // 2])

    settlement, transfer, refund = middle(Settlement), middle(Transfer), middle(Refund)
    outage = middle(Outage, status="upheld")
    dispute, mismatch = middle(Dispute), middle(Mismatch)
    payout, delivery = middle(BankPayout), middle(Delivery, status="delivered")
    chosen = Settlement.objects.get(pk=settlement)
    day = chosen.created_at.date()
    first = Settlement.objects.order_by("id").values_list("pk", flat=True)[100]
    queue = "/finance/settlements/?"
    ended = SALE_TABS[-1].name
    asked = {
        "queue: newest, first page": queue,
        "queue: newest, middle": f"{queue}before={settlement}",
        "queue: newest, last page": f"{queue}before={first}",
        "queue: oldest, first page": f"{queue}order=oldest",
        "queue: oldest, middle": f"{queue}order=oldest&before={settlement}",
        "queue: largest, first page": f"{queue}order=largest",
        "queue: largest, middle": f"{queue}order=largest&before={settlement}",
        "queue: unpaid, oldest first": f"{queue}flag=unpaid&order=oldest",
        "queue: overdue, largest first": f"{queue}flag=overdue&order=largest",
        "queue: large": f"{queue}flag=large",
        "queue: declined": f"{queue}status=declined",
        "queue: declined or due, largest first": f"{queue}status=declined&status=due&order=largest",
        "queue: without a card": f"{queue}flag=no_card",
        "queue: buyer by name (1 of 2,000)": f"{queue}buyer=Buyer+1234",
        "queue: buyer by name, largest first": f"{queue}buyer=Buyer+1234&order=largest",
        "queue: buyer by name (1,111 of 2,000)": f"{queue}buyer=Buyer+1",
        "queue: buyer nobody has": f"{queue}buyer=no-such-buyer",
        "queue: one window": f"{queue}window=5000",
        "queue: amount in a narrow range": f"{queue}amount_from=100&amount_to=101",
        "queue: amount, oldest first": f"{queue}amount_from=29999&order=oldest",
        "queue: one day": f"{queue}drawn_from={day}&drawn_to={day}",
        "queue: one day, largest first": f"{queue}drawn_from={day}&drawn_to={day}&order=largest",
        "queue: a day before all": f"{queue}drawn_from=2020-01-01&drawn_to=2020-01-01",
        "queue: mine": f"{queue}flag=unpaid&assignee=me",
        "queue: nobody's, oldest first": f"{queue}assignee=nobody&order=oldest",
        "one settlement": f"/finance/settlements/{settlement}/",
        "small amounts": "/finance/carried/",
        "small amounts, middle": f"/finance/carried/?before={settlement}",
        "transfers, first page": "/finance/transfers/",
        "transfers, middle": f"/finance/transfers/?before={transfer}",
        "transfers to approve": "/finance/transfers/?status=pending_approval",
        "transfers, failed (none)": "/finance/transfers/?status=failed",
        "transfers, seller by name": f"/finance/transfers/?seller={seller.name[:8]}",
        "transfers, seller nobody has": "/finance/transfers/?seller=no-such-seller",
        "one transfer": f"/finance/transfers/{transfer}/",
        "refunds, first page": "/finance/refunds/",
        "refunds, middle": f"/finance/refunds/?before={refund}",
        "refunds that wait": "/finance/refunds/?show=waiting",
        "one refund": f"/finance/refunds/{refund}/",
        "a refund's form": f"/finance/settlements/{settlement}/refund/",
        "disputes, first page": "/finance/disputes/",
        "disputes, middle": f"/finance/disputes/?before={dispute}",
        "disputes that wait": "/finance/disputes/?show=waiting",
        "one dispute": f"/finance/disputes/{dispute}/",
        "outages to decide": "/finance/outages/",
        "outages decided": "/finance/outages/?show=decided",
        "outages decided, middle": f"/finance/outages/?show=decided&before={outage}",
        "one outage": f"/finance/outages/{outage}/",
        "reconciliation": "/finance/reconciliation/",
        "reconciliation: mine": "/finance/reconciliation/?owner=me",
        "reconciliation: middle of the mismatches": f"/finance/reconciliation/?before={mismatch}",
        "reconciliation: a day": f"/finance/reconciliation/days/{day}/",
        "reconciliation: a window": f"/finance/reconciliation/windows/{chosen.window_id}/",
        "one mismatch": f"/finance/reconciliation/mismatches/{mismatch}/",
        "bank payouts": "/finance/reconciliation/payouts/",
        "one bank payout": f"/finance/reconciliation/payouts/{payout}/",
        "audit log, first page": "/finance/audit/",
        "audit log, by person": f"/finance/audit/?person={person.email}",
        "audit log, person nobody is": "/finance/audit/?person=no-such-person",
        "audit log, by kind": "/finance/audit/?kind=settlements.transfer",
        "audit log, one object": f"/finance/audit/?kind=settlements.settlement&number={settlement}",
        "audit log, by number alone": f"/finance/audit/?number={settlement}",
        "audit log, one day": f"/finance/audit/?since={day}&until={day}",
        "limits": "/finance/limits/",
        "fees": "/finance/fees/",
    }
    sold = {
        "seller: hand-overs due": "/sell/deliveries/",
        "seller: ended": f"/sell/deliveries/?show={ended}",
        "seller: ended, middle": f"/sell/deliveries/?show={ended}&before={delivery}",
        "seller: payouts": "/payouts/",
        "seller: payouts, middle": f"/payouts/?before={transfer}",
    }
    return {name: (finance, address) for name, address in asked.items()} | {
        name: (selling, address) for name, address in sold.items()
    }


def measure(person: User, seller: Organization, rounds: int) -> None:
    from django.db import connection

    def bare() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM settlements_settlement ORDER BY id DESC LIMIT 50")
            cursor.fetchall()

    def page(client: Client, address: str) -> Callable[[], None]:
        def ask() -> None:
            assert client.get(address).status_code == 200, address

        return ask

    works = {BARE: bare} | {name: page(*asked) for name, asked in pages(person, seller).items()}
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 2):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if turn >= 2:
                seconds[name].append(time.perf_counter() - started)
    reference = statistics.median(seconds[BARE])
    print(f"{'':<46}{'median ms':>10}{'max ms':>9}{'× bare':>9}")
    for name, each in seconds.items():
        median = statistics.median(each)
        late = "  over the limit" if median * 1000 > LIMIT_MS else ""
        print(
            f"{name:<46}{median * 1000:>10.1f}{max(each) * 1000:>9.1f}{median / reference:>9.0f}{late}",
            flush=True,
        )


def export(person: User) -> None:
    from django.test import AsyncClient

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
            f"process grew by {grown:.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()
