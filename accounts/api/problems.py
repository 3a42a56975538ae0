"""Refusals as ``application/problem+json`` (RFC 9457), one shape for every error of the API.

    {"type": "urn:sparegrid:problem:invalid", "title": "Unprocessable Entity", "status": 422, "detail": "…",
     "errors": [{"field": "units", "code": "not_a_multiple", "message": "…"}]}

``errors`` is always there; ``field`` is empty when the whole request is meant. Nested fields read ``options.0.units``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from accounts.holds import LimitExceeded, LimitSuspended
from marketplace.money import format_cents
from marketplace.states import IllegalTransition

MEDIA_TYPE = "application/problem+json"
API_PREFIX = "/api/"


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: a code for programs, a message for people."""

    field: str
    code: str
    message: str


class Problem(exceptions.APIException):
    """A refusal, raised by any API view to answer with it."""

    def __init__(
        self, status: HTTPStatus, *, code: str, detail: str, errors: Sequence[FieldError] = ()
    ) -> None:
        super().__init__(detail=detail, code=code)
        self.status_code = status
        self.code = code
        self.errors = tuple(errors)

    @property
    def document(self) -> dict[str, Any]:
        """The body of the answer."""
        return {
            "type": f"urn:sparegrid:problem:{self.code}",
            "title": HTTPStatus(self.status_code).phrase,
            "status": int(self.status_code),
            "detail": str(self.detail),
            "errors": [asdict(error) for error in self.errors],
        }


def refusal(message: str, *, field: str = "", code: str = "invalid") -> Problem:
    """Return the 422 for a request that is understood and refused, such as a domain exception about one field."""
    error = FieldError(field=field, code=code, message=message)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, code=code, detail=message, errors=[error])


def invalid(errors: Iterable[FieldError]) -> Problem:
    """Return the 422 for a request with errors in several fields."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        code="invalid",
        detail="The request is understood, but some of it is not valid; see errors.",
        errors=list(errors),
    )


def handle_exception(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an exception raised in an API view (DRF's EXCEPTION_HANDLER); None lets an unknown one be a 500."""
    problem = problem_of(exc)
    if problem is None:
        return None
    headers = {}
    if auth_header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if wait_seconds := getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(wait_seconds))
    set_rollback()
    return Response(problem.document, problem.status_code, headers=headers, content_type=MEDIA_TYPE)


def problem_of(exc: Exception) -> Problem | None:
    """Return the refusal that ``exc`` amounts to, or None when it is nobody's mistake but ours."""
    match exc:
        case Problem():
            return exc
        case exceptions.ValidationError():
            return invalid(_flatten("", exc.get_full_details()))
        case DjangoValidationError():
            return invalid(_django_errors(exc))
        case Http404():
            return Problem(HTTPStatus.NOT_FOUND, code="not_found", detail="There is no such thing here.")
        case PermissionDenied():
            return Problem(
                HTTPStatus.FORBIDDEN, code="permission_denied", detail=str(exc) or "You may not do this."
            )
        case LimitExceeded():
            return refusal(
                f"This needs {format_cents(exc.asked_cents)} more of your bidding limit; "
                f"{format_cents(max(0, exc.limit_cents - exc.held_cents))} is free.",
                field="limit",
                code="limit_exceeded",
            )
        case LimitSuspended():
            return refusal(str(exc), field="limit", code="limit_suspended")
        case IllegalTransition():
            return Problem(HTTPStatus.CONFLICT, code="illegal_transition", detail=f"{exc}.")
        case exceptions.APIException():
            return Problem(HTTPStatus(exc.status_code), code=str(exc.get_codes()), detail=str(exc.detail))
        case _:
            return None


def _flatten(path: str, details: Any) -> Iterable[FieldError]:
    """Yield DRF's nested error details (leaves are {message, code}) with dotted field names."""
    if isinstance(details, Mapping) and set(details) == {"message", "code"}:
        yield FieldError(field=path, code=str(details["code"]), message=str(details["message"]))
    elif isinstance(details, Mapping):
        for name, inner in details.items():
            own = "" if name == api_settings.NON_FIELD_ERRORS_KEY else str(name)
            yield from _flatten(".".join(filter(None, (path, own))), inner)
    else:
        for index, inner in enumerate(details):
            is_leaf = isinstance(inner, Mapping) and set(inner) == {"message", "code"}
            yield from _flatten(path if is_leaf else ".".join(filter(None, (path, str(index)))), inner)


def _django_errors(exc: DjangoValidationError) -> Iterable[FieldError]:
    by_field = exc.error_dict if hasattr(exc, "error_dict") else {NON_FIELD_ERRORS: exc.error_list}
    for name, errors in by_field.items():
        field = "" if name == NON_FIELD_ERRORS else name
        for error in errors:
            for message in error.messages:
                yield FieldError(field=field, code=error.code or "invalid", message=message)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404 where no view was found: a problem under /api/, else the page."""
    if not request.path.startswith(API_PREFIX):
        return defaults.page_not_found(request, exception)
    return _plain(Problem(HTTPStatus.NOT_FOUND, code="not_found", detail="There is no such address."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500: a problem under /api/, else the page."""
    if not request.path.startswith(API_PREFIX):
        return defaults.server_error(request)
    detail = "Something failed on our side. It is unknown whether the request took effect."
    return _plain(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, code="server_error", detail=detail))


def _plain(problem: Problem) -> HttpResponse:
    return JsonResponse(problem.document, status=problem.status_code, content_type=MEDIA_TYPE)
