"""What tests of refunds and disputes do again and again: pay a settlement of several lines, decide a refund of it."""

from accounts.models import Organization, User
from settlements.models import Refund, Settlement, StripeEvent
from settlements.operations.charging import charge_settlement
from settlements.operations.draw_up import settle_window
from settlements.operations.events import handle_event, store_event
from settlements.operations.refund_sending import send_refund
from settlements.operations.refunds import RefundDraft, propose_refund
from settlements.refunding import RefundEffect, effect_of
from settlements.stripe_sandbox.resources import refunds as at_stripe
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import BuyerFactory, LotFactory, UserFactory, WindowFactory
from tests.integration.settlements.steps import mark_cleared, put_on_file, stripe_client, win


def finance_person() -> User:
    return UserFactory(is_finance=True)


def paid_settlement(
    *lines_cents: int, card: str = "pm_card_visa", buyer: Organization | None = None
) -> Settlement:
    """Have a buyer win a lot for each of these cents, of sellers of their own, and pay them by card."""
    buyer = buyer or BuyerFactory()
    put_on_file(buyer, card)
    window = WindowFactory()
    for cents in lines_cents:
        win(buyer, cents * 100, window=window, lot=LotFactory(window=window))
    (settlement,) = settle_window(window_id=mark_cleared(window).pk)
    charge_settlement(settlement_id=settlement.pk)
    settlement.refresh_from_db()
    assert settlement.status == Settlement.Status.PAID
    return settlement


def effect(settlement: Settlement, *lines_cents: int) -> RefundEffect:
    """Preview a refund of these cents of the settlement's lines, in order (zero: nothing of that line)."""
    settlement.refresh_from_db()
    lines = list(settlement.lines.order_by("id"))
    wanted = {line.pk: cents for line, cents in zip(lines, lines_cents, strict=False) if cents}
    return effect_of(settlement, lines, wanted)


def refund(
    settlement: Settlement,
    *lines_cents: int,
    by: User | None = None,
    reason: Refund.Reason = Refund.Reason.OUTAGE,
) -> Refund:
    """Propose a refund as previewed just before."""
    shown = effect(settlement, *lines_cents)
    wanted = {each.line.pk: each.part.amount_cents for each in shown.lines}
    return propose_refund(
        draft=RefundDraft(settlement.pk, wanted, reason),
        by=by or finance_person(),
        fingerprint=shown.fingerprint,
    )


def tell_all(times: int = 1, *, backwards: bool = False) -> None:
    """Deliver every event that Stripe knows, so many times over."""
    events = [event.to_dict() for event in stripe_client().v1.events.list({"limit": 100}).data][::-1]
    for event in (events[::-1] if backwards else events) * times:
        store_event(event)
        handle_event(event_id=StripeEvent.objects.get(stripe_id=event["id"]).pk)


def settle_at_stripe(sandbox: SandboxServer) -> None:
    """Have the asynchronous refunds end as their cards say."""
    with sandbox.sandbox.serving() as call:
        call.now_s += at_stripe.SETTLES_AFTER_S
        at_stripe.settle_due(call)


def refund_failed(sandbox: SandboxServer) -> Refund:
    """Have a refund of $10.00 fail after it looked good."""
    decided = refund(paid_settlement(60_00, card="pm_card_refundFail"), 10_00)
    send_refund(refund_id=decided.pk)
    settle_at_stripe(sandbox)
    tell_all()
    decided.refresh_from_db()
    assert decided.status == Refund.Status.FAILED
    return decided
