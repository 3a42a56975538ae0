"""Account links: the way to the hosted onboarding page, good once. Source: https://docs.stripe.com/api/account_links."""

from stripe.params._account_link_create_params import AccountLinkCreateParams

from .. import ids
from ..api import Call, Endpoint
from ..errors import StripeError, unsupported
from ..store import Object
from . import intents

EXPIRES_AFTER_S = 5 * 60
VISIT_LASTS_S = 60 * 60


def create(call: Call) -> Object:
    given = call.params
    account = call.get("account", given["account"], param="account")
    if given["type"] != "account_onboarding":
        raise StripeError(
            "You cannot create `account_update` type Account Links for this account, because it has a "
            "Stripe-hosted Dashboard.",
            param="type",
        )
    if given.get("collection_options", {}).get("future_requirements") == "include":
        raise unsupported("future requirements", param="collection_options[future_requirements]")
    urls = {name: _url(given, name) for name in ("refresh_url", "return_url")}
    link: Object = {
        "id": ids.new_id("account_link"),
        "object": "account_link",
        "created": call.now_s,
        "expires_at": call.now_s + EXPIRES_AFTER_S,
    }
    call.store.insert(link, private={"account": account["id"], "visited_at": None} | urls)
    shown = {name: link[name] for name in ("object", "created", "expires_at")}
    return shown | {"url": f"{call.base_url}/setup/e/{account['id']}/{link['id']}"}


def _url(given: Object, name: str) -> str:
    if name not in given:
        raise StripeError(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return intents.checked_url(given[name], param=name)


def visit(call: Call, link: Object) -> str | None:
    """Use a link up; return the page it leads to, or None when it is expired or was used before."""
    private = call.store.private(link["id"])
    if private["visited_at"] is not None or link["expires_at"] <= call.now_s:
        return None
    private |= {"visited_at": call.now_s, "visit": ids.random_text(24)}
    call.store.set_private(link["id"], private)
    return f"/setup/s/{link['id']}/{private['visit']}"


def is_open(call: Call, link: Object, visit_token: str) -> bool:
    """Say whether this is the page of the visit that used the link up, and still lasts."""
    private = call.store.private(link["id"])
    return private.get("visit") == visit_token and call.now_s < private["visited_at"] + VISIT_LASTS_S


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/account_links",
        AccountLinkCreateParams,
        frozenset({"account", "collect", "collection_options", "refresh_url", "return_url", "type"}),
        create,
    ),
)
