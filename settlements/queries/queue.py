"""The settlement queue, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from settlements.models import Settlement

PAGE_SIZE = 50
EXPORT_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Settlements newest first; ``next_before`` is the id to go on from, None at the end."""

    settlements: list[Settlement]
    next_before: int | None


def page_of(settlements: QuerySet[Settlement], *, before: int | None, size: int = PAGE_SIZE) -> Page:
    """Return a page of ``settlements`` older than the id ``before``: a keyset, as quick at the end as at the start."""
    older = settlements if before is None else settlements.filter(pk__lt=before)
    rows = list(older.order_by("-id")[: size + 1])
    return Page(rows[:size], rows[size - 1].pk if len(rows) > size else None)


def every_page_of(settlements: QuerySet[Settlement]) -> Iterator[list[Settlement]]:
    """Yield all of ``settlements`` newest first, a chunk at a time, holding no cursor open in between."""
    page = page_of(settlements, before=None, size=EXPORT_CHUNK)
    while page.settlements:
        yield page.settlements
        if page.next_before is None:
            return
        page = page_of(settlements, before=page.next_before, size=EXPORT_CHUNK)
