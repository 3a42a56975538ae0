"""Control of refunds and disputes under /_sandbox/: what banks and cardholders do."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from .api import Call
from .cards import DisputeFate
from .errors import StripeError
from .resources import disputes, refunds
from .sandbox import Sandbox
from .store import Object

Change = Callable[[Call, Object], Object]

CHANGES: dict[str, tuple[str, Change]] = {
    "/_sandbox/refunds/{id}/settle": ("refund", refunds.settle),
    "/_sandbox/refunds/{id}/fail": ("refund", refunds.fail),
    "/_sandbox/disputes/{id}/win": ("dispute", disputes.win),
    "/_sandbox/disputes/{id}/lose": ("dispute", disputes.lose),
    "/_sandbox/disputes/{id}/escalate": ("dispute", disputes.escalate),
    "/_sandbox/charges/{id}/dispute": (
        "charge",
        lambda call, charge: disputes.open_for(call, charge, DisputeFate.FRAUDULENT),
    ),
}


def routes(sandbox: Sandbox) -> list[Route]:
    """Return a POST route for each change; it answers with the changed object, or sends a browser back."""
    return [Route(path, _handler(sandbox, *change), methods=["POST"]) for path, change in CHANGES.items()]


def _handler(sandbox: Sandbox, kind: str, change: Change) -> Callable[[Request], Response]:
    def handle(request: Request) -> Response:
        try:
            with sandbox.serving() as call:
                changed = change(call, call.get(kind, request.path_params["id"]))
        except StripeError as error:
            return JSONResponse({"error": str(error)}, error.status)
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/", 303)
        return JSONResponse(changed)

    return handle
