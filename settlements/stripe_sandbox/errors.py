"""Stripe-shaped errors: every refusal is one of these and becomes `{"error": {…}}`."""

from typing import Any


class StripeError(Exception):
    """A refusal with Stripe's status, type and code; raising it undoes the request's writes."""

    keeps_writes = False

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type_: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"message": message, "type": type_}
        if code is not None:
            self.body["code"] = code
        if param is not None:
            self.body["param"] = param
        self.body.update(details or {})


class CardError(StripeError):
    """A card refused: HTTP 402. The failed attempt and its events stay, as at Stripe."""

    keeps_writes = True

    def __init__(
        self, message: str, *, code: str, param: str | None = None, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message, status=402, type_="card_error", code=code, param=param, details=details)


def resource_missing(noun: str, object_id: str, *, param: str, status: int = 404) -> StripeError:
    return StripeError(f"No such {noun}: '{object_id}'", status=status, code="resource_missing", param=param)


def unsupported(what: str, *, param: str | None = None) -> StripeError:
    """Refuse what Stripe can do and the sandbox cannot: silence would pass for success."""
    return StripeError(
        f"The Stripe sandbox does not imitate {what}.", code="sandbox_unsupported", param=param
    )
