"""Connected accounts of sellers, onboarded on a hosted page. Source: https://docs.stripe.com/api/accounts."""

from stripe.params._account_create_params import AccountCreateParams
from stripe.params._account_list_params import AccountListParams
from stripe.params._account_retrieve_params import AccountRetrieveParams
from stripe.params._account_update_params import AccountUpdateParams

from .. import ids
from ..api import Call, Endpoint, merged_metadata, text_or_none
from ..errors import StripeError, unsupported
from ..rendering import LIST_PARAMS, list_page
from ..store import Object

# What onboarding asks for: the requirement's name → what the page asks.
DETAILS = {
    "business_profile.name": "Business name",
    "business_profile.url": "Website",
    "representative.first_name": "Representative’s first name",
    "representative.last_name": "Representative’s last name",
    "external_account": "Bank account number",
    "tos_acceptance.date": "Stripe’s terms accepted",
}
CAPABILITIES = ("transfers",)
WRITABLE = frozenset({"business_profile", "business_type", "email", "metadata"})


def create(call: Call) -> Object:
    given = call.params
    _refuse_other_kinds(given)
    account: Object = {
        "id": ids.new_id("account"),
        "object": "account",
        "business_profile": dict.fromkeys(("mcc", "name", "product_description", "support_email", "url")),
        "business_type": given.get("business_type"),
        "capabilities": {},
        "charges_enabled": False,
        "controller": {
            "fees": {"payer": "application"},
            "is_controller": True,
            "losses": {"payments": "application"},
            "requirement_collection": "stripe",
            "stripe_dashboard": {"type": "express"},
            "type": "application",
        },
        "country": given.get("country", "US"),
        "created": call.now_s,
        "default_currency": "usd",
        "details_submitted": False,
        "email": text_or_none(given.get("email")),
        "external_accounts": {"object": "list", "data": [], "has_more": False, "url": ""},
        "future_requirements": _requirements([]),
        "metadata": merged_metadata({}, given.get("metadata", {})),
        "payouts_enabled": False,
        "requirements": _requirements([]),
        "settings": {
            "payouts": {
                "debit_negative_balances": True,
                "schedule": {"delay_days": 2, "interval": "daily"},
                "statement_descriptor": None,
            }
        },
        "tos_acceptance": {"date": None},
        "type": "express",
    }
    account["external_accounts"]["url"] = f"/v1/accounts/{account['id']}/external_accounts"
    account["capabilities"] = {
        name: "inactive" for name, asked in given.get("capabilities", {}).items() if asked.get("requested")
    }
    account["business_profile"] |= given.get("business_profile", {})
    call.store.insert(account, private={"details": {}, "disabled": None})
    _refresh(call, account)
    call.store.save(account)
    return account


def _refuse_other_kinds(given: Object) -> None:
    """Only accounts with the Express dashboard, in the US, that can get transfers."""
    controller = given.get("controller", {})
    express = (
        given.get("type") == "express" or controller.get("stripe_dashboard", {}).get("type") == "express"
    )
    if "type" in given and controller:
        raise StripeError("You may not provide the `type` parameter and `controller` parameters together.")
    if not express:
        raise unsupported(
            "accounts without the Express dashboard", param="controller[stripe_dashboard][type]"
        )
    wanted = {
        "fees": {"payer": "application"},
        "losses": {"payments": "application"},
        "requirement_collection": "stripe",
    }
    for name, value in wanted.items():
        if controller and controller.get(name) != value:
            raise unsupported(f"a controller whose {name} is not {value}", param=f"controller[{name}]")
    if given.get("country", "US") != "US":
        raise unsupported("accounts outside the United States", param="country")
    for name in given.get("capabilities", {}):
        if name not in CAPABILITIES:
            raise unsupported(f"the capability {name}", param=f"capabilities[{name}]")


def retrieve(call: Call) -> Object:
    return call.get("account", call.path["account"])


def update(call: Call) -> Object:
    account, given = retrieve(call), call.params
    before = dict(account)
    if "metadata" in given:
        account["metadata"] = merged_metadata(account["metadata"], given["metadata"])
    if "email" in given:
        account["email"] = text_or_none(given["email"])
    for name in ("business_profile", "business_type"):
        if name in given and call.store.private(account["id"])["details"]:
            raise StripeError(
                "You cannot update this after an account link was used: Stripe collects it.", param=name
            )
    if "business_type" in given:
        account["business_type"] = given["business_type"]
    account["business_profile"] = account["business_profile"] | given.get("business_profile", {})
    _save_and_tell(call, before, account)
    return account


def list_all(call: Call) -> Object:
    return list_page(call, "account", url="/v1/accounts")


def enter(call: Call, account: Object, details: dict[str, str]) -> None:
    """Take what the seller entered on the hosted page; what is left empty stays due."""
    before = dict(account)
    private = call.store.private(account["id"])
    private["details"] |= {name: value for name, value in details.items() if value}
    call.store.set_private(account["id"], private)
    entered = private["details"]
    account["business_profile"] = account["business_profile"] | {
        "name": entered.get("business_profile.name"),
        "url": entered.get("business_profile.url"),
    }
    if "external_account" in entered:
        account["external_accounts"] = account["external_accounts"] | {"data": [_bank(account, entered)]}
    if "tos_acceptance.date" in entered:
        account["tos_acceptance"] = {"date": call.now_s}
    _save_and_tell(call, before, account)


def set_disabled(call: Call, account: Object, reason: str | None) -> None:
    """Have Stripe stop payouts to an account (or let them again), as it does when it wants to know more."""
    before = dict(account)
    private = call.store.private(account["id"])
    call.store.set_private(account["id"], private | {"disabled": reason})
    _save_and_tell(call, before, account)


def _bank(account: Object, entered: dict[str, str]) -> Object:
    return {
        "id": f"ba_{account['id'].removeprefix('acct_')}",
        "object": "bank_account",
        "account": account["id"],
        "bank_name": "STRIPE TEST BANK",
        "country": "US",
        "currency": "usd",
        "default_for_currency": True,
        "last4": entered["external_account"][-4:],
        "routing_number": "110000000",
        "status": "new",
    }


def _save_and_tell(call: Call, before: Object, account: Object) -> None:
    _refresh(call, account)
    previous = {name: value for name, value in before.items() if account[name] != value}
    call.store.save(account)
    if previous:
        call.emit("account.updated", account, previous=previous, account=account["id"])


def _refresh(call: Call, account: Object) -> None:
    """Work out what is due and what the account may do from what was entered."""
    private = call.store.private(account["id"])
    due = [name for name in DETAILS if name not in private["details"]]
    reason = private["disabled"] or ("requirements.past_due" if due else None)
    ready = reason is None
    asked = ["verification.document"] if private["disabled"] else []
    account |= {
        "details_submitted": not due,
        "payouts_enabled": ready,
        "charges_enabled": False,
        "capabilities": dict.fromkeys(account["capabilities"], "active" if ready else "inactive"),
        "requirements": _requirements(due + asked, disabled_reason=reason),
    }


def _requirements(due: list[str], *, disabled_reason: str | None = None) -> Object:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": due,
        "disabled_reason": disabled_reason,
        "errors": [],
        "eventually_due": due,
        "past_due": due,
        "pending_verification": [],
    }


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/accounts",
        AccountCreateParams,
        WRITABLE | {"capabilities", "controller", "country", "type"},
        create,
    ),
    Endpoint("GET", "/v1/accounts", AccountListParams, LIST_PARAMS | {"created"}, list_all),
    Endpoint("GET", "/v1/accounts/{account}", AccountRetrieveParams, frozenset(), retrieve),
    Endpoint("POST", "/v1/accounts/{account}", AccountUpdateParams, WRITABLE, update),
)
