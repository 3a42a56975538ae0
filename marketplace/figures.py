"""How figures are drawn: a price with its change, the mark of an estimate, a small line of past prices.

Plain Python and not templates: the board draws 500 rows of them, and each template costs more than what it says. The
words and classes are those that static/js/price.js changes in place.
"""

from collections.abc import Sequence
from typing import Literal

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from marketplace.money import format_ticks

DASH = "–"
SPARK_WIDTH, SPARK_HEIGHT = 72, 20

_ESTIMATE = (
    '<abbr class="estimate" data-field="estimate" title="An estimate: bids that combine lots or hours bear on this '
    'price, and only the clearing weighs them exactly."{}>est.</abbr>'
)
ESTIMATE = {
    is_estimate: SafeString(_ESTIMATE.format("" if is_estimate else " hidden"))
    for is_estimate in (True, False)
}


def price(
    ticks: int | None,
    change_ticks: int | Literal["never"] | None = "never",
    per: str = "",
    size: str = "",
    key: str = "",
) -> SafeString:
    """Show a price with its unit (``per``) and how far it moved. ``key`` names it for live updates.

    A change that is None is unknown as yet and keeps its room; one that is left out never comes.
    """
    classes = (
        "price" + (f" price--{size}" if size else "") + (" price--none" if not isinstance(ticks, int) else "")
    )
    value, shown = (ticks, format_ticks(ticks)) if isinstance(ticks, int) else ("", DASH)
    unit = format_html(' <span class="price__per">/ {}</span>', per) if per else ""
    moved = (
        "" if change_ticks == "never" else _change(change_ticks if isinstance(change_ticks, int) else None)
    )
    return mark_safe(  # noqa: S308 - numbers, and what is escaped here
        f'<span class="{conditional_escape(classes)}" data-price="{conditional_escape(key)}" data-ticks="{value}">'
        f'<span class="price__value" data-price-value>{shown}</span>{unit} {moved}</span>'
    )


def _change(ticks: int | None) -> str:
    if ticks is None:
        tone, sign, word, value = " change--none", "", "", ""
    elif ticks == 0:
        tone, sign, word, value = "", "=", "unchanged", "0"
    else:
        way = "up" if ticks > 0 else "down"
        tone, sign, word, value = f" change--{way}", "▲" if ticks > 0 else "▼", way, format_ticks(abs(ticks))
    return (
        f'<span class="change{tone}" data-price-change><span data-change-sign aria-hidden="true">{sign}</span>'
        f'<span class="visually-hidden" data-change-word>{word}</span> '
        f"<span data-change-value>{value}</span></span>"
    )


def estimate(is_estimate: bool) -> SafeString:
    """Mark an indicative price beside it as an estimate; hidden, for js/live/board.js to show, where it is none."""
    return ESTIMATE[bool(is_estimate)]


def sparkline(values: Sequence[int]) -> SafeString:
    """Draw numbers, oldest first, as a small line. It is decoration: the price beside it says the last one.

    Two say no more than the change beside it does.
    """
    if len(values) < 3:
        return SafeString("")
    low, span = min(values), max(max(values) - min(values), 1)
    across, up = SPARK_WIDTH / (len(values) - 1), (SPARK_HEIGHT - 2) / span
    points = " ".join(
        f"{at * across:.1f},{SPARK_HEIGHT - 1 - (value - low) * up:.1f}" for at, value in enumerate(values)
    )
    return mark_safe(  # noqa: S308 - numbers only
        f'<svg class="sparkline" viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}" width="{SPARK_WIDTH}" '
        f'height="{SPARK_HEIGHT}" aria-hidden="true" focusable="false"><polyline points="{points}"/></svg>'
    )
