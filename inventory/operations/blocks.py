"""Blocks: listing, listing many at once, and taking back what is unsold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import F, Sum

from accounts.models import Organization, User
from inventory.models import Block, BlockHour, ResourceType, Site
from inventory.patterns import blocks_of_pattern, pattern_errors
from inventory.policies import block_errors
from inventory.terms import BlockError, BlockTerms, PatternTerms
from marketplace.db import database_now
from marketplace.hours import hours_in
from marketplace.states import require_transition

MAX_OVERLAPS_NAMED = 10


class BlockRefused(Exception):
    """The terms cannot be listed; ``errors`` says why, field by field."""

    def __init__(self, errors: Sequence[BlockError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = tuple(errors)


class ImportRefused(Exception):
    """Some rows cannot be listed, so none was; ``errors`` gives the errors by index of the row."""

    def __init__(self, errors: Mapping[int, Sequence[BlockError]]) -> None:
        super().__init__(f"{len(errors)} rows cannot be listed")
        self.errors = {index: tuple(own) for index, own in errors.items()}


class BlockNotFound(Exception):
    """No block of this seller has this id."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What withdrawing a block takes off the market and what stays, unit-hours that lie ahead."""

    withdrawn_unit_hours: int
    sold_unit_hours: int
    frozen_unit_hours: int


def list_block(
    *,
    seller: Organization,
    listed_by: User,
    terms: BlockTerms,
    is_another: bool | None = None,
    now: datetime | None = None,
) -> Block:
    """List idle capacity, hour by hour. ``now`` is the database's clock unless given. Raise BlockRefused.

    ``is_another`` is what a person says of a block that overlaps a listed one of its type at its site: without it the
    block is refused, and with it a block that repeats another in everything, so that a form sent twice lists once.
    Programs (None), which send keys of their own, are not asked.
    """
    now = now or database_now()
    with transaction.atomic(durable=True):
        return create_block(seller, listed_by, terms, now, is_another=is_another)


def create_block(
    seller: Organization, listed_by: User, terms: BlockTerms, now: datetime, *, is_another: bool | None
) -> Block:
    """Write one block with its hours; assumes a transaction. ``is_another`` as in list_block. Raise BlockRefused."""
    if is_another is not None:
        Site.objects.select_for_update(no_key=True).filter(pk=terms.site_id, organization=seller).first()
    errors = _Checker(seller, [terms], now).errors_of(terms)
    if errors:
        raise BlockRefused(errors)
    if is_another is not None:
        _refuse_overlap(seller, terms, is_another=is_another)
    [block] = _create_blocks(listed_by, [terms])
    return block


def import_blocks(
    *, seller: Organization, listed_by: User, rows: Sequence[BlockTerms], now: datetime | None = None
) -> list[Block]:
    """List many blocks, all or none. A row that repeats another or a listed block is refused. Raise ImportRefused."""
    now = now or database_now()
    with transaction.atomic(durable=True):
        checker = _Checker(seller, rows, now)
        already_listed = _listed_terms(seller, rows)
        refused: dict[int, list[BlockError]] = {}
        seen: set[BlockTerms] = set()
        for index, terms in enumerate(rows):
            errors = checker.errors_of(terms)
            if terms in seen:
                errors.append(BlockError("", "repeated", "This row repeats an earlier one."))
            elif terms in already_listed:
                errors.append(BlockError("", "already_listed", "You list exactly this block already."))
            seen.add(terms)
            if errors:
                refused[index] = errors
        if refused:
            raise ImportRefused(refused)
        return _create_blocks(listed_by, rows)


def list_pattern(
    *, seller: Organization, listed_by: User, terms: PatternTerms, now: datetime | None = None
) -> list[Block]:
    """List a block for each period of a pattern, all or none. Raise BlockRefused.

    A period that overlaps a block of the same type that is listed at the site already is refused, so that sending the
    form twice lists nothing twice.
    """
    now = now or database_now()
    with transaction.atomic(durable=True):
        Site.objects.select_for_update(no_key=True).filter(pk=terms.site_id, organization=seller).first()
        rows = preview_pattern(seller=seller, terms=terms, now=now)
        return _create_blocks(listed_by, rows)


def preview_pattern(*, seller: Organization, terms: PatternTerms, now: datetime) -> list[BlockTerms]:
    """Return the blocks that listing a pattern would make. Raise BlockRefused. Locks nothing, changes nothing."""
    errors = list(pattern_errors(terms.pattern, now=now))
    rows = [] if errors else blocks_of_pattern(terms)
    checker = _Checker(seller, rows, now)
    # Periods differ in their times alone: what is wrong with the rest of the terms is wrong with the first one.
    errors += checker.errors_of(rows[0]) if rows else []
    errors += [] if errors else _overlaps(seller, rows)
    if errors:
        raise BlockRefused(errors)
    return rows


def withdraw_block(*, seller: Organization, block_id: int, now: datetime | None = None) -> Withdrawal:
    """Take what is unsold of a block off the market; sold and frozen units stay.

    Frozen units that do not sell are not offered again. Hours that have begun keep their record.
    Raise BlockNotFound, or IllegalTransition when it is withdrawn already.
    """
    now = now or database_now()
    with transaction.atomic(durable=True):
        block = (
            Block.objects.select_for_update(no_key=True)
            .filter(pk=block_id, site__organization=seller)
            .first()
        )
        if block is None:
            raise BlockNotFound
        require_transition(Block.TRANSITIONS, block.status, Block.Status.WITHDRAWN)
        list(block.hours.select_for_update(no_key=True).order_by("id").values_list("id"))
        withdrawal = preview_withdrawal(block, now=now)
        block.hours.filter(hour__gt=now).update(offered_units=F("sold_units") + F("frozen_units"))
        Block.objects.filter(pk=block.pk).update(status=Block.Status.WITHDRAWN, withdrawn_at=now)
    return withdrawal


def preview_withdrawal(block: Block, *, now: datetime) -> Withdrawal:
    """Return what withdrawing ``block`` at ``now`` would do. Locks nothing, changes nothing."""
    ahead = block.hours.filter(hour__gt=now).aggregate(
        unsold=Sum(F("offered_units") - F("sold_units") - F("frozen_units"), default=0),
        sold=Sum("sold_units", default=0),
        frozen=Sum("frozen_units", default=0),
    )
    return Withdrawal(
        withdrawn_unit_hours=ahead["unsold"],
        sold_unit_hours=ahead["sold"],
        frozen_unit_hours=ahead["frozen"],
    )


class _Checker:
    """Checks terms against the seller's sites and the catalogue, which it reads once for all of them."""

    def __init__(self, seller: Organization, rows: Iterable[BlockTerms], now: datetime) -> None:
        rows = list(rows)
        self.now = now
        self.site_ids = set(
            Site.objects.filter(organization=seller, pk__in={terms.site_id for terms in rows}).values_list(
                "pk", flat=True
            )
        )
        self.resource_types = ResourceType.objects.filter(is_active=True).in_bulk(
            {terms.resource_type_id for terms in rows}
        )

    def errors_of(self, terms: BlockTerms) -> list[BlockError]:
        errors = []
        if terms.site_id not in self.site_ids:
            errors.append(BlockError("site", "unknown", "You have no such site."))
        resource_type = self.resource_types.get(terms.resource_type_id)
        if resource_type is None:
            errors.append(BlockError("resource_type", "unknown", "There is no such resource type on sale."))
            return errors
        return errors + block_errors(terms, resource_type=resource_type, now=self.now)


def _listed_terms(seller: Organization, rows: Sequence[BlockTerms]) -> set[BlockTerms]:
    listed = Block.objects.filter(
        site__organization=seller,
        status=Block.Status.LISTED,
        starts_at__in={terms.starts_at for terms in rows},
    )
    return {
        BlockTerms(
            site_id=block.site_id,
            resource_type_id=block.resource_type_id,
            units=block.units,
            starts_at=block.starts_at,
            ends_at=block.ends_at,
            reserve_ticks=block.reserve_ticks,
            floor_ticks=block.floor_ticks,
            decline_hours=block.decline_hours,
        )
        for block in listed
    }


def _overlaps(seller: Organization, rows: Sequence[BlockTerms]) -> list[BlockError]:
    """Name the listed blocks of the rows' type and site (they share both) that the rows overlap."""
    listed = (
        Block.objects.filter(
            site_id=rows[0].site_id,
            site__organization=seller,
            resource_type_id=rows[0].resource_type_id,
            status=Block.Status.LISTED,
            starts_at__lt=rows[-1].ends_at,
            ends_at__gt=rows[0].starts_at,
        )
        .select_related("site", "resource_type")
        .order_by("starts_at", "id")
    )
    found = [
        block
        for block in listed
        if any(row.starts_at < block.ends_at and block.starts_at < row.ends_at for row in rows)
    ]
    named = [
        BlockError(
            "",
            "overlaps",
            f"Block {block.pk}, {block}, is listed for {_hours_words(block)} already.",
        )
        for block in found[:MAX_OVERLAPS_NAMED]
    ]
    if len(found) > MAX_OVERLAPS_NAMED:
        rest = len(found) - MAX_OVERLAPS_NAMED
        named.append(BlockError("", "overlaps", f"{rest:,} more of your listed blocks overlap too."))
    return named


def _refuse_overlap(seller: Organization, terms: BlockTerms, *, is_another: bool) -> None:
    if is_another and terms in _listed_terms(seller, [terms]):
        message = (
            "You list exactly this block already. Of another cluster like it, list the units of both as one."
        )
        raise BlockRefused([BlockError("is_another", "already_listed", message)])
    overlaps = [] if is_another else _overlaps(seller, [terms])
    if overlaps:
        raise BlockRefused([replace(error, field="is_another") for error in overlaps])


def _hours_words(block: Block) -> str:
    return f"{block.starts_at:%a %-d %b %H:%M} to {block.ends_at:%a %-d %b %H:%M} UTC"


def _create_blocks(listed_by: User, rows: Sequence[BlockTerms]) -> list[Block]:
    """Write the blocks and their hours; assumes a transaction."""
    nodes = dict(ResourceType.objects.values_list("pk", "node_units"))
    blocks = Block.objects.bulk_create(
        Block(
            site_id=terms.site_id,
            resource_type_id=terms.resource_type_id,
            units=terms.units,
            unit_step=nodes[terms.resource_type_id],
            starts_at=terms.starts_at,
            ends_at=terms.ends_at,
            reserve_ticks=terms.reserve_ticks,
            floor_ticks=terms.floor_ticks,
            decline_hours=terms.decline_hours,
            listed_by=listed_by,
        )
        for terms in rows
    )
    BlockHour.objects.bulk_create(
        [
            BlockHour(block=block, hour=hour, offered_units=block.units)
            for block in blocks
            for hour in hours_in(block.starts_at, block.ends_at)
        ],
        batch_size=5000,
    )
    return blocks
