"""Draw up a cleared window's settlements: one per buyer, and one per lease for its first month."""

from __future__ import annotations

from collections import defaultdict

from django.db import transaction

from auctions.models import Award, Window
from marketplace.db import database_now
from settlements.leases import is_lease
from settlements.models import SettledWindow, Settlement
from settlements.operations.drafts import Draft, DraftLine, HandOver, write_drafts
from settlements.operations.lease_months import first_months, hold_for_rest
from settlements.queries.fees import FeeInForce, fee_in_force
from settlements.splitting import split_amount


class WindowNotCleared(Exception):
    """Only a cleared window has anything to settle."""


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
        awards = list(Award.objects.filter(window=window).select_related("lot__block__site").order_by("id"))
        months = first_months([award for award in awards if is_lease(award.starts_at, award.ends_at)])
        drafts = [
            *_draft_settlements(
                [award for award in awards if not is_lease(award.starts_at, award.ends_at)],
                fee_in_force(window.market_id, window.closes_at),
            )
        ]
        drafts += months
        hand_over = HandOver(
            released=sorted({f"bid:{award.bid_id}" for award in awards}),
            debts=[hold_for_rest(draft.lease_month) for draft in months if draft.lease_month is not None],
        )
        return write_drafts(drafts, hand_over, now=database_now())


def _draft_settlements(awards: list[Award], fee: FeeInForce) -> list[Draft]:
    by_buyer: dict[int, list[Award]] = defaultdict(list)
    for award in awards:
        by_buyer[award.organization_id].append(award)
    return [_draft(own, fee) for _, own in sorted(by_buyer.items())]


def _draft(awards: list[Award], fee: FeeInForce) -> Draft:
    split = split_amount([award.amount_ticks for award in awards], fee_bps=fee.bps)
    return Draft(
        window_id=awards[0].window_id,
        organization_id=awards[0].organization_id,
        amount_ticks=sum(award.amount_ticks for award in awards),
        lines=[
            DraftLine(award, award.starts_at, award.ends_at, amount_cents, fee_cents, fee)
            for award, amount_cents, fee_cents in zip(
                awards, split.lines_cents, split.fees_cents, strict=True
            )
        ],
    )
