"""What the hub reads, on its own connection and without the ORM: it must answer within the event loop."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from psycopg import AsyncConnection

from auctions.live.board import ProductRow, WindowState
from auctions.live.messages import own_event
from auctions.live.own import EVENTS_KEPT
from auctions.models import Window
from marketplace.db import LockSpace

ON_BOARD = (Window.Status.OPEN, Window.Status.FROZEN, Window.Status.CLOSED)
LEADER = 0
"""The second key of the lock that the one publisher holds."""

_WINDOWS = """
    SELECT clock_timestamp(), w.id, m.slug, w.status, w.opens_at, w.freezes_at, w.closes_at
    FROM auctions_window w JOIN auctions_market m ON m.id = w.market_id
    WHERE w.status = ANY(%s) OR w.id = ANY(%s)
    ORDER BY m.position, w.closes_at, w.id
"""
_ROWS = """
    SELECT revision, window_id, resource_type_id, region, paid_ticks, entry_ticks, offered_units, n_lots, is_estimate
    FROM auctions_indication WHERE revision > %s ORDER BY revision
"""
_EVENTS = """
    SELECT event.organization_id, event.sequence, event.kind, event.data::text, event.created_at
    FROM unnest(%s::bigint[], %s::bigint[]) AS heard (organization_id, sequence)
    CROSS JOIN LATERAL (
        SELECT * FROM accounts_streamevent e
        WHERE e.organization_id = heard.organization_id AND e.sequence > heard.sequence
        ORDER BY e.sequence DESC LIMIT %s
    ) AS event
    ORDER BY event.organization_id, event.sequence
"""
_LAST_SEQUENCES = "SELECT organization_id, last_sequence FROM accounts_stream WHERE organization_id = ANY(%s)"
_PULSE = """
    SELECT clock_timestamp(), EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s AND objsubid = 2
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
"""


async def read_windows(
    connection: AsyncConnection, *, known: Collection[int]
) -> tuple[list[WindowState], list[WindowState]]:
    """Return the windows on the board by the database's clock, and those of ``known`` that have left it."""
    cursor = await connection.execute(_WINDOWS, [list(ON_BOARD), list(known)])
    on_board: list[WindowState] = []
    ended: list[WindowState] = []
    for now, pk, market, status, opens_at, freezes_at, closes_at in await cursor.fetchall():
        window = Window(status=status, freezes_at=freezes_at, closes_at=closes_at)
        phase = window.phase_at(now)
        state = WindowState(pk, market, phase.value, opens_at, freezes_at, closes_at)
        (on_board if phase in ON_BOARD else ended).append(state)
    return on_board, ended


async def read_rows(connection: AsyncConnection, *, since: int) -> tuple[int, list[ProductRow]]:
    """Return the rows changed after revision ``since``, and the revision they reach."""
    cursor = await connection.execute(_ROWS, [since])
    found = await cursor.fetchall()
    return (found[-1][0] if found else since), [ProductRow(*row[1:]) for row in found]


async def read_events(
    connection: AsyncConnection, *, after: Mapping[int, int]
) -> dict[int, list[tuple[int, str]]]:
    """Return events after the given sequences, by organization, as (sequence, frame); the newest that a feed keeps."""
    events: dict[int, list[tuple[int, str]]] = {pk: [] for pk in after}
    cursor = await connection.execute(_EVENTS, [list(after.keys()), list(after.values()), EVENTS_KEPT])
    for pk, sequence, kind, data, at in await cursor.fetchall():
        events[pk].append((sequence, own_event(seq=sequence, kind=kind, data_json=data, at=at)))
    return events


async def read_last_sequences(
    connection: AsyncConnection, *, organization_ids: Collection[int]
) -> dict[int, int]:
    """Return how far the streams of organizations reach."""
    cursor = await connection.execute(_LAST_SEQUENCES, [list(organization_ids)])
    return dict(await cursor.fetchall())


async def read_pulse(connection: AsyncConnection) -> tuple[datetime, bool]:
    """Return the database's clock, and whether a publisher is at work."""
    cursor = await connection.execute(_PULSE, [int(LockSpace.PUBLISHER), LEADER])
    row = await cursor.fetchone()
    assert row is not None
    return row
