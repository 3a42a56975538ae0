"""A worker process: jobs, the one-second sweep, the stalled-job sweep and the live publisher, side by side.

Any number of workers may run; rows, locks and unique constraints decide who takes a step. The process answers SIGINT
and SIGTERM by finishing the job in hand. Where the database goes away, each part goes on once it is back.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from procrastinate import App, PsycopgConnector
from procrastinate.app import WorkerOptions
from procrastinate.contrib.django import app as django_app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker

import accounts.tasks
import auctions.tasks
from auctions.publisher import run_publisher
from auctions.sweeps import sweep_inquiries, sweep_standing_orders, sweep_windows
from notifications.jobs import QUEUE_LETTERS, QUEUE_WEBHOOKS
from notifications.sweeps import sweep_news, sweep_old
from settlements.jobs import QUEUE_MAIL, QUEUE_STRIPE
from settlements.sweeps import (
    sweep_deliveries,
    sweep_dunning,
    sweep_funds,
    sweep_leases,
    sweep_reconciliation,
    sweep_settlements,
    sweep_starts,
    sweep_transfers,
)

SWEEP_SECONDS = 1.0
RECONCILE_SECONDS = 60.0
FORGET_SECONDS = 3600.0
STALLED_SECONDS = 10.0
POLL_SECONDS = 0.2
HEARTBEAT_SECONDS = 2.0
RECONNECT_SECONDS = 10.0
"""After which a connection that cannot be made is begun anew. Within, each attempt waits twice as long as the last."""
RETRY_SECONDS = 1.0
"""How long a queue waits before it begins anew, having lost the database."""
CONCURRENT_JOBS = {
    auctions.tasks.QUEUE: 2,
    QUEUE_STRIPE: 4,
    QUEUE_MAIL: 1,
    QUEUE_LETTERS: 1,
    QUEUE_WEBHOOKS: 8,
    auctions.tasks.QUEUE_INQUIRIES: 1,
    accounts.tasks.QUEUE_UPKEEP: 1,
}
"""How many jobs of each queue run at once. Several queues, so that neither a slow Stripe nor a question about the past
keeps a window from clearing."""

SWEEPS_BY_CLOCK = (
    sweep_deliveries,
    sweep_starts,
    sweep_dunning,
    sweep_leases,
    sweep_transfers,
    sweep_funds,
)

logger = logging.getLogger(__name__)


async def run_worker() -> None:
    """Run until told to stop."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=_sweep, args=(stop, _sweep_windows), name="window-sweep"),
        threading.Thread(target=_sweep, args=(stop, _sweep_standing_orders), name="standing-order-sweep"),
        threading.Thread(target=_sweep, args=(stop, _sweep_settlements), name="settlement-sweep"),
        threading.Thread(target=_sweep, args=(stop, _sweep_news), name="news-sweep"),
        threading.Thread(
            target=_sweep, args=(stop, _reconcile, RECONCILE_SECONDS), name="reconciliation-sweep"
        ),
        threading.Thread(target=_sweep, args=(stop, _forget, FORGET_SECONDS), name="retention-sweep"),
        threading.Thread(target=run_publisher, args=(stop,), name="publisher"),
    ]
    for thread in threads:
        thread.start()
    try:
        await _run_jobs()
    finally:
        stop.set()
        for thread in threads:
            await asyncio.to_thread(thread.join)


async def _run_jobs() -> None:
    """Work through the queues until SIGINT or SIGTERM, then finish the jobs in hand."""
    connector = PsycopgConnector(kwargs=connector_params(), reconnect_timeout=RECONNECT_SECONDS)
    app = django_app.with_connector(connector)
    stop = asyncio.Event()
    async with app.open_async():
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with asyncio.TaskGroup() as tasks:
            for queue, n_at_once in CONCURRENT_JOBS.items():
                tasks.create_task(_work_through(app, queue, n_at_once, stop))
            tasks.create_task(_rescue_stalled_jobs(app, stop))


async def _work_through(app: App, queue: str, n_at_once: int, stop: asyncio.Event) -> None:
    """Work through one queue, beginning anew whenever the database was gone.

    A worker of procrastinate whose listener, heartbeat or periodic deferrer fails stops for good: by raising where the
    database is still gone when it takes its leave, by returning where it is back already. What it had in hand is then
    a stalled job. The deferrer is the one that works through Django's own connection, which nobody else would renew.
    """
    while not stop.is_set():
        await sync_to_async(close_old_connections)()
        reason = "stopped untold"
        try:
            await _run(_worker_of(app, queue, n_at_once), stop)
        except ConnectorException as error:
            reason = f"lost the database: {_cause(error)}"
        if not stop.is_set():
            logger.warning("queue %s begins anew; it %s", queue, reason)
            await _pause(stop, RETRY_SECONDS)


def _worker_of(app: App, queue: str, n_at_once: int) -> Worker:
    options: WorkerOptions = {
        **app.worker_defaults,
        "queues": [queue],
        "name": queue,
        "concurrency": n_at_once,
        "fetch_job_polling_interval": POLL_SECONDS,
        "update_heartbeat_interval": HEARTBEAT_SECONDS,
        "stalled_worker_timeout": STALLED_SECONDS,
        "delete_jobs": "successful",
        "install_signal_handlers": False,
    }
    return Worker(app, **options)


async def _run(worker: Worker, stop: asyncio.Event) -> None:
    """Run until it ends or ``stop``. Nothing is cancelled: waiting for a connection can swallow that (Python 3.11)."""
    running = asyncio.create_task(worker.run())
    told = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((running, told), return_when=asyncio.FIRST_COMPLETED)
        worker.stop()
        await running
    finally:
        told.cancel()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait that long, or until ``stop``."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def _rescue_stalled_jobs(app: App, stop: asyncio.Event) -> None:
    """Give jobs of workers that stopped sending heartbeats to another worker."""
    while True:
        await _pause(stop, STALLED_SECONDS)
        if stop.is_set():
            return
        try:
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
                logger.warning("job %s (%s) stalled; trying it again", job.id, job.task_name)
                await app.job_manager.retry_job(job)
        except ConnectorException as error:
            logger.warning("cannot look for stalled jobs, trying again: %s", _cause(error))


def _cause(error: ConnectorException) -> BaseException:
    return error.__cause__ or error


def _sweep(stop: threading.Event, sweep: Callable[[], object], pause_seconds: float = SWEEP_SECONDS) -> None:
    """Call ``sweep`` again and again. Whatever goes wrong is logged, and the next sweep looks again."""
    while not stop.wait(pause_seconds):
        close_old_connections()
        _try(sweep)
    close_old_connections()


def _sweep_windows() -> None:
    sweep_windows(now=datetime.now(UTC))
    sweep_inquiries()


def _sweep_standing_orders() -> None:
    sweep_standing_orders(now=datetime.now(UTC))


def _sweep_settlements() -> None:
    """Sweep everything that moves money; trouble with one kind of it keeps no other waiting."""
    _try(sweep_settlements)
    for sweep in SWEEPS_BY_CLOCK:
        _try(sweep, now=datetime.now(UTC))


def _try(sweep: Callable[..., object], **terms: datetime) -> None:
    try:
        sweep(**terms)
    except Exception:
        logger.exception("%s failed; the next one looks again", sweep.__name__)


def _sweep_news() -> None:
    sweep_news(now=datetime.now(UTC))


def _forget() -> None:
    sweep_old(now=datetime.now(UTC))


def _reconcile() -> None:
    sweep_reconciliation(now=datetime.now(UTC))
