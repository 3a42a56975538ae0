"""What templates say in Sparegrid's own words: money, units, hours, states, icons, and the parts of the shell."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from django import template
from django.http import HttpRequest
from django.template.context import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketplace.figures import DASH, estimate, price, sparkline
from marketplace.hours import n_hours
from marketplace.money import dollars_of_ticks, format_cents, format_ticks
from marketplace.stylesheet import stylesheet_url

register = template.Library()


@register.filter
def ticks(value: int | None) -> str:
    """Show a price, ticks per unit-hour: ``$2.4950``; a dash when there is none."""
    return DASH if value is None else format_ticks(value)


@register.filter
def dollars(value: int) -> str:
    """Write a price, ticks per unit-hour, as a form or an address takes it: ``2.4950``."""
    return dollars_of_ticks(value)


@register.filter
def cents(value: int | None) -> str:
    """Show an amount of money in cents: ``$1,234.56``; a dash when there is none."""
    return DASH if value is None else format_cents(value)


@register.filter
def thousands(value: int | None) -> str:
    """Show a count with its thousands apart: ``4,812``."""
    return DASH if value is None else f"{value:,}"


@register.filter
def gap(value: float | None) -> str:
    """Show how far at most a surplus is from the best, rounded up: ``1.37 %``; a dash when it is not bounded."""
    return DASH if value is None else f"{ceil(value * 10_000) / 100:g}\N{NO-BREAK SPACE}%"


@register.filter
def units(value: int | None, kind: str = "gpu") -> str:
    """Show a number of units of a ResourceType's ``kind``: ``1,024 GPUs``, ``8 × 1k tok/s``."""
    if value is None:
        return DASH
    if kind == "model":
        return f"{value:,} × 1k tok/s"
    return f"{value:,} GPU" if value == 1 else f"{value:,} GPUs"


@register.filter
def unit_word(kind: str) -> str:
    """Name the units of a ResourceType's ``kind`` beside a number that stands by itself: ``GPUs``."""
    return "× 1k tok/s" if kind == "model" else "GPUs"


@register.filter
def unit_hour(kind: str) -> str:
    """Name what a price is for: ``GPU-hour``, or ``1k tok/s-hour`` for models."""
    return "1k tok/s-hour" if kind == "model" else "GPU-hour"


@register.simple_tag
def hours_span(start: datetime, end: datetime) -> SafeString:
    """Show a range of whole hours: ``Tue 24 Nov 14:00–20:00 UTC (6 h)``.

    Both days are named when it crosses midnight, and both years when it crosses New Year.
    """
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    day = "{0:%a} {0.day} {0:%b}" if start.year == end.year else "{0:%a} {0.day} {0:%b} {0.year}"
    last = f"{end:%H:%M}" if start.date() == end.date() else f"{day.format(end)} {end:%H:%M}"
    return format_html(
        '<span class="{}"><time datetime="{}" data-local class="nowrap">{}</time>–'
        '<time datetime="{}" data-local class="nowrap">{} UTC</time></span> '
        '<span class="muted nowrap">({} h)</span>',
        "nowrap" if start.year == end.year else "",  # with years it is too long for a phone
        start.isoformat(),
        f"{day.format(start)} {start:%H:%M}",
        end.isoformat(),
        last,
        f"{n_hours(start, end):,}",
    )


@register.simple_tag
def duration(length: timedelta) -> str:
    """Show a length of time in the largest whole unit: ``15 min``, ``24 h``, ``8 days``; from two days on in days."""
    minutes = length // timedelta(minutes=1)
    if minutes and not minutes % (24 * 60) and minutes >= 48 * 60:
        return f"{minutes // (24 * 60):,} days"
    if not minutes % 60:
        return f"{minutes // 60:,} h"
    return f"{minutes:,} min"


UTC_FORMATS = {
    "datetime": "{0:%a} {0.day} {0:%b %H:%M} UTC",
    "full": "{0.day} {0:%b %Y %H:%M:%S} UTC",
    "date": "{0.day} {0:%b %Y}",
    "time": "{0:%H:%M} UTC",
    "seconds": "{0:%H:%M:%S} UTC",
}


@register.simple_tag
def utc(instant: datetime | None, style: str = "datetime") -> str | SafeString:
    """Show an instant in UTC as a <time> that js/localtime.js explains in the reader's own zone."""
    if instant is None:
        return DASH
    instant = instant.astimezone(UTC)
    text = UTC_FORMATS[style].format(instant)
    return format_html('<time datetime="{}" data-local class="nowrap">{}</time>', instant.isoformat(), text)


@register.simple_tag
def server_time() -> str:
    """Give the server's clock to js/countdown.js, ISO 8601 with milliseconds."""
    return timezone.now().astimezone(UTC).isoformat(timespec="milliseconds")


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw a symbol of img/icons.svg. Icons are decoration: the words beside them carry the meaning."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("img/icons.svg"),
        name,
    )


@dataclass(frozen=True)
class Look:
    """How a state appears: a symbol of img/icons.svg and a tone of pill.css."""

    icon: str
    tone: str


PLAIN_LOOK = Look("minus", "hollow")
LOOKS = {
    # windows
    "scheduled": Look("clock", "hollow"),
    "open": Look("open", "live"),
    "frozen": Look("frozen", "warn"),
    "closed": Look("closed", "solid"),
    "cleared": Look("check", "ok"),
    "cancelled": Look("cross", "neutral"),
    # markets
    "active": Look("open", "live"),
    "paused": Look("pause", "neutral"),
    # bids and awards
    "placed": Look("open", "live"),
    "won": Look("check", "ok"),
    "part_won": Look("half", "ok"),
    "lost": Look("minus", "neutral"),
    "released": Look("return", "neutral"),
    # standing orders
    "fulfilled": Look("check", "ok"),
    "exhausted": Look("minus", "warn"),
    # inquiries
    "asked": Look("working", "neutral"),
    "answered": Look("check", "ok"),
    "failed": Look("alert", "warn"),
    # blocks
    "listed": Look("open", "live"),
    "withdrawn": Look("cross", "neutral"),
    # settlements
    "due": Look("clock", "hollow"),
    "charging": Look("working", "neutral"),
    "action_required": Look("alert", "warn"),
    "declined": Look("alert", "danger"),
    "carried": Look("forward", "neutral"),
    "paid": Look("check", "ok"),
    "defaulted": Look("cross", "danger"),
    "written_off": Look("minus", "neutral"),
    # outages
    "accepted": Look("half", "neutral"),
    "disputed": Look("alert", "warn"),
    "upheld": Look("check", "ok"),
    "completed": Look("check", "ok"),
    # deliveries
    "awaiting_payment": Look("clock", "hollow"),
    "handover_due": Look("clock", "warn"),
    "ready": Look("check", "ok"),
    "running": Look("open", "live"),
    "delivered": Look("check", "ok"),
    "missed": Look("alert", "danger"),
    # mismatches
    "open_mismatch": Look("alert", "danger"),
    "tied": Look("check", "ok"),
    # money on its way
    "pending": Look("clock", "hollow"),
    "canceled": Look("cross", "neutral"),
    "proposed": Look("clock", "warn"),
    "pending_approval": Look("clock", "warn"),
    "approved": Look("check", "neutral"),
    "sending": Look("working", "neutral"),
    "returned": Look("return", "ok"),
    "succeeded": Look("check", "ok"),
    "credited": Look("check", "ok"),
    "reversed": Look("return", "neutral"),
    "rejected": Look("cross", "neutral"),
    # prepayments
    "in_force": Look("check", "ok"),
    "refused": Look("cross", "neutral"),
    "received": Look("check", "ok"),
    "expired": Look("minus", "neutral"),
    "waiting": Look("clock", "hollow"),
    "done": Look("check", "ok"),
    # disputes
    "inquiry": Look("clock", "warn"),
    "needs_response": Look("alert", "danger"),
    "under_review": Look("working", "neutral"),
    "borne": Look("minus", "neutral"),
    # webhooks
    "enabled": Look("open", "live"),
    "disabled": Look("pause", "warn"),
    "removed": Look("cross", "neutral"),
}


@register.inclusion_tag("components/pill.html")
def status_pill(status: str, label: str = "") -> dict[str, str]:
    """Show a state as icon and word. ``label`` defaults to the state's own name; unknown states look plain."""
    look = LOOKS.get(status, PLAIN_LOOK)
    words = label or getattr(status, "label", "") or status.replace("_", " ").capitalize()
    return {"icon_name": look.icon, "tone": look.tone, "label": words}


register.simple_tag(stylesheet_url, name="stylesheet")
register.simple_tag(price)
register.simple_tag(estimate)
register.simple_tag(sparkline)


@register.inclusion_tag("components/countdown.html")
def countdown(at: datetime, label: str = "", done: str = "now", size: str = "") -> dict[str, object]:
    """Count down to ``at``; without JavaScript the time itself stands there.

    A ``label`` such as "Closes in" then reads "Closes", as an instant follows and not a time left.
    """
    at = at.astimezone(UTC)
    is_near = at - timezone.now() < timedelta(hours=20)
    return {"at": at, "text": UTC_FORMATS["time" if is_near else "datetime"].format(at)} | {
        "label": label.removesuffix(" in"),
        "counts_in": label.endswith(" in"),
        "done": done,
        "size": size,
    }


@register.inclusion_tag("components/nav_item.html", takes_context=True)
def nav_item(context: Context, url_name: str, label: str, also: str = "") -> dict[str, object]:
    """Link to a page of the primary navigation and mark it on that page and those ``also`` lists, space-separated.

    A list page also stands for its siblings: ``auctions:bid_list`` is current on ``auctions:bid_detail``.
    """
    request: HttpRequest | None = context.get("request")
    match = request.resolver_match if request else None
    here = match.view_name if match else ""
    stem = url_name.removesuffix("_list")
    is_current = (
        here == url_name or here in also.split() or (stem != url_name and here.startswith(f"{stem}_"))
    )
    return {"url_name": url_name, "label": label, "is_current": is_current}
