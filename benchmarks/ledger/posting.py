"""The ledger's transactions per second, beside the same two rows inserted into a bare table.

    python -m benchmarks.ledger.posting [--seconds 4] [--threads 1 4 16]

Each transaction is one commit, with fsync. `charge` posts two entries on accounts that all threads share and no guard
locks; `many` debits prepaid balances of as many buyers as there are threads; `one` has all threads debit one balance,
whose row they wait for. The reference inserts two rows into a table without constraint, index or trigger, through the
same connections. The figure is the ratio to the reference of the same number of threads, in the same run.
"""

from __future__ import annotations

import argparse
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from benchmarks.database import describe, durable_database

PREPAID_CENTS = 10**12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 4, 16])
    options = parser.parse_args()
    with durable_database() as url:
        print(describe(url))
        works = _works(max(options.threads))
        names = list(works)
        print(f"{'threads':>7}  " + "".join(f"{name:>22}" for name in names))
        for n_threads in options.threads:
            rates = {name: _rate(works[name], n_threads, options.seconds) for name in names}
            cells = (f"{rates[name]:>9,.0f}/s, ratio {rates[name] / rates['bare']:.2f}" for name in names)
            print(f"{n_threads:>7}  " + "".join(f"{cell:>22}" for cell in cells))


def _works(n_buyers: int) -> dict[str, Callable[[int], None]]:
    """Return what one thread does once, by name; each takes the thread's number."""
    from django.db import connection, transaction

    from accounts.models import BiddingLimit, Organization
    from settlements import ledger
    from settlements.models import Transaction

    numbers = itertools.count()
    buyers = [
        Organization.objects.create(name=f"Buyer {number}", slug=f"buyer-{number}")
        for number in range(n_buyers)
    ]
    BiddingLimit.objects.bulk_create(BiddingLimit(organization=buyer) for buyer in buyers)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare (transaction_id bigint, account_id bigint, amount_cents bigint)")

    def post(kind: Transaction.Kind, cents: dict[ledger.AccountKey, int]) -> None:
        with transaction.atomic():
            ledger.post_transaction(ledger.Posting(kind, f"benchmark:{next(numbers)}", "Benchmark", cents))

    for buyer in buyers:
        post(
            Transaction.Kind.PREPAYMENT,
            {ledger.STRIPE_PENDING: PREPAID_CENTS, ledger.buyer_prepaid(buyer.pk): -PREPAID_CENTS},
        )

    def bare(_thread: int) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO bare VALUES (1, 1, 7), (1, 2, -7)")

    def charge(_thread: int) -> None:
        post(Transaction.Kind.CHARGE, {ledger.STRIPE_PENDING: 7, ledger.PLATFORM_FEES: -7})

    def spend(buyer_id: int) -> None:
        post(Transaction.Kind.PREPAID_SPENT, {ledger.buyer_prepaid(buyer_id): 7, ledger.PLATFORM_FEES: -7})

    return {
        "bare": bare,
        "charge": charge,
        "many": lambda thread: spend(buyers[thread].pk),
        "one": lambda _thread: spend(buyers[0].pk),
    }


def _rate(work: Callable[[int], None], n_threads: int, seconds: float) -> float:
    """Return how many times a second ``work`` is done by threads that each have a connection of their own."""
    from django.db import connection

    together = threading.Barrier(n_threads, timeout=60)

    def run(thread: int) -> tuple[int, float]:
        try:
            work(thread)  # opens the connection, and fills the caches
            together.wait()
            n_done, began = 0, time.perf_counter()
            while time.perf_counter() - began < seconds:
                work(thread)
                n_done += 1
            return n_done, time.perf_counter() - began
        finally:
            connection.close()

    with ThreadPoolExecutor(n_threads) as pool:
        done = [future.result() for future in [pool.submit(run, thread) for thread in range(n_threads)]]
    return sum(n_done / took for n_done, took in done)


if __name__ == "__main__":
    main()
