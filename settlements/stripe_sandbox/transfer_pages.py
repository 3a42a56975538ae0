"""The hosted page that says where to send a bank transfer; here it sends one, too."""

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from .errors import StripeError
from .html import Markup, fill, page
from .pages import dollars, fill_error, form_of, not_found
from .resources import bank_transfers
from .sandbox import Sandbox
from .store import Object

AMOUNT = re.compile(r"(\d{1,9})(?:\.(\d{2}))?", re.ASCII)


def routes(sandbox: Sandbox) -> list[Route]:
    pages = _TransferPages(sandbox)
    return [
        Route("/bank-transfer/{intent}", pages.show, methods=["GET"]),
        Route("/bank-transfer/{intent}", pages.send, methods=["POST"]),
    ]


class _TransferPages:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def show(self, request: Request) -> Response:
        with self._sandbox.serving() as call:
            intent = call.store.find("payment_intent", request.path_params["intent"])
            return _page(intent, error=None)

    async def send(self, request: Request) -> Response:
        text = (await form_of(request)).get("amount", "")
        with self._sandbox.serving() as call:
            intent = call.store.find("payment_intent", request.path_params["intent"])
            told = None if intent is None else _instructions(intent)
            if intent is None or told is None:
                return _page(intent, error=None)
            written = AMOUNT.fullmatch(text)
            if written is None:
                return _page(intent, error="Write an amount in dollars, such as 250.00.", status=422)
            try:
                cents = int(written[1]) * 100 + int(written[2] or 0)
                bank_transfers.fund(call, intent["customer"], cents, told["reference"])
            except StripeError as error:
                return _page(intent, error=str(error), status=422)
            for later in call.deferred:
                later()
        return RedirectResponse(f"/bank-transfer/{intent['id']}", 303)


def _instructions(intent: Object) -> Object | None:
    action = intent["next_action"] or {}
    found: Object | None = action.get("display_bank_transfer_instructions")
    return found


def _page(intent: Object | None, *, error: str | None, status: int = 200) -> Response:
    if intent is None:
        return not_found("payment")
    told = _instructions(intent)
    if told is None:
        return page(
            "Bank transfer", Markup("<p>Nothing more is to be sent for this payment.</p>"), status=410
        )
    aba = told["financial_addresses"][0]["aba"]
    remaining = told["amount_remaining"]
    values: dict[str, object] = {
        "action": f"/bank-transfer/{intent['id']}",
        "remaining": dollars(remaining),
        "amount": f"{remaining // 100}.{remaining % 100:02d}",
        "reference": told["reference"],
        "error": Markup("") if error is None else fill_error(error),
        **{
            name: aba[name]
            for name in ("account_holder_name", "account_number", "bank_name", "routing_number")
        },
    }
    return page("Bank transfer", fill("bank_transfer.html", values), status=status)
