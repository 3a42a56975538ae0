"""The pages people meet: hosted Checkout, the bank's authentication page, the overview."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from . import overview
from .api import Call
from .cards import TEST_CARDS
from .errors import StripeError
from .html import Markup, fill, page, stylesheet
from .resources import checkout, payment_methods, payments, setup_intents
from .sandbox import Sandbox
from .store import Object

FORM_DEFAULTS = {"number": "", "exp_month": "12", "exp_year": "2034", "cvc": "123", "name": ""}
FORM_FIELD_MAX_LENGTH = 100


def routes(sandbox: Sandbox) -> list[Route]:
    pages = _Pages(sandbox)
    return [
        Route("/", pages.overview, methods=["GET"]),
        Route("/_sandbox/style.css", lambda _request: stylesheet(), methods=["GET"]),
        Route("/c/pay/{session}", pages.show_checkout, methods=["GET"]),
        Route("/c/pay/{session}", pages.submit_checkout, methods=["POST"]),
        Route("/authenticate/{intent}", pages.show_authentication, methods=["GET"]),
        Route("/authenticate/{intent}", pages.submit_authentication, methods=["POST"]),
    ]


async def form_of(request: Request) -> dict[str, str]:
    fields = parse_qsl((await request.body()).decode(errors="replace"), max_num_fields=20)
    return {name: value.strip()[:FORM_FIELD_MAX_LENGTH] for name, value in fields}


class _Pages:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def overview(self, _request: Request) -> Response:
        with self._sandbox.serving() as call:
            return page("Overview", overview.body(call, self._sandbox.settings.webhook_url))

    def show_checkout(self, request: Request) -> Response:
        with self._sandbox.serving() as call:
            session = _find(call, "checkout.session", request.path_params["session"])
            if session is None:
                return not_found("Checkout Session")
            session = checkout.current(call, session["id"])
            return _checkout_page(session, FORM_DEFAULTS, error=_last_error(call, session))

    async def submit_checkout(self, request: Request) -> Response:
        given = FORM_DEFAULTS | await form_of(request)
        with self._sandbox.serving() as call:
            session = _find(call, "checkout.session", request.path_params["session"])
            if session is None:
                return not_found("Checkout Session")
            session = checkout.current(call, session["id"])
            if session["status"] != "open":
                return _checkout_page(session, given, error=None)
            try:
                return _submit_card(call, session, given)
            except StripeError as error:
                # A refused card's failed attempt is part of the state, as through the API.
                return _checkout_page(session, given, error=str(error), status=402)

    def show_authentication(self, request: Request) -> Response:
        with self._sandbox.serving() as call:
            intent = _intent(call, request.path_params["intent"])
            if intent is None:
                return not_found("payment")
            return _authentication_page(intent)

    async def submit_authentication(self, request: Request) -> Response:
        passed = (await form_of(request)).get("outcome") == "complete"
        with self._sandbox.serving() as call:
            intent = _intent(call, request.path_params["intent"])
            if intent is None:
                return not_found("payment")
            if intent["status"] != "requires_action":
                return _authentication_page(intent)
            return_url = _return_url(intent)
            if intent["object"] == "setup_intent":
                return _authenticate_setup(call, intent, passed=passed, return_url=return_url)
            session = checkout.of_payment_intent(call, intent["id"])
            _authenticate_payment(call, intent, passed=passed)
            if session is None:
                _run_deferred(call)
                return _back(intent, return_url)
            return _after_checkout(call, session, intent)


def _find(call: Call, kind: str, object_id: str) -> Object | None:
    return call.store.find(kind, object_id)


def _intent(call: Call, intent_id: str) -> Object | None:
    """Return an intent whose card's holder may be asked: a bank transfer has none."""
    found = _find(call, "payment_intent", intent_id) or _find(call, "setup_intent", intent_id)
    return None if found is None or found["payment_method_types"] == ["customer_balance"] else found


def not_found(what: str) -> Response:
    return page("Not found", Markup(f"<p>The sandbox knows no such {what}.</p>"), status=404)


def _last_error(call: Call, session: Object) -> str | None:
    if session["mode"] == "payment":
        intent_id = session["payment_intent"]
        error = None if intent_id is None else call.get("payment_intent", intent_id)["last_payment_error"]
    else:
        error = call.get("setup_intent", session["setup_intent"])["last_setup_error"]
    return None if error is None else error["message"]


def _checkout_page(
    session: Object, given: dict[str, str], *, error: str | None, status: int = 200
) -> Response:
    pays = session["mode"] == "payment"
    title = "Pay" if pays else "Save a card"
    if session["status"] != "open":
        done = "This payment has been made." if pays else "This card has been saved."
        ended = done if session["status"] == "complete" else "This page has expired."
        return page(title, Markup(f"<p>{ended}</p>"), status=410)
    amount = dollars(session["amount_total"]) if pays else ""
    values: dict[str, object] = {name: given[name] for name in FORM_DEFAULTS}
    values |= {
        "action": f"/c/pay/{session['id']}",
        "purpose": f"Pay {amount} by card." if pays else "Save a card for later payments.",
        "submit": f"Pay {amount}" if pays else "Save card",
        "cards": _card_options(given.get("pick", "")),
        "error": Markup("") if error is None else fill_error(error),
        "cancel": _cancel_link(session["cancel_url"]),
    }
    return page(title, fill("checkout.html", values), status=status)


def dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02d}"


def fill_error(message: str) -> Markup:
    return fill("error.html", {"message": message})


def _card_options(picked: str) -> Markup:
    return Markup(
        "".join(
            fill(
                "option.html",
                {
                    "number": card.number,
                    "title": f"{card.title} · {card.brand} {card.number}",
                    "selected": Markup(" selected" if card.number == picked else ""),
                },
            )
            for card in TEST_CARDS
        )
    )


def _cancel_link(url: str | None) -> Markup:
    return Markup("") if url is None else fill("cancel.html", {"url": url})


def _submit_card(call: Call, session: Object, given: dict[str, str]) -> Response:
    """Pay, or save the card; whichever the session is for."""
    method = payment_methods.from_numbers(
        call,
        number=given["number"] or given.get("pick", ""),
        month=_int_or_none(given["exp_month"]),
        year=_full_year(_int_or_none(given["exp_year"])),
        cvc=given["cvc"],
    )
    method["billing_details"] = method["billing_details"] | {"name": given["name"] or None}
    call.store.save(method)
    intent = _try(call, session, method)
    if intent["status"] == "requires_action":
        return RedirectResponse(f"/authenticate/{intent['id']}", 303)
    checkout.complete(call, session, name=given["name"] or None)
    _run_deferred(call)
    return _to_success(session)


def _try(call: Call, session: Object, method: Object) -> Object:
    """Return the session's intent after a try with a card; raises when its bank declines."""
    if session["mode"] == "setup":
        intent = call.get("setup_intent", session["setup_intent"])
        setup_intents.attempt(call, intent, method, return_url=session["success_url"])
        return intent
    intent = checkout.intent_to_pay(call, session)
    intent["payment_method"] = method["id"]
    payments.attempt(call, intent, off_session=False, return_url=session["success_url"], refuse_action=False)
    return intent


def _run_deferred(call: Call) -> None:
    for later in call.deferred:
        later()


def _int_or_none(text: str) -> int | None:
    return int(text) if text.isdecimal() and text.isascii() else None


def _full_year(year: int | None) -> int | None:
    return year + 2000 if year is not None and year < 100 else year


def _to_success(session: Object) -> Response:
    url = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return RedirectResponse(url, 303)


def _authentication_page(intent: Object) -> Response:
    if intent["status"] != "requires_action":
        return page("Authentication", Markup("<p>There is nothing to authenticate any more.</p>"), status=410)
    what: Any = "saving this card"
    if intent["object"] == "payment_intent":
        what = f"a payment of {dollars(intent['amount'])}"
    body = fill("authenticate.html", {"what": what, "action": f"/authenticate/{intent['id']}"})
    return page("Authentication", body)


def _return_url(intent: Object) -> str | None:
    action = intent["next_action"]
    return action["redirect_to_url"]["return_url"] if action["type"] == "redirect_to_url" else None


def _authenticate_payment(call: Call, intent: Object, *, passed: bool) -> None:
    if not passed:
        payments.fail_authentication(call, intent)
        return
    try:
        payments.take(call, intent)
    except StripeError:
        # The decline is on the intent, where its owner reads it; the holder is only sent back.
        return


def _after_checkout(call: Call, session: Object, intent: Object) -> Response:
    """Close the session that was paid, or go back to it for another card."""
    if intent["status"] != "succeeded":
        return RedirectResponse(f"/c/pay/{session['id']}", 303)
    method = call.get("payment_method", intent["payment_method"])
    checkout.complete(call, session, name=method["billing_details"]["name"])
    _run_deferred(call)
    return _to_success(session)


def _authenticate_setup(call: Call, intent: Object, *, passed: bool, return_url: str | None) -> Response:
    session = checkout.of_setup_intent(call, intent["id"])
    if passed:
        method = call.get("payment_method", intent["payment_method"])
        setup_intents.succeed(call, intent)
        if session is not None:
            checkout.complete(call, session, name=method["billing_details"]["name"])
            return _to_success(session)
    else:
        setup_intents.fail_authentication(call, intent)
        if session is not None:
            return RedirectResponse(f"/c/pay/{session['id']}", 303)
    return _back(intent, return_url)


def _back(intent: Object, return_url: str | None) -> Response:
    """Send the holder back to the merchant with Stripe's query parameters."""
    if return_url is None:
        return page("Authentication", Markup("<p>Done. You can close this page.</p>"))
    kind = intent["object"]
    outcome = "succeeded" if intent["status"] == "succeeded" else "failed"
    query = [
        (kind, intent["id"]),
        (f"{kind}_client_secret", intent["client_secret"]),
        ("redirect_status", outcome),
    ]
    parts = urlsplit(return_url)
    joined = "&".join(filter(None, (parts.query, urlencode(query))))
    return RedirectResponse(urlunsplit(parts._replace(query=joined)), 303)
