"""Reconciling: take in what Stripe says moved our balance, write down what does not tie, and close months that do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet

from accounts.models import DeskEvent, User
from accounts.stream import append_desk_event
from marketplace.db import LockSpace, lock_exclusive
from marketplace.states import require_transition
from settlements import stripe_gateway as gateway
from settlements.models import (
    BalanceDay,
    BalanceMovement,
    BankPayout,
    ClosedPeriod,
    Mismatch,
    PayoutMovement,
    Transaction,
)
from settlements.queries.mismatches import FINDERS, Finding, Stretch, find_mismatches
from settlements.stripe_facts import Movement

LOOKED_BACK = timedelta(days=40)
"""A whole look covers this much: a month that is being closed, and what came late for it."""
LOOKED_BACK_BRIEFLY = timedelta(days=2)
LOOK_AT_ALL_EVERY = timedelta(hours=1)
OVERLAP = timedelta(hours=1)
"""Movements are asked for again from this long before the last one known: Stripe's list may lag."""
Status = Mismatch.Status


class MismatchClosed(Exception):
    """The mismatch has ended meanwhile; the text says how, for people."""


class CannotClose(Exception):
    """The month cannot be closed; the text says why, for people."""


def import_movements(*, now: datetime) -> list[BalanceMovement]:
    """Take in balance transactions that Stripe made since the last look; return those that were new.

    Raise OutcomeUnknown, Refused. Nothing that was taken in is ever changed.
    """
    last = BalanceMovement.objects.aggregate(at=Max("created_at"))["at"]
    movements = list(gateway.list_movements(since=(last - OVERLAP) if last else now - LOOKED_BACK))
    return take_in(movements)


def take_in(movements: Iterable[Movement]) -> list[BalanceMovement]:
    """Keep movements that are not known yet; return them."""
    rows = [
        BalanceMovement(
            stripe_id=each.id,
            type=each.type,
            source_id=each.source_id,
            amount_cents=each.amount_cents,
            fee_cents=each.fee_cents,
            net_cents=each.net_cents,
            currency=each.currency,
            created_at=each.created_at,
            available_at=each.available_at,
        )
        for each in movements
    ]
    with transaction.atomic(durable=True):
        known = BalanceMovement.objects.filter(stripe_id__in=[row.stripe_id for row in rows])
        missing = set(known.values_list("stripe_id", flat=True))
        new = [row for row in rows if row.stripe_id not in missing]
        BalanceMovement.objects.bulk_create(new, ignore_conflicts=True, batch_size=1000)
    return new


def look_for_mismatches(*, now: datetime, back: timedelta = LOOKED_BACK) -> int:
    """Write down what does not tie of the time up to ``now``, and end what ties again; return how many are open."""
    stretch = Stretch(now - back, now, now)
    with transaction.atomic(durable=True):
        lock_looks()
        found = list(find_mismatches(stretch))
        if back == LOOKED_BACK:
            BalanceDay.objects.update_or_create(
                day=now.astimezone(UTC).date(), defaults={"all_looked_at": now}
            )
        return _write_down(found, stretch)


def how_far_to_look(*, now: datetime) -> timedelta:
    """Return how far back the next look goes: over all of it once an hour, else over what is fresh."""
    last = BalanceDay.objects.aggregate(at=Max("all_looked_at"))["at"]
    return LOOKED_BACK if last is None or now - last >= LOOK_AT_ALL_EVERY else LOOKED_BACK_BRIEFLY


def tie_payout(*, payout_id: str, now: datetime) -> list[Mismatch]:
    """Ask Stripe which movements an automatic payout to our bank holds; keep them, and say if they do not add up.

    Raise OutcomeUnknown, Refused.
    """
    movements = [each for each in gateway.list_movements_of_payout(payout_id) if each.source_id != payout_id]
    take_in(movements)
    payout = BankPayout.objects.get(stripe_id=payout_id)
    held = sum(each.net_cents for each in movements)
    with transaction.atomic(durable=True):
        lock_looks()
        rows = BalanceMovement.objects.filter(stripe_id__in=[each.id for each in movements])
        PayoutMovement.objects.bulk_create(
            (PayoutMovement(payout=payout, movement_id=pk) for pk in rows.values_list("pk", flat=True)),
            ignore_conflicts=True,
            batch_size=1000,
        )
        findings = []
        if held != payout.amount_cents:
            detail = f"The payout, and the {len(movements)} movements that Stripe says it holds."
            findings.append(
                Finding(Mismatch.Kind.PAYOUT_DIFFERS, payout_id, detail, now, payout.amount_cents, held)
            )
        known = Mismatch.objects.filter(kind=Mismatch.Kind.PAYOUT_DIFFERS, subject=payout_id)
        BankPayout.objects.filter(pk=payout.pk).update(tied_at=now, n_held=len(movements), held_cents=held)
        return open_and_end(known, findings, now)


def assign_mismatch(*, mismatch_id: int, owner: User | None) -> Mismatch:
    """Have a finance person look after a mismatch, or nobody. Raise MismatchClosed."""
    with transaction.atomic(durable=True):
        mismatch = _lock_open(mismatch_id)
        mismatch.owner = owner
        mismatch.save(update_fields=["owner"])
        return mismatch


def accept_mismatch(*, mismatch_id: int, by: User, reason: str, now: datetime) -> Mismatch:
    """End a mismatch that a person has seen to or lives with, for a reason. Raise MismatchClosed."""
    with transaction.atomic(durable=True):
        mismatch = _lock_open(mismatch_id)
        require_transition(Mismatch.TRANSITIONS, mismatch.status, Status.ACCEPTED)
        mismatch.status, mismatch.ended_at, mismatch.ended_by, mismatch.reason = (
            Status.ACCEPTED,
            now,
            by,
            reason,
        )
        mismatch.save(update_fields=["status", "ended_at", "ended_by", "reason"])
        return mismatch


def close_period(*, first_day: date, by: User, now: datetime) -> ClosedPeriod:
    """Close a month: from then on no ledger transaction falls into it. Raise CannotClose.

    It must be over, months are closed in order, and nothing of it may be open.
    """
    month = Month.of(first_day)
    with transaction.atomic(durable=True):
        lock_looks()
        _require_closable(month, now)
        transactions = Transaction.objects.filter(posted_at__gte=month.start, posted_at__lt=month.end)
        movements = BalanceMovement.objects.filter(created_at__gte=month.start, created_at__lt=month.end)
        try:
            with transaction.atomic():
                return ClosedPeriod.objects.create(
                    first_day=month.first_day,
                    closed_by=by,
                    n_transactions=transactions.count(),
                    n_movements=movements.count(),
                )
        except IntegrityError:
            raise CannotClose(f"{month} is closed already.") from None


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in UTC."""

    first_day: date

    @classmethod
    def of(cls, day: date) -> Month:
        return cls(day.replace(day=1))

    @property
    def start(self) -> datetime:
        return datetime(self.first_day.year, self.first_day.month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        return self.next.start

    @property
    def slug(self) -> str:
        return f"{self.first_day:%Y-%m}"

    @property
    def next(self) -> Month:
        return Month.of(self.first_day + timedelta(days=31))

    def __str__(self) -> str:
        return f"{self.first_day:%B %Y}"


def next_to_close(*, now: datetime) -> Month | None:
    """Return the month that would be closed next, if it is over: the first with a transaction, else after the last."""
    last = ClosedPeriod.objects.order_by("-first_day").values_list("first_day", flat=True).first()
    if last is not None:
        month = Month.of(last).next
    else:
        first = Transaction.objects.order_by("posted_at").values_list("posted_at", flat=True).first()
        if first is None:
            return None
        month = Month.of(first.astimezone(UTC).date())
    return month if now >= month.end else None


def _require_closable(month: Month, now: datetime) -> None:
    if now < month.end:
        raise CannotClose(f"{month} is not over.")
    last = ClosedPeriod.objects.order_by("-first_day").first()
    if last and month.first_day <= last.first_day:
        raise CannotClose(
            f"{month} is closed already." if month.first_day == last.first_day else f"{last} is closed."
        )
    if last and month.first_day != Month.of(last.first_day).next.first_day:
        raise CannotClose(f"{Month.of(last.first_day).next} comes first: months are closed in order.")
    n_open = Mismatch.objects.filter(
        status=Status.OPEN, happened_at__gte=month.start, happened_at__lt=month.end
    ).count()
    if n_open:
        told = "One mismatch" if n_open == 1 else f"{n_open} mismatches"
        raise CannotClose(f"{told} of {month} must be seen to first.")


def lock_looks() -> None:
    """One look at a time: two would write the same thing down twice."""
    lock_exclusive(LockSpace.RECONCILIATION, 0)


def _write_down(found: Sequence[Finding], stretch: Stretch) -> int:
    looked_at = Mismatch.objects.filter(
        kind__in=FINDERS, happened_at__gte=stretch.since, happened_at__lt=stretch.until
    )
    open_and_end(looked_at, found, stretch.now)
    return Mismatch.objects.filter(status=Status.OPEN).count()


def open_and_end(looked_at: QuerySet[Mismatch], found: Sequence[Finding], now: datetime) -> list[Mismatch]:
    """End what of ``looked_at`` is open and was not found again, and open what is new; assumes ``lock_looks``."""
    _end_tied(looked_at.filter(status=Status.OPEN), found, now)
    return _open(found)


def _end_tied(known: Iterable[Mismatch], found: Sequence[Finding], now: datetime) -> None:
    still = {(finding.kind, finding.subject) for finding in found}
    tied = [mismatch.pk for mismatch in known if (mismatch.kind, mismatch.subject) not in still]
    Mismatch.objects.filter(pk__in=tied).update(status=Status.TIED, ended_at=now)


def _open(found: Sequence[Finding]) -> list[Mismatch]:
    """Write down findings that are neither open nor accepted as they stand."""
    subjects = {finding.subject for finding in found}
    known = Mismatch.objects.filter(subject__in=subjects, status__in=(Status.OPEN, Status.ACCEPTED))
    settled = {(each.kind, each.subject, each.ours_cents, each.theirs_cents) for each in known}
    is_open = {(each.kind, each.subject): each for each in known if each.status == Status.OPEN}
    new = []
    for finding in found:
        key = (finding.kind, finding.subject)
        if (*key, finding.ours_cents, finding.theirs_cents) in settled:
            continue
        if key in is_open:
            Mismatch.objects.filter(pk=is_open[key].pk).update(
                ours_cents=finding.ours_cents, theirs_cents=finding.theirs_cents, detail=finding.detail
            )
            continue
        new.append(
            Mismatch(
                kind=finding.kind,
                subject=finding.subject,
                detail=finding.detail,
                ours_cents=finding.ours_cents,
                theirs_cents=finding.theirs_cents,
                happened_at=finding.happened_at,
            )
        )
    opened = Mismatch.objects.bulk_create(new)
    for mismatch in opened:
        append_desk_event(
            desk=DeskEvent.Desk.FINANCE,
            kind="mismatch.opened",
            data={
                "mismatch": mismatch.pk,
                "what": str(mismatch.get_kind_display()),
                "subject": mismatch.subject,
                "detail": mismatch.detail,
            },
        )
    return opened


def _lock_open(mismatch_id: int) -> Mismatch:
    mismatch = Mismatch.objects.select_for_update(no_key=True).get(pk=mismatch_id)
    if mismatch.status != Status.OPEN:
        raise MismatchClosed(f"This mismatch has ended meanwhile: {mismatch.get_status_display().lower()}.")
    return mismatch
