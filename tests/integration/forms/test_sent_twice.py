"""The same form sent twice, one after the other and by two threads at one moment: done once, and the second is told.

What each operation does is tested beside it; here it is what a person reads, and that all that move money, place bids
or list capacity are among them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import CreditChange, Membership, User
from auctions.models import Bid, StandingOrder
from auctions.order_forms import order_typed
from inventory.models import Block
from marketplace.hours import HOUR
from settlements.models import Outage, Prepayment, Refund, TransferHold
from settlements.refunding import line_field
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import BuyerFactory, LotFactory, MembershipFactory, UserFactory
from tests.integration.auctions.orders import asked_for
from tests.integration.forms.reading import Page
from tests.integration.forms.table.rows import KEY
from tests.integration.settlements.deliveries import running, set_back
from tests.integration.settlements.payout_steps import deliver, paid_settlement

pytestmark = pytest.mark.django_db(transaction=True)
N_SENT = 2


@dataclass
class Sent:
    """A form ready to be sent: by whom, where, what; and how many of what it makes there are."""

    user: User
    address: str
    typed: dict[str, Any]
    made: Callable[[], int]


def trader_of(organization: Any) -> User:
    return MembershipFactory(organization=organization, role=Membership.Role.OWNER).user


def a_bid() -> Sent:
    lot = LotFactory()
    typed = {"units": "4", "price": "2.00", "request_key": KEY}
    return Sent(
        trader_of(BuyerFactory()), reverse("auctions:bid_confirm", args=[lot.pk]), typed, Bid.objects.count
    )


def a_standing_order() -> Sent:
    typed = order_typed(asked_for(LotFactory())) | {"do": "confirm", "request_key": KEY}
    user = trader_of(BuyerFactory())
    return Sent(user, reverse("auctions:order_create"), typed, StandingOrder.objects.count)


def a_block() -> Sent:
    lot = LotFactory()
    site = lot.block.site
    start = lot.starts_at + 48 * HOUR
    typed = {
        "site": str(site.pk),
        "resource_type": str(lot.block.resource_type_id),
        "units": "8",
        "starts_at": f"{start:%Y-%m-%dT%H:%M}",
        "ends_at": f"{start + 4 * HOUR:%Y-%m-%dT%H:%M}",
        "reserve": "1.50",
        "is_another": "on",
    }
    made = Block.objects.exclude(pk=lot.block_id).count
    return Sent(trader_of(site.organization), reverse("inventory:block_create"), typed, made)


def a_prepayment() -> Sent:
    typed = {"amount": "25.00", "method": "bank_transfer", "key": KEY}
    user = trader_of(BuyerFactory())
    return Sent(user, reverse("settlements:prepayment_start"), typed, Prepayment.objects.count)


def a_refund() -> Sent:
    settlement = paid_settlement(100_00)
    user = UserFactory(is_finance=True)
    address = reverse("settlements:refund_create", args=[settlement.pk])
    typed = {line_field(settlement.lines.get()): "10.00", "reason": "goodwill", "note": ""}
    page = Page.of(client_of(user).post(address, typed | {"action": "preview"}).content.decode())
    (fingerprint,) = page.held(page.forms_with("fingerprint")[0], "fingerprint")
    return Sent(
        user, address, typed | {"action": "confirm", "fingerprint": fingerprint}, Refund.objects.count
    )


def a_credit_line() -> Sent:
    limit = BuyerFactory(limit_cents=100_00).bidding_limit
    typed = {"credit": "150.00", "reason": "grows", "seen": "10000"}
    made = CreditChange.objects.filter(organization=limit.organization).count
    user = UserFactory(is_finance=True)
    return Sent(user, reverse("accounts:limit_edit", args=[limit.pk]), typed, made)


def an_outage() -> Sent:
    delivery = set_back(running())
    start = delivery.starts_at
    typed = {
        "starts_at": f"{start:%Y-%m-%dT%H:%M}",
        "ends_at": f"{start + HOUR / 4:%Y-%m-%dT%H:%M}",
        "what": "no answer",
    }
    user = trader_of(delivery.buyer)
    return Sent(user, reverse("settlements:outage_report", args=[delivery.pk]), typed, Outage.objects.count)


def a_hold_of_a_transfer() -> Sent:
    transfer = deliver(paid_settlement(100_00)).transfers.get()
    held = TransferHold.objects.filter(delivery=transfer.delivery, lifted_at=None, placed_by__isnull=False)
    user = UserFactory(is_finance=True)
    address = reverse("settlements:transfer_hold", args=[transfer.pk])
    return Sent(user, address, {"reason": "checking"}, held.count)


FORMS = [
    a_bid,
    a_standing_order,
    a_block,
    a_prepayment,
    a_refund,
    a_credit_line,
    an_outage,
    a_hold_of_a_transfer,
]


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def told(client: Client, answer: HttpResponse) -> str:
    """What the person reads then, on the page or where it leads."""
    if answer.status_code == 302:
        answer = client.get(answer.headers["Location"])
    page = Page.of(answer.content.decode())
    return " ".join(" ".join(page.texts.get("content", "").split()).split("Error:"))


@pytest.mark.parametrize("make", FORMS, ids=lambda make: make.__name__)
def test_one_after_the_other(make: Callable[[], Sent], stripe_sandbox: SandboxServer) -> None:
    sent = make()
    client = client_of(sent.user)
    answers = [client.post(sent.address, sent.typed) for _ in range(N_SENT)]
    assert sent.made() == 1
    assert answers[0].status_code == 302
    assert answers[1].status_code in {302, 409, 422}
    assert told(client, answers[1])


@pytest.mark.parametrize("make", FORMS, ids=lambda make: make.__name__)
def test_at_one_moment(make: Callable[[], Sent], stripe_sandbox: SandboxServer) -> None:
    sent = make()
    clients = [client_of(sent.user) for _ in range(N_SENT)]
    together = Barrier(N_SENT)

    def send(client: Client) -> int:
        try:
            together.wait(timeout=30)
            return client.post(sent.address, sent.typed).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(N_SENT) as pool:
        statuses = list(pool.map(send, clients))
    assert sent.made() == 1
    assert 302 in statuses
    # 503: Stripe was asked for the same thing by the first at that moment, and says so.
    assert set(statuses) <= ({302, 503} if make is a_prepayment else {302, 409, 422})
