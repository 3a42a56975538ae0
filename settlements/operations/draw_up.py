"""Draw up a cleared window's settlements: one per buyer, with lines, ledger, holds, news and the job to charge it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from accounts.holds import HoldForDebt, hold_debts, lock_limits
from accounts.stream import Happening, append_events
from auctions.models import Award, Window
from marketplace.db import database_now
from settlements import ledger
from settlements.jobs import defer_charges
from settlements.models import Dunning, PaymentMethod, SettledWindow, Settlement, SettlementLine, Transaction
from settlements.operations.carrying import carry_into, hold_reference, lock_carried
from settlements.operations.deliveries import write_deliveries
from settlements.operations.unpaid import Failure, open_dunnings
from settlements.splitting import SplitAmount, split_amount

CARD_MINIMUM_CENTS = 50
"""The least a card is charged in US dollars. Source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts."""


class WindowNotCleared(Exception):
    """Only a cleared window has anything to settle."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A settlement before it is written: the buyer's awards in the window, what they come to, what is prepaid of it."""

    organization_id: int
    awards: list[Award]
    split: SplitAmount
    prepaid_cents: int
    carried: list[Settlement]

    @property
    def status(self) -> Settlement.Status:
        to_collect_cents = self.split.amount_cents - self.prepaid_cents
        if to_collect_cents == 0:
            return Settlement.Status.PAID
        if to_collect_cents + sum(own.own_cents for own in self.carried) < CARD_MINIMUM_CENTS:
            return Settlement.Status.CARRIED
        return Settlement.Status.DUE

    @property
    def carried_in_cents(self) -> int:
        """What it collects of earlier settlements that were too small for a card by themselves."""
        return sum(own.own_cents for own in self.carried) if self.status == Settlement.Status.DUE else 0


def settle_window(*, window_id: int) -> list[Settlement]:
    """Draw up a cleared window's settlements, once; return them, or nothing if they were drawn up before.

    Raise WindowNotCleared. Two workers may race: the second waits for the first on the window's row, then finds
    its work done.
    """
    with transaction.atomic(durable=True):
        window = Window.objects.select_for_update(no_key=True).get(pk=window_id)
        if window.status != Window.Status.CLEARED:
            raise WindowNotCleared(f"window {window_id} is {window.status}")
        if SettledWindow.objects.filter(pk=window_id).exists():
            return []
        SettledWindow.objects.create(window=window)
        drafts = _draft_settlements(window)
        settlements = _write_settlements(window, drafts)
        _post_to_ledger(settlements, drafts)
        _hand_over_holds(settlements, drafts)
        _dun_those_without_a_card(settlements)
        _tell(settlements)
        defer_charges([own.pk for own in settlements if own.status == Settlement.Status.DUE])
        return settlements


def _draft_settlements(window: Window) -> list[_Draft]:
    awards = Award.objects.filter(window=window).select_related("lot__block__site").order_by("id")
    by_buyer: dict[int, list[Award]] = defaultdict(list)
    for award in awards:
        by_buyer[award.organization_id].append(award)
    carried = lock_carried(list(by_buyer))
    limits = lock_limits(by_buyer)
    return [
        _draft(
            own,
            prepaid_cents=limits[organization_id].prepaid_cents,
            carried=carried.get(organization_id, []),
        )
        for organization_id, own in sorted(by_buyer.items())
    ]


def _draft(awards: list[Award], *, prepaid_cents: int, carried: list[Settlement]) -> _Draft:
    """Draft one buyer's settlement. Its prepaid balance, locked by the caller, pays first."""
    split = split_amount([award.amount_ticks for award in awards], fee_bps=settings.PLATFORM_FEE_BPS)
    return _Draft(
        organization_id=awards[0].organization_id,
        awards=awards,
        split=split,
        prepaid_cents=min(prepaid_cents, split.amount_cents),
        carried=carried,
    )


def _write_settlements(window: Window, drafts: list[_Draft]) -> list[Settlement]:
    now = database_now()
    settlements = Settlement.objects.bulk_create(
        (
            Settlement(
                window=window,
                organization_id=draft.organization_id,
                amount_ticks=sum(award.amount_ticks for award in draft.awards),
                amount_cents=draft.split.amount_cents,
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
                award=award,
                starts_at=award.starts_at,
                ends_at=award.ends_at,
                seller_id=award.lot.block.site.organization_id,
                amount_cents=amount_cents,
                fee_cents=fee_cents,
            )
            for settlement, draft in zip(settlements, drafts, strict=True)
            for award, amount_cents, fee_cents in zip(
                draft.awards, draft.split.lines_cents, draft.split.fees_cents, strict=True
            )
        ),
        batch_size=2000,
    )
    write_deliveries(lines)
    return settlements


def _post_to_ledger(settlements: list[Settlement], drafts: list[_Draft]) -> None:
    ledger.post_transactions(
        [
            ledger.Posting(
                kind=Transaction.Kind.SETTLEMENT_DUE,
                reference=f"settlement:{settlement.pk}:due",
                description=f"Settlement {settlement.pk} drawn up for window {settlement.window_id}",
                cents=_due_cents(draft),
            )
            for settlement, draft in zip(settlements, drafts, strict=True)
            if settlement.amount_cents
        ]
        + [_spent(settlement) for settlement in settlements if settlement.prepaid_cents]
    )


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


def _due_cents(draft: _Draft) -> dict[ledger.AccountKey, int]:
    cents: dict[ledger.AccountKey, int] = defaultdict(int)
    cents[ledger.buyer_receivable(draft.organization_id)] = draft.split.amount_cents
    for award, amount, fee in zip(draft.awards, draft.split.lines_cents, draft.split.fees_cents, strict=True):
        cents[ledger.seller_reserve(award.lot.block.site.organization_id)] -= amount - fee
        cents[ledger.PLATFORM_FEES] -= fee
    return cents


def _hand_over_holds(settlements: list[Settlement], drafts: list[_Draft]) -> None:
    """Hold what is left to collect of each settlement in place of its bids. What was rounded up for them is freed."""
    hold_debts(
        released=sorted({f"bid:{award.bid_id}" for draft in drafts for award in draft.awards}),
        debts=[
            HoldForDebt(
                organization_id=settlement.organization_id,
                reference=hold_reference(settlement),
                amount_cents=settlement.own_cents,
            )
            for settlement in settlements
        ],
    )


def _dun_those_without_a_card(settlements: list[Settlement]) -> None:
    """Write to buyers that have no card to charge, and give them a deadline."""
    due = [own for own in settlements if own.status == Settlement.Status.DUE]
    cards = PaymentMethod.objects.filter(
        organization_id__in=[own.organization_id for own in due], is_default=True, removed_at=None
    )
    with_card = set(cards.values_list("organization_id", flat=True))
    failures = [Failure(own, Dunning.Reason.NO_CARD) for own in due if own.organization_id not in with_card]
    open_dunnings(failures, now=database_now())


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
