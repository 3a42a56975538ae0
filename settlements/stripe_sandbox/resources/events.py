"""Events. Source: https://docs.stripe.com/api/events."""

from stripe.params._event_list_params import EventListParams
from stripe.params._event_retrieve_params import EventRetrieveParams

from .. import webhooks
from ..api import Call, Endpoint
from ..rendering import LIST_PARAMS, list_page
from ..store import Object


def retrieve(call: Call) -> Object:
    return webhooks.with_pending_count(call.store, call.get("event", call.path["id"]))


def list_all(call: Call) -> Object:
    page = list_page(call, "event", url="/v1/events", equals={"type": call.params.get("type")})
    page["data"] = [webhooks.with_pending_count(call.store, event) for event in page["data"]]
    return page


ENDPOINTS = (
    Endpoint("GET", "/v1/events", EventListParams, LIST_PARAMS | {"created", "type"}, list_all),
    Endpoint("GET", "/v1/events/{id}", EventRetrieveParams, frozenset(), retrieve),
)
