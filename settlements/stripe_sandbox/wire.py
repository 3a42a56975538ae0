"""The API's way in and out: authentication, idempotency, faults, and Stripe's headers and errors."""

import base64
import binascii
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from . import clock, forms, idempotency, ids, rendering, schema
from .api import Call, Endpoint
from .errors import StripeError, unsupported
from .faults import ApiFault
from .sandbox import Sandbox
from .webhooks import API_VERSION

HOLD_POLL_S = 0.02
_VERSION = re.compile(r"^\d{4}-\d{2}-\d{2}(\.[a-z_]+)?$")


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


def error_answer(error: StripeError, headers: dict[str, str] | None = None) -> Answer:
    return Answer(error.status, json.dumps({"error": error.body}, indent=2), headers or {})


def handler(sandbox: Sandbox, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """Return the Starlette handler that serves one endpoint."""

    async def handle(request: Request) -> Response:
        request_id = ids.new_request_id()
        try:
            answer = await _serve(sandbox, endpoint, request, request_id)
        except StripeError as error:
            answer = error_answer(error, _retry_header(error))
        return _response(request, answer, request_id)

    return handle


async def unknown_route(request: Request) -> Response:
    error = StripeError(
        f"Unrecognized request URL ({request.method}: {request.url.path}). "
        "The Stripe sandbox does not imitate this resource, or it does not exist.",
        status=404,
    )
    return _response(request, error_answer(error), ids.new_request_id())


def _retry_header(error: StripeError) -> dict[str, str]:
    return {"Stripe-Should-Retry": "true"} if error.status == 409 else {}


def _no_use_retrying(status: int) -> dict[str, str]:
    """Headers of a saved answer: a saved server error would only be replayed."""
    return {"Stripe-Should-Retry": "false"} if status >= 500 else {}


def _response(request: Request, answer: Answer, request_id: str) -> Response:
    headers = {
        "Request-Id": request_id,
        "Stripe-Version": request.headers.get("stripe-version", API_VERSION),
        "Cache-Control": "no-cache, no-store",
    }
    if "idempotency-key" in request.headers:
        headers["Idempotency-Key"] = request.headers["idempotency-key"]
    if answer.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="Stripe"'
    return Response(
        answer.body, answer.status, headers=headers | answer.headers, media_type="application/json"
    )


async def _serve(sandbox: Sandbox, endpoint: Endpoint, request: Request, request_id: str) -> Answer:
    _check_headers(request, sandbox.settings.api_key)
    encoded = (await request.body()).decode(errors="replace") if endpoint.method == "POST" else ""
    given = forms.decode(encoded or request.url.query)
    fault = sandbox.faults.take_api(endpoint.method, request.url.path, endpoint.path)
    _fail_before(fault)
    params = schema.check(given, endpoint.params)
    endpoint.refuse_unsupported(params)
    key = request.headers.get("idempotency-key") if endpoint.method == "POST" else None
    execution = _Execution(sandbox, endpoint, params, request.path_params, request_id, key, fault)
    if key is None:
        return await _run(execution, request)
    print_ = idempotency.fingerprint(endpoint.method, request.url.path, given)
    saved = await run_in_threadpool(
        idempotency.claim, sandbox.store, key=key, request_fingerprint=print_, request_id=request_id
    )
    if saved is not None:
        headers = {"Idempotent-Replayed": "true", "Original-Request": saved.request_id}
        return Answer(saved.status, saved.body, headers | _no_use_retrying(saved.status))
    try:
        return await _run(execution, request)
    except BaseException:
        # Settled keys stay; a request that never began to execute gives its key back.
        await run_in_threadpool(idempotency.release, sandbox.store, key=key)
        raise


def _fail_before(fault: ApiFault | None) -> None:
    if fault is None or fault.phase == "after":
        return
    if fault.kind == "error":
        raise _server_error()
    if fault.kind == "rate_limit":
        raise StripeError("Too many requests hit the API too quickly.", status=429, code="rate_limit")
    if fault.kind == "refusal":
        raise StripeError("Your account cannot currently make live charges.")


def _server_error() -> StripeError:
    return StripeError(
        "An unknown error occurred (a fault armed in the sandbox).", status=500, type_="api_error"
    )


@dataclass(frozen=True)
class _Execution:
    sandbox: Sandbox
    endpoint: Endpoint
    params: forms.Params
    path: dict[str, str]
    request_id: str
    key: str | None
    fault: ApiFault | None

    def suffers(self, kind: str, phase: str) -> bool:
        return self.fault is not None and (self.fault.kind, self.fault.phase) == (kind, phase)

    def run(self) -> Answer:
        """Do the work and save the answer under its key, in one transaction.

        A refusal undoes the work (unless it is a card's) and is saved all the same.
        """
        try:
            with self._serving() as call:
                answer = self._settled(self._answer(call))
        except StripeError as error:
            with self._serving():
                answer = self._settled(error_answer(error))
        return answer

    def _serving(self) -> AbstractContextManager[Call]:
        return self.sandbox.serving(
            params=self.params, path=self.path, request_id=self.request_id, idempotency_key=self.key
        )

    def _answer(self, call: Call) -> Answer:
        try:
            found = rendering.expanded(call, self.endpoint.run(call))
        except StripeError as error:
            if not error.keeps_writes:
                raise
            answer = error_answer(error)
        else:
            answer = Answer(200, json.dumps(found, indent=2))
        for later in call.deferred:
            later()
        return answer

    def _settled(self, answer: Answer) -> Answer:
        if self.suffers("error", "after"):
            answer = error_answer(_server_error(), _no_use_retrying(500))
        if self.key is not None:
            idempotency.settle(self.sandbox.store, key=self.key, status=answer.status, body=answer.body)
        return answer


async def _run(execution: _Execution, request: Request) -> Answer:
    if execution.suffers("timeout", "before"):
        await _hold(execution, request)
    answer = await run_in_threadpool(execution.run)
    if execution.suffers("timeout", "after"):
        await _hold(execution, request)
    return answer


async def _hold(execution: _Execution, request: Request) -> None:
    """Keep a call hanging until it is released; raises when its client or its time is gone first."""
    assert execution.fault is not None
    faults = execution.sandbox.faults
    deadline = clock.now() + execution.fault.seconds
    generation = faults.begin_hold()
    try:
        while not faults.is_released(generation):
            if clock.now() >= deadline or await request.is_disconnected():
                raise _server_error()
            await anyio.sleep(HOLD_POLL_S)
    finally:
        faults.end_hold()


def _check_headers(request: Request, api_key: str | None) -> None:
    _authenticate(request.headers.get("authorization", ""), api_key)
    version = request.headers.get("stripe-version")
    if version is not None and not _VERSION.match(version):
        raise StripeError(f"Invalid Stripe API version: {version}")
    if "stripe-account" in request.headers:
        raise unsupported("requests on behalf of a connected account (Stripe-Account)")


def _authenticate(authorization: str, api_key: str | None) -> None:
    given = _presented_key(authorization)
    if not given:
        raise StripeError(
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    if not given.startswith("sk_test_") or (api_key is not None and given != api_key):
        raise StripeError(f"Invalid API Key provided: {_masked(given)}", status=401)


def _presented_key(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _masked(key: str) -> str:
    shown = key[:8] if key.startswith(("sk_test_", "sk_live_")) else ""
    return f"{shown}****{key[-4:]}" if len(key) > 12 else f"{shown}****"
