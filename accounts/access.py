"""Guards for views: who may open a page. They answer with a login, a plain 403, or the page."""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from accounts.middleware import SAFE_METHODS

View = Callable[..., HttpResponseBase]

REFUSALS = {
    "accounts.view_organization": "You are not a member of an organization yet.",
    "accounts.manage_organization": "Only an owner of the organization may do this.",
    "accounts.buy_for": "Only traders and owners of a buying organization may do this.",
    "accounts.sell_for": "Only traders and owners of a selling organization may do this.",
    "accounts.review_settlements": "Only finance staff may open this page.",
    "accounts.operate_markets": "Only operators may open this page.",
}
LOGGED_OUT = "You were logged out before this was sent: nothing was done. Log in to go back to the page."
_STAFF = {"accounts.review_settlements", "accounts.operate_markets"}


def send_to_login(request: HttpRequest, back_to: str) -> HttpResponseBase:
    """Ask for a login that leads back to ``back_to``; from a fragment, the whole page goes there.

    Who was sending something is told that it was not done.
    """
    if request.method not in SAFE_METHODS:
        messages.warning(request, LOGGED_OUT)
    login = redirect_to_login(back_to)
    return HttpResponseClientRedirect(login.url) if request.htmx else login  # type: ignore[attr-defined]


def page_of(request: HttpRequest) -> str:
    """Return the address of the page that a request was made from: of a form, the one that it stands on."""
    if page := request.htmx.current_url_abs_path:  # type: ignore[attr-defined]
        return str(page)
    referrer = request.headers.get("Referer", "")
    is_own = url_has_allowed_host_and_scheme(
        referrer, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    if request.method in SAFE_METHODS or not referrer or not is_own:
        return request.get_full_path()
    return urlsplit(referrer)._replace(scheme="", netloc="", fragment="").geturl() or "/"


def login_needed(view: View) -> View:
    """Let a view through only for somebody who is logged in."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return send_to_login(request, page_of(request))
        return view(request, *args, **kwargs)

    return guarded


def permission_needed(permission: str) -> Callable[[View], View]:
    """Let a view through only with ``permission``, for the active organization unless it is a staff permission."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return send_to_login(request, page_of(request))
            organization = request.organization  # type: ignore[attr-defined]
            subject = () if permission in _STAFF else (organization,)
            # a superuser has every permission, but acts for no organization that it is not a member of
            if subject == (None,) or not request.user.has_perm(permission, *subject):
                raise PermissionDenied(REFUSALS[permission])
            return view(request, *args, **kwargs)

        return guarded

    return decorate


member_needed = permission_needed("accounts.view_organization")
owner_needed = permission_needed("accounts.manage_organization")
buyer_needed = permission_needed("accounts.buy_for")
seller_needed = permission_needed("accounts.sell_for")
finance_needed = permission_needed("accounts.review_settlements")
operator_needed = permission_needed("accounts.operate_markets")
