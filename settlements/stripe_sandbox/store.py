"""The sandbox's state in SQLite: Stripe objects as JSON, webhooks, idempotency keys.

One connection behind one lock: a request is one serial transaction, so no two requests
ever see each other's half-done work.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    private TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_customer ON objects (kind, json_extract(body, '$.customer'), seq);
CREATE INDEX IF NOT EXISTS objects_by_source ON objects (kind, json_extract(body, '$.source'), seq);
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (kind, json_extract(body, '$.payment_intent'), seq);
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    claimed_at REAL NOT NULL,
    request_id TEXT NOT NULL,
    status INTEGER,
    body TEXT
);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    url TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'exhausted', 'dropped')),
    due_at REAL NOT NULL,
    n_attempts INTEGER NOT NULL DEFAULT 0,
    last_status INTEGER,
    last_error TEXT
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due_at, id);
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event_id);
CREATE TABLE IF NOT EXISTS clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    ahead_s INTEGER NOT NULL CHECK (ahead_s >= 0)
);
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id INTEGER NOT NULL,
    attempted_at REAL NOT NULL,
    status INTEGER,
    error TEXT,
    duration_ms INTEGER NOT NULL
);
"""
TABLES = ("objects", "idempotency", "deliveries", "attempts", "clock")
CREATED_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

Object = dict[str, Any]


class Store:
    """Every read and write of the sandbox; use inside `transaction()`."""

    def __init__(self, path: str) -> None:
        self._lock = threading.RLock()
        self.connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.executescript(SCHEMA)
        # A request cut off by a crash left no writes, so its key may be used again.
        self.connection.execute("DELETE FROM idempotency WHERE status IS NULL")

    def close(self) -> None:
        with self._lock:
            self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the store alone; commit at the end, roll back on an exception."""
        with self._lock:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

    def clear(self) -> None:
        for table in TABLES:
            self.connection.execute(f"DELETE FROM {table}")  # noqa: S608  # names from the constant above

    def ahead_s(self) -> int:
        """Return by how many seconds Stripe's time runs ahead of the machine's."""
        row = self.connection.execute("SELECT ahead_s FROM clock").fetchone()
        return 0 if row is None else row["ahead_s"]

    def set_ahead_s(self, seconds: int) -> None:
        self.connection.execute(
            "INSERT INTO clock (id, ahead_s) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET ahead_s = excluded.ahead_s",
            (seconds,),
        )

    def insert(self, body: Object, *, private: Object | None = None) -> None:
        self.connection.execute(
            "INSERT INTO objects (id, kind, body, private) VALUES (?, ?, ?, ?)",
            (body["id"], body["object"], json.dumps(body), json.dumps(private or {})),
        )

    def save(self, body: Object) -> None:
        self.connection.execute("UPDATE objects SET body = ? WHERE id = ?", (json.dumps(body), body["id"]))

    def find(self, kind: str | None, object_id: str) -> Object | None:
        """Return an object by its id, if it is of this kind (None: of any)."""
        row = self.connection.execute(
            "SELECT body FROM objects WHERE id = ? AND kind = coalesce(?, kind)", (object_id, kind)
        ).fetchone()
        return None if row is None else json.loads(row["body"])

    def private(self, object_id: str) -> Object:
        """What the sandbox knows of an object and never shows: the card behind it, its history."""
        row = self.connection.execute("SELECT private FROM objects WHERE id = ?", (object_id,)).fetchone()
        return json.loads(row["private"])

    def set_private(self, object_id: str, private: Object) -> None:
        self.connection.execute(
            "UPDATE objects SET private = ? WHERE id = ?", (json.dumps(private), object_id)
        )

    def select(
        self,
        kind: str,
        *,
        equals: dict[str, Any],
        created: dict[str, int],
        limit: int,
        after: str | None = None,
        before: str | None = None,
    ) -> list[Object]:
        """Return at most `limit` objects, newest first; `before` returns the ones just newer, same order."""
        clauses = ["kind = ?"]
        values: list[Any] = [kind]
        for name, wanted in equals.items():
            clauses.append(f"json_extract(body, '$.{name}') = ?")
            values.append(wanted)
        for name, bound in created.items():
            clauses.append(f"json_extract(body, '$.created') {CREATED_COMPARISONS[name]} ?")
            values.append(bound)
        for cursor, comparison in ((after, "<"), (before, ">")):
            if cursor is not None:
                clauses.append(f"seq {comparison} (SELECT o.seq FROM objects o WHERE o.id = ?)")  # noqa: S608  # own text
                values.append(cursor)
        order = "ASC" if before is not None else "DESC"
        where = " AND ".join(clauses)
        rows = self.connection.execute(
            f"SELECT body FROM objects WHERE {where} ORDER BY seq {order} LIMIT ?",  # noqa: S608  # own text
            (*values, limit),
        ).fetchall()
        found = [json.loads(row["body"]) for row in rows]
        return found[::-1] if before is not None else found
