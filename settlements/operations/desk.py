"""What finance does with the queue itself: who looks after a settlement, notes, and views that a person keeps."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction

from accounts.models import User
from settlements.models import SavedView, Settlement, SettlementNote

MAX_AT_ONCE = 500
MAX_VIEWS = 30


class CannotAssign(Exception):
    """The text says why the settlements stay with whom they are, for people."""


class CannotSave(Exception):
    """The text says why a view is not kept, for people."""


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


def save_view(*, owner: User, name: str, query: str) -> SavedView:
    """Keep a filter of the queue under a name. Raise CannotSave for a name in use or one view too many."""
    with transaction.atomic(durable=True):
        User.objects.select_for_update(no_key=True).get(pk=owner.pk)
        if SavedView.objects.filter(owner=owner).count() >= MAX_VIEWS:
            raise CannotSave(f"You keep {MAX_VIEWS} views already: remove one first.")
        try:
            with transaction.atomic():
                return SavedView.objects.create(owner=owner, name=name, query=query)
        except IntegrityError:
            raise CannotSave(f"You have a view named “{name}” already.") from None


def remove_view(*, owner: User, view_id: int) -> None:
    """Forget a view of one's own; one that is gone already is no error."""
    SavedView.objects.filter(owner=owner, pk=view_id).delete()
