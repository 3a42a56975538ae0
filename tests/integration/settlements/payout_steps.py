"""What tests of payouts do again and again: sell, be paid, deliver, and set a seller up at Stripe."""

from datetime import timedelta

from accounts.models import Organization
from settlements.models import Delivery, SellerAccount, Settlement, Transfer
from settlements.operations.charging import charge_settlement
from settlements.operations.delivery_steps import move_delivery
from settlements.operations.seller_accounts import open_onboarding, refresh_account
from settlements.sweeps import sweep_deliveries
from tests.factories import BuyerFactory, UserFactory
from tests.integration.settlements.steps import put_on_file, settlement_of, stripe_client
from tests.integration.stripe_sandbox.steps import onboard


def paid_settlement(cents: int) -> Settlement:
    """A settlement of one line that a card paid."""
    buyer = BuyerFactory(limit_cents=100_000_000)
    put_on_file(buyer)
    settlement = settlement_of(cents, buyer=buyer)
    assert charge_settlement(settlement_id=settlement.pk) == Settlement.Status.PAID
    settlement.refresh_from_db()
    return settlement


def deliver(settlement: Settlement) -> Delivery:
    """Let time pass until a paid settlement's one line is delivered."""
    delivery = Delivery.objects.get(line__settlement=settlement)
    sweep_deliveries(now=delivery.starts_at - timedelta(hours=1))
    Delivery.objects.filter(pk=delivery.pk).update(
        status=Delivery.Status.RUNNING, handed_over_at=delivery.starts_at
    )
    assert move_delivery(delivery_id=delivery.pk, now=delivery.ends_at)
    delivery.refresh_from_db()
    return delivery


def set_up(seller: Organization) -> SellerAccount:
    """Open a seller's account and give Stripe all it asks for; return the account as then known here."""
    open_onboarding(organization_id=seller.pk, by=UserFactory())
    account = SellerAccount.objects.get(pk=seller.pk)
    onboard(stripe_client(), account.stripe_id)
    return refresh_account(organization_id=seller.pk)


def transfer_ready(cents: int = 10_000) -> Transfer:
    """A transfer of a delivered line of ``cents``, whose seller Stripe lets be paid."""
    delivery = deliver(paid_settlement(cents))
    set_up(delivery.seller)
    return delivery.transfers.get()


def n_transfers() -> int:
    """Return how many transfers Stripe knows: the truth about how often a seller was paid."""
    return len(stripe_client().v1.transfers.list({"limit": 100}).data)
