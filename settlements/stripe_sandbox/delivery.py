"""The background loop that POSTs queued webhooks, one at a time and in order, and retries."""

import http.client
import threading
import time
from dataclasses import dataclass
from sqlite3 import Row
from urllib.parse import urlsplit

from . import clock, webhooks
from .store import Object, Store

REQUEST_TIMEOUT_S = 10.0
IDLE_WAIT_S = 3600.0


@dataclass(frozen=True)
class Outcome:
    status: int | None
    error: str | None
    duration_ms: int

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class DeliveryLoop:
    """One thread that empties the queue; `wake()` it after a commit that may have queued something."""

    def __init__(self, store: Store, plan: webhooks.Plan) -> None:
        self._store = store
        self._plan = plan
        self._changed = threading.Condition()
        self._woken = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="stripe-sandbox-webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()

    def wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def _run(self) -> None:
        while not self._stopping:
            wait_s = self._deliver_next()
            with self._changed:
                self._changed.wait_for(lambda: self._woken or self._stopping, wait_s)
                self._woken = False

    def _deliver_next(self) -> float:
        """Make one attempt if one is due; return the seconds until the next is.

        It goes to the endpoint of this run: what an earlier one left pending follows the endpoint's move.
        """
        url = self._plan.url
        if url is None:
            return IDLE_WAIT_S
        with self._store.transaction():
            row = self._store.connection.execute(
                "SELECT * FROM deliveries WHERE state = 'pending' ORDER BY due_at, id LIMIT 1"
            ).fetchone()
            if row is None:
                return IDLE_WAIT_S
            event = self._store.find("event", row["event_id"])
        if row["due_at"] > clock.now():
            return row["due_at"] - clock.now()
        assert event is not None, "a delivery outlived its event"
        outcome = post(url, event, self._plan.secret)
        with self._store.transaction():
            self._record(row, url, outcome)
        return 0.0

    def _record(self, row: Row, url: str, outcome: Outcome) -> None:
        n_attempts = row["n_attempts"] + 1
        if outcome.delivered:
            state = "delivered"
        else:
            state = "exhausted" if n_attempts >= webhooks.N_ATTEMPTS_MAX else "pending"
        updated = self._store.connection.execute(
            "UPDATE deliveries SET url = ?, state = ?, n_attempts = ?, due_at = ?, last_status = ?, last_error = ? "
            "WHERE id = ?",
            (
                url,
                state,
                n_attempts,
                clock.now() + self._plan.wait_s(n_attempts),
                outcome.status,
                outcome.error,
                row["id"],
            ),
        )
        if updated.rowcount:  # none when a reset emptied the queue meanwhile
            self._store.connection.execute(
                "INSERT INTO attempts (delivery_id, attempted_at, status, error, duration_ms) "
                "VALUES (?, ?, ?, ?, ?)",
                (row["id"], clock.now(), outcome.status, outcome.error, outcome.duration_ms),
            )


def post(url: str, event: Object, secret: str) -> Outcome:
    """POST one signed event; anything but an HTTP answer becomes the outcome's error."""
    payload = webhooks.payload_of(event)
    target = urlsplit(url)
    assert target.hostname is not None, "checked at start"
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": webhooks.signature(payload, secret, clock.now_s()),
    }
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    connection = http.client.HTTPConnection(target.hostname, target.port, timeout=REQUEST_TIMEOUT_S)
    started = time.monotonic()
    status, error = None, None
    try:
        connection.request("POST", path, body=payload.encode(), headers=headers)
        answer = connection.getresponse()
        answer.read()
        status = answer.status
    except (OSError, http.client.HTTPException) as failure:
        error = f"{type(failure).__name__}: {failure}"
    finally:
        connection.close()
    return Outcome(status, error, round((time.monotonic() - started) * 1000))
