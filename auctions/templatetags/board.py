"""A row of the board, drawn once and kept: it says the same to every reader until one of its figures moves."""

from functools import lru_cache

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from auctions.queries.board import BoardRow, BoardSection

register = template.Library()

ROWS_KEPT = 4_096
"""About 2.5 KB each."""


@register.simple_tag
def board_row(section: BoardSection, row: BoardRow) -> SafeString:
    """Draw a product's row. A template that is being worked on is read anew each time."""
    kind = row.resource_type
    draw = _draw.__wrapped__ if settings.DEBUG else _draw
    return draw(row, (kind.name, kind.slug, kind.kind), section.market.slug, section.clock.takes_bids)


@lru_cache(maxsize=ROWS_KEPT)
def _draw(row: BoardRow, named: tuple[str, ...], market_slug: str, takes_bids: bool) -> SafeString:
    """Draw ``row``, whose resource type is ``named`` so (types are equal by their key alone)."""
    facts = {"row": row, "market_slug": market_slug, "takes_bids": takes_bids}
    return render_to_string("auctions/board_row.html", facts)
