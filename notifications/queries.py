"""Reads: who is told what, and what a person has to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import Prefetch, Q, QuerySet

from accounts.models import DeskEvent, Membership, Organization, User
from accounts.policies import TRADING_ROLES
from notifications.kinds import BY_NAME, FINANCE, KINDS, OPERATOR, OWNER, Kind
from notifications.models import Notification, Preference, WebhookAttempt, WebhookDelivery, WebhookEndpoint

PAGE = 30
SHOWN_UNREAD_AT_MOST = 99


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person who may be told, with the choices that differ from the defaults."""

    user_id: int
    email: str
    is_trader: bool
    is_owner: bool
    chosen: Mapping[str, Preference] = field(default_factory=dict)

    def hears_of(self, kind: Kind, *, by: object = None) -> bool:
        """Whether a kind concerns this person at all; nobody is told of what they did themselves."""
        return by != self.user_id and (kind.audience != OWNER or self.is_owner)

    def wants_in_page(self, kind: Kind) -> bool:
        own = self.chosen.get(kind.name)
        return True if own is None else own.in_page

    def wants_letter(self, kind: Kind) -> bool:
        """Who only looks gets letters for what it chose; who trades gets those that nobody can do without."""
        if kind.is_always_mailed:
            return self.is_trader
        own = self.chosen.get(kind.name)
        return (kind.by_email and self.is_trader) if own is None else own.by_email


def organization_recipients(organization_id: int) -> list[Recipient]:
    """Return an organization's people who can log in, first joined first."""
    members = Membership.objects.filter(organization_id=organization_id, user__is_active=True)
    found = list(members.order_by("id").values_list("user_id", "user__email", "role"))
    chosen = _chosen(user_id for user_id, _, _ in found)
    return [
        Recipient(
            user_id,
            email,
            is_trader=role in TRADING_ROLES,
            is_owner=role == Membership.Role.OWNER,
            chosen=chosen.get(user_id, {}),
        )
        for user_id, email, role in found
    ]


def desk_recipients(desk: str) -> list[Recipient]:
    """Return our own people at a desk."""
    people = User.objects.filter(is_active=True)
    people = (
        people.filter(is_finance=True) if desk == DeskEvent.Desk.FINANCE else people.filter(is_operator=True)
    )
    found = list(people.order_by("id").values_list("id", "email"))
    chosen = _chosen(user_id for user_id, _ in found)
    return [
        Recipient(user_id, email, is_trader=True, is_owner=False, chosen=chosen.get(user_id, {}))
        for user_id, email in found
    ]


def addresses(organization_id: int, kind_name: str) -> list[tuple[int, str]]:
    """Return who of an organization wants letters of a kind: their ids and addresses. For letters written above."""
    kind = BY_NAME[kind_name]
    people = organization_recipients(organization_id)
    return [(person.user_id, person.email) for person in people if person.wants_letter(kind)]


def audiences_of(user: User, memberships: Iterable[Membership]) -> set[str]:
    """Return what kinds of news may reach a person."""
    audiences = set()
    for membership in memberships:
        organization = membership.organization
        audiences |= {"buyer"} if organization.is_buyer else set()
        audiences |= {"seller"} if organization.is_seller else set()
        audiences |= {OWNER} if membership.role == Membership.Role.OWNER else set()
    return audiences | ({FINANCE} if user.is_finance else set()) | ({OPERATOR} if user.is_operator else set())


def notifications_of(user: User, organization: Organization | None) -> QuerySet[Notification]:
    """Return what a person reads while acting for an organization: its news, and those of their desk."""
    own = Q(organization=None) | Q(organization=organization) if organization else Q(organization=None)
    return Notification.objects.filter(own, user=user, in_page=True)


def n_unread(user: User, organization: Organization | None) -> int:
    """Return how many are unread; no more are counted than are shown."""
    unread = notifications_of(user, organization).filter(read_at=None)
    return unread.values("id")[: SHOWN_UNREAD_AT_MOST + 1].count()


def page_of_notifications(
    user: User, organization: Organization | None, *, before: int | None, unread_only: bool
) -> tuple[list[Notification], int | None]:
    """Return a page, newest first, and where the next one begins."""
    rows = notifications_of(user, organization)
    if unread_only:
        rows = rows.filter(read_at=None)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-id")[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None


def elsewhere_unread(user: User, organization: Organization | None) -> list[Organization]:
    """Return the person's other organizations that have unread notifications."""
    unread = Notification.objects.filter(user=user, in_page=True, read_at=None).exclude(organization=None)
    others = Organization.objects.filter(pk__in=unread.values("organization"), memberships__user=user)
    if organization is not None:
        others = others.exclude(pk=organization.pk)
    return list(others.order_by("name", "id"))


def endpoints_of(organization: Organization) -> QuerySet[WebhookEndpoint]:
    """Return an organization's endpoints that were not removed."""
    own = WebhookEndpoint.objects.filter(organization=organization)
    return own.exclude(status=WebhookEndpoint.Status.REMOVED)


def heard_by_endpoints(organization: Organization) -> dict[str, int]:
    """Return how many of an organization's endpoints that are on hear of each kind, any of its events; by its name."""
    on = endpoints_of(organization).filter(status=WebhookEndpoint.Status.ENABLED)
    heard = [set(events) for events in on.values_list("events", flat=True)]
    return {kind.name: sum(not events.isdisjoint(kind.events) for events in heard) for kind in KINDS}


def page_of_deliveries(
    endpoint: WebhookEndpoint, *, before: int | None
) -> tuple[list[WebhookDelivery], int | None]:
    """Return a page of an endpoint's log with its attempts, newest first, and where the next one begins."""
    rows = WebhookDelivery.objects.filter(endpoint=endpoint)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    attempts = Prefetch("attempts", WebhookAttempt.objects.order_by("number"))
    found = list(rows.prefetch_related(attempts).order_by("-id")[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None


def choices_of(user: User) -> dict[str, Preference]:
    """Return a person's choices by kind."""
    return {row.kind: row for row in Preference.objects.filter(user=user)}


def _chosen(user_ids: Iterable[int]) -> dict[int, dict[str, Preference]]:
    found: dict[int, dict[str, Preference]] = {}
    for row in Preference.objects.filter(user__in=list(user_ids)):
        found.setdefault(row.user_id, {})[row.kind] = row
    return found
