"""Events and the queue of their deliveries. Signing: https://docs.stripe.com/webhooks#verify-manually."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from . import clock, ids
from .faults import Faults
from .store import Object, Store

API_VERSION = "2026-10-28.endive"

# Doubling waits as Stripe's, in seconds instead of hours: 18 attempts, at most about 15 minutes.
N_ATTEMPTS_MAX = 18
RETRY_BASE_S = 1.0
RETRY_MAX_S = 64.0
OVERTAKEN_APART_S = 0.001


@dataclass(frozen=True)
class Plan:
    """Where webhooks go (nowhere: url None), how they are signed, and how fast they are retried."""

    url: str | None
    secret: str
    faults: Faults
    retry_base_s: float = RETRY_BASE_S

    def wait_s(self, n_attempts: int) -> float:
        """Seconds between attempt number `n_attempts` and the next."""
        return min(self.retry_base_s * 2 ** (n_attempts - 1), RETRY_MAX_S)


def signature(payload: str, secret: str, timestamp_s: int) -> str:
    """Return the Stripe-Signature header of a payload."""
    signed = f"{timestamp_s}.{payload}".encode()
    return f"t={timestamp_s},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def record_event(
    store: Store,
    plan: Plan,
    *,
    type_: str,
    body: Object,
    previous: Object | None,
    request: Object,
    created: int,
    account: str | None = None,
) -> None:
    """Store an event with a snapshot of its object, and queue its delivery."""
    data: dict[str, Any] = {"object": body}
    if previous is not None:
        data["previous_attributes"] = previous
    event = {
        "id": ids.new_id("event"),
        "object": "event",
        "api_version": API_VERSION,
        "created": created,
        "data": data,
        "livemode": False,
        "pending_webhooks": 0 if plan.url is None else 1,
        "request": request,
        "type": type_,
    }
    if account is not None:
        event["account"] = account
    store.insert(event)
    if plan.url is not None:
        _enqueue(store, plan, event)


def _enqueue(store: Store, plan: Plan, event: Object) -> None:
    fault = plan.faults.take_webhook(event["type"])
    kind = None if fault is None else fault.kind
    now = clock.now()
    due_at = now + (fault.seconds if fault is not None and kind in ("delay", "reorder") else 0)
    for _ in range(2 if kind == "duplicate" else 1):
        state = "dropped" if kind == "drop" else "pending"
        delivery_id = _insert_delivery(store, plan, event, state=state, due_at=due_at)
    if kind == "reorder":
        plan.faults.note_overtaken(delivery_id)
    elif kind is None:
        _send_overtaken(store, plan, after=now)


def _send_overtaken(store: Store, plan: Plan, *, after: float) -> None:
    """Let reordered deliveries follow the event that has just gone first, the latest of them first."""
    for place, delivery_id in enumerate(plan.faults.take_overtaken(), start=1):
        store.connection.execute(
            "UPDATE deliveries SET due_at = ? WHERE id = ? AND state = 'pending'",
            (after + place * OVERTAKEN_APART_S, delivery_id),
        )


def _insert_delivery(store: Store, plan: Plan, event: Object, *, state: str, due_at: float) -> int:
    inserted = store.connection.execute(
        "INSERT INTO deliveries (event_id, event_type, url, state, due_at) VALUES (?, ?, ?, ?, ?)",
        (event["id"], event["type"], plan.url, state, due_at),
    )
    assert inserted.lastrowid is not None, "a row was inserted"
    return inserted.lastrowid


def redeliver(store: Store, plan: Plan, event: Object) -> None:
    """Queue an event once more, whatever became of it before."""
    if plan.url is not None:
        _insert_delivery(store, plan, event, state="pending", due_at=clock.now())


def with_pending_count(store: Store, event: Object) -> Object:
    """Return the event as the API shows it: with the number of deliveries still to succeed."""
    row = store.connection.execute(
        "SELECT count(*) AS n FROM deliveries WHERE event_id = ? AND state = 'pending'", (event["id"],)
    ).fetchone()
    return event | {"pending_webhooks": row["n"]}


def deliveries(store: Store, *, limit: int = 100) -> list[Object]:
    """Return the latest deliveries, newest first, each with its attempts."""
    rows = store.connection.execute("SELECT * FROM deliveries ORDER BY id DESC LIMIT ?", (limit,)).fetchall()
    return [dict(row) | {"attempts": _attempts(store, row["id"])} for row in rows]


def _attempts(store: Store, delivery_id: int) -> list[Object]:
    rows = store.connection.execute(
        "SELECT attempted_at, status, error, duration_ms FROM attempts WHERE delivery_id = ? ORDER BY id",
        (delivery_id,),
    ).fetchall()
    return [dict(row) for row in rows]


def payload_of(event: Object) -> str:
    """Return the exact text that is signed and sent."""
    return json.dumps(event, indent=2)
