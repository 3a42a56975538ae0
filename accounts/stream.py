"""An organization's own feed: numbered without gaps, written in the transaction that changes what it tells of.

Rows are read by the publisher, which tells listeners (auctions/publisher.py), and by what tells people and their
programs (notifications/operations/spreading.py). Each function assumes a transaction.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from accounts.models import DeskEvent, Stream, StreamEvent


@dataclass(frozen=True, slots=True)
class Happening:
    """Something to tell an organization: its kind, such as ``bid.placed``, with identifiers and amounts as JSON."""

    organization_id: int
    kind: str
    data: dict[str, Any]


def append_event(*, organization_id: int, kind: str, data: dict[str, Any]) -> None:
    """Append one event to an organization's feed."""
    append_events([Happening(organization_id=organization_id, kind=kind, data=data)])


def append_events(happenings: Iterable[Happening]) -> None:
    """Append events to the feeds they belong to, in order; feeds are locked in key order."""
    by_organization: dict[int, list[Happening]] = defaultdict(list)
    for happening in happenings:
        by_organization[happening.organization_id].append(happening)
    events = []
    for organization_id, own in sorted(by_organization.items()):
        Stream.objects.filter(pk=organization_id).update(last_sequence=F("last_sequence") + len(own))
        last = Stream.objects.values_list("last_sequence", flat=True).get(pk=organization_id)
        events += [
            StreamEvent(
                organization_id=organization_id, sequence=sequence, kind=happening.kind, data=happening.data
            )
            for sequence, happening in enumerate(own, start=last - len(own) + 1)
        ]
    StreamEvent.objects.bulk_create(events, batch_size=1000)


def append_desk_event(*, desk: DeskEvent.Desk, kind: str, data: dict[str, Any]) -> None:
    """Tell our own staff at one desk of something to see to."""
    DeskEvent.objects.create(desk=desk, kind=kind, data=data)


def last_sequence(*, organization_id: int) -> int:
    """Return where the organization's feed stands. Read it before what a page shows, and no event is missed."""
    return Stream.objects.values_list("last_sequence", flat=True).get(pk=organization_id)
