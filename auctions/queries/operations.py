"""What an operator watches: windows under way, what is stuck and why, workers, jobs, and the live feed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob, ProcrastinateWorker

from accounts.models import StreamEvent
from auctions.models import Bid, Indication, Market, Window

LATE_AFTER = timedelta(seconds=15)
"""Closing and clearing take a second or two; a window this late needs a look."""
LONGEST_CLEARING = timedelta(minutes=2)
SILENT_AFTER = timedelta(seconds=15)
UNTAKEN_AFTER = timedelta(minutes=1)
"""Workers take a job within a second, and begin a queue anew within half a minute of losing the database."""
FEED_STALE_AFTER = timedelta(seconds=60)
RECENT_WINDOWS = 50


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something a person must see to, with the one thing to do next and where; ``since`` is None where unknown."""

    title: str
    detail: str
    action: str
    since: datetime | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class QueueHealth:
    """Jobs of one queue: waiting and due, being done, failed for good; since when the oldest is due."""

    name: str
    n_due: int
    n_doing: int
    n_failed: int
    oldest_due_at: datetime | None

    def is_left_alone(self, now: datetime) -> bool:
        """Say whether jobs wait that a worker would have taken long since."""
        return (
            not self.n_doing and self.oldest_due_at is not None and self.oldest_due_at < now - UNTAKEN_AFTER
        )


@dataclass(frozen=True, slots=True)
class Health:
    """``n_workers`` have sent a heartbeat lately; ``prices_at`` is when indicative prices were last written."""

    n_workers: int
    queues: list[QueueHealth]
    prices_at: datetime | None
    n_untold: int
    is_feed_due: bool

    @property
    def n_failed(self) -> int:
        return sum(queue.n_failed for queue in self.queues)


def markets() -> QuerySet[Market]:
    """Return all markets in the board's order, with when their next uncleared window closes."""
    uncleared = Q(windows__status__in=Window.UNCLEARED)
    return Market.objects.annotate(
        n_windows=Count("windows", filter=uncleared),
        next_close_at=Min("windows__closes_at", filter=uncleared),
    ).order_by("position", "id")


def uncleared_windows() -> QuerySet[Window]:
    """Return windows under way, the next to close first, with how many bids and lots stand in them."""
    return (
        Window.objects.filter(status__in=Window.UNCLEARED)
        .select_related("market")
        .annotate(
            n_bids=Count("bids", filter=Q(bids__status=Bid.Status.PLACED), distinct=True),
            n_lots=Count("lots", filter=Q(lots__on_offer=True), distinct=True),
        )
        .order_by("closes_at", "id")
    )


def every_window() -> QuerySet[Window]:
    """Return every window with its market and how many bids stand in it."""
    n_bids = Count("bids", filter=Q(bids__status=Bid.Status.PLACED))
    return Window.objects.select_related("market").annotate(n_bids=n_bids)


def finished_windows() -> list[Window]:
    """Return the windows that ended last, with what they came to."""
    windows = Window.objects.exclude(status__in=Window.UNCLEARED).select_related("market")
    return list(windows.order_by("-closes_at", "-id")[:RECENT_WINDOWS])


def health(*, now: datetime) -> Health:
    """Return how workers, jobs and the live feed do at ``now``."""
    workers = ProcrastinateWorker.objects.filter(last_heartbeat__gte=now - SILENT_AFTER).count()
    is_due = Q(status="todo") & (Q(scheduled_at=None) | Q(scheduled_at__lte=now))
    deferred = ProcrastinateEvent.objects.filter(job=OuterRef("pk"), type="deferred")
    due_since = Coalesce("scheduled_at", Subquery(deferred.values("at")[:1]))
    jobs = ProcrastinateJob.objects.exclude(status="succeeded").annotate(due_since=due_since)
    rows = jobs.values("queue_name").annotate(
        n_due=Count("id", filter=is_due),
        n_doing=Count("id", filter=Q(status="doing")),
        n_failed=Count("id", filter=Q(status="failed")),
        oldest=Min("due_since", filter=is_due),
    )
    return Health(
        n_workers=workers,
        queues=[
            QueueHealth(row["queue_name"], row["n_due"], row["n_doing"], row["n_failed"], row["oldest"])
            for row in rows.order_by("queue_name")
        ],
        prices_at=Indication.objects.aggregate(at=Max("computed_at"))["at"],
        n_untold=StreamEvent.objects.filter(published=False).count(),
        is_feed_due=Window.objects.filter(
            status__in=(Window.Status.OPEN, Window.Status.FROZEN),
            lots__on_offer=True,
            opens_at__lt=Now() - FEED_STALE_AFTER,
        ).exists(),
    )


def alarms(*, now: datetime, health: Health) -> list[Alarm]:
    """Return what needs a person at ``now``, the gravest first; nothing when all is well."""
    found = [*_held(), *_late(now)]
    if not health.n_workers:
        found.append(
            Alarm(
                "No worker is running",
                "Nothing closes, clears or is charged.",
                "Start a worker: make run, or manage.py run_worker.",
            )
        )
    else:
        found += [_left_alone(queue) for queue in health.queues if queue.is_left_alone(now)]
    if health.is_feed_due and (health.prices_at is None or health.prices_at < now - FEED_STALE_AFTER):
        found.append(
            Alarm(
                "Live prices stand still",
                "Open windows have lots, yet no price was computed for a minute. Pages say so themselves.",
                "Look at the worker's log for the publisher.",
                since=health.prices_at,
            )
        )
    if health.n_failed:
        found.append(
            Alarm(
                f"{health.n_failed} job{'s' if health.n_failed > 1 else ''} failed for good",
                "Rows are the truth and sweeps look again, so nothing is lost; what failed stands in the worker's log.",
                "Look at the worker's log for the job.",
            )
        )
    return found


def _left_alone(queue: QueueHealth) -> Alarm:
    return Alarm(
        f"Nobody takes the jobs of the queue {queue.name}",
        f"Waiting: {queue.n_due:,}. Workers are there, but none of them works through this queue.",
        "Look at the worker's log for the queue, and start the worker anew.",
        since=queue.oldest_due_at,
    )


def _held() -> list[Alarm]:
    held = Window.objects.exclude(held_reason="").filter(status__in=Window.UNCLEARED).select_related("market")
    return [
        Alarm(
            f"The clearing of window {window.pk} is held",
            f"{window.market}: {window.held_reason} Nobody is charged meanwhile.",
            "See to the reason, then have it tried again; or cancel the window."
            if window.can_be_retried
            else "It was not sealed, so it cannot be tried again: cancel the window.",
            since=window.closed_at,
            window=window,
        )
        for window in held.order_by("closes_at", "id")
    ]


def _late(now: datetime) -> list[Alarm]:
    uncleared = Window.objects.filter(status__in=Window.UNCLEARED, held_reason="").select_related("market")
    late = uncleared.filter(
        Q(status=Window.Status.CLOSED, closes_at__lt=now - LONGEST_CLEARING)
        | (~Q(status=Window.Status.CLOSED) & Q(closes_at__lt=now - LATE_AFTER))
    )
    return [
        Alarm(
            f"Window {window.pk} should have {'cleared' if window.status == Window.Status.CLOSED else 'closed'}",
            f"{window.market}. Workers look every second for what is due.",
            "Look whether a worker runs, and at its log.",
            since=window.closes_at,
            window=window,
        )
        for window in late.order_by("closes_at", "id")
    ]
