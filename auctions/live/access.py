"""Who may hear an organization's own feed: asked when a socket opens, and again while it stays open."""

from __future__ import annotations

import json
from importlib import import_module

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpResponse

from accounts.middleware import MemberRequest, active_organization_middleware
from accounts.models import Stream, StreamEvent
from auctions.live.messages import CloseCode, own_event

EVENTS_PER_PAGE = 500

_choose_organization = active_organization_middleware(lambda request: HttpResponse())


class NotAllowed(Exception):
    """The session names nobody who may listen; ``code`` is what to close the socket with."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.name)
        self.code = code


def find_organization(session_key: str | None, *, expected_id: int | None) -> tuple[int, int]:
    """Return the user and the active organization of a session, by the rules that a page request goes by.

    Raise NotAllowed when the session has ended, its user belongs to no organization, or acts for another one than
    the page was drawn for (``expected_id``).
    """
    request = MemberRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    request.user = get_user(request)  # type: ignore[assignment]  # AnonymousUser is refused in the next line
    if not request.user.is_authenticated:
        raise NotAllowed(CloseCode.SIGNED_OUT)
    _choose_organization(request)
    if request.organization is None:
        raise NotAllowed(CloseCode.NO_ORGANIZATION)
    if expected_id not in (None, request.organization.pk):
        raise NotAllowed(CloseCode.OTHER_ORGANIZATION)
    return request.user.pk, request.organization.pk


def last_sequence(organization_id: int) -> int:
    """Return how far an organization's stream reaches."""
    return Stream.objects.values_list("last_sequence", flat=True).get(pk=organization_id)


def page_of_events(organization_id: int, *, after: int) -> list[tuple[int, str]]:
    """Return the next events after a sequence, as (sequence, frame), at most EVENTS_PER_PAGE."""
    events = StreamEvent.objects.filter(organization_id=organization_id, sequence__gt=after)
    return [
        (
            event.sequence,
            own_event(
                seq=event.sequence, kind=event.kind, data_json=json.dumps(event.data), at=event.created_at
            ),
        )
        for event in events.order_by("sequence")[:EVENTS_PER_PAGE]
    ]


# Sockets do not queue behind each other, nor behind anything else that asks the database from the event loop.
find_organization_async = database_sync_to_async(find_organization, thread_sensitive=False)
last_sequence_async = database_sync_to_async(last_sequence, thread_sensitive=False)
page_of_events_async = database_sync_to_async(page_of_events, thread_sensitive=False)
