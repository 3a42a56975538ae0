"""Reconciling: what ties stays silent, a mismatch of each kind is found, and a closed month takes nothing any more."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from auctions.models import Award
from marketplace.db import database_now
from settlements import ledger
from settlements import stripe_gateway as gateway
from settlements.models import (
    Account,
    BalanceDay,
    BalanceMovement,
    BankPayout,
    ChargeAttempt,
    ClosedPeriod,
    Mismatch,
    PendingFunds,
    Settlement,
    SettlementLine,
    Transaction,
)
from settlements.operations.balances import count_days, days_of, read_balance
from settlements.operations.bank_payouts import apply_payout
from settlements.operations.charging import charge_settlement
from settlements.operations.draw_up import settle_window
from settlements.operations.funds import book_available
from settlements.operations.reconciliation import (
    CannotClose,
    MismatchClosed,
    accept_mismatch,
    assign_mismatch,
    close_period,
    how_far_to_look,
    import_movements,
    look_for_mismatches,
    next_to_close,
    take_in,
    tie_payout,
)
from settlements.queries.bank_payouts import held_page
from settlements.queries.mismatches import FINDERS, NEXT_ACTION
from settlements.queries.reconciliation import balances, days, open_mismatches, window_steps
from settlements.stripe_facts import Movement
from settlements.stripe_sandbox.server import SandboxServer
from settlements.sweeps import sweep_reconciliation
from tests.factories import BuyerFactory, UserFactory, WindowFactory
from tests.integration.settlements.steps import mark_cleared, put_on_file, settlement_of, stripe_client, win
from tests.integration.stripe_sandbox.steps import control

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe_sandbox")]
Kind = Mismatch.Kind


@pytest.fixture
def person() -> User:
    return UserFactory(is_finance=True)


@pytest.fixture
def finance(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def paid(cents: int = 10_000) -> Settlement:
    """A settlement that was drawn up, charged and booked through the real flow."""
    buyer = BuyerFactory()
    put_on_file(buyer)
    settlement = settlement_of(cents, buyer=buyer)
    charge_settlement(settlement_id=settlement.pk)
    settlement.refresh_from_db()
    assert settlement.status == Settlement.Status.PAID
    return settlement


def movement(
    *, source: str = "", net: int = 1000, fee: int = 0, at: datetime | None = None, currency: str = "usd"
) -> str:
    at = at or database_now() - timedelta(hours=2)
    stripe_id = f"txn_{BalanceMovement.objects.count()}_{source}"
    available_at = at + timedelta(days=2)
    take_in([Movement(stripe_id, "charge", source, net + fee, fee, net, currency, at, available_at)])
    return stripe_id


def later() -> datetime:
    """When bookings and tellings of just now should long have met."""
    return database_now() + timedelta(hours=3)


def found() -> set[tuple[str, str]]:
    look_for_mismatches(now=later())
    rows = Mismatch.objects.filter(status=Mismatch.Status.OPEN)
    return {(mismatch.kind, mismatch.subject) for mismatch in rows}


def overrule(sql: str, *params: object) -> None:
    """Change what the database guards, as only an accident could."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, params)


class TestWhatTies:
    def test_is_silent_from_clearing_to_stripe(self) -> None:
        settlement = paid()

        count_days(days_of(import_movements(now=database_now())), now=database_now())
        assert found() == set()

        steps = window_steps(settlement.window)
        assert [step.what for step in steps if not step.ties] == []
        assert {step.left_cents for step in steps} == {10_000, 0}
        (today, *_) = days(until=database_now().astimezone(UTC).date())
        assert (today.n_movements, today.stripe_cents, today.ledger_cents, today.n_open) == (
            1,
            9_680,
            9_680,
            0,
        )

    def test_with_ticks_that_are_no_whole_cents(self) -> None:
        buyer, window = BuyerFactory(), WindowFactory()
        win(buyer, 6_000_50, window=window)
        win(buyer, 4_000_75, window=window)
        put_on_file(buyer)
        (settlement,) = settle_window(window_id=mark_cleared(window).pk)
        assert (settlement.amount_ticks, settlement.amount_cents) == (10_001_25, 10_001)
        charge_settlement(settlement_id=settlement.pk)

        import_movements(now=database_now())

        assert found() == set()

    def test_with_what_was_carried_into_it(self) -> None:
        buyer = BuyerFactory()
        small = settlement_of(30, buyer=buyer)
        put_on_file(buyer)
        settlement = settlement_of(10_000, buyer=buyer)
        charge_settlement(settlement_id=settlement.pk)
        small.refresh_from_db()
        assert small.status == Settlement.Status.PAID

        import_movements(now=database_now())

        assert found() == set()

    def test_with_a_payout_on_its_way_arrived_and_returned(self, stripe_sandbox: SandboxServer) -> None:
        paid()

        def ties() -> bool:
            import_movements(now=later())
            for funds_id in PendingFunds.objects.filter(booked_at=None).values_list("pk", flat=True):
                book_available(funds_id=funds_id)
            look_for_mismatches(now=later() + timedelta(days=9))
            return not Mismatch.objects.filter(status=Mismatch.Status.OPEN).exists()

        payout = bank_payout(stripe_sandbox)
        assert payout.status == BankPayout.Status.PENDING
        assert ties()
        for change in ("clock", f"payouts/{payout.stripe_id}/fail"):
            control(stripe_sandbox, change, {"seconds": 3 * 86_400} if change == "clock" else {})
            told = gateway.retrieve_payout(payout.stripe_id)
            with transaction.atomic():
                apply_payout(told)
            assert ties()
        payout.refresh_from_db()
        assert payout.status == BankPayout.Status.FAILED

    def test_takes_each_movement_in_once(self) -> None:
        paid()

        assert len(import_movements(now=database_now())) == 1
        assert import_movements(now=database_now()) == []
        assert BalanceMovement.objects.count() == 1


class TestWhatDoesNot:
    def test_window_not_settled(self) -> None:
        window = mark_cleared(WindowFactory())

        assert found() == {(Kind.WINDOW_NOT_SETTLED, f"window:{window.pk}")}

    def test_awards_differ(self) -> None:
        settlement = settlement_of(1000)
        Award.objects.filter(window=settlement.window_id).update(amount_ticks=90_000)

        assert found() == {
            (Kind.AWARDS_DIFFER, f"window:{settlement.window_id}:buyer:{settlement.organization_id}")
        }

    def test_lines_differ(self) -> None:
        settlement = settlement_of(1000)
        overrule("UPDATE settlements_settlementline SET amount_cents = 999, fee_cents = 0")

        assert found() == {(Kind.LINES_DIFFER, f"settlement:{settlement.pk}")}
        assert SettlementLine.objects.get().amount_cents == 999

    def test_not_booked(self) -> None:
        settlement = settlement_of(1000)
        overrule("DELETE FROM settlements_entry")
        overrule("DELETE FROM settlements_transaction")

        assert found() == {
            (Kind.NOT_BOOKED, f"settlement:{settlement.pk}"),
            (Kind.RECEIVABLE_DIFFERS, f"settlement:{settlement.pk}"),
        }

    def test_receivable_differs(self) -> None:
        settlement = settlement_of(1000)
        overrule("UPDATE settlements_settlement SET status = 'paid', paid_at = now()")

        assert found() == {(Kind.RECEIVABLE_DIFFERS, f"settlement:{settlement.pk}")}
        mismatch = Mismatch.objects.get()
        assert (mismatch.ours_cents, mismatch.theirs_cents, mismatch.difference_cents) == (1000, 0, 1000)

    def test_movement_not_booked(self) -> None:
        stripe_client().v1.payment_intents.create(
            {
                "amount": 5_000,
                "currency": "usd",
                "confirm": True,
                "payment_method": "pm_card_visa",
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            }
        )
        import_movements(now=database_now())
        (charge,) = stripe_client().v1.charges.list().data

        assert found() == {(Kind.MOVEMENT_NOT_BOOKED, charge.id)}
        assert Mismatch.objects.get().theirs_cents == 5_000 - 175

    def test_movement_that_names_no_object(self) -> None:
        assert found() | {(Kind.MOVEMENT_NOT_BOOKED, movement())} == found()

    def test_booked_not_moved(self) -> None:
        settlement = paid()

        assert found() == {(Kind.BOOKED_NOT_MOVED, charge_of(settlement))}

    def test_net_differs(self) -> None:
        settlement = paid()
        movement(source=charge_of(settlement), net=9_679, fee=320)

        assert found() == {(Kind.NET_DIFFERS, charge_of(settlement))}
        assert Mismatch.objects.get().difference_cents == 1

    def test_fee_differs(self) -> None:
        settlement = paid()
        movement(source=charge_of(settlement), net=9_680, fee=321)

        assert found() == {(Kind.FEE_DIFFERS, charge_of(settlement))}

    def test_currency_differs(self) -> None:
        settlement = paid()
        stripe_id = movement(source=charge_of(settlement), net=9_680, fee=320, currency="eur")

        assert found() == {(Kind.CURRENCY_DIFFERS, stripe_id)}

    def test_payout_differs_from_the_movements_it_holds(self, stripe_sandbox: SandboxServer) -> None:
        paid()
        payout = bank_payout(stripe_sandbox)
        amount_cents = payout.amount_cents
        BankPayout.objects.filter(pk=payout.pk).update(amount_cents=amount_cents + 7)

        (mismatch,) = tie_payout(payout_id=payout.stripe_id, now=database_now())

        assert (mismatch.kind, mismatch.difference_cents) == (Kind.PAYOUT_DIFFERS, 7)
        payout.refresh_from_db()
        assert (payout.n_held, payout.difference_cents) == (1, 7)
        (held,) = held_page(payout, before=None).movements
        assert (held.type, held.net_cents) == ("charge", 9_680)
        BankPayout.objects.filter(pk=payout.pk).update(amount_cents=amount_cents)
        assert tie_payout(payout_id=payout.stripe_id, now=database_now()) == []
        mismatch.refresh_from_db()
        assert mismatch.status == Mismatch.Status.TIED

    def test_a_payout_that_stripe_refuses_keeps_the_balance_from_nothing(
        self, stripe_sandbox: SandboxServer
    ) -> None:
        paid()
        payout = bank_payout(stripe_sandbox)
        BankPayout.objects.filter(pk=payout.pk).update(
            stripe_id="po_nobody_knows", automatic=True, status=BankPayout.Status.PAID
        )

        sweep_reconciliation(now=database_now())

        assert BankPayout.objects.get().tied_at is None
        assert BalanceDay.objects.exclude(read_at=None).exists()

    def test_held_as_pending_although_stripe_lets_it_be_used(self) -> None:
        settlement = paid()
        at = database_now() - timedelta(hours=5)
        take_in([Movement("txn_1", "charge", charge_of(settlement), 10_000, 320, 9_680, "usd", at, at)])

        assert found() == {(Kind.AVAILABILITY_DIFFERS, charge_of(settlement))}
        mismatch = Mismatch.objects.get()
        assert (mismatch.ours_cents, mismatch.theirs_cents) == (9_680, 0)

    def test_pending_and_available_apart_once_they_have_not_tied_for_an_hour(self) -> None:
        settlement = paid()
        now = database_now()
        count_days(days_of(import_movements(now=now)), now=now)
        assert read_balance(now=now) == []
        assert [tie.difference_cents for tie in balances()] == [0, 0, 0]

        overrule("UPDATE settlements_entry SET account_id = %s WHERE account_id = %s", *two_of(AT_STRIPE))
        count_days([], now=now)

        assert read_balance(now=now) == []
        pending, available = read_balance(now=now + timedelta(hours=2))
        assert (pending.subject, pending.difference_cents) == ("balance:pending", -9_680)
        assert (available.subject, available.difference_cents) == ("balance:available", 9_680)
        assert [tie.difference_cents for tie in balances()] == [-9_680, 9_680, 0]
        look_for_mismatches(now=now)
        assert Mismatch.objects.filter(kind=Kind.BALANCE_DIFFERS, status="open_mismatch").count() == 2

        overrule(
            "UPDATE settlements_entry SET account_id = %s WHERE account_id = %s", *two_of(AT_STRIPE)[::-1]
        )
        count_days([], now=now)
        assert read_balance(now=now + timedelta(hours=3)) == []
        assert not Mismatch.objects.filter(kind=Kind.BALANCE_DIFFERS, status="open_mismatch").exists()
        assert settlement.pk

    def test_every_kind_has_a_next_action(self) -> None:
        assert set(NEXT_ACTION) == set(Kind)
        assert set(FINDERS) <= set(Kind)


PAID_NINE_DAYS_AGO = """
UPDATE settlements_settlement SET status = 'paid', paid_at = now(), created_at = now() - interval '9 days'
"""
AT_STRIPE = ("stripe_available", "stripe_pending")


def two_of(kinds: tuple[str, str]) -> list[int]:
    """Ids of two accounts of the house, opened where they are missing."""
    return [Account.objects.get_or_create(kind=kind, organization=None)[0].pk for kind in kinds]


def bank_payout(sandbox: SandboxServer) -> BankPayout:
    """Have Stripe's daily payout made of all that is available, and hear of it."""
    control(sandbox, "clock", {"seconds": 3 * 86_400})
    control(sandbox, "payouts")
    (payout,) = stripe_client().v1.payouts.list().data
    told = gateway.retrieve_payout(payout.id)
    with transaction.atomic():
        apply_payout(told)
    return BankPayout.objects.get(stripe_id=payout.id)


def hear_of_payouts() -> BankPayout:
    """Hear how the only payout stands by now."""
    payout = BankPayout.objects.get()
    told = gateway.retrieve_payout(payout.stripe_id)
    with transaction.atomic():
        apply_payout(told)
    payout.refresh_from_db()
    return payout


def charge_of(settlement: Settlement) -> str:
    return ChargeAttempt.objects.get(settlement=settlement, outcome="succeeded").stripe_charge_id


class TestTheQueue:
    def test_opens_once_and_ends_by_itself_when_both_sides_tie(self) -> None:
        settlement = paid()
        assert len(found()) == 1
        assert len(found()) == 1
        assert Mismatch.objects.count() == 1

        import_movements(now=database_now())

        assert found() == set()
        assert Mismatch.objects.get().status == Mismatch.Status.TIED
        assert charge_of(settlement)

    def test_stays_away_once_accepted_until_it_differs_otherwise(self, person: User) -> None:
        settlement = paid()
        movement(source=charge_of(settlement), net=9_679, fee=320)
        found()
        mismatch = Mismatch.objects.get()

        accept_mismatch(
            mismatch_id=mismatch.pk, by=person, reason="A cent, booked by hand.", now=database_now()
        )

        assert found() == set()
        movement(source=charge_of(settlement), net=-5)
        assert found() == {(Kind.NET_DIFFERS, charge_of(settlement))}

    def test_refuses_what_comes_after_its_end(self, person: User) -> None:
        paid()
        found()
        mismatch = Mismatch.objects.get()
        accept_mismatch(mismatch_id=mismatch.pk, by=person, reason="Seen to.", now=database_now())

        with pytest.raises(MismatchClosed):
            accept_mismatch(mismatch_id=mismatch.pk, by=person, reason="Again.", now=database_now())
        with pytest.raises(MismatchClosed):
            assign_mismatch(mismatch_id=mismatch.pk, owner=person)

    def test_the_database_wants_a_reason_and_a_person(self) -> None:
        paid()
        found()
        with pytest.raises(IntegrityError, match="mismatch_accepted_by_somebody_for_a_reason"):
            Mismatch.objects.update(status=Mismatch.Status.ACCEPTED)

    def test_looks_over_all_of_it_once_an_hour_and_over_what_is_fresh_each_minute(self) -> None:
        settlement_of(1000)
        overrule(
            "UPDATE settlements_settlement SET status = 'paid', paid_at = now(), created_at = now() - interval '9 days'"
        )
        now = database_now()
        assert look_for_mismatches(now=now, back=how_far_to_look(now=now)) == 1

        settlement_of(2000)
        overrule(
            "UPDATE settlements_settlement SET status = 'paid', paid_at = now(), created_at = now() - interval '9 days'"
        )
        soon, in_an_hour = now + timedelta(minutes=9), now + timedelta(minutes=61)
        assert look_for_mismatches(now=soon, back=how_far_to_look(now=soon)) == 1
        assert look_for_mismatches(now=in_an_hour, back=how_far_to_look(now=in_an_hour)) == 2

    def test_a_stripe_that_does_not_answer_keeps_nothing_else_from_being_found(self, settings) -> None:
        window = mark_cleared(WindowFactory())
        settings.STRIPE_SANDBOX_URL = "http://127.0.0.1:9"

        assert sweep_reconciliation(now=later()) == 1
        assert Mismatch.objects.get().subject == f"window:{window.pk}"


class TestClosingAMonth:
    def booked(self, at: datetime) -> None:
        cents = {ledger.BANK: 5, ledger.LOSSES: -5}
        with transaction.atomic():
            posted = Transaction.objects.create(
                kind=Transaction.Kind.ROUNDING, reference=f"t:{at}", description="-", posted_at=at
            )
            for key, amount in cents.items():
                account = ledger.Account.objects.get_or_create(kind=key.kind, organization=None)[0]
                ledger.Entry.objects.create(transaction=posted, account=account, amount_cents=amount)

    def test_takes_nothing_into_it_any_more(self, person: User) -> None:
        self.booked(datetime(2026, 9, 30, 12, tzinfo=UTC))
        now = datetime(2026, 10, 3, tzinfo=UTC)
        assert next_to_close(now=now).first_day == date(2026, 9, 1)

        period = close_period(first_day=date(2026, 9, 1), by=person, now=now)

        assert (period.n_transactions, str(period)) == (1, "September 2026")
        for late in (datetime(2026, 9, 30, 23, 59, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC)):
            with pytest.raises(DatabaseError, match="the books are closed"):
                self.booked(late)
        self.booked(datetime(2026, 10, 1, tzinfo=UTC))

    @pytest.mark.parametrize(
        ("day", "now", "why"),
        [
            (date(2026, 10, 1), datetime(2026, 10, 31, 23, tzinfo=UTC), "is not over"),
            (date(2026, 9, 1), datetime(2026, 12, 1, tzinfo=UTC), "is closed already"),
            (date(2026, 8, 1), datetime(2026, 12, 1, tzinfo=UTC), "September 2026 is closed"),
            (date(2026, 11, 1), datetime(2026, 12, 1, tzinfo=UTC), "October 2026 comes first"),
        ],
    )
    def test_refuses(self, person: User, day: date, now: datetime, why: str) -> None:
        close_period(first_day=date(2026, 9, 1), by=person, now=datetime(2026, 10, 1, tzinfo=UTC))

        with pytest.raises(CannotClose, match=why):
            close_period(first_day=day, by=person, now=now)

    def test_wants_its_mismatches_seen_to_first(self, person: User) -> None:
        at = datetime(2026, 9, 10, tzinfo=UTC)
        movement(at=at)
        look_for_mismatches(now=at + timedelta(days=2))

        with pytest.raises(CannotClose, match="One mismatch of September 2026"):
            close_period(first_day=date(2026, 9, 1), by=person, now=datetime(2026, 10, 1, tzinfo=UTC))

    def test_stays_closed(self, person: User) -> None:
        close_period(first_day=date(2026, 9, 1), by=person, now=datetime(2026, 10, 1, tzinfo=UTC))

        for change in (ClosedPeriod.objects.all().delete, lambda: ClosedPeriod.objects.update(n_movements=1)):
            with pytest.raises(DatabaseError, match="append-only"):
                change()


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


PAGES: list[tuple[str, list[object]]] = [
    ("reconciliation", []),
    ("reconciliation_day", ["2026-11-24"]),
    ("reconciliation_window", [1]),
    ("mismatch", [1]),
    ("period_close", ["2026-09"]),
]
