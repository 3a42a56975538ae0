"""Shape answers: `expand[]` and list pages."""

from typing import Any

from .api import Call
from .errors import StripeError, resource_missing
from .store import Object

LIMIT_DEFAULT = 10
LIMIT_MAX = 100
EXPAND_MAX_DEPTH = 4
LIST_PARAMS = frozenset({"limit", "starting_after", "ending_before"})

ANY = None

# Fields that hold an id and can be expanded: kind → field → kind of what it names.
EXPANDABLE: dict[str, dict[str, str | None]] = {
    "payment_method": {"customer": "customer"},
    "setup_intent": {"customer": "customer", "payment_method": "payment_method"},
    "payment_intent": {
        "customer": "customer",
        "latest_charge": "charge",
        "payment_method": "payment_method",
    },
    "charge": {
        "customer": "customer",
        "payment_intent": "payment_intent",
        "balance_transaction": "balance_transaction",
    },
    "checkout.session": {
        "customer": "customer",
        "payment_intent": "payment_intent",
        "setup_intent": "setup_intent",
    },
    "balance_transaction": {"source": ANY},
    "transfer": {
        "balance_transaction": "balance_transaction",
        "destination": "account",
        "source_transaction": "charge",
    },
    "transfer_reversal": {"balance_transaction": "balance_transaction", "transfer": "transfer"},
    "payout": {
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
    },
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
    },
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
}


def expanded(call: Call, answer: Object) -> Object:
    """Return the answer with the objects its `expand` parameters ask for in place of their ids."""
    for path in call.params.get("expand", []):
        fields = path.split(".")
        if len(fields) - (fields[0] == "data") > EXPAND_MAX_DEPTH:
            raise StripeError(
                f"You cannot expand more than {EXPAND_MAX_DEPTH} levels of a property: {path}",
                param="expand",
            )
        _expand(call, answer, fields, path)
    return answer


def _expand(call: Call, node: Object, fields: list[str], path: str) -> None:
    if not fields:
        return
    field, rest = fields[0], fields[1:]
    if node["object"] == "list" and field == "data":
        for item in node["data"]:
            _expand(call, item, rest, path)
        return
    fields_of_kind = EXPANDABLE.get(node["object"], {})
    if field not in fields_of_kind:
        raise StripeError(
            f"This property cannot be expanded ({path}). You may want to try expanding a property of "
            f"{node['object']} instead.",
            code="parameter_unknown",
            param="expand",
        )
    value = node[field]
    if isinstance(value, str):
        node[field] = value = as_of_now(call, call.store.find(fields_of_kind[field], value))
    if value is not None:
        _expand(call, value, rest, path)


def as_of_now(call: Call, found: Any) -> Any:
    """Return an object as its owner sees it now: a balance transaction becomes available as time goes by."""
    if found is not None and found["object"] == "balance_transaction":
        found.pop("payout", None)
        if found["available_on"] <= call.now_s:
            found["status"] = "available"
    return found


def list_page(call: Call, kind: str, *, url: str, equals: dict[str, Any] | None = None) -> Object:
    """Return one page of a kind, newest first, under Stripe's pagination parameters."""
    limit = call.params.get("limit", LIMIT_DEFAULT)
    _check_limit(limit)
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after and before:
        raise StripeError(
            "Received both starting_after and ending_before parameters. Please pass in only one."
        )
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor is not None and call.store.find(kind, cursor) is None:
            raise resource_missing(kind, cursor, param=name, status=400)
    wanted = {name: value for name, value in (equals or {}).items() if value is not None}
    found = call.store.select(
        kind,
        equals=wanted,
        created=_created_range(call.params.get("created")),
        limit=limit + 1,
        after=after,
        before=before,
    )
    has_more = len(found) > limit
    data = found[-limit:] if before is not None else found[:limit]
    return {"object": "list", "url": url, "has_more": has_more, "data": data}


def _check_limit(limit: int) -> None:
    if limit < 1:
        problem = f"greater than or equal to 1 (it currently is '{limit}')"
    elif limit > LIMIT_MAX:
        problem = f"less than or equal to {LIMIT_MAX} (it currently is '{limit}')"
    else:
        return
    raise StripeError(f"This value must be {problem}.", code="parameter_invalid_integer", param="limit")


def _created_range(created: dict[str, int] | int | None) -> dict[str, int]:
    if created is None:
        return {}
    if isinstance(created, int):
        return {"gte": created, "lte": created}
    return created
