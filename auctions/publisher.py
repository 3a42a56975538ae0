"""The publisher: tells listeners what changed, up to four times a second, from one worker at a time.

Operations leave rows behind and notify nobody, since a notification takes a lock on the whole database at commit. This
looks for what they left (events not yet told, windows whose phase or lots changed) and sends one notification for all
of that; then it computes indicative prices for the windows concerned, and sends one for each whose prices changed. Each
notification is sent in the transaction that writes down what it tells.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from auctions import bridge
from auctions.live.messages import CHANNEL, Hint
from auctions.live.queries import LEADER, ON_BOARD
from auctions.models import Indication, Window
from marketplace.db import LockSpace, lock_exclusive

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.25
RETRY_SECONDS = 1.0
REFRESH_SECONDS = 15.0
"""Reserves decline and blocks shrink without a word, so that every window is looked at this often."""
REST_PER_WORK = 4.0
"""A window that took t seconds to compute is not due again for 4 t: a huge book slows its own prices only."""
EVENTS_PER_TICK = 5_000
ORDER = 1
"""The second key of the lock under which each part of a tick commits: revisions become visible in their order."""

_PROBE = """
    SELECT clock_timestamp(), EXISTS (SELECT FROM accounts_streamevent WHERE NOT published),
           w.id, w.status, w.freezes_at, w.closes_at, w.board_revision
    FROM (SELECT) AS always LEFT JOIN auctions_window w ON w.status = ANY(%s)
"""
_TELL = """
    WITH told AS (
        UPDATE accounts_streamevent SET published = true
        WHERE id IN (SELECT id FROM accounts_streamevent WHERE NOT published ORDER BY id LIMIT %s)
        RETURNING organization_id, sequence,
                  CASE jsonb_typeof(data -> 'window') WHEN 'number' THEN (data ->> 'window')::bigint END AS window_id
    )
    SELECT organization_id, min(sequence), coalesce(array_agg(DISTINCT window_id) FILTER (WHERE window_id > 0), '{}')
    FROM told GROUP BY organization_id
"""
_FIGURES = ("paid_ticks", "entry_ticks", "offered_units", "n_lots", "is_estimate")


@dataclass(frozen=True, slots=True)
class _Probe:
    """What one cheap look found: windows on the board with what makes them differ, and whether events wait."""

    events_wait: bool
    windows: dict[int, tuple[str, int]]


class Publisher:
    """What the last tick saw, so that the next one finds what changed."""

    def __init__(self, *, rest_per_work: float = REST_PER_WORK) -> None:
        self._rest_per_work = rest_per_work
        self._seen: dict[int, tuple[str, int]] = {}
        self._waiting: set[int] = set()
        self._rests_until: dict[int, float] = {}
        self._refresh_at: dict[int, float] = {}
        self._is_first_tick = True

    def tick(self) -> Hint | None:
        """Tell what changed since the last tick; return what was told, None when nothing was.

        Events and phases first, in one transaction, then the prices of each window in one of its own: those of a huge
        book keep nobody waiting.
        """
        probe = _look()
        moved = {pk for pk, state in probe.windows.items() if self._seen.get(pk) != state}
        left = self._seen.keys() - probe.windows.keys()
        self._waiting |= moved | {pk for pk, at in self._refresh_at.items() if at <= monotonic()}
        has_news = probe.events_wait or bool(moved or left) or self._is_first_tick
        if not (has_news or self._may_compute(probe)):
            return None
        told = (
            [self._tell_news(probe, windows=bool(self._is_first_tick or moved or left))] if has_news else []
        )
        computed = sorted(self._may_compute(probe))
        told += [self._compute(pk) for pk in computed]
        self._remember(probe, computed=computed)
        hint = Hint.merge(told)
        return hint if _says_anything(hint) else None

    def _tell_news(self, probe: _Probe, *, windows: bool) -> Hint:
        """Mark events as told and notify of them and of the board's windows, whatever their prices are."""
        with transaction.atomic(durable=True):
            lock_exclusive(LockSpace.PUBLISHER, ORDER)
            organizations, windows_told = _tell_events() if probe.events_wait else ({}, set())
            if windows:
                Indication.objects.exclude(window__in=probe.windows).delete()
            hint = Hint(prices=False, windows=windows, organizations=organizations)
            if _says_anything(hint):
                _notify(hint)
        self._waiting |= windows_told
        return hint

    def _may_compute(self, probe: _Probe) -> set[int]:
        now = monotonic()
        return {pk for pk in self._waiting & probe.windows.keys() if self._rests_until.get(pk, now) <= now}

    def _compute(self, window_id: int) -> Hint:
        """Bring the indications of a window up to date, and notify if any changed. A failure costs its window only."""
        began = monotonic()
        hint = Hint(prices=False, windows=False, organizations={})
        try:
            with transaction.atomic(durable=True):
                lock_exclusive(LockSpace.PUBLISHER, ORDER)
                if _indicate(window_id):
                    hint = replace(hint, prices=True)
                    _notify(hint)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("no indicative prices for window %s", window_id)
            hint = replace(hint, prices=False)
        ended = monotonic()
        self._rests_until[window_id] = ended + self._rest_per_work * (ended - began) - TICK_SECONDS
        self._refresh_at[window_id] = ended + REFRESH_SECONDS
        return hint

    def _remember(self, probe: _Probe, *, computed: Collection[int]) -> None:
        self._is_first_tick = False
        self._seen = probe.windows
        self._waiting = (self._waiting - set(computed)) & probe.windows.keys()
        self._rests_until = {pk: at for pk, at in self._rests_until.items() if pk in probe.windows}
        self._refresh_at = {pk: at for pk, at in self._refresh_at.items() if pk in probe.windows}


def publish_once() -> Hint | None:
    """Look at everything as a publisher does that has just started, and tell what changed."""
    return Publisher().tick()


def run_publisher(stop: threading.Event) -> None:
    """Publish until ``stop`` is set, whenever this process is the one to do it. Run it in a thread of its own.

    The lock that says who publishes belongs to the session that also does the work: with the connection both are lost,
    and another worker takes over.
    """
    while not stop.is_set():
        try:
            if _take_the_lead():
                _publish(stop)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("publisher lost the database, trying again: %s", error)
        except Exception:
            logger.exception("publisher failed, trying again")
        finally:
            _step_down()
        stop.wait(RETRY_SECONDS)


def _publish(stop: threading.Event) -> None:
    logger.info("publishing live prices")
    publisher = Publisher()
    while not stop.is_set():
        began = monotonic()
        publisher.tick()
        stop.wait(max(0.0, began + TICK_SECONDS - monotonic()))


def _take_the_lead() -> bool:
    with connection.cursor() as cursor:
        # A worker that vanished with its machine is noticed, and its lock freed, within about 25 seconds.
        cursor.execute(
            "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
        )
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [int(LockSpace.PUBLISHER), LEADER])
        (is_leader,) = cursor.fetchone()
    return is_leader


def _step_down() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
    except (DatabaseError, InterfaceError):
        logger.info("the publisher's lock went with its connection")
    connection.close()


def _look() -> _Probe:
    with connection.cursor() as cursor:
        cursor.execute(_PROBE, [list(ON_BOARD)])
        rows = cursor.fetchall()
    windows = {}
    for now, _, pk, status, freezes_at, closes_at, board_revision in rows:
        if pk is not None:
            phase = Window(status=status, freezes_at=freezes_at, closes_at=closes_at).phase_at(now)
            windows[pk] = (phase.value, board_revision)
    return _Probe(events_wait=rows[0][1], windows=windows)


def _tell_events() -> tuple[dict[int, int], set[int]]:
    """Mark events as told; return the first sequence of each organization, and the windows they speak of."""
    with connection.cursor() as cursor:
        cursor.execute(_TELL, [EVENTS_PER_TICK])
        told = cursor.fetchall()
    return (
        {organization_id: first for organization_id, first, _ in told},
        {pk for _, _, window_ids in told for pk in window_ids},
    )


def _indicate(window_id: int) -> bool:
    """Write the indications of a window that differ from what stands there. Say whether any did."""
    standing = {
        (row.resource_type_id, row.region): row for row in Indication.objects.filter(window=window_id)
    }
    told = bridge.indicate_window(window_id)
    wanted = [
        Indication(
            window_id=window_id,
            resource_type_id=product.resource_type_id,
            region=product.region,
            **{figure: getattr(product, figure) for figure in _FIGURES},
        )
        for product in told
    ]
    products = {(row.resource_type_id, row.region) for row in wanted}
    wanted += [_emptied(row) for product, row in standing.items() if product not in products]
    changed = [
        row for row in wanted if _figures(row) != _figures(standing.get((row.resource_type_id, row.region)))
    ]
    _save(changed)
    return bool(changed)


def _emptied(row: Indication) -> Indication:
    """Return a product whose last lot has left the window: it stays on the board with nothing on offer."""
    return Indication(
        window_id=row.window_id,
        resource_type_id=row.resource_type_id,
        region=row.region,
        paid_ticks=None,
        entry_ticks=None,
        offered_units=0,
        n_lots=0,
    )


def _figures(row: Indication | None) -> tuple[int | None, ...] | None:
    return None if row is None else tuple(getattr(row, figure) for figure in _FIGURES)


def _save(rows: Iterable[Indication]) -> None:
    """Write rows with the next revisions."""
    rows = list(rows)
    if not rows:
        return
    now, revisions = _next_revisions(len(rows))
    for row, revision in zip(rows, revisions, strict=True):
        row.revision, row.computed_at = revision, now
    Indication.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["window", "resource_type", "region"],
        update_fields=[*_FIGURES, "revision", "computed_at"],
    )


def _next_revisions(n: int) -> tuple[datetime, list[int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp(), array_agg(nextval('auctions_indication_order')) FROM generate_series(1, %s)",
            [n],
        )
        now, revisions = cursor.fetchone()
    return now, revisions


def _says_anything(hint: Hint) -> bool:
    return bool(hint.prices or hint.windows or hint.organizations)


def _notify(hint: Hint) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, hint.encode()])
