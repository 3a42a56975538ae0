"""A worker whose database goes away and comes back works through every queue again, without being started anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection, connections
from procrastinate.contrib.django.models import ProcrastinateWorker

from auctions.models import Window
from marketplace.postgres import EmbeddedCluster
from marketplace.worker import CONCURRENT_JOBS
from tests.integration.auctions.conftest import Auction, transactional_auction, turn_clock_past_close
from tests.workers import DEADLINE_SECONDS, until, worker

__all__ = ["transactional_auction"]

pytestmark = pytest.mark.django_db(transaction=True)


NOTICED = b"Side task listener failed"  # procrastinate's word of a queue that will take no job any more


def at_work() -> set[int]:
    """One number for each queue that some worker works through."""
    return set(ProcrastinateWorker.objects.values_list("pk", flat=True))


def test_every_queue_is_worked_through_again(
    transactional_auction: Auction,
    running_database_url: str,
    own_database_server: EmbeddedCluster,
    tmp_path: Path,
) -> None:
    window = transactional_auction.window
    log = tmp_path / "worker.log"
    with log.open("wb") as file, worker(running_database_url, log=file) as process:
        until(lambda: len(at_work()) == len(CONCURRENT_JOBS), "every queue is worked through")
        before = at_work()

        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")  # a throw-away server ends like one that crashed
        connections.close_all()
        own_database_server.stop()
        until(lambda: log.read_bytes().count(NOTICED) == len(CONCURRENT_JOBS), "every queue has noticed")
        own_database_server.start(die_with_us=True)

        until(lambda: len(at_work() - before) == len(CONCURRENT_JOBS), "every queue is worked through again")
        turn_clock_past_close(window)
        until(
            lambda: Window.objects.get(pk=window.pk).status == Window.Status.CLEARED,
            "the same worker cleared the window",
        )
        process.terminate()
        assert process.wait(timeout=DEADLINE_SECONDS) == 0
