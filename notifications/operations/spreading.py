"""Pass the feeds on to people: each event becomes, once, a notification for all whom it concerns and who want it.

Exactly once: what was passed on and how far it got are one transaction. A worker that dies in between has passed on
nothing, and the next one begins where the cursor stands. Two workers never pass on the same feed: the second skips it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from accounts.models import DeskEvent, StreamEvent
from accounts.stream import append_event
from notifications.jobs import defer_deliveries, defer_letters
from notifications.kinds import DESK_KINDS, NUDGE, Kind, Letters, kind_of
from notifications.models import FeedCursor, Letter, Notification, WebhookDelivery, WebhookEndpoint
from notifications.queries import Recipient, desk_recipients, organization_recipients
from notifications.webhook_events import MAX_ATTEMPTS, body_of

logger = logging.getLogger(__name__)

EVENTS_AT_ONCE = 2_000
FEEDS_AT_ONCE = 200
SUMMED = ("amount_ticks", "units")
EARLIEST = ("starts_at",)
_BEHIND = """
    SELECT stream.organization_id FROM accounts_stream stream
    LEFT JOIN notifications_feedcursor cursor ON cursor.organization_id = stream.organization_id
    WHERE stream.last_sequence > coalesce(cursor.sequence, 0)
    ORDER BY stream.organization_id LIMIT %s
"""


@dataclass(slots=True)
class News:
    """One or several events that a person is told of under one key."""

    kind: Kind
    key: str
    event: str
    data: dict[str, Any]
    n: int = 1

    def add(self, data: dict[str, Any]) -> None:
        self.n += 1
        _gather_into(self.data, data)


def _gather_into(data: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add what another event says to what one says of several. Instants are ISO 8601 in UTC: text keeps their order."""
    for name in SUMMED:
        if name in data:
            data[name] += more[name]
    for name in EARLIEST:
        if name in data:
            data[name] = min(data[name], more[name])


@dataclass(slots=True)
class Gathered:
    """News by key, in the order of the feed."""

    news: dict[str, News] = field(default_factory=dict)

    def take(self, kind: Kind, key: str, event: str, data: dict[str, Any]) -> None:
        if key in self.news:
            self.news[key].add(data)
        else:
            self.news[key] = News(kind, key, event, dict(data))


def feeds_behind() -> list[int]:
    """Return organizations whose feed was not passed on to its end."""
    with connection.cursor() as cursor:
        cursor.execute(_BEHIND, [FEEDS_AT_ONCE])
        return [organization_id for (organization_id,) in cursor.fetchall()]


def pass_feed_on(*, organization_id: int) -> int:
    """Pass on what an organization's feed says since last time; return how many events, 0 where another does it."""
    FeedCursor.objects.get_or_create(organization_id=organization_id)
    with transaction.atomic(durable=True):
        cursors = FeedCursor.objects.select_for_update(skip_locked=True).filter(pk=organization_id)
        cursor = cursors.first()
        if cursor is None:
            return 0
        events = list(
            StreamEvent.objects.filter(
                organization_id=organization_id, sequence__gt=cursor.sequence
            ).order_by("sequence")[:EVENTS_AT_ONCE]
        )
        if not events:
            return 0
        cursor.sequence = events[-1].sequence
        cursor.save(update_fields=["sequence"])
        gathered = _gather(events)
        people = organization_recipients(organization_id) if gathered.news else []
        _write_deliveries(events, organization_id)
        if _tell(gathered.news.values(), people, organization_id=organization_id):
            append_event(organization_id=organization_id, kind=NUDGE, data={})
        return len(events)


def pass_desk_events_on() -> int:
    """Pass on what our own staff was told since last time; return how many events."""
    with transaction.atomic(durable=True):
        untold = DeskEvent.objects.select_for_update(skip_locked=True).filter(told=False).order_by("id")
        events = list(untold[:EVENTS_AT_ONCE])
        for desk in DeskEvent.Desk.values:
            news = [
                News(DESK_KINDS[event.kind], f"desk:{event.pk}", event.kind, event.data)
                for event in events
                if event.desk == desk and event.kind in DESK_KINDS
            ]
            _tell(news, desk_recipients(desk) if news else [], organization_id=None)
        DeskEvent.objects.filter(pk__in=[event.pk for event in events]).update(told=True)
        return len(events)


def _write_deliveries(events: list[StreamEvent], organization_id: int) -> None:
    """Have each event sent to the endpoints that hear of it, once: an endpoint has one delivery of an event."""
    endpoints = WebhookEndpoint.objects.filter(
        organization_id=organization_id, status=WebhookEndpoint.Status.ENABLED
    )
    deliveries = []
    for endpoint in endpoints.order_by("id"):
        for event in events:
            if event.kind in endpoint.events:
                event_id = f"evt_{organization_id}_{event.sequence}"
                body = body_of(
                    event_id,
                    event.kind,
                    organization_id=organization_id,
                    at=event.created_at,
                    data=event.data,
                )
                deliveries.append(
                    WebhookDelivery(
                        endpoint=endpoint,
                        event_id=event_id,
                        event=event.kind,
                        body=body,
                        n_attempts_left=MAX_ATTEMPTS,
                    )
                )
    WebhookDelivery.objects.bulk_create(deliveries, batch_size=1000)
    defer_deliveries(sorted({delivery.endpoint_id for delivery in deliveries}))


def _gather(events: Iterable[StreamEvent]) -> Gathered:
    gathered = Gathered()
    for event in events:
        kind = kind_of(event.kind, event.data)
        if kind is None:
            continue
        if kind.gathers and "window" in event.data:  # deliveries' events of before 0.1 do not name theirs
            key = f"{event.organization_id}:{event.kind}:window:{event.data['window']}"
        else:
            key = f"{event.organization_id}#{event.sequence}"
        gathered.take(kind, key, event.kind, event.data)
    return gathered


def _tell(news: Iterable[News], people: list[Recipient], *, organization_id: int | None) -> bool:
    """Write each person's notifications and letters; say whether anybody's page has something new."""
    told = [
        (person, each, person.wants_letter(each.kind) and each.kind.letters is Letters.OURS)
        for each in news
        for person in people
        if person.hears_of(each.kind, by=each.data.get("by"))
    ]
    known = _known_of(told)
    letters, rows, is_new_in_page = [], [], False
    for person, each, by_letter in told:
        in_page = person.wants_in_page(each.kind)
        is_new_in_page |= in_page
        before = known.get((person.user_id, each.key))
        if before is not None:
            _add_to(before, each)
        elif in_page or by_letter:
            row = Notification(
                user_id=person.user_id,
                organization_id=organization_id,
                kind=each.kind.name,
                key=each.key,
                event=each.event,
                data=each.data,
                n=each.n,
                in_page=in_page,
            )
            rows.append(row)
            if by_letter:
                letters.append(row)
    Notification.objects.bulk_create(rows, batch_size=1000)
    written = Letter.objects.bulk_create((Letter(notification=row) for row in letters), batch_size=1000)
    defer_letters([letter.pk for letter in written])
    return is_new_in_page


def _known_of(told: list[tuple[Recipient, News, bool]]) -> dict[tuple[int, str], Notification]:
    """Return what was told already under a key that gathers: a feed with very many events is read in parts."""
    keys = {each.key for _, each, _ in told if each.kind.gathers}
    if not keys:
        return {}
    rows = Notification.objects.filter(key__in=keys, user__in={person.user_id for person, _, _ in told})
    return {(row.user_id, row.key): row for row in rows}


def _add_to(row: Notification, more: News) -> None:
    _gather_into(row.data, more.data)
    row.n += more.n
    row.read_at = None
    row.save(update_fields=["data", "n", "read_at"])
