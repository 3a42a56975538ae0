"""Drafts of listings: begun, changed step by step, discarded, and listed once."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import Organization, User
from inventory.models import Block, BlockDraft
from inventory.operations.blocks import create_block
from inventory.terms import BlockTerms
from marketplace.db import database_now

MOST_DRAFTS = 100
"""Of a seller, not listed yet."""


class DraftNotFound(Exception):
    """No draft of this seller has this id, or it was discarded."""


class DraftChanged(Exception):
    """The draft is no longer what was looked at: it changed meanwhile, or was listed."""


class TooManyDrafts(Exception):
    """The seller has as many drafts as it may."""

    def __init__(self) -> None:
        super().__init__(f"You have {MOST_DRAFTS} drafts. List or discard some first.")


def begin_draft(*, seller: Organization, begun_by: User, said: Mapping[str, str]) -> BlockDraft:
    """Keep what was typed first. Raise TooManyDrafts."""
    with transaction.atomic(durable=True):
        Organization.objects.select_for_update(no_key=True).get(pk=seller.pk)
        if BlockDraft.objects.filter(organization=seller, block=None).count() >= MOST_DRAFTS:
            raise TooManyDrafts
        return BlockDraft.objects.create(organization=seller, begun_by=begun_by, said=dict(said))


def change_draft(*, seller: Organization, draft_id: int, said: Mapping[str, str]) -> BlockDraft:
    """Keep what was typed at a step; fields of other steps stay. Raise DraftNotFound, or DraftChanged once listed."""
    with transaction.atomic(durable=True):
        draft = _locked(seller, draft_id)
        if draft.block_id is not None:
            raise DraftChanged
        draft.said = {**draft.said, **said}
        _save(draft)
    return draft


def discard_draft(*, seller: Organization, draft_id: int) -> None:
    """Forget a draft. One that is gone already, or was listed, is left as it is."""
    with transaction.atomic(durable=True):
        BlockDraft.objects.filter(organization=seller, pk=draft_id, block=None).delete()


def list_draft(
    *,
    seller: Organization,
    listed_by: User,
    draft_id: int,
    version_seen: int | None,
    terms: BlockTerms,
    is_another: bool,
) -> Block:
    """List what a draft says, once: asked again, return the block it became. ``is_another`` as in list_block.

    Raise DraftNotFound, DraftChanged when it is not at ``version_seen``, BlockRefused.
    """
    now = database_now()
    with transaction.atomic(durable=True):
        draft = _locked(seller, draft_id)
        if draft.block_id is not None:
            return Block.objects.get(pk=draft.block_id)
        if draft.version != version_seen:
            raise DraftChanged
        draft.block = block = create_block(seller, listed_by, terms, now, is_another=is_another)
        _save(draft)
    return block


def _locked(seller: Organization, draft_id: int) -> BlockDraft:
    draft = BlockDraft.objects.select_for_update(no_key=True).filter(organization=seller, pk=draft_id).first()
    if draft is None:
        raise DraftNotFound
    return draft


def _save(draft: BlockDraft) -> None:
    draft.version += 1
    draft.changed_at = Now()
    draft.save(update_fields=["said", "version", "changed_at", "block"])
