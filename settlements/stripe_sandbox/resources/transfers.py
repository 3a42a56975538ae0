"""Transfers to connected accounts, and taking them back. Source: https://docs.stripe.com/api/transfers."""

from stripe.params._transfer_create_params import TransferCreateParams
from stripe.params._transfer_list_params import TransferListParams
from stripe.params._transfer_retrieve_params import TransferRetrieveParams
from stripe.params._transfer_reversal_create_params import TransferReversalCreateParams
from stripe.params._transfer_reversal_list_params import TransferReversalListParams
from stripe.params._transfer_reversal_retrieve_params import TransferReversalRetrieveParams
from stripe.params._transfer_reversal_update_params import TransferReversalUpdateParams
from stripe.params._transfer_update_params import TransferUpdateParams

from .. import ids
from ..api import Call, Endpoint, merged_metadata, text_or_none
from ..errors import StripeError, resource_missing, unsupported
from ..rendering import LIST_PARAMS, list_page
from ..store import Object
from . import balance

AMOUNT_MAX_CENTS = 999_999_99
N_REVERSALS_SHOWN = 10


def create(call: Call) -> Object:
    given = call.params
    amount = _checked_amount(given.get("amount"))
    _check_currency(given["currency"])
    if given.get("source_type", "card") != "card":
        raise unsupported("balances of other kinds than card", param="source_type")
    account = call.store.find("account", given["destination"])
    if account is None:
        raise resource_missing("destination", given["destination"], param="destination", status=400)
    if account["capabilities"].get("transfers") != "active":
        raise StripeError(
            "Your destination account needs to have at least one of the following capabilities enabled: "
            "transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )
    charge = _source(call, amount)
    if charge is None:
        balance.refuse_beyond_available(call, amount, what=".")
    transfer = _new(call, amount, charge)
    available_on = call.now_s if charge is None else max(call.now_s, _available_on(call, charge))
    booked = balance.record(
        call,
        balance.Booking(
            type="transfer",
            source=transfer["id"],
            amount=-amount,
            available_on=available_on,
            description=transfer["description"],
        ),
    )
    transfer["balance_transaction"] = booked["id"]
    call.store.insert(transfer)
    call.emit("transfer.created", transfer)
    return transfer


def _checked_amount(amount: int | None) -> int:
    if amount is None:
        raise StripeError("Missing required param: amount.", code="parameter_missing", param="amount")
    if amount < 1:
        raise StripeError(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount > AMOUNT_MAX_CENTS:
        raise StripeError("Amount must be no more than $999,999.99", code="amount_too_large", param="amount")
    return amount


def _check_currency(currency: str) -> None:
    if currency != "usd":
        raise unsupported(f"the currency {currency}", param="currency")


def _source(call: Call, amount: int) -> Object | None:
    """Return the charge that a transfer draws on, if it names one that has as much left."""
    if "source_transaction" not in call.params:
        return None
    charge = call.get("charge", call.params["source_transaction"], param="source_transaction")
    if not charge["paid"] or charge["balance_transaction"] is None:
        raise StripeError("The source_transaction must be a successful charge.", param="source_transaction")
    left = charge["amount"] - charge["amount_refunded"] - _transferred(call, charge)
    if amount > left:
        raise StripeError(
            "Transfers using this transaction as a source must not exceed the source amount of "
            f"${charge['amount'] / 100:,.2f}. (There is ${max(left, 0) / 100:,.2f} left.)",
            param="amount",
        )
    return charge


def _transferred(call: Call, charge: Object) -> int:
    (total,) = call.store.connection.execute(
        "SELECT coalesce(sum(json_extract(body, '$.amount') - json_extract(body, '$.amount_reversed')), 0) "
        "FROM objects WHERE kind = 'transfer' AND json_extract(body, '$.source_transaction') = ?",
        (charge["id"],),
    ).fetchone()
    return int(total)


def _available_on(call: Call, charge: Object) -> int:
    return int(call.get("balance_transaction", charge["balance_transaction"])["available_on"])


def _new(call: Call, amount: int, charge: Object | None) -> Object:
    given = call.params
    transfer_id = ids.new_id("transfer")
    group = given.get("transfer_group")
    if charge is not None:
        group = _group_of(call, charge, group)
    return {
        "id": transfer_id,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": call.now_s,
        "currency": "usd",
        "description": text_or_none(given.get("description")),
        "destination": given["destination"],
        "destination_payment": ids.new_id("payment"),
        "livemode": False,
        "metadata": merged_metadata({}, given.get("metadata", {})),
        "reversals": _reversals([], transfer_id, has_more=False),
        "reversed": False,
        "source_transaction": None if charge is None else charge["id"],
        "source_type": "card",
        "transfer_group": group,
    }


def _group_of(call: Call, charge: Object, given: str | None) -> str:
    """A charge and the transfers that draw on it share a group; Stripe makes one up where there is none."""
    if charge["transfer_group"] is None:
        charge["transfer_group"] = given or f"group_{charge['payment_intent']}"
        call.store.save(charge)
    if given not in (None, charge["transfer_group"]):
        raise StripeError(
            f"The transfer_group must be that of the source_transaction: {charge['transfer_group']}.",
            param="transfer_group",
        )
    return str(charge["transfer_group"])


def _reversals(data: list[Object], transfer_id: str, *, has_more: bool) -> Object:
    return {
        "object": "list",
        "data": data,
        "has_more": has_more,
        "url": f"/v1/transfers/{transfer_id}/reversals",
    }


def retrieve(call: Call) -> Object:
    return call.get("transfer", call.path["transfer"])


def update(call: Call) -> Object:
    transfer = retrieve(call)
    before = dict(transfer)
    if "metadata" in call.params:
        transfer["metadata"] = merged_metadata(transfer["metadata"], call.params["metadata"])
    if "description" in call.params:
        transfer["description"] = text_or_none(call.params["description"])
    previous = {name: value for name, value in before.items() if transfer[name] != value}
    call.store.save(transfer)
    if previous:
        call.emit("transfer.updated", transfer, previous=previous)
    return transfer


def list_all(call: Call) -> Object:
    equals = {name: call.params.get(name) for name in ("destination", "transfer_group")}
    return list_page(call, "transfer", url="/v1/transfers", equals=equals)


def reverse(call: Call) -> Object:
    """Take all or part of a transfer back; it comes out of the connected account's balance."""
    transfer, given = retrieve(call), call.params
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = given.get("amount", left)
    if left == 0:
        raise StripeError("This transfer is already fully reversed.", code="transfer_already_reversed")
    if not 1 <= amount <= left:
        raise StripeError(
            f"Amount must be between $0.01 and the ${left / 100:,.2f} of the transfer that is not reversed.",
            code="parameter_invalid_integer",
            param="amount",
        )
    reversal: Object = {
        "id": ids.new_id("transfer_reversal"),
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": None,
        "created": call.now_s,
        "currency": "usd",
        "destination_payment_refund": ids.new_id("payment"),
        "metadata": merged_metadata({}, given.get("metadata", {})),
        "source_refund": None,
        "transfer": transfer["id"],
    }
    original = call.get("balance_transaction", transfer["balance_transaction"])
    booked = balance.record(
        call,
        balance.Booking(
            type="transfer_refund",
            source=reversal["id"],
            amount=amount,
            # What had drawn on a charge still pending comes back as pending as it went.
            available_on=max(call.now_s, original["available_on"]),
            description=text_or_none(given.get("description")),
            reporting_category="transfer_reversal",
        ),
    )
    reversal["balance_transaction"] = booked["id"]
    call.store.insert(reversal)
    _take_back(call, transfer, reversal)
    return reversal


def _take_back(call: Call, transfer: Object, reversal: Object) -> None:
    before = {name: transfer[name] for name in ("amount_reversed", "reversed")}
    amount_reversed = transfer["amount_reversed"] + reversal["amount"]
    shown = [reversal, *transfer["reversals"]["data"]]
    transfer |= {
        "amount_reversed": amount_reversed,
        "reversed": amount_reversed == transfer["amount"],
        "reversals": _reversals(
            shown[:N_REVERSALS_SHOWN],
            transfer["id"],
            has_more=transfer["reversals"]["has_more"] or len(shown) > N_REVERSALS_SHOWN,
        ),
    }
    call.store.save(transfer)
    call.emit("transfer.reversed", transfer, previous=before)


def retrieve_reversal(call: Call) -> Object:
    reversal = call.get("transfer_reversal", call.path["id"])
    if reversal["transfer"] != call.path["transfer"]:
        raise resource_missing("transfer_reversal", call.path["id"], param="id")
    return reversal


def update_reversal(call: Call) -> Object:
    reversal = retrieve_reversal(call)
    if "metadata" in call.params:
        reversal["metadata"] = merged_metadata(reversal["metadata"], call.params["metadata"])
        call.store.save(reversal)
    return reversal


def list_reversals(call: Call) -> Object:
    transfer = retrieve(call)
    url = f"/v1/transfers/{transfer['id']}/reversals"
    return list_page(call, "transfer_reversal", url=url, equals={"transfer": transfer["id"]})


REVERSALS = "/v1/transfers/{transfer}/reversals"
ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/transfers",
        TransferCreateParams,
        frozenset(
            {"amount", "currency", "description", "destination", "metadata"}
            | {"source_transaction", "source_type", "transfer_group"}
        ),
        create,
    ),
    Endpoint(
        "GET",
        "/v1/transfers",
        TransferListParams,
        LIST_PARAMS | {"created", "destination", "transfer_group"},
        list_all,
    ),
    Endpoint("GET", "/v1/transfers/{transfer}", TransferRetrieveParams, frozenset(), retrieve),
    Endpoint(
        "POST",
        "/v1/transfers/{transfer}",
        TransferUpdateParams,
        frozenset({"description", "metadata"}),
        update,
    ),
    Endpoint(
        "POST",
        REVERSALS,
        TransferReversalCreateParams,
        frozenset({"amount", "description", "metadata"}),
        reverse,
    ),
    Endpoint("GET", REVERSALS, TransferReversalListParams, LIST_PARAMS, list_reversals),
    Endpoint("GET", REVERSALS + "/{id}", TransferReversalRetrieveParams, frozenset(), retrieve_reversal),
    Endpoint(
        "POST", REVERSALS + "/{id}", TransferReversalUpdateParams, frozenset({"metadata"}), update_reversal
    ),
)
