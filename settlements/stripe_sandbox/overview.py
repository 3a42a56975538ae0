"""The overview page: what the sandbox holds and what became of its webhooks."""

import datetime as dt
from sqlite3 import Row

from .api import Call
from .html import Markup, fill, rows
from .store import Object

N_SHOWN = 50


def body(call: Call, webhook_url: str | None) -> Markup:
    return fill(
        "overview.html",
        {
            "events": rows(_events(call), empty="No events yet.", n_columns=7),
            "payment_intents": rows(_payment_intents(call), empty="No payment intents yet.", n_columns=6),
            "customers": rows(_customers(call), empty="No customers yet.", n_columns=5),
            "webhook_url": webhook_url or "nowhere",
        },
    )


def _latest(call: Call, kind: str) -> list[Object]:
    return call.store.select(kind, equals={}, created={}, limit=N_SHOWN)


def _instant(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def _events(call: Call) -> list[list[object]]:
    return [_event_row(event, _last_delivery(call, event["id"])) for event in _latest(call, "event")]


def _last_delivery(call: Call, event_id: str) -> Row | None:
    found: Row | None = call.store.connection.execute(
        "SELECT * FROM deliveries WHERE event_id = ? ORDER BY id DESC LIMIT 1", (event_id,)
    ).fetchone()
    return found


def _event_row(event: Object, delivery: Row | None) -> list[object]:
    state, n_attempts, answer = "not sent", 0, ""
    if delivery is not None:
        state, n_attempts = delivery["state"], delivery["n_attempts"]
        answer = delivery["last_status"] or delivery["last_error"] or ""
    return [
        _instant(event["created"]),
        event["type"],
        event["data"]["object"]["id"],
        state,
        n_attempts,
        answer,
        fill("redeliver.html", {"id": event["id"]}),
    ]


def _payment_intents(call: Call) -> list[list[object]]:
    return [
        [
            _instant(intent["created"]),
            intent["id"],
            f"${intent['amount'] // 100:,}.{intent['amount'] % 100:02d}",
            intent["status"],
            intent["customer"] or "",
            (intent["last_payment_error"] or {}).get("message", ""),
        ]
        for intent in _latest(call, "payment_intent")
    ]


def _customers(call: Call) -> list[list[object]]:
    return [
        [
            _instant(customer["created"]),
            customer["id"],
            customer["name"] or "",
            customer["email"] or "",
            _cards(call, customer["id"]),
        ]
        for customer in _latest(call, "customer")
    ]


def _cards(call: Call, customer_id: str) -> str:
    methods = call.store.select("payment_method", equals={"customer": customer_id}, created={}, limit=N_SHOWN)
    return ", ".join(f"{method['card']['brand']} {method['card']['last4']}" for method in methods)
