"""Default: nobody paid. The debt is reversed, the hours return to sale, the limit is cut, and it stays on record."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from accounts.holds import cut_limit, lock_limit, release_holds
from accounts.models import User
from accounts.stream import Happening, append_events
from auctions.returns import return_hours
from marketplace.states import require_transition
from settlements import ledger
from settlements.dunning import limit_after_default
from settlements.models import Account, Default, Entry, Notice, Settlement, SettlementLine, Transaction
from settlements.operations.carrying import hold_reference, release_carried
from settlements.operations.deliveries import cancel_deliveries
from settlements.operations.lease_months import end_lease
from settlements.operations.suspensions import review_limit
from settlements.operations.unpaid import close_dunning, write_notices


def write_default(settlement: Settlement, *, now: datetime, by: User | None, reason: str) -> Default:
    """Have a locked settlement that nobody paid, and no attempt may still pay, default; assumes a transaction.

    Raise IllegalTransition when it is paid, or being paid.
    """
    require_transition(Settlement.TRANSITIONS, settlement.status, Settlement.Status.DEFAULTED)
    settlement.status = Settlement.Status.DEFAULTED
    settlement.save(update_fields=["status"])
    close_dunning(settlement, now=now)
    release_carried(settlement)
    # Blocks, then limits, then balances, then feeds: as clearing and drawing up lock them.
    lines = list(settlement.lines.select_related("award__lot").order_by("award__lot__block_id", "id"))
    for line in lines:
        return_hours(line.award, from_hour=line.starts_at, now=now)
    lock_limit(settlement.organization_id)
    _reverse_due(settlement)
    ended = [] if settlement.lease_month is None else [end_lease(settlement.lease_month.lease_id, now=now)]
    release_holds(references=[hold_reference(settlement)])
    cancelled = cancel_deliveries([settlement.pk])
    default = _record(settlement, now=now, by=by, reason=reason)
    review_limit(settlement.organization_id)
    write_notices([(settlement, Notice.Kind.DEFAULTED)])
    append_events([*ended, *_news(default, lines), *cancelled])
    return default


def _reverse_due(settlement: Settlement) -> None:
    """Undo all that was booked: nothing was delivered, so nothing is owed; what was prepaid is the buyer's again."""
    booked = Entry.objects.filter(transaction__reference__startswith=f"settlement:{settlement.pk}:")
    cents: dict[ledger.AccountKey, int] = defaultdict(int)
    for kind, organization_id, amount_cents in booked.values_list(
        "account__kind", "account__organization_id", "amount_cents"
    ):
        cents[ledger.AccountKey(Account.Kind(kind), organization_id)] -= amount_cents
    ledger.post_transaction(
        ledger.Posting(
            kind=Transaction.Kind.DEFAULT,
            reference=f"settlement:{settlement.pk}:default",
            description=f"Settlement {settlement.pk} was not paid",
            cents=cents,
        )
    )


def _record(settlement: Settlement, *, now: datetime, by: User | None, reason: str) -> Default:
    before = Default.objects.filter(organization_id=settlement.organization_id)
    cut = cut_limit(
        organization_id=settlement.organization_id,
        new_limit=lambda limit_cents: limit_after_default(limit_cents, n_before=before.count()),
        reason=f"Default on settlement {settlement.pk}",
        now=now,
    )
    return Default.objects.create(
        settlement=settlement,
        organization_id=settlement.organization_id,
        amount_cents=settlement.amount_cents,
        limit_before_cents=cut.before_cents,
        limit_after_cents=cut.after_cents,
        by=by,
        reason=reason,
        defaulted_at=now,
    )


def _news(default: Default, lines: list[SettlementLine]) -> list[Happening]:
    """Return what tells the buyer that it lost what it won, and the sellers that their hours are for sale again."""
    buyer = Happening(
        default.organization_id,
        "settlement.defaulted",
        {
            "settlement": default.settlement_id,
            "window": default.settlement.window_id,
            "amount_cents": default.amount_cents,
            "awards": [line.award_id for line in lines],
            "message": default.reason,
        },
    )
    sellers = [
        Happening(
            line.seller_id,
            "block.returned",
            {
                "block": line.award.lot.block_id,
                "award": line.award_id,
                "units": line.award.units,
                "from": line.starts_at.isoformat(),
            },
        )
        for line in lines
    ]
    return [buyer, *sellers]
