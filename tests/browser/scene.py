"""A small market in which every page of the site has something to show, and the people who look at it."""

from __future__ import annotations

from datetime import UTC, timedelta
from types import SimpleNamespace

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import BiddingLimit, Membership, Organization, User
from accounts.operations import create_api_key, set_credit
from auctions.models import Bid
from auctions.operations.bids import place_bid
from auctions.operations.inquiries import answer_inquiry, ask_about_bid
from auctions.operations.standing import start_order
from inventory.operations import begin_draft
from marketplace.db import database_now
from marketplace.guides import ROLES
from notifications.links import unsubscribe_link
from notifications.models import WebhookEndpoint
from notifications.signing import new_secret, seal
from notifications.sweeps import sweep_news
from notifications.webhook_events import EVENTS
from settlements.models import BankPayout, Delivery, Dispute, Mismatch, Settlement
from settlements.operations.balances import count_days, read_balance
from settlements.operations.charging import charge_settlement
from settlements.operations.draw_up import settle_window
from settlements.operations.fees import add_fee_policy
from settlements.operations.reconciliation import import_movements, look_for_mismatches
from settlements.operations.refund_sending import send_refund
from settlements.operations.ssh_keys import add_ssh_key
from settlements.sweeps import sweep_deliveries
from tests.factories import (
    PASSWORD,
    BuyerFactory,
    LotFactory,
    MembershipFactory,
    SiteFactory,
    UserFactory,
    WindowFactory,
)
from tests.integration.auctions.conftest import close_and_clear
from tests.integration.auctions.orders import asked_for, step
from tests.integration.auctions.pages import bid_on
from tests.integration.auctions.test_expressive_bids import bid_of, leg_on, option
from tests.integration.auctions.test_views_prices import priced
from tests.integration.settlements.deliveries import ED25519, give, report
from tests.integration.settlements.payout_steps import deliver, set_up
from tests.integration.settlements.reconciliation_steps import movement
from tests.integration.settlements.refund_steps import paid_settlement as paid_by_card
from tests.integration.settlements.refund_steps import refund, tell_all
from tests.integration.settlements.steps import mark_cleared, put_on_file, settlement_of, win
from tests.integration.settlements.test_leases import lease_of
from tests.integration.settlements.test_prepayments import start


def set_scene() -> SimpleNamespace:
    """Let a buyer and a seller go through all that happens here; name what the addresses of pages need."""
    scene = SimpleNamespace(now=database_now().astimezone(UTC))
    scene.uid, scene.forged_key = "1", "not-ours"
    scene.guide = SimpleNamespace(**{role: role for role in ROLES})
    scene.buyer = BuyerFactory(name="Meridian Research", limit_cents=100_000_000)
    scene.site = SiteFactory(name="Ashburn 2")
    scene.seller = scene.site.organization
    scene.card = put_on_file(scene.buyer)
    _admit(scene)
    _trade(scene)
    _collect(scene)
    _deliver_and_pay_out(scene)
    _give_back(scene)
    _reconcile(scene)
    _tell(scene)
    return scene


def _tell(scene: SimpleNamespace) -> None:
    """All that happened above is told to whom it concerns."""
    owner = scene.people["buyer"]
    WebhookEndpoint.objects.create(
        organization=scene.buyer,
        url="https://hooks.example.com/sparegrid",
        name="Scheduler",
        events=list(EVENTS),
        sealed_secret=seal(new_secret()),
        created_by=owner,
    )
    scene.endpoint = WebhookEndpoint.objects.get()
    while sweep_news(now=database_now()):
        continue
    link = unsubscribe_link(user_id=scene.people["buyer"].pk, kind_name="bid_won")
    scene.unsubscribe_token = link.rstrip("/").rpartition("/")[2]


def _admit(scene: SimpleNamespace) -> None:
    """The people: the owners of either side, our own staff, and one with a second factor."""
    owner = MembershipFactory(organization=scene.buyer, role=Membership.Role.OWNER)
    scene.colleague = MembershipFactory(organization=scene.buyer)
    scene.people = {
        "guarded": UserFactory(),  # first: their password was given long ago after five minutes
        "newcomer": UserFactory(),
        "visitor": None,
        "buyer": owner.user,
        "seller": MembershipFactory(organization=scene.seller, role=Membership.Role.OWNER).user,
        "finance": UserFactory(is_finance=True),
        "operator": UserFactory(is_operator=True),
    }
    scene.sessions = {who: _session_of(user) for who, user in scene.people.items() if user}
    TOTP.activate(scene.people["guarded"], generate_totp_secret())
    RecoveryCodes.activate(scene.people["guarded"])
    create_api_key(organization=scene.buyer, created_by=owner.user, name="nightly runs")
    add_ssh_key(organization=scene.buyer, added_by=owner.user, text=ED25519)
    scene.limit = BiddingLimit.objects.get(organization=scene.buyer)
    set_credit(
        organization=scene.buyer, credit_cents=900_000_000_00, reason="grows", by=scene.people["finance"]
    )
    for method in ("card", "bank_transfer"):
        scene.prepayment = start(scene.buyer, method=method)


def _session_of(user: User) -> str:
    """Log in as people do: pages that ask for the password again then take it as just given."""
    client = Client()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _trade(scene: SimpleNamespace) -> None:
    """A window that is open, with bids, and one that has cleared, with packages among them, and old prices."""
    scene.lot = LotFactory(block__site=scene.site)
    scene.draft_step = "reserve"
    scene.draft = begin_draft(
        seller=scene.seller, begun_by=scene.people["seller"], said={"units": "12", "site": str(scene.site.pk)}
    )
    LotFactory(window=scene.lot.window, block__site=scene.site)
    scene.market, scene.product = scene.lot.window.market, scene.lot.block.resource_type
    scene.bid = bid_on(scene.lot, scene.buyer)
    asked = asked_for(scene.lot)
    scene.type_id, scene.deadline = scene.product.pk, f"{asked.deadline_at:%Y-%m-%dT%H:%M}"
    scene.order = start_order(organization=scene.buyer, created_by=None, terms=asked)
    step(scene.order)
    bid_on(scene.lot, BuyerFactory(), units=8, price_ticks=30_000)

    cleared = [LotFactory(block__site=scene.site)]
    cleared.append(LotFactory(window=cleared[0].window, block__site=scene.site))
    scene.cleared = cleared[0].window
    scene.won = _bid_for_all_of(scene.buyer, cleared[:1], value=800_000)
    _bid_for_all_of(BuyerFactory(), cleared[1:], value=1_000_000)
    scene.lost = _bid_for_all_of(scene.buyer, cleared, value=1_000_000)
    close_and_clear(scene.cleared)
    answer_inquiry(inquiry_id=ask_about_bid(organization=scene.buyer, asked_by=None, bid_id=scene.lost.pk).pk)
    for day in range(1, 9):
        paid = 10_000 + day * 137
        priced(
            scene.product,
            scene.market,
            hours_ago=24 * day,
            paid=paid,
            sold=16 * day,
            region=scene.site.region,
        )


def _bid_for_all_of(buyer: Organization, lots: list, *, value: int) -> Bid:
    return place_bid(
        organization=buyer,
        placed_by=None,
        window_id=lots[0].window_id,
        terms=bid_of(option(*(leg_on(lot, units=8, min_units=8) for lot in lots), value=value)),
    )


def _collect(scene: SimpleNamespace) -> None:
    """What is owed: one declined, one carried, a lease."""
    debtor = BuyerFactory()
    put_on_file(debtor, "pm_card_chargeCustomerFail")
    scene.declined = settlement_of(120_00, buyer=debtor)
    charge_settlement(settlement_id=scene.declined.pk)
    scene.due = settlement_of(75_00, buyer=scene.buyer)
    settlement_of(30, buyer=BuyerFactory())
    scene.lease = lease_of(scene.buyer)


def _sale(scene: SimpleNamespace, *lines_cents: int) -> Settlement:
    """The buyer wins from the seller, and pays."""
    window = WindowFactory()
    for cents in lines_cents:
        win(scene.buyer, cents * 100, window=window, lot=LotFactory(window=window, block__site=scene.site))
    (settlement,) = settle_window(window_id=mark_cleared(window).pk)
    charge_settlement(settlement_id=settlement.pk)
    settlement.refresh_from_db()
    assert settlement.status == Settlement.Status.PAID
    return settlement


def _deliver_and_pay_out(scene: SimpleNamespace) -> None:
    """One delivery that has ended, with its transfer, and one that runs, with an outage."""
    set_up(scene.seller)
    scene.transfer = deliver(_sale(scene, 90_00)).transfers.get()
    scene.delivery = Delivery.objects.get(line__settlement=_sale(scene, 110_00))
    sweep_deliveries(now=scene.delivery.starts_at - timedelta(hours=1))
    give(
        scene.delivery,
        at=scene.delivery.starts_at - timedelta(minutes=10),
        by=scene.people["seller"],
    )
    sweep_deliveries(now=scene.delivery.starts_at)
    scene.delivery.refresh_from_db()
    scene.outage = report(scene.delivery, by=scene.people["buyer"])
    scene.to_hand_over = Delivery.objects.get(line__settlement=_sale(scene, 50_00))
    sweep_deliveries(now=scene.to_hand_over.starts_at - timedelta(hours=1))


def _give_back(scene: SimpleNamespace) -> None:
    """A refund that was made, one proposed, and a dispute."""
    scene.refunded = _sale(scene, 60_00, 40_00)
    send_refund(refund_id=refund(scene.refunded, 10_00).pk)
    scene.refund = refund(scene.refunded, 0, 5_00)
    paid_by_card(70_00, card="pm_card_createDispute")
    tell_all()
    scene.dispute = Dispute.objects.get()


def _reconcile(scene: SimpleNamespace) -> None:
    """A day of Stripe's movements, one of them unknown here, and a fee that will change."""
    import_movements(now=database_now())
    movement(source="ch_unheard_of")
    look_for_mismatches(now=database_now() + timedelta(hours=3))
    scene.mismatch = Mismatch.objects.filter(status=Mismatch.Status.OPEN).earliest("pk")
    scene.bank_payout = BankPayout.objects.create(
        stripe_id="po_held", amount_cents=-7_00, status="paid", automatic=True, arrival_at=scene.now
    )
    count_days([], now=scene.now)
    read_balance(now=scene.now)
    scene.today, scene.month = f"{scene.now:%Y-%m-%d}", f"{scene.now - timedelta(days=40):%Y-%m}"
    scene.year, scene.month_number = scene.now.year, scene.now.month
    add_fee_policy(
        market_id=None,
        bps=400,
        valid_from=scene.now + timedelta(days=2),
        note="from December",
        by=scene.people["finance"],
        now=scene.now,
    )
