"""The control API under /_sandbox/: arm faults, move the clock, look at deliveries, send an event again, reset."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any, TypeVar, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from . import webhooks
from .api import Call
from .errors import StripeError
from .faults import ApiFault, ApiFaultKind, FaultRejected, WebhookFault, WebhookFaultKind
from .resources import accounts, checkout, disputes, payouts, refunds
from .sandbox import Sandbox

FaultType = TypeVar("FaultType", ApiFault, WebhookFault)
MAX_TIMES = 10_000
MAX_CLOCK_MOVE_S = 366 * 24 * 60 * 60


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the control routes; every POST takes a JSON object and needs no key."""
    control = _Control(sandbox)
    return [
        Route("/_sandbox/health", control.health, methods=["GET"]),
        Route("/_sandbox/faults", control.show_faults, methods=["GET"]),
        Route("/_sandbox/faults", control.clear_faults, methods=["DELETE"]),
        Route("/_sandbox/faults/api", control.arm_api, methods=["POST"]),
        Route("/_sandbox/faults/webhooks", control.arm_webhook, methods=["POST"]),
        Route("/_sandbox/faults/release", control.release, methods=["POST"]),
        Route("/_sandbox/deliveries", control.deliveries, methods=["GET"]),
        Route("/_sandbox/events/{id}/redeliver", control.redeliver, methods=["POST"]),
        Route("/_sandbox/clock", control.show_clock, methods=["GET"]),
        Route("/_sandbox/clock", control.move_clock, methods=["POST"]),
        Route("/_sandbox/payouts", control.pay_out, methods=["POST"]),
        Route("/_sandbox/payouts/{id}/fail", control.fail_payout, methods=["POST"]),
        Route("/_sandbox/accounts/{id}/disable", control.disable_account, methods=["POST"]),
        Route("/_sandbox/accounts/{id}/enable", control.enable_account, methods=["POST"]),
        Route("/_sandbox/reset", control.reset, methods=["POST"]),
    ]


class _Control:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def health(self, _request: Request) -> Response:
        return JSONResponse({"ok": True})

    def show_faults(self, _request: Request) -> Response:
        return JSONResponse(self._sandbox.faults.as_dict())

    def clear_faults(self, _request: Request) -> Response:
        self._sandbox.faults.clear()
        return JSONResponse(self._sandbox.faults.as_dict())

    async def arm_api(self, request: Request) -> Response:
        return await self._arm(request, api_fault, self._sandbox.faults.arm_api)

    async def arm_webhook(self, request: Request) -> Response:
        return await self._arm(request, webhook_fault, self._sandbox.faults.arm_webhook)

    async def _arm(
        self, request: Request, read: Callable[[bytes], FaultType], arm: Callable[[FaultType], None]
    ) -> Response:
        try:
            arm(read(await request.body()))
        except FaultRejected as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(self._sandbox.faults.as_dict())

    def release(self, _request: Request) -> Response:
        self._sandbox.faults.release()
        return JSONResponse(self._sandbox.faults.as_dict())

    def deliveries(self, _request: Request) -> Response:
        with self._sandbox.store.transaction():
            return JSONResponse({"deliveries": webhooks.deliveries(self._sandbox.store)})

    def redeliver(self, request: Request) -> Response:
        event_id = request.path_params["id"]
        with self._sandbox.serving() as call:
            event = call.store.find("event", event_id)
            if event is None:
                return JSONResponse({"error": f"No such event: {event_id}"}, 404)
            webhooks.redeliver(call.store, call.webhook_plan, event)
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/", 303)
        return JSONResponse({"ok": True})

    def show_clock(self, _request: Request) -> Response:
        with self._sandbox.serving() as call:
            return _clock_answer(call)

    async def move_clock(self, request: Request) -> Response:
        """Move Stripe's time on by ``seconds``: what is due then happens. It never goes back."""
        try:
            seconds = _seconds(await request.body())
        except FaultRejected as error:
            return JSONResponse({"error": str(error)}, 400)
        with self._sandbox.serving() as call:
            call.store.set_ahead_s(call.store.ahead_s() + seconds)
            call.now_s += seconds
            payouts.arrive_due(call)
            refunds.settle_due(call)
            disputes.expire_due(call)
            checkout.expire_due(call)
            return _clock_answer(call)

    def pay_out(self, _request: Request) -> Response:
        return self._changed(lambda call: payouts.pay_out_available(call))

    def fail_payout(self, request: Request) -> Response:
        return self._changed(lambda call: payouts.fail(call, call.get("payout", request.path_params["id"])))

    def disable_account(self, request: Request) -> Response:
        return self._changed(lambda call: _set_disabled(call, request, "requirements.past_due"))

    def enable_account(self, request: Request) -> Response:
        return self._changed(lambda call: _set_disabled(call, request, None))

    def _changed(self, change: Callable[[Call], Any]) -> Response:
        try:
            with self._sandbox.serving() as call:
                return JSONResponse(change(call) or {"ok": True})
        except StripeError as error:
            return JSONResponse({"error": str(error)}, error.status)

    def reset(self, _request: Request) -> Response:
        self._sandbox.reset()
        return JSONResponse({"ok": True})


def _set_disabled(call: Call, request: Request, reason: str | None) -> None:
    accounts.set_disabled(call, call.get("account", request.path_params["id"]), reason)


def _clock_answer(call: Call) -> Response:
    return JSONResponse({"now": call.now_s, "ahead_s": call.store.ahead_s()})


def _seconds(body: bytes) -> int:
    try:
        given: Any = json.loads(body)
    except ValueError as error:
        raise FaultRejected(f"Not JSON: {error}") from error
    seconds = given.get("seconds") if isinstance(given, dict) else None
    if type(seconds) is not int or not 0 <= seconds <= MAX_CLOCK_MOVE_S:
        raise FaultRejected(f"seconds must be a whole number from 0 to {MAX_CLOCK_MOVE_S}.")
    return seconds


def api_fault(body: bytes) -> ApiFault:
    return _read(body, ApiFault, kinds=get_args(ApiFaultKind))


def webhook_fault(body: bytes) -> WebhookFault:
    return _read(body, WebhookFault, kinds=get_args(WebhookFaultKind))


def _read(body: bytes, definition: type[FaultType], *, kinds: tuple[str, ...]) -> FaultType:
    try:
        given: Any = json.loads(body)
    except ValueError as error:
        raise FaultRejected(f"Not JSON: {error}") from error
    if not isinstance(given, dict):
        raise FaultRejected("A fault is a JSON object.")
    known = {field.name for field in dataclasses.fields(definition)}
    if unknown := given.keys() - known:
        raise FaultRejected(f"Unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}.")
    if given.get("kind") not in kinds:
        raise FaultRejected(f"kind must be one of {', '.join(kinds)}.")
    if given.get("phase", "before") not in ("before", "after"):
        raise FaultRejected("phase must be before or after.")
    times = given.get("times", 1)
    if type(times) is not int or not 1 <= times <= MAX_TIMES:
        raise FaultRejected(f"times must be a whole number from 1 to {MAX_TIMES}.")
    seconds = given.get("seconds", 0)
    if type(seconds) not in (int, float) or seconds < 0:
        raise FaultRejected("seconds must be a number from 0.")
    if "types" in given:
        given["types"] = tuple(given["types"])
    return definition(**given)
