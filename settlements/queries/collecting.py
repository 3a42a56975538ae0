"""Where the collection of a settlement stands: its deadline, what comes next, what was done, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from settlements.models import CollectionDecision, Default, Dunning, DunningStep, Notice, Settlement
from settlements.queries.queue import OLDEST, Page, page_of


@dataclass(frozen=True, slots=True)
class Collection:
    """Everything about collecting one settlement. ``pay_by`` and ``next_retry_at`` are None where there is none."""

    dunning: Dunning | None
    steps: list[DunningStep]
    notices: list[Notice]
    decisions: list[CollectionDecision]
    default: Default | None
    carried_in: list[Settlement]
    version: str

    @property
    def pay_by(self) -> datetime | None:
        return self.dunning.deadline_at if self.dunning and self.dunning.closed_at is None else None

    @property
    def next_retry_at(self) -> datetime | None:
        ahead = [step.due_at for step in self.steps if step.taken_at is None and step.kind == step.Kind.RETRY]
        return min(ahead, default=None)


def collection_of(settlement: Settlement) -> Collection:
    """Return where collecting a settlement stands."""
    dunning = Dunning.objects.filter(pk=settlement.pk).first()
    return Collection(
        dunning=dunning,
        steps=list(dunning.steps.order_by("due_at", "id")) if dunning else [],
        notices=list(settlement.notices.order_by("id")) if dunning else [],
        decisions=list(settlement.decisions.select_related("by").order_by("id")),
        default=Default.objects.select_related("by").filter(pk=settlement.pk).first()
        if settlement.status == Settlement.Status.DEFAULTED
        else None,
        carried_in=list(settlement.carried_in.order_by("id")) if settlement.carried_in_cents else [],
        version=version_of(settlement, dunning=dunning),
    )


def version_of(settlement: Settlement, *, dunning: Dunning | None = None) -> str:
    """Return what names a settlement's present: a form that carries another was drawn before something happened."""
    dunning = dunning or Dunning.objects.filter(pk=settlement.pk).first()
    deadline = dunning.deadline_at.isoformat() if dunning else ""
    return f"{settlement.status}/{settlement.attempts.count()}/{deadline}"


def what_to_do(settlement: Settlement, collection: Collection) -> str:
    """Tell the buyer what to do about a settlement; empty when nothing."""
    match settlement.status:
        case Settlement.Status.DECLINED if collection.next_retry_at:
            return "Pay now with any card, or have the bank allow the payment before we try again."
        case Settlement.Status.DECLINED:
            return "Pay now with another card. This one is not tried again by itself."
        case Settlement.Status.ACTION_REQUIRED:
            return "Pay now and confirm the payment at your bank."
        case Settlement.Status.DUE if collection.dunning:
            return "Add a card. It is charged as soon as you do."
        case _:
            return ""


def carried_page(*, before: int | None, now: datetime, ripe_after: timedelta) -> Page:
    """Return a page of what is carried and not collected yet, oldest first, with when it may be written off."""
    waiting = Settlement.objects.filter(status=Settlement.Status.CARRIED, carried_into=None)
    rows = waiting.select_related("organization", "window__market")
    page = page_of(rows, before=before, order=OLDEST)
    for settlement in page.settlements:
        settlement.ripe_at = settlement.created_at + ripe_after  # type: ignore[attr-defined]  # for the page
        settlement.is_ripe = settlement.ripe_at <= now  # type: ignore[attr-defined]
    return page
