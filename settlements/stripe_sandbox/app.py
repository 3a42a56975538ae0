"""Put the sandbox's routes together into an ASGI application."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Route

from . import connect_pages, control, fault_page, money_control, pages, transfer_pages
from .api import Endpoint
from .resources import (
    account_links,
    accounts,
    balance,
    bank_transfers,
    charges,
    checkout,
    customers,
    disputes,
    events,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    setup_intents,
    transfers,
)
from .sandbox import LOOPBACK_HOSTS, Sandbox
from .wire import handler, unknown_route

RESOURCES = (
    customers,
    payment_methods,
    setup_intents,
    payment_intents,
    charges,
    refunds,
    disputes,
    checkout,
    balance,
    bank_transfers,
    events,
    accounts,
    account_links,
    transfers,
    payouts,
)
ENDPOINTS: tuple[Endpoint, ...] = tuple(endpoint for resource in RESOURCES for endpoint in resource.ENDPOINTS)
METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]


def build_app(sandbox: Sandbox) -> Starlette:
    """Return the application: Stripe's API, the hosted pages, the control API, the overview."""
    api = [
        Route(endpoint.path, handler(sandbox, endpoint), methods=[endpoint.method]) for endpoint in ENDPOINTS
    ]
    fallback = [
        Route(f"/{version}/{{rest:path}}", unknown_route, methods=METHODS) for version in ("v1", "v2")
    ]
    # A foreign Host header means a page elsewhere reached us by DNS rebinding.
    hosts = [*LOOPBACK_HOSTS, "[::1]"]
    return Starlette(
        routes=[
            *api,
            *fallback,
            *control.routes(sandbox),
            *money_control.routes(sandbox),
            *fault_page.routes(sandbox),
            *pages.routes(sandbox),
            *connect_pages.routes(sandbox),
            *transfer_pages.routes(sandbox),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
    )
