"""/faults: what is armed, and forms with which people arm faults as tests do over /_sandbox/faults."""

from collections.abc import Mapping
from typing import Any, get_args
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from .faults import ApiFault, ApiFaultKind, FaultRejected, WebhookFault, WebhookFaultKind
from .html import Markup, fill, page, rows
from .sandbox import Sandbox

MAX_TIMES = 10_000
WORDS = {
    "error": "Server error (500)",
    "rate_limit": "Rate limit (429)",
    "refusal": "Account may not (400)",
    "timeout": "No answer (time-out)",
    "drop": "Drop",
    "duplicate": "Send twice",
    "delay": "Delay",
    "reorder": "Let the next one go first",
}


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the page, and where its forms go."""
    faults = _FaultPage(sandbox)
    return [
        Route("/faults", faults.show, methods=["GET"]),
        Route("/faults/api", faults.arm_api, methods=["POST"]),
        Route("/faults/webhooks", faults.arm_webhook, methods=["POST"]),
        Route("/faults/release", faults.release, methods=["POST"]),
        Route("/faults/clear", faults.clear, methods=["POST"]),
    ]


class _FaultPage:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def show(self, _request: Request) -> Response:
        return self._page()

    async def arm_api(self, request: Request) -> Response:
        given = await _fields(request)
        try:
            fault = ApiFault(
                kind=_one_of(given, "kind", get_args(ApiFaultKind)),
                phase=_one_of(given, "phase", ("before", "after")),
                times=_whole_number(given, "times", least=1, most=MAX_TIMES),
                method=given.get("method") or None,
                path=given.get("path") or None,
            )
            self._sandbox.faults.arm_api(fault)
        except FaultRejected as error:
            return self._page(given, api_error=str(error))
        return RedirectResponse("/faults", 303)

    async def arm_webhook(self, request: Request) -> Response:
        given = await _fields(request)
        try:
            fault = WebhookFault(
                kind=_one_of(given, "kind", get_args(WebhookFaultKind)),
                times=_whole_number(given, "times", least=1, most=MAX_TIMES),
                types=tuple(given.get("types", "").replace(",", " ").split()),
                seconds=_whole_number(given, "seconds", least=0, most=24 * 60 * 60),
            )
            self._sandbox.faults.arm_webhook(fault)
        except FaultRejected as error:
            return self._page(given, webhook_error=str(error))
        return RedirectResponse("/faults", 303)

    def release(self, _request: Request) -> Response:
        self._sandbox.faults.release()
        return RedirectResponse("/faults", 303)

    def clear(self, _request: Request) -> Response:
        self._sandbox.faults.clear()
        return RedirectResponse("/faults", 303)

    def _page(
        self, given: Mapping[str, str] | None = None, *, api_error: str = "", webhook_error: str = ""
    ) -> Response:
        armed = self._sandbox.faults.as_dict()
        given = given or {}
        body = fill(
            "faults.html",
            {
                "armed": rows(_armed_rows(armed), empty="Nothing is armed.", n_columns=4),
                "held": armed["held"],
                "api_error": _error(api_error),
                "webhook_error": _error(webhook_error),
                "api_kinds": _options(get_args(ApiFaultKind), given.get("kind")),
                "webhook_kinds": _options(get_args(WebhookFaultKind), given.get("kind")),
                "times": given.get("times", "1"),
                "path": given.get("path", "/v1/payment_intents"),
                "types": given.get("types", ""),
                "seconds": given.get("seconds", "5"),
            },
        )
        return page("Faults", body, status=400 if api_error or webhook_error else 200)


async def _fields(request: Request) -> dict[str, str]:
    fields = parse_qsl((await request.body()).decode(errors="replace"), max_num_fields=20)
    return {name: value.strip()[:200] for name, value in fields}


def _one_of(given: Mapping[str, str], name: str, choices: tuple[str, ...]) -> Any:
    value = given.get(name, choices[0])
    if value not in choices:
        raise FaultRejected(f"{name} must be one of {', '.join(choices)}.")
    return value


def _whole_number(given: Mapping[str, str], name: str, *, least: int, most: int) -> int:
    text = given.get(name, str(least))
    if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
        raise FaultRejected(f"{name} must be a whole number from {least} to {most}.")
    return int(text)


def _armed_rows(armed: Mapping[str, Any]) -> list[list[object]]:
    calls = [
        [
            WORDS[fault["kind"]],
            f"{fault['method'] or 'any'} {fault['path'] or 'call'}",
            f"{fault['phase']} the work is done",
            fault["times"],
        ]
        for fault in armed["api"]
    ]
    webhooks = [
        [WORDS[fault["kind"]], ", ".join(fault["types"]) or "any event", "webhook", fault["times"]]
        for fault in armed["webhooks"]
    ]
    return calls + webhooks


def _options(kinds: tuple[str, ...], chosen: str | None) -> Markup:
    return Markup(
        "".join(
            f'<option value="{kind}"{" selected" if kind == chosen else ""}>{WORDS[kind]}</option>'
            for kind in kinds
        )
    )


def _error(text: str) -> Markup:
    return fill("problem.html", {"text": text}) if text else Markup("")
