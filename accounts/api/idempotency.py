"""Retrying a POST safely: with the same ``Idempotency-Key`` the work is done once.

The key is claimed before the work begins and the answer is kept after it ended; a lock held by the database session
in between tells a request that is still running from one that was cut off. A refusal (4xx) changed nothing, so it
gives the key back. Keys belong to one organization and live for a day.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import organization_of
from accounts.api.problems import Problem, problem_of, refusal
from accounts.models import ApiIdempotencyKey
from marketplace.db import LockSpace, try_session_lock

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
LIFETIME = timedelta(hours=24)
MAX_KEY_CHARACTERS = 255

Handler = Callable[..., Response]


def idempotent(handler: Handler) -> Callable[..., HttpResponseBase]:
    """Make a POST handler of an API view honour ``Idempotency-Key``; without the header it runs as ever."""

    @wraps(handler)
    def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = request.headers.get(HEADER)
        if key is None:
            return handler(view, request, *args, **kwargs)
        if not 0 < len(key) <= MAX_KEY_CHARACTERS:
            raise refusal(f"{HEADER} has 1 to {MAX_KEY_CHARACTERS} characters.", field=HEADER)
        with _claimed(request, key) as claim:
            if claim.status is not None:
                return _replay(claim)
            response = handler(view, request, *args, **kwargs)
            _keep(claim, response)
            return response

    once.is_idempotent = True  # type: ignore[attr-defined]
    return once


def purge_expired_keys(*, now: datetime) -> int:
    """Delete keys older than a day and return how many."""
    n_deleted, _ = ApiIdempotencyKey.objects.filter(created_at__lt=now - LIFETIME).delete()
    return n_deleted


@contextmanager
def _claimed(request: Request, key: str) -> Iterator[ApiIdempotencyKey]:
    """Hold the key while the work runs. Raise Problem when it is in use, was used otherwise, or was cut off."""
    organization_id = organization_of(request).pk
    fingerprint = _fingerprint(request)
    with try_session_lock(LockSpace.IDEMPOTENCY_KEY, _lock_key(organization_id, key)) as got:
        if not got:
            raise Problem(
                HTTPStatus.CONFLICT,
                code="idempotency_key_in_use",
                detail="A request with this key is still running. Try again in a moment.",
            )
        claim, is_new = _find_or_begin(organization_id, key, fingerprint)
        _require_same_request(claim, fingerprint)
        if claim.status is None and not is_new:
            raise Problem(
                HTTPStatus.CONFLICT,
                code="idempotency_outcome_unknown",
                detail="An earlier request with this key was cut off, and it is unknown whether it took effect. "
                "Look first, then use a new key if it did not.",
            )
        try:
            yield claim
        except Exception as exc:
            if _changed_nothing(exc):
                claim.delete()
            raise


def _find_or_begin(organization_id: int, key: str, fingerprint: str) -> tuple[ApiIdempotencyKey, bool]:
    rows = ApiIdempotencyKey.objects.filter(organization_id=organization_id, key=key)
    rows.filter(created_at__lt=timezone.now() - LIFETIME).delete()
    return rows.get_or_create(
        organization_id=organization_id, key=key, defaults={"fingerprint_sha256": fingerprint}
    )


def _require_same_request(claim: ApiIdempotencyKey, fingerprint: str) -> None:
    if claim.fingerprint_sha256 != fingerprint:
        raise refusal(
            "This key was used for another request. Use a new key for a new request.",
            field=HEADER,
            code="idempotency_key_reused",
        )


def _changed_nothing(exc: Exception) -> bool:
    problem = problem_of(exc)
    return problem is not None and problem.status_code < HTTPStatus.INTERNAL_SERVER_ERROR


def _keep(claim: ApiIdempotencyKey, response: Response) -> None:
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        claim.delete()
        return
    said_once = dict.fromkeys(getattr(response, "told_once", ()))  # secrets: kept nowhere, null when repeated
    body = JSONRenderer().render({**response.data, **said_once} if said_once else response.data).decode()
    ApiIdempotencyKey.objects.filter(pk=claim.pk).update(status=response.status_code, body=body)


def _replay(claim: ApiIdempotencyKey) -> HttpResponse:
    assert claim.status is not None
    return HttpResponse(
        claim.body,
        status=claim.status,
        content_type="application/json",
        headers={REPLAYED_HEADER: "true"},
    )


def _fingerprint(request: Request) -> str:
    said = [request.method, request.get_full_path(), request.data]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def _lock_key(organization_id: int, key: str) -> int:
    digest = hashlib.sha256(f"{organization_id}:{key}".encode()).digest()
    return int.from_bytes(digest[:4], signed=True)
