"""The hosted page where a seller gives Stripe its details, behind an account link that is good once."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from .api import Call
from .html import Markup, fill, page
from .pages import fill_error, form_of, not_found
from .resources import account_links, accounts
from .sandbox import Sandbox
from .store import Object

TEST_ACCOUNT = "000123456789"
FIELDS = {
    "business_name": "business_profile.name",
    "url": "business_profile.url",
    "first_name": "representative.first_name",
    "last_name": "representative.last_name",
    "account_number": "external_account",
    "terms": "tos_acceptance.date",
}


def routes(sandbox: Sandbox) -> list[Route]:
    pages = _ConnectPages(sandbox)
    return [
        Route("/setup/e/{account}/{link}", pages.follow_link, methods=["GET"]),
        Route("/setup/s/{link}/{visit}", pages.show, methods=["GET"]),
        Route("/setup/s/{link}/{visit}", pages.submit, methods=["POST"]),
    ]


class _ConnectPages:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def follow_link(self, request: Request) -> Response:
        """Use the link up; an expired or used one leads back to where a new one is made."""
        with self._sandbox.serving() as call:
            link = call.store.find("account_link", request.path_params["link"])
            if link is None:
                return not_found("account link")
            page_path = account_links.visit(call, link)
            return RedirectResponse(page_path or call.store.private(link["id"])["refresh_url"], 303)

    def show(self, request: Request) -> Response:
        with self._sandbox.serving() as call:
            link = _open_link(call, request)
            if link is None:
                return _ended()
            return _onboarding_page(call, link, {}, error=None)

    async def submit(self, request: Request) -> Response:
        given = await form_of(request)
        with self._sandbox.serving() as call:
            link = _open_link(call, request)
            if link is None:
                return _ended()
            number = given.get("account_number", "")
            if number and number != TEST_ACCOUNT:
                error = f"Only the test account number {TEST_ACCOUNT} is taken here."
                return _onboarding_page(call, link, given, error=error, status=400)
            private = call.store.private(link["id"])
            account = call.get("account", private["account"])
            accounts.enter(call, account, {FIELDS[name]: given.get(name, "") for name in FIELDS})
            if given.get("then") != "leave" and account["requirements"]["currently_due"]:
                missing = ", ".join(
                    accounts.DETAILS.get(name, name) for name in account["requirements"]["currently_due"]
                )
                return _onboarding_page(call, link, given, error=f"Still missing: {missing}.", status=400)
            return RedirectResponse(private["return_url"], 303)


def _open_link(call: Call, request: Request) -> Object | None:
    link = call.store.find("account_link", request.path_params["link"])
    if link is None or not account_links.is_open(call, link, request.path_params["visit"]):
        return None
    return link


def _ended() -> Response:
    text = "<p>This page has expired. Go back to the site you came from and start again.</p>"
    return page("Set up payouts", Markup(text), status=410)


def _onboarding_page(
    call: Call, link: Object, given: dict[str, str], *, error: str | None, status: int = 200
) -> Response:
    account_id = call.store.private(link["id"])["account"]
    entered = call.store.private(account_id)["details"]
    values: dict[str, object] = {
        name: given.get(name) or entered.get(detail, "") for name, detail in FIELDS.items()
    }
    values |= {
        "action": f"/setup/s/{link['id']}/{call.store.private(link['id'])['visit']}",
        "error": Markup("") if error is None else fill_error(error),
        "terms": Markup(" checked" if values["terms"] else ""),
        "account": account_id,
        "test_account": TEST_ACCOUNT,
    }
    return page("Set up payouts", fill("onboarding.html", values), status=status)
