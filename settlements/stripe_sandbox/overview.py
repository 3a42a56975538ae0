"""The overview page: what the sandbox holds and what became of its webhooks."""

import datetime as dt
from sqlite3 import Row

from .api import Call
from .html import Markup, fill, rows
from .resources import balance, disputes
from .store import Object

N_SHOWN = 50
N_COLUMNS_MAX = 8


def body(call: Call, webhook_url: str | None) -> Markup:
    available, pending = balance.totals_cents(call)
    tables: dict[str, list[list[object]]] = {
        "events": _events(call),
        "payment_intents": _payment_intents(call),
        "charges": [_charge_row(charge) for charge in _latest(call, "charge")],
        "refunds": [_refund_row(call, refund) for refund in _latest(call, "refund")],
        "disputes": [_dispute_row(dispute) for dispute in _latest(call, "dispute")],
        "accounts": [_account_row(account) for account in _latest(call, "account")],
        "transfers": [_transfer_row(transfer) for transfer in _latest(call, "transfer")],
        "payouts": [_payout_row(payout) for payout in _latest(call, "payout")],
        "balance_transactions": [_balance_row(moved) for moved in _latest(call, "balance_transaction")],
        "customers": _customers(call),
    }
    shown: dict[str, object] = {
        name: rows(table, empty="None yet.", n_columns=N_COLUMNS_MAX) for name, table in tables.items()
    }
    return fill(
        "overview.html",
        shown
        | {
            "webhook_url": webhook_url or "nowhere",
            "available": _dollars(available),
            "pending": _dollars(pending),
        },
    )


def _dollars(cents: int) -> str:
    return f"{'−' if cents < 0 else ''}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def _buttons(path: str, *changes: str) -> Markup:
    """Return a button for each change that /_sandbox/ makes to an object."""
    return Markup(
        "".join(
            fill("change.html", {"action": f"/_sandbox/{path}/{change}", "label": change.capitalize()})
            for change in changes
        )
    )


def _charge_row(charge: Object) -> list[object]:
    may_be_disputed = charge["status"] == "succeeded" and not charge["disputed"]
    return [
        _instant(charge["created"]),
        charge["id"],
        _dollars(charge["amount"]),
        charge["status"],
        _dollars(charge["amount_refunded"]),
        "yes" if charge["disputed"] else "no",
        _buttons(f"charges/{charge['id']}", "dispute") if may_be_disputed else "",
    ]


def _refund_row(call: Call, refund: Object) -> list[object]:
    waits = call.store.private(refund["id"])["settles_at"] is not None
    changes = (("settle",) if waits else ()) + (
        ("fail",) if refund["status"] in ("pending", "succeeded") else ()
    )
    return [
        _instant(refund["created"]),
        refund["id"],
        _dollars(refund["amount"]),
        refund["status"],
        refund["charge"],
        refund["failure_reason"] or "",
        _buttons(f"refunds/{refund['id']}", *changes),
    ]


def _dispute_row(dispute: Object) -> list[object]:
    is_open = dispute["status"] in disputes.OPEN
    is_inquiry = dispute["status"].startswith("warning_")
    changes = (("escalate",) if is_open and is_inquiry else ()) + (("win", "lose") if is_open else ())
    return [
        _instant(dispute["created"]),
        dispute["id"],
        _dollars(dispute["amount"]),
        dispute["status"],
        dispute["reason"],
        _instant(dispute["evidence_details"]["due_by"]),
        dispute["charge"],
        _buttons(f"disputes/{dispute['id']}", *changes),
    ]


def _account_row(account: Object) -> list[object]:
    return [
        _instant(account["created"]),
        account["id"],
        account.get("email") or "",
        account.get("capabilities", {}).get("transfers", "none"),
        "enabled" if account.get("payouts_enabled") else "disabled",
    ]


def _transfer_row(transfer: Object) -> list[object]:
    return [
        _instant(transfer["created"]),
        transfer["id"],
        _dollars(transfer["amount"]),
        _dollars(transfer["amount_reversed"]),
        transfer["destination"],
        transfer["source_transaction"] or "",
    ]


def _payout_row(payout: Object) -> list[object]:
    return [
        _instant(payout["created"]),
        payout["id"],
        _dollars(payout["amount"]),
        payout["status"],
        _instant(payout["arrival_date"]),
    ]


def _balance_row(moved: Object) -> list[object]:
    return [
        _instant(moved["created"]),
        moved["id"],
        moved["type"],
        _dollars(moved["amount"]),
        _dollars(moved["fee"]),
        _dollars(moved["net"]),
        moved["source"] or "",
        _instant(moved["available_on"]),
    ]


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
        event["data"]["object"].get("id", ""),
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
            _dollars(intent["amount"]),
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
