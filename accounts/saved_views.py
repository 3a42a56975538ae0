"""Filters that a person keeps under a name: of the settlement queue, and of the board."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from accounts.models import SavedView, User

MAX_VIEWS = 30
"""Of one person and one page: more are no help."""


class CannotSave(Exception):
    """The text says why a view is not kept, for people."""


def views_of(user: User, place: SavedView.Place) -> list[SavedView]:
    """Return the views of a page that a person keeps, by name."""
    return list(SavedView.objects.filter(owner=user, place=place).order_by("name", "id"))


def save_view(*, owner: User, place: SavedView.Place, name: str, query: str) -> SavedView:
    """Keep a filter of a page under a name. Raise CannotSave for a name in use or one view too many."""
    with transaction.atomic(durable=True):
        User.objects.select_for_update(no_key=True).get(pk=owner.pk)
        if SavedView.objects.filter(owner=owner, place=place).count() >= MAX_VIEWS:
            raise CannotSave(f"You keep {MAX_VIEWS} views already: remove one first.")
        try:
            with transaction.atomic():
                return SavedView.objects.create(owner=owner, place=place, name=name, query=query)
        except IntegrityError:
            raise CannotSave(f"You have a view named “{name}” already.") from None


def remove_view(*, owner: User, view_id: int) -> None:
    """Forget a view of one's own; one that is gone already is no error."""
    SavedView.objects.filter(owner=owner, pk=view_id).delete()


def choose_default(*, owner: User, place: SavedView.Place, view_id: int | None) -> SavedView | None:
    """Have a page open with one of its owner's views, or with everything; return the view, None where it is gone."""
    with transaction.atomic(durable=True):
        User.objects.select_for_update(no_key=True).get(pk=owner.pk)
        own = SavedView.objects.filter(owner=owner, place=place)
        chosen = own.filter(pk=view_id).first() if view_id is not None else None
        own.filter(is_default=True).update(is_default=False)
        if chosen is not None:
            own.filter(pk=chosen.pk).update(is_default=True)
        return chosen
