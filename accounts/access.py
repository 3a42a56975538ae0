"""Guards for views: who may open a page. They answer with a login, a plain 403, or the page."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django_htmx.http import HttpResponseClientRedirect

View = Callable[..., HttpResponseBase]

REFUSALS = {
    "accounts.view_organization": "You are not a member of an organization yet.",
    "accounts.manage_organization": "Only an owner of the organization may do this.",
    "accounts.buy_for": "Only traders and owners of a buying organization may do this.",
    "accounts.sell_for": "Only traders and owners of a selling organization may do this.",
    "accounts.review_settlements": "Only finance staff may open this page.",
    "accounts.operate_markets": "Only operators may open this page.",
}
_STAFF = {"accounts.review_settlements", "accounts.operate_markets"}


def send_to_login(request: HttpRequest, back_to: str) -> HttpResponseBase:
    """Ask for a login that leads back to ``back_to``; from a fragment, the whole page goes there."""
    login = redirect_to_login(back_to)
    return HttpResponseClientRedirect(login.url) if request.htmx else login  # type: ignore[attr-defined]


def permission_needed(permission: str) -> Callable[[View], View]:
    """Let a view through only with ``permission``, for the active organization unless it is a staff permission."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if not request.user.is_authenticated:
                page = request.htmx.current_url_abs_path  # type: ignore[attr-defined]
                return send_to_login(request, page or request.get_full_path())
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
