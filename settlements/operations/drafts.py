"""Settlements before they are written, and writing them: lines, deliveries, ledger, holds, news, and the job to charge.

A window's settlements and the months of leases are drafted apart and written the same way. All of it assumes a
transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from accounts.holds import HoldForDebt, hold_debts, lock_limits
from accounts.stream import Happening, append_events
from auctions.models import Award
from settlements import ledger
from settlements.jobs import defer_charges
from settlements.models import Dunning, LeaseMonth, PaymentMethod, Settlement, SettlementLine, Transaction
from settlements.operations.carrying import carry_into, hold_reference, lock_carried
from settlements.operations.deliveries import write_deliveries
from settlements.operations.unpaid import Failure, open_dunnings
from settlements.queries.fees import FeeInForce

CARD_MINIMUM_CENTS = 50
"""The least a card is charged in US dollars. Source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts."""


@dataclass(frozen=True, slots=True)
class DraftLine:
    """What the hours ``[starts_at, ends_at)`` of an award come to, cents, and the fee they were taken by."""

    award: Award
    starts_at: datetime
    ends_at: datetime
    amount_cents: int
    fee_cents: int
    fee: FeeInForce


@dataclass(frozen=True, slots=True)
class Draft:
    """A settlement before it is written: its lines, what is prepaid of it, and what is carried into it."""

    window_id: int
    organization_id: int
    amount_ticks: int
    lines: list[DraftLine]
    lease_month: LeaseMonth | None = None
    prepaid_cents: int = 0
    carried: list[Settlement] = field(default_factory=list)

    @property
    def amount_cents(self) -> int:
        return sum(line.amount_cents for line in self.lines)

    @property
    def status(self) -> Settlement.Status:
        to_collect_cents = self.amount_cents - self.prepaid_cents
        if to_collect_cents == 0:
            return Settlement.Status.PAID
        if to_collect_cents + sum(own.own_cents for own in self.carried) < CARD_MINIMUM_CENTS:
            return Settlement.Status.CARRIED
        return Settlement.Status.DUE

    @property
    def carried_in_cents(self) -> int:
        """What it collects of earlier settlements that were too small for a card by themselves."""
        return sum(own.own_cents for own in self.carried) if self.status == Settlement.Status.DUE else 0


@dataclass(frozen=True, slots=True)
class HandOver:
    """Holds that settlements take the place of, and what is held beside the settlements themselves."""

    released: Sequence[str]
    debts: Sequence[HoldForDebt] = ()


def write_drafts(drafts: Sequence[Draft], hand_over: HandOver, *, now: datetime) -> list[Settlement]:
    """Write settlements with all that belongs to them, and have those that are due charged."""
    funded = _fund(drafts)
    settlements = _write_settlements(funded, now=now)
    _post_to_ledger(settlements, funded)
    _hand_over_holds(settlements, hand_over)
    _dun_those_without_a_card(settlements, now=now)
    _tell(settlements)
    defer_charges([own.pk for own in settlements if own.status == Settlement.Status.DUE])
    return settlements


def _fund(drafts: Sequence[Draft]) -> list[Draft]:
    """Have prepaid balances pay first, draft by draft, and carry small amounts into a buyer's first due one."""
    organization_ids = sorted({draft.organization_id for draft in drafts})
    carried = lock_carried(organization_ids)
    limits = lock_limits(organization_ids)
    prepaid = {pk: limits[pk].prepaid_cents for pk in organization_ids}
    funded = []
    for draft in drafts:
        buyer = draft.organization_id
        paid = min(prepaid[buyer], draft.amount_cents)
        prepaid[buyer] -= paid
        whole = replace(draft, prepaid_cents=paid, carried=carried.get(buyer, []))
        if whole.carried_in_cents:
            carried[buyer] = []
        funded.append(whole)
    return funded


def _write_settlements(drafts: Sequence[Draft], *, now: datetime) -> list[Settlement]:
    settlements = Settlement.objects.bulk_create(
        (
            Settlement(
                window_id=draft.window_id,
                organization_id=draft.organization_id,
                lease_month=draft.lease_month,
                amount_ticks=draft.amount_ticks,
                amount_cents=draft.amount_cents,
                prepaid_cents=draft.prepaid_cents,
                carried_in_cents=draft.carried_in_cents,
                status=draft.status,
                paid_at=now if draft.status == Settlement.Status.PAID else None,
            )
            for draft in drafts
        ),
        batch_size=1000,
    )
    for settlement, draft in zip(settlements, drafts, strict=True):
        if settlement.carried_in_cents:
            carry_into(settlement, draft.carried)
    lines = SettlementLine.objects.bulk_create(
        (
            SettlementLine(
                settlement=settlement,
                award=line.award,
                starts_at=line.starts_at,
                ends_at=line.ends_at,
                seller_id=line.award.lot.block.site.organization_id,
                amount_cents=line.amount_cents,
                fee_cents=line.fee_cents,
                fee_bps=line.fee.bps,
                fee_policy=line.fee.policy,
            )
            for settlement, draft in zip(settlements, drafts, strict=True)
            for line in draft.lines
        ),
        batch_size=2000,
    )
    write_deliveries(lines)
    return settlements


def _post_to_ledger(settlements: list[Settlement], drafts: Sequence[Draft]) -> None:
    ledger.post_transactions(
        [
            ledger.Posting(
                kind=Transaction.Kind.SETTLEMENT_DUE,
                reference=f"settlement:{settlement.pk}:due",
                description=_description(settlement),
                cents=_due_cents(draft),
            )
            for settlement, draft in zip(settlements, drafts, strict=True)
            if settlement.amount_cents
        ]
        + [_spent(settlement) for settlement in settlements if settlement.prepaid_cents]
    )


def _description(settlement: Settlement) -> str:
    what = settlement.lease_month or f"window {settlement.window_id}"
    return f"Settlement {settlement.pk} drawn up for {what}"


def _spent(settlement: Settlement) -> ledger.Posting:
    return ledger.Posting(
        kind=Transaction.Kind.PREPAID_SPENT,
        reference=f"settlement:{settlement.pk}:prepaid",
        description=f"Settlement {settlement.pk} paid from the prepaid balance",
        cents={
            ledger.buyer_prepaid(settlement.organization_id): settlement.prepaid_cents,
            ledger.buyer_receivable(settlement.organization_id): -settlement.prepaid_cents,
        },
    )


def _due_cents(draft: Draft) -> dict[ledger.AccountKey, int]:
    cents: dict[ledger.AccountKey, int] = defaultdict(int)
    cents[ledger.buyer_receivable(draft.organization_id)] = draft.amount_cents
    for line in draft.lines:
        cents[ledger.seller_reserve(line.award.lot.block.site.organization_id)] -= (
            line.amount_cents - line.fee_cents
        )
        cents[ledger.PLATFORM_FEES] -= line.fee_cents
    return cents


def _hand_over_holds(settlements: list[Settlement], hand_over: HandOver) -> None:
    """Hold what is left to collect in place of what was held. What was rounded up for bids is freed here."""
    own = [
        HoldForDebt(
            organization_id=settlement.organization_id,
            reference=hold_reference(settlement),
            amount_cents=settlement.own_cents,
        )
        for settlement in settlements
        if settlement.status != Settlement.Status.PAID
    ]
    hold_debts(released=hand_over.released, debts=[*own, *hand_over.debts])


def _dun_those_without_a_card(settlements: list[Settlement], *, now: datetime) -> None:
    """Write to buyers that have no card to charge, and give them a deadline."""
    due = [own for own in settlements if own.status == Settlement.Status.DUE]
    cards = PaymentMethod.objects.filter(
        organization_id__in=[own.organization_id for own in due], is_default=True, removed_at=None
    )
    with_card = set(cards.values_list("organization_id", flat=True))
    failures = [Failure(own, Dunning.Reason.NO_CARD) for own in due if own.organization_id not in with_card]
    open_dunnings(failures, now=now)


def _tell(settlements: list[Settlement]) -> None:
    """Tell buyers what is due, or that nothing is. Sellers heard of their sales from the clearing."""
    append_events(
        Happening(
            organization_id=settlement.organization_id,
            kind="settlement.paid" if settlement.status == Settlement.Status.PAID else "settlement.due",
            data={
                "settlement": settlement.pk,
                "window": settlement.window_id,
                "amount_cents": settlement.amount_cents,
                "status": settlement.status,
            },
        )
        for settlement in settlements
    )
