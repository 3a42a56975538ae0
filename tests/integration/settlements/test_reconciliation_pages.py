"""The pages of reconciling: from the bank's payouts down to a charge, and from the queue to a reason."""

from datetime import UTC, timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from marketplace.db import database_now
from settlements import stripe_gateway as gateway
from settlements.models import BalanceDay, BankPayout, ClosedPeriod, Mismatch
from settlements.operations.bank_payouts import apply_payout
from settlements.operations.reconciliation import import_movements, look_for_mismatches
from settlements.queries.reconciliation import open_mismatches
from settlements.stripe_sandbox.server import SandboxServer
from settlements.sweeps import sweep_reconciliation
from tests.factories import WindowFactory
from tests.integration.settlements.reconciliation_steps import (
    bank_payout,
    charge_of,
    found,
    later,
    movement,
    paid,
)
from tests.integration.settlements.steps import mark_cleared
from tests.integration.stripe_sandbox.steps import control

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
PAGES: list[tuple[str, list[object]]] = [
    ("reconciliation", []),
    ("reconciliation_day", ["2026-11-24"]),
    ("reconciliation_window", [1]),
    ("mismatch", [1]),
    ("period_close", ["2026-09"]),
]


@pytest.fixture
def finance(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def hear_of_payouts() -> BankPayout:
    """Hear how the only payout stands by now."""
    payout = BankPayout.objects.get()
    told = gateway.retrieve_payout(payout.stripe_id)
    with transaction.atomic():
        apply_payout(told)
    payout.refresh_from_db()
    return payout


class TestPages:
    def test_are_finances(self) -> None:
        for name, args in PAGES:
            assert Client().get(reverse(f"settlements:{name}", args=args)).status_code == 302

    def test_lead_from_the_queue_to_a_reason(self, finance: Client, person: User) -> None:
        settlement = paid()
        movement(source=charge_of(settlement), net=9_679, fee=320)
        found()
        mismatch = Mismatch.objects.get()

        window = mark_cleared(WindowFactory())
        found()
        queue = finance.get(reverse("settlements:reconciliation")).content.decode()
        assert f'href="{reverse("settlements:reconciliation_window", args=[window.pk])}"' in queue
        assert "Amount differs from Stripe’s" in queue
        assert "$96.80" in queue
        assert "Compare with the balance transaction" in queue
        finance.post(reverse("settlements:mismatch_assign", args=[mismatch.pk]), {"owner": person.pk})
        page = finance.get(reverse("settlements:reconciliation") + "?owner=me").content.decode()
        assert charge_of(settlement) in page
        address = reverse("settlements:mismatch", args=[mismatch.pk])
        assert finance.post(address, {"reason": "  "}).status_code == 422
        finance.post(address, {"reason": "A cent, booked by hand."})

        mismatch.refresh_from_db()
        assert (mismatch.status, mismatch.ended_by, mismatch.owner) == (
            Mismatch.Status.ACCEPTED,
            person,
            person,
        )
        again = finance.post(address, {"reason": "Once more."}, follow=True)
        assert "has ended meanwhile: accepted" in again.content.decode()

    def test_payouts_lead_from_the_bank_to_the_charges_in_them(
        self, finance: Client, stripe_sandbox: SandboxServer
    ) -> None:
        settlement = paid()
        bank_payout(stripe_sandbox)
        control(stripe_sandbox, "clock", {"seconds": 2 * 86_400})
        payout = hear_of_payouts()
        sweep_reconciliation(now=later())

        listed = finance.get(reverse("settlements:bank_payout_list")).content.decode()
        address = reverse("settlements:bank_payout_detail", args=[payout.pk])
        page = finance.get(address).content.decode()

        assert address in listed
        assert "$96.80" in listed
        assert "Ties" in page
        assert charge_of(settlement) in page
        assert "Paid out to our bank" in page

    def test_payouts_take_as_many_queries_for_many_as_for_one(
        self, finance: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(5):
            BankPayout.objects.create(
                stripe_id=f"po_{number}", amount_cents=5, automatic=False, arrival_at=database_now()
            )
        finance.get(reverse("settlements:bank_payout_list"))

        with django_assert_num_queries(4):  # session, user, memberships, payouts
            page = finance.get(reverse("settlements:bank_payout_list"))

        assert page.content.decode().count("Booked once it arrives") == 5

    def test_pages_through_open_mismatches_once(self) -> None:
        for _ in range(3):
            movement()
        look_for_mismatches(now=later())

        first = open_mismatches(size=2)
        second = open_mismatches(before=first.next_before, size=2)

        seen = [each.pk for each in first.mismatches + second.mismatches]
        expected = Mismatch.objects.order_by("happened_at", "id").values_list("pk", flat=True)
        assert (seen, second.next_before) == (list(expected), None)

    def test_look_now_asks_stripe_and_says_what_came(self, finance: Client) -> None:
        paid()

        answer = finance.post(reverse("settlements:reconciliation_look"), follow=True)

        assert "New movements from Stripe: 1. Open mismatches: 0." in answer.content.decode()

    def test_say_when_stripe_does_not_answer(self, finance: Client, settings) -> None:
        settings.STRIPE_SANDBOX_URL = "http://127.0.0.1:9"

        answer = finance.post(reverse("settlements:reconciliation_look"), follow=True)

        assert "Nothing was changed" in answer.content.decode()

    def test_lists_today_and_the_days_on_which_something_moved_or_is_open(self, finance: Client) -> None:
        today = database_now().astimezone(UTC).date()
        BalanceDay.objects.create(
            day=today - timedelta(days=3), n_movements=2, moved_cents=500, booked_pending_cents=500
        )
        BalanceDay.objects.create(day=today - timedelta(days=5))

        answer = finance.get(reverse("settlements:reconciliation"))

        assert [tie.day for tie in answer.context["days"]] == [today, today - timedelta(days=3)]
        assert "Nothing moved on the other 29 days since" in answer.content.decode()

    def test_a_window_and_a_day_in_figures(self, finance: Client) -> None:
        settlement = paid()
        import_movements(now=database_now())

        window = finance.get(reverse("settlements:reconciliation_window", args=[settlement.window_id]))
        assert "Differs" not in window.content.decode()
        today = database_now().astimezone(UTC).date().isoformat()
        day = finance.get(reverse("settlements:reconciliation_day", args=[today])).content.decode()
        assert "$96.80" in day
        assert charge_of(settlement) in day

    @pytest.mark.parametrize(
        ("name", "args"),
        [
            ("reconciliation_day", ["yesterday"]),
            ("reconciliation_day", ["2026-02-30"]),
            ("period_close", ["2026-13"]),
            ("period_close", ["last"]),
            ("reconciliation_window", [999_999]),
            ("mismatch", [999_999]),
        ],
    )
    def test_are_not_there_for_what_does_not_exist(
        self, finance: Client, name: str, args: list[object]
    ) -> None:
        assert finance.get(reverse(f"settlements:{name}", args=args)).status_code == 404

    def test_closing_asks_first(self, finance: Client) -> None:
        address = reverse("settlements:period_close", args=["2026-09"])

        assert "Close the books of September 2026?" in finance.get(address).content.decode()
        assert not ClosedPeriod.objects.exists()
        assert "is closed" in finance.post(address, follow=True).content.decode()
        assert "is closed already" in finance.post(address, follow=True).content.decode()
