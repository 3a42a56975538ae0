"""What tests of settlements do again and again: make awards, clear the window, put a card on file, run the jobs."""

from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
import stripe
from django.conf import settings
from django.db import transaction
from django.db.models import F
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.holds import set_hold
from accounts.models import Organization
from auctions.models import Award, Lot, Window
from marketplace.db import database_now
from marketplace.money import cents_to_cover
from settlements import ledger, stripe_gateway
from settlements.jobs import QUEUE_STRIPE
from settlements.models import ChargeAttempt, Customer, PaymentMethod, Settlement, Transaction
from settlements.operations.cards import open_card_page, save_card
from settlements.operations.charging import charge_settlement
from settlements.operations.draw_up import settle_window
from settlements.stripe_facts import OutcomeUnknown
from settlements.stripe_sandbox.faults import ApiFault
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import AwardFactory, BuyerFactory, LotFactory, WindowFactory

AUTHENTICATES_ALWAYS = "pm_card_authenticationRequired"


def win(buyer: Organization, ticks: int, *, window: Window, lot: Lot | None = None) -> Award:
    """Have a buyer win a unit for ``ticks``, with its hold as the clearing leaves it."""
    award = AwardFactory(organization=buyer, amount_ticks=ticks, lot=lot or LotFactory(window=window))
    with transaction.atomic():
        set_hold(
            organization_id=buyer.pk, reference=f"bid:{award.bid_id}", amount_cents=cents_to_cover(ticks)
        )
    return award


def prepay(buyer: Organization, cents: int) -> None:
    """Put money on a buyer's prepaid balance, as if it had come through Stripe."""
    with transaction.atomic():
        ledger.post_transaction(
            ledger.Posting(
                kind=Transaction.Kind.PREPAYMENT,
                reference=f"test:{uuid4()}",
                description="",
                cents={ledger.STRIPE_PENDING: cents, ledger.buyer_prepaid(buyer.pk): -cents},
            )
        )


def mark_cleared(window: Window) -> Window:
    window.status = Window.Status.CLEARED
    window.cleared_at = database_now()
    window.surplus_ticks = window.revenue_ticks = 0
    window.save()
    return window


def settlement_of(cents: int, *, buyer: Organization | None = None) -> Settlement:
    """Draw up a settlement of ``cents`` for a buyer that won one lot."""
    window = WindowFactory()
    win(buyer or BuyerFactory(), cents * 100, window=window)
    (settlement,) = settle_window(window_id=mark_cleared(window).pk)
    return settlement


def stripe_client() -> stripe.StripeClient:
    """The SDK as the gateway uses it, for what people and banks do at Stripe."""
    return stripe.StripeClient(
        settings.STRIPE_SANDBOX_KEY,
        base_addresses={"api": settings.STRIPE_SANDBOX_URL},
        max_network_retries=0,
    )


def customer_of(organization: Organization) -> str:
    """Return the organization's customer at Stripe, made the way the pages make it."""
    open_card_page(organization_id=organization.pk)
    return Customer.objects.get(pk=organization.pk).stripe_id


def put_on_file(organization: Organization, card: str = "pm_card_visa") -> PaymentMethod:
    """Attach one of Stripe's test cards to the organization's customer and take it in."""
    attached = stripe_client().v1.payment_methods.attach(card, {"customer": customer_of(organization)})
    card = stripe_gateway.retrieve_card(attached.id)
    with transaction.atomic():
        return save_card(card)


def authenticate(url: str, *, outcome: str = "complete") -> None:
    """Do on the bank's page what the cardholder does."""
    answer = httpx.post(url, data={"outcome": outcome})
    assert answer.has_redirect_location, answer.text


def lose_next_answer(sandbox: SandboxServer) -> None:
    """Have Stripe take the next payment and answer with a server error, as it then does to the same key again."""
    sandbox.sandbox.faults.arm_api(
        ApiFault(kind="error", phase="after", method="POST", path="/v1/payment_intents")
    )


def n_payments(status: str = "succeeded") -> int:
    """Return how many payments Stripe knows in this state: the truth about how often a card was charged."""
    intents = stripe_client().v1.payment_intents.list({"limit": 100}).data
    return sum(intent.status == status for intent in intents)


def jobs_waiting() -> list[tuple[str, int]]:
    jobs = ProcrastinateJob.objects.filter(queue_name=QUEUE_STRIPE, status="todo").order_by("id")
    return [(job.task_name, job.args["row_id"]) for job in jobs]


def run_jobs() -> None:
    """Run the tasks that wait in our queue, in order, in this process."""
    for name, row_id in jobs_waiting():
        app.tasks[name](row_id=row_id)


def make_older(attempt: ChargeAttempt, by: timedelta) -> None:
    ChargeAttempt.objects.filter(pk=attempt.pk).update(
        created_at=F("created_at") - by, called_at=F("called_at") - by
    )


def charged_with_lost_answer(sandbox: SandboxServer) -> Settlement:
    """Have the sandbox charge $100.00 and its answer get lost, so that our side knows nothing."""
    buyer = BuyerFactory()
    put_on_file(buyer)
    settlement = settlement_of(10_000, buyer=buyer)
    lose_next_answer(sandbox)
    with pytest.raises(OutcomeUnknown):
        charge_settlement(settlement_id=settlement.pk)
    settlement.refresh_from_db()
    return settlement
