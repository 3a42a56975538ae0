"""Which organization the person on this request acts for."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django_htmx.middleware import HtmxDetails

from accounts.models import Membership, Organization, User

SESSION_KEY = "organization_id"
ACTING_FOR_HEADER = "X-Acting-For"
"""With which a page says for which organization it was drawn (base.html)."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class MemberRequest(HttpRequest):
    """What a request looks like behind ``active_organization_middleware``: for annotations, never instantiated."""

    user: User
    htmx: HtmxDetails
    memberships: list[Membership]
    organization: Organization | None


def active_organization_middleware(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[MemberRequest], HttpResponse]:
    """Set ``request.memberships`` and ``request.organization``: the chosen one, else the first joined, else None.

    What a page drawn for one organization sends after the person chose another, in another tab, is refused: nobody
    reviews a bid for one organization and places it for another.
    """

    def middleware(request: MemberRequest) -> HttpResponse:
        request.memberships = _memberships(request)
        chosen = request.session.get(SESSION_KEY) if request.memberships else None
        organizations = [membership.organization for membership in request.memberships]
        request.organization = next(
            (own for own in organizations if own.pk == chosen), organizations[0] if organizations else None
        )
        if _was_drawn_for_another(request):
            return HttpResponse(status=HTTPStatus.CONFLICT)
        return get_response(request)

    return middleware


def act_for(request: MemberRequest, organization_id: int) -> None:
    """Have the session act for one of the person's organizations from here on.

    Forms of pages drawn for another, in other tabs, are refused from then on by their token: they would act for this
    one, as only what htmx sends says whom its page was drawn for.
    """
    request.session[SESSION_KEY] = organization_id
    if request.organization is not None and request.organization.pk != organization_id:
        rotate_token(request)


def _was_drawn_for_another(request: MemberRequest) -> bool:
    stated = request.headers.get(ACTING_FOR_HEADER)
    if not stated or request.method in SAFE_METHODS or request.organization is None:
        return False
    return stated != str(request.organization.pk)


def active_organization(request: HttpRequest) -> Organization:
    """Return the organization a guarded view acts for (accounts/access.py lets nobody in without one)."""
    organization: Organization | None = request.organization  # type: ignore[attr-defined]
    assert organization is not None
    return organization


def _memberships(request: MemberRequest) -> list[Membership]:
    if not request.user.is_authenticated:
        return []
    return list(Membership.objects.filter(user=request.user).select_related("organization").order_by("id"))
