"""What finance does with the queue itself: who looks after a settlement, and notes."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from accounts.models import User
from settlements.models import Settlement, SettlementNote

MAX_AT_ONCE = 500


class CannotAssign(Exception):
    """The text says why the settlements stay with whom they are, for people."""


def assign_settlements(*, settlement_ids: Sequence[int], assignee: User | None) -> int:
    """Have a finance person look after settlements, or nobody; return how many that changed.

    Raise CannotAssign where the person is not of finance, or for more than MAX_AT_ONCE at once.
    """
    if assignee is not None and not (assignee.is_finance and assignee.is_active):
        raise CannotAssign(f"{assignee} is not of the finance staff.")
    if len(settlement_ids) > MAX_AT_ONCE:
        raise CannotAssign(f"At most {MAX_AT_ONCE} settlements at once.")
    with transaction.atomic(durable=True):
        rows = Settlement.objects.select_for_update(no_key=True).filter(pk__in=settlement_ids).order_by("pk")
        changed = [row.pk for row in rows if row.assignee_id != (assignee.pk if assignee else None)]
        return Settlement.objects.filter(pk__in=changed).update(assignee=assignee)


def add_note(*, settlement: Settlement, author: User, text: str) -> SettlementNote:
    """Write a note on a settlement. It stays."""
    return SettlementNote.objects.create(settlement=settlement, author=author, text=text)
