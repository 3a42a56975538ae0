"""Awards as a calendar (RFC 5545): one event an award, in UTC, under a name that stays, so that it can be updated."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from icalendar import Calendar, Event

from auctions.models import Award
from inventory.models import ResourceType
from marketplace.money import format_ticks


def calendar_of(awards: Iterable[Award]) -> bytes:
    """Return awards (of ``awards_of``) as a calendar file."""
    calendar = Calendar()
    calendar.add("prodid", "-//Sparegrid//Awards//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "Sparegrid awards")
    for award in awards:
        calendar.add_component(_event(award))
    return bytes(calendar.to_ical())


def _event(award: Award) -> Event:
    block = award.lot.block
    is_gpu = block.resource_type.kind == ResourceType.Kind.GPU
    units = (
        f"{award.units:,} {'GPU' if award.units == 1 else 'GPUs'}"
        if is_gpu
        else f"{award.units:,} × 1k tok/s"
    )
    event = Event()
    event.add("uid", f"award-{award.pk}@sparegrid")
    event.add("dtstamp", award.cancelled_at or award.created_at)
    event.add("dtstart", award.starts_at)
    event.add("dtend", _ends_at(award))
    event.add("summary", f"{units}: {block.resource_type.name}, {block.site.get_region_display()}")
    event.add("description", _description(award))
    event.add("location", f"{block.site.name}, {block.site.get_region_display()}")
    event.add("url", _address("auctions:bid_detail", award.bid_id))
    event.add("sequence", 0 if award.cancelled_at is None else 1)
    event.add("status", "CANCELLED" if _is_all_cancelled(award) else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    return event


def _description(award: Award) -> str:
    lines = [
        f"Award {award.pk}, lot {award.lot_id}, {award.window.market.name}.",
        f"It costs {format_ticks(award.amount_ticks)}.",
        f"Access and SSH keys: {_address('auctions:award_list')}",
    ]
    if award.cancelled_from is not None:
        lines.insert(1, f"Cancelled from {award.cancelled_from:%Y-%m-%d %H:%M} UTC on: not paid.")
    return "\n".join(lines)


def _ends_at(award: Award) -> datetime:
    """Return when its hours end: where the rest was cancelled, there; one that is wholly cancelled keeps its own."""
    if award.cancelled_from is None or _is_all_cancelled(award):
        return award.ends_at
    return award.cancelled_from


def _is_all_cancelled(award: Award) -> bool:
    return award.cancelled_from is not None and award.cancelled_from - award.starts_at <= timedelta(0)


def _address(name: str, *arguments: int) -> str:
    return f"{settings.SITE_URL}{reverse(name, args=arguments)}"
