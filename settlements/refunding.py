"""What a refund would do: who bears it, where it goes, and the ledger entries it posts, to the cent.

Preview and decision use the same functions, so what finance is shown is what is posted. ``fingerprint`` of an effect
changes with anything that would change the entries: a decision made on an outdated preview is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Sum

from marketplace.money import format_cents
from settlements import ledger
from settlements.models import Account, Delivery, Dispute, Refund, Settlement, SettlementLine
from settlements.splitting import RefundPart, prepaid_part, split_refund


class RefundRejected(Exception):
    """The refund cannot be made; ``field`` names what is wrong with it, the text says why, for people."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class LineEffect:
    """What a refund takes of one line, and from which of its seller's accounts."""

    line: SettlementLine
    part: RefundPart
    seller_account: ledger.AccountKey

    @property
    def seller_cents(self) -> int:
        return self.part.amount_cents - self.part.fee_cents


@dataclass(frozen=True, slots=True)
class RefundEffect:
    """A refund before it is decided: its parts and the entries it would post, debits positive."""

    settlement: Settlement
    lines: list[LineEffect]
    card_cents: int
    prepaid_cents: int
    needs_second: bool
    lost_cents: int = 0
    """What a lost dispute took, where it is one: then nothing is on its way, and what no line bears is our loss."""
    n_known: int = 0
    """Refunds of the settlement there were, so that a preview confirmed twice is out of date the second time."""

    @property
    def amount_cents(self) -> int:
        return self.card_cents + self.prepaid_cents

    @property
    def entries(self) -> dict[ledger.AccountKey, int]:
        """Cents per account: sellers and the platform give, the buyer's balance and the card receive."""
        cents: dict[ledger.AccountKey, int] = defaultdict(int)
        for effect in self.lines:
            cents[effect.seller_account] += effect.seller_cents
            cents[ledger.PLATFORM_FEES] += effect.part.fee_cents
        cents[ledger.buyer_prepaid(self.settlement.organization_id)] -= self.prepaid_cents
        if self.lost_cents:
            cents[ledger.DISPUTES_IN_FLIGHT] -= self.lost_cents
            cents[ledger.LOSSES] += self.lost_cents - self.card_cents
        else:
            cents[ledger.REFUNDS_IN_FLIGHT] -= self.card_cents
        return {key: amount for key, amount in cents.items() if amount}

    @property
    def fingerprint(self) -> str:
        """What two effects have in common exactly when they would post the same, with no refund between them."""
        facts = [
            self.settlement.pk,
            self.n_known,
            self.needs_second,
            [[effect.line.pk, effect.part.amount_cents, effect.part.fee_cents] for effect in self.lines],
            [[key.kind, key.organization_id, amount] for key, amount in self.entries.items()],
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def effect_of(
    settlement: Settlement, lines: Sequence[SettlementLine], line_cents: Mapping[int, int]
) -> RefundEffect:
    """Return what refunding ``line_cents`` (cents per line's id) of a settlement would do now. Raise RefundRejected.

    ``lines`` are all of the settlement's. To decide on it, lock settlement and lines first.
    """
    disputes = list(settlement.disputes.all())
    _require_refundable(settlement, disputes)
    taken_back = _taken_back_cents(settlement, disputes)
    effects = _line_effects(lines, line_cents)
    amount_cents = sum(effect.part.amount_cents for effect in effects)
    prepaid_left = settlement.prepaid_cents - settlement.refunded_prepaid_cents
    card_left = max(settlement.amount_cents - settlement.refunded_cents - prepaid_left - taken_back, 0)
    if taken_back and amount_cents > card_left + prepaid_left:
        raise RefundRejected(
            "settlement",
            f"The bank took {format_cents(taken_back)} of this payment back, and we bore it: "
            f"{format_cents(card_left + prepaid_left)} of it can still be refunded.",
        )
    prepaid = prepaid_part(amount_cents, card_left_cents=card_left, prepaid_left_cents=prepaid_left)
    return RefundEffect(
        settlement=settlement,
        lines=effects,
        card_cents=amount_cents - prepaid,
        prepaid_cents=prepaid,
        # Of the settlement's refunds together, so that many small ones are no way around.
        needs_second=settlement.refunded_cents + amount_cents >= settings.REFUND_FOUR_EYES_CENTS,
        n_known=Refund.objects.filter(settlement=settlement).count(),
    )


def effect_of_lost(
    settlement: Settlement,
    lines: Sequence[SettlementLine],
    line_cents: Mapping[int, int],
    *,
    lost_cents: int,
) -> RefundEffect:
    """Return what a lost dispute does: ``line_cents`` are borne by lines, the rest of ``lost_cents`` is our loss."""
    effects = _line_effects(lines, line_cents) if line_cents else []
    return RefundEffect(
        settlement=settlement,
        lines=effects,
        card_cents=sum(effect.part.amount_cents for effect in effects),
        prepaid_cents=0,
        needs_second=False,
        lost_cents=lost_cents,
    )


def _require_refundable(settlement: Settlement, disputes: Sequence[Dispute]) -> None:
    if settlement.status != Settlement.Status.PAID:
        raise RefundRejected(
            "settlement",
            f"Settlement {settlement.pk} is not paid ({settlement.get_status_display().lower()}).",
        )
    if any(dispute.status in Dispute.NO_REFUND for dispute in disputes):
        raise RefundRejected(
            "settlement",
            f"The payment of settlement {settlement.pk} is disputed: its money goes back that way, or stays.",
        )


def _taken_back_cents(settlement: Settlement, disputes: Sequence[Dispute]) -> int:
    """Return what the bank took back of a payment beyond what its lines bore."""
    lost = sum(dispute.lost_cents for dispute in disputes if dispute.status == Dispute.Status.BORNE)
    if not lost:
        return 0
    of_lines = settlement.refunds.filter(reason=Refund.Reason.DISPUTE, status=Refund.Status.SUCCEEDED)
    return max(lost - int(of_lines.aggregate(cents=Sum("amount_cents", default=0))["cents"]), 0)


def _line_effects(lines: Sequence[SettlementLine], line_cents: Mapping[int, int]) -> list[LineEffect]:
    by_id = {line.pk: line for line in lines}
    foreign = sorted(set(line_cents) - set(by_id))
    if foreign:
        raise RefundRejected("lines", f"Line {foreign[0]} is not of this settlement.")
    if not line_cents:
        raise RefundRejected("lines", "Enter an amount for at least one line.")
    return [_line_effect(by_id[line_id], line_cents[line_id]) for line_id in sorted(line_cents)]


def _line_effect(line: SettlementLine, cents: int) -> LineEffect:
    field = line_field(line)
    if cents <= 0:
        raise RefundRejected(field, "A refund is more than $0.00.")
    if cents > line.refundable_cents:
        raise RefundRejected(
            field,
            f"{format_cents(cents)} is more than what is left of this line: {format_cents(line.refundable_cents)}.",
        )
    part = split_refund(
        cents, share_cents=line.share_cents, fee_cents=line.fee_cents - line.refunded_fee_cents
    )
    return LineEffect(line=line, part=part, seller_account=_seller_account(line))


def line_field(line: SettlementLine) -> str:
    """Return what a form calls the amount of a line."""
    return f"line_{line.pk}"


def _seller_account(line: SettlementLine) -> ledger.AccountKey:
    """Say where the seller's share stands: held for it, or owed since it delivered."""
    delivery: Delivery | None = getattr(line, "delivery", None)
    if delivery is not None and delivery.status == Delivery.Status.DELIVERED:
        return ledger.seller_payable(line.seller_id)
    return ledger.seller_reserve(line.seller_id)


def refund_reference(refund: Refund) -> str:
    """Return what the decision of a refund is called in the ledger."""
    return f"settlement:{refund.settlement_id}:refund:{refund.pk}"


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry that is booked, or would be: the account in words, debit and credit in cents."""

    account: str
    debit_cents: int
    credit_cents: int


def entry_rows(entries: Mapping[ledger.AccountKey, int], names: Mapping[int, str]) -> list[EntryRow]:
    """Return entries for a screen, debits first; ``names`` are organizations' by id."""
    rows = [
        EntryRow(
            account=Account.Kind(key.kind).label
            + (f": {names[key.organization_id]}" if key.organization_id is not None else ""),
            debit_cents=max(cents, 0),
            credit_cents=max(-cents, 0),
        )
        for key, cents in entries.items()
    ]
    return sorted(rows, key=lambda row: (row.debit_cents == 0, row.account))
