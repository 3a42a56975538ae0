"""What a run has: its people, its clock, Stripe's events on their way, and ways to ask and to pick."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx
from django.db import transaction
from django.db.models import QuerySet
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from accounts.models import Organization, User
from inventory.models import ResourceType, Site
from marketplace.db import database_now
from settlements import stripe_gateway as gateway
from settlements.models import Delivery, DunningStep, Lease, Settlement, StripeEvent
from settlements.operations.cards import save_card
from settlements.operations.customers import ensure_customer
from settlements.operations.events import HANDLERS, handle_event, store_event
from settlements.stripe_facts import OutcomeUnknown, Refused
from settlements.stripe_sandbox.api import Call
from settlements.stripe_sandbox.server import SandboxServer
from tests.factories import BuyerFactory, ResourceTypeFactory, SellerFactory, SiteFactory, UserFactory
from tests.integration.settlements.payout_steps import set_up
from tests.integration.settlements.steps import stripe_client
from tests.laws.books import Books

SETTLEMENTS_OF_A_RUN = 5
picks = st.integers(0, 10_000)


class World(RuleBasedStateMachine):
    """One market's money. ``prepare`` comes before the first run."""

    sandbox: ClassVar[SandboxServer]
    people: ClassVar[list[User]] = []
    resource_type: ClassVar[ResourceType]
    browser: ClassVar[httpx.Client]
    is_broken_off: ClassVar[bool] = False
    """The run before did not come to its end."""

    def __init__(self) -> None:
        super().__init__()
        self.sandbox.reset()
        if World.is_broken_off:
            self._put_to_rest()
        World.is_broken_off = True
        self.now: datetime = database_now()
        self.buyers: dict[str, Organization] = {}
        self.sites: list[Site] = []
        self.settlements: list[int] = []
        self.books = Books()
        self.events: list[dict[str, Any]] = []
        self.unhandled: list[int] = []
        self.last_event = self._newest_event()

    @classmethod
    def prepare(cls, sandbox: SandboxServer) -> None:
        """Make what all runs share: the people of finance, and a browser."""
        cls.sandbox = sandbox
        cls.people = [UserFactory(is_finance=True) for _ in range(3)]
        cls.resource_type = ResourceTypeFactory()
        cls.browser = httpx.Client()

    @staticmethod
    def _put_to_rest() -> None:
        """Have nothing of a run that broke off be due any more: workers look for what is due among all rows."""
        now = database_now()
        DunningStep.objects.filter(taken_at=None).update(taken_at=now, result="Broken off")
        Delivery.objects.filter(status__in=Delivery.LIVE).update(status=Delivery.Status.CANCELLED)
        Lease.objects.filter(status=Lease.Status.ACTIVE).update(status=Lease.Status.DEFAULTED, ended_at=now)

    # Who there is

    def buyer(self, card: str) -> Organization:
        """Return the run's buyer with this card on file (empty: with none)."""
        if card not in self.buyers:
            self.buyers[card] = BuyerFactory(limit_cents=10**9)
            self.books.watch(self.buyers[card].pk)
            if card:
                self.put_on_file(self.buyers[card], card)
        return self.buyers[card]

    def put_on_file(self, buyer: Organization, card: str) -> None:
        with self._fine_weather():
            customer = ensure_customer(buyer.pk)
            attached = stripe_client().v1.payment_methods.attach(card, {"customer": customer})
            known = gateway.retrieve_card(attached.id)
            with transaction.atomic():
                save_card(known)

    def site(self, number: int) -> Site:
        """Return one of the run's two sites, each of a seller that Stripe lets be paid."""
        while len(self.sites) <= number % 2:
            site = SiteFactory(organization=SellerFactory())
            with self._fine_weather():
                set_up(site.organization)
            self.sites.append(site)
        return self.sites[number % 2]

    # What there is to pick

    def own(self, rows: Any, path: str = "settlement") -> QuerySet[Any]:
        """Return those of the run's settlements among rows, oldest first."""
        of_run: QuerySet[Any] = rows.filter(**{f"{path}__in": self.settlements})
        return of_run.order_by("id")

    def pick(self, rows: Any, pick: int, path: str = "settlement") -> Any:
        """Return one of the run's rows, None where there is none."""
        found = list(self.own(rows, path))
        return found[pick % len(found)] if found else None

    def settlement(self, pick: int) -> Settlement:
        return Settlement.objects.get(pk=self.settlements[pick % len(self.settlements)])

    def delivery(self, pick: int, *statuses: Delivery.Status) -> Delivery | None:
        rows = Delivery.objects.select_related("seller", "buyer")
        found: Delivery | None = self.pick(
            rows.filter(status__in=statuses) if statuses else rows, pick, "line__settlement"
        )
        return found

    # Asking Stripe, and being told

    def ask(self, call: Callable[[], Any]) -> None:
        """Do what asks Stripe; an answer that is lost is for later steps to learn."""
        with suppress(OutcomeUnknown, Refused):
            call()

    @contextmanager
    def at_stripe(self) -> Iterator[Call]:
        """Do something at Stripe that nobody here asks for; what it puts off follows at once."""
        with self.sandbox.sandbox.serving() as call:
            yield call
            for later in call.deferred:
                later()

    def move_stripes_clock(self, ahead: timedelta) -> None:
        seconds = int(ahead.total_seconds())
        with self.sandbox.sandbox.store.transaction():
            store = self.sandbox.sandbox.store
            store.set_ahead_s(store.ahead_s() + seconds)

    def collect_events(self) -> None:
        """Take what Stripe has to tell since the last time; it is delivered later."""
        with self.sandbox.sandbox.store.transaction():
            rows = self.sandbox.sandbox.store.connection.execute(
                "SELECT seq, body FROM objects WHERE kind = 'event' AND seq > ? ORDER BY seq",
                (self.last_event,),
            ).fetchall()
        for row in rows:
            self.last_event = row["seq"]
            event = json.loads(row["body"])
            if event["type"] in HANDLERS:
                self.events.append(event)

    def deliver(self, event: dict[str, Any]) -> None:
        store_event(event)
        self.handle(StripeEvent.objects.values_list("id", flat=True).get(stripe_id=event["id"]))

    def handle(self, event_id: int) -> None:
        """Handle a stored event; one that Stripe could not be asked about waits for the sweep."""
        try:
            handle_event(event_id=event_id)
        except OutcomeUnknown:
            if event_id not in self.unhandled:
                self.unhandled.append(event_id)
        else:
            self.unhandled = [waiting for waiting in self.unhandled if waiting != event_id]

    @contextmanager
    def _fine_weather(self) -> Iterator[None]:
        """Make what a run begins with while no fault strikes; those armed stay for what comes after."""
        faults = self.sandbox.sandbox.faults
        armed, faults.api = faults.api, []
        yield
        faults.api = armed

    def _newest_event(self) -> int:
        with self.sandbox.sandbox.store.transaction():
            row = self.sandbox.sandbox.store.connection.execute(
                "SELECT coalesce(max(seq), 0) FROM objects"
            ).fetchone()
        return int(row[0])
